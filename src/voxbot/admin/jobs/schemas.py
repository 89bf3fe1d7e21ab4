"""Jobs as clients get them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from voxbot.admin.views import View
from voxbot.store.jobs import Job, JobState
from voxbot.store.times import local_text


class JobView(View, title="Фоновая задача"):
    """A job."""

    id: str = Field(examples=["5f1c2b0e-6c1e-4f0a-9d0e-0b7d4b7f1a11"])
    kind: str = Field(description="kb_publish: замена базы знаний; kb_trial: проба вопросов", examples=["kb_publish"])
    subject: str = Field(description="База знаний", examples=["tech"])
    state: JobState = Field(description="queued, running, done или failed", examples=["running"])
    stage: str = Field(description="Что делается сейчас", examples=["Строится индекс"])
    done: int = Field(description="Сколько из total сделано", examples=[120])
    total: int = Field(description="0: неизвестно", examples=[480])
    error: str = Field(description="Почему не удалось, или из-за чего будет повторена", examples=[""])
    attempts: int = Field(examples=[1])
    created_at: str = Field(description="Местное время", examples=["2026-03-01T14:05:09"])
    finished_at: str | None = Field(description="null: ещё не закончена", examples=[None])
    result: dict[str, Any] | None = Field(
        description="kb_publish: documents, version, seconds, backup; kb_trial: questions", examples=[None]
    )


def view(job: Job) -> JobView:
    """Make the view of a job."""
    return JobView(
        id=job.id,
        kind=job.kind,
        subject=job.subject,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        error=job.error,
        attempts=job.attempts,
        created_at=local_text(job.created_at),
        finished_at=None if job.finished_at is None else local_text(job.finished_at),
        result=dict(job.result) if job.result is not None else None,
    )
