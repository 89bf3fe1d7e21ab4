"""The base of everything that the API answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


def _described_by_title(schema: dict[str, Any]) -> None:
    # The class's docstring is for developers and English; its title is for whoever reads the API's description.
    schema["description"] = f"{schema.pop('title')}."


class View(BaseModel):
    """One JSON object of the API; `title` (Russian, no full stop) is what the OpenAPI schema says of it."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True, json_schema_extra=_described_by_title)


class Payload(BaseModel):
    """One JSON object that clients send: unknown keys are refused, so that a slip of a key is not lost in silence."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_described_by_title)
