"""Rows of the call log as clients get them. Existing clients rely on every name here."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_TRANSCRIPT = '[{"speaker": "user", "text": "где вы находитесь", "timestamp": "2026-03-01T14:05:12.300"}]'


class CallRow(BaseModel):
    """One call."""

    model_config = ConfigDict(
        from_attributes=True, populate_by_name=True, json_schema_extra={"description": "Один звонок."}
    )

    id: str = Field(examples=["1772362800.42"])
    caller_id: str = Field(alias="callerId", examples=["+79161234567"])
    start_time: str = Field(alias="startTime", description="Местное время", examples=["2026-03-01T14:05:09"])
    end_time: str | None = Field(
        alias="endTime", description="null, пока звонок идёт", examples=["2026-03-01T14:07:30"]
    )
    status: str = Field(description="Active, Completed, Transferred или Failed", examples=["Completed"])
    transcript_json: str = Field(description="Реплики по порядку: массив JSON в строке", examples=[_TRANSCRIPT])
