"""`GET /api/jobs`: what goes on, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from voxbot.admin.events import EVENT_STREAM, event, event_stream
from voxbot.admin.jobs.schemas import JobView, view
from voxbot.admin.pagination import GivenCursor, cut
from voxbot.admin.parts import GivenParts, Parts
from voxbot.admin.problems import ApiError
from voxbot.admin.security import ReadAllowed
from voxbot.store.jobs import Job

router = APIRouter(tags=["jobs"], prefix="/api/jobs", dependencies=[ReadAllowed])

_KEPT_JOBS = 10_000
"""Far more than are made in the month that they are kept."""
_LOOK_S = 0.5
_KEEP_ALIVE_LOOKS = 20

GivenJob = Annotated[str, Path(max_length=100, description="id задачи")]


@router.get("", summary="Фоновые задачи, новые сверху")
async def list_jobs(
    parts: GivenParts,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200, description="Сколько задач вернуть")] = 50,
    cursor: GivenCursor = "",
    *,
    unfinished: Annotated[bool, Query(description="Только незаконченные")] = False,
) -> list[JobView]:
    """List jobs."""
    found = await parts.jobs.latest(_KEPT_JOBS, unfinished=unfinished)
    return [view(job) for job in cut(found, lambda job: job.id, limit, cursor, response)]


@router.get("/{job_id}", summary="Одна фоновая задача")
async def get_job(parts: GivenParts, job_id: GivenJob) -> JobView:
    """Show a job."""
    return view(await _job(parts, job_id))


@router.get(
    "/{job_id}/events",
    summary="Ход задачи до её конца (server-sent events)",
    description="Событие `job` с задачей целиком при каждом изменении; после последнего поток закрывается.",
    response_class=StreamingResponse,
    responses={200: EVENT_STREAM},
)
async def watch_job(parts: GivenParts, job_id: GivenJob) -> StreamingResponse:
    """Send a job whenever it has changed, until it is over."""
    return event_stream(_changes(parts, await _job(parts, job_id)))


async def _changes(parts: Parts, job: Job | None) -> AsyncGenerator[str, None]:
    told: JobView | None = None
    looks = 0
    while job:
        now = view(job)
        if now != told:
            told, looks = now, 0
            yield event("job", now.model_dump())
        elif looks % _KEEP_ALIVE_LOOKS == 0:
            yield ": still here\n\n"
        if job.is_over or parts.stopping.is_set():
            return
        looks += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):  # the job may be done by another process: only the table tells
                await parts.stopping.wait()
        job = await parts.jobs.get(job.id)


async def _job(parts: Parts, job_id: str) -> Job:
    job = await parts.jobs.get(job_id)
    if job is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_job", "Такой задачи нет: она закончилась больше месяца назад.")
    return job
