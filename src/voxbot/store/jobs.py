"""Work that outlives a restart: a row for each piece, taken by one process at a time.

A job that is taken is out of others' reach until its lease ends (`not_before`); who works on it renews the lease. Who
comes too late with that, because its machine stood still, has lost the job: `attempt` tells one holder from the next,
and what the former one says of it is not written. A process that dies leaves its job `running`, and whoever comes when
the lease is over takes it up again; a job that has been taken MAX_ATTEMPTS times ends as failed, for it may be what
processes die of.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from uuid import uuid4

from sqlalchemy import delete, func, select

from voxbot.store.models import StoredJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from voxbot.store.database import Database

JobState: TypeAlias = Literal["queued", "running", "done", "failed"]
LEASE_S = 20.0
MAX_ATTEMPTS = 6
_KEPT_S = 30 * 86_400
_UNFINISHED = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. Times are seconds since the epoch.

    `subject` is what it is about (a knowledge base), `stage` what is being done now, `done` of `total` of it. `error`
    says why it failed, or why it is to be tried again.
    """

    id: str
    kind: str
    subject: str
    state: JobState
    stage: str
    done: int
    total: int
    payload: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: str
    attempts: int
    created_at: float
    finished_at: float | None

    @property
    def is_over(self) -> bool:
        """Whether nothing will become of it any more."""
        return self.state not in _UNFINISHED


class JobRepository:
    """Reads and writes the table `jobs`. Every method raises StoreError."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def add(self, kind: str, subject: str, payload: Mapping[str, Any], *, once_by: str = "") -> Job:
        """Write a new job; finished ones of a month ago are forgotten.

        `once_by` names what of the payload makes two jobs of a kind one: an unfinished one is then given instead.
        """
        now = self._clock()
        row = StoredJob(
            id=str(uuid4()),
            kind=kind,
            subject=subject,
            state="queued",
            stage="",
            done=0,
            total=0,
            payload=json.dumps(payload, ensure_ascii=False),
            result=None,
            error="",
            attempts=0,
            created_at=now,
            not_before=now,
            finished_at=None,
        )
        async with self._database.write() as session:
            await session.execute(delete(StoredJob).where(StoredJob.finished_at < now - _KEPT_S))
            if once_by and (same := await session.scalar(_unfinished_of(kind, once_by, payload[once_by]))):
                return _job(same)
            session.add(row)
        return _job(row)

    async def unfinished_of(self, kind: str, name: str, value: str) -> Job | None:
        """Find the unfinished job of a kind whose payload has this value."""
        async with self._database.read() as session:
            row = await session.scalar(_unfinished_of(kind, name, value))
            return _job(row) if row else None

    async def get(self, job_id: str) -> Job | None:
        """Read one job."""
        async with self._database.read() as session:
            row = await session.get(StoredJob, job_id)
            return _job(row) if row else None

    async def latest(self, limit: int, *, unfinished: bool = False) -> Sequence[Job]:
        """Read the newest jobs, or those of them that are not over."""
        query = select(StoredJob).order_by(StoredJob.created_at.desc(), StoredJob.id).limit(limit)
        if unfinished:
            query = query.where(StoredJob.state.in_(_UNFINISHED))
        async with self._database.read() as session:
            return [_job(row) for row in await session.scalars(query)]

    async def take(self) -> Job | None:
        """Take the oldest job that is nobody's, for LEASE_S."""
        now = self._clock()
        oldest = (
            select(StoredJob)
            .where(StoredJob.state.in_(_UNFINISHED), StoredJob.not_before <= now)
            .order_by(StoredJob.created_at)
            .limit(1)
        )
        async with self._database.write() as session:
            while (row := await session.scalar(oldest)) and row.attempts >= MAX_ATTEMPTS:
                row.state, row.finished_at = "failed", now
                row.error = row.error or f"прервана {MAX_ATTEMPTS} раз: программа закрывалась, не закончив её"
                await session.flush()
            if row is None:
                return None
            row.state, row.attempts, row.not_before = "running", row.attempts + 1, now + LEASE_S
            return _job(row)

    async def renew(self, job_id: str, stage: str, done: int, total: int, *, attempt: int | None = None) -> bool:
        """Say how far a job is, and keep it for LEASE_S more; False if another process has it by now."""
        async with self._database.write() as session:
            row = await _held(session, job_id, attempt)
            if row:
                row.stage, row.done, row.total, row.not_before = stage, done, total, self._clock() + LEASE_S
            return row is not None

    async def give_back(
        self, job_id: str, *, after_s: float = 0.0, error: str = "", attempt: int | None = None
    ) -> None:
        """Leave a job to whoever takes it next, not before `after_s` from now. A stop costs it no attempt."""
        async with self._database.write() as session:
            if row := await _held(session, job_id, attempt):
                row.state, row.not_before, row.error = "queued", self._clock() + after_s, error
                row.attempts -= not error

    async def finish(
        self, job_id: str, *, result: Mapping[str, Any] | None = None, error: str = "", attempt: int | None = None
    ) -> None:
        """End a job: well with a result, badly with an error."""
        async with self._database.write() as session:
            if row := await _held(session, job_id, attempt):
                row.state, row.error, row.finished_at = "failed" if error else "done", error, self._clock()
                row.result = None if result is None else json.dumps(result, ensure_ascii=False)


async def _held(session: AsyncSession, job_id: str, attempt: int | None) -> StoredJob | None:
    """Read a job for who took it at this attempt (None: for whoever it is)."""
    row = await session.get(StoredJob, job_id)
    if row and attempt is not None and (row.state != "running" or row.attempts != attempt):
        return None
    return row


def _unfinished_of(kind: str, name: str, value: str) -> Select[StoredJob]:
    found = func.json_extract(StoredJob.payload, f"$.{name}") == value
    return select(StoredJob).where(StoredJob.kind == kind, StoredJob.state.in_(_UNFINISHED), found).limit(1)


def _job(row: StoredJob) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        state=cast("JobState", row.state),
        stage=row.stage,
        done=row.done,
        total=row.total,
        payload=json.loads(row.payload),
        result=json.loads(row.result) if row.result else None,
        error=row.error,
        attempts=row.attempts,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
