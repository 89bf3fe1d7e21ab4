"""Does the jobs of store/jobs.py, one after the other, over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import structlog

from voxbot.domain.errors import StoreError, VoxbotError
from voxbot.store.jobs import LEASE_S, MAX_ATTEMPTS, Job, JobRepository

log = structlog.get_logger(__name__)

RETRY_S = 5.0
IDLE_S = 5.0
_TELL_S = 0.5


class Progress:
    """How far a job is: `stage` in Russian, `done` of `total`. Setting it costs nothing."""

    def __init__(self) -> None:
        self.stage, self.done, self.total = "", 0, 0

    def begin(self, stage: str, total: int = 0) -> None:
        """Go on to the next stage."""
        self.stage, self.done, self.total = stage, 0, total

    def count(self, done: int, total: int) -> None:
        """Say how much of the stage is done."""
        self.done, self.total = done, total


Handler: TypeAlias = Callable[[Job, Progress], Awaitable[Mapping[str, Any]]]
"""Does one job and gives its result. It may be called again for a job that it had begun before a restart.

A VoxbotError that is retryable has it called again a little later; any other ends the job.
"""


class JobRunner:
    """Give it the jobs of this process, and `run` it beside the server."""

    def __init__(
        self,
        repository: JobRepository,
        handlers: Mapping[str, Handler],
        *,
        idle_s: float = IDLE_S,
        retry_s: float = RETRY_S,
    ) -> None:
        """Look for jobs that others have left every `idle_s`; try again after `retry_s`, then twice as long."""
        self._repository = repository
        self._handlers = handlers
        self._idle_s = idle_s
        self._retry_s = retry_s
        self._wake = asyncio.Event()

    async def submit(self, kind: str, subject: str, payload: Mapping[str, Any], *, once_by: str = "") -> Job:
        """Add a job, as JobRepository.add does. Raises StoreError."""
        job = await self._repository.add(kind, subject, payload, once_by=once_by)
        self._wake.set()
        return job

    async def run(self) -> None:
        """Do jobs until cancelled; the one under way is then left for the next start."""
        while True:
            self._wake.clear()
            try:
                job = await self._repository.take()
                if job:
                    await self._do(job)
                    continue
            except StoreError as error:
                log.error("Фоновые задачи ждут базу данных", error=str(error))
            except Exception:  # nobody else would notice that this task is over
                log.exception("Фоновые задачи прервались и продолжаются")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle_s):
                    await self._wake.wait()

    async def _do(self, job: Job) -> None:
        progress = Progress()
        over = asyncio.Event()
        log.info("Фоновая задача начата", job=job.id, kind=job.kind, subject=job.subject, attempt=job.attempts)
        working = asyncio.create_task(self._work(job, progress))
        renewing = asyncio.create_task(self._renew(job, progress, over))
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            lost = not working.done()
        except asyncio.CancelledError:
            await _cancel(working)
            await _end(renewing, over)
            await self._repository.give_back(job.id, attempt=job.attempts)
            raise
        if lost:
            log.error("Фоновая задача брошена: её срок истёк, и её взяла другая программа", job=job.id)
            await _cancel(working)
            return
        await _end(renewing, over)
        await self._ended(job, progress, working)

    async def _work(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        return await self._handlers[job.kind](job, progress)

    async def _ended(self, job: Job, progress: Progress, working: asyncio.Task[Mapping[str, Any]]) -> None:
        try:
            result = working.result()
        except VoxbotError as error:
            await self._failed(job, str(error), retryable=error.retryable)
        except Exception as error:
            log.exception("Фоновая задача не удалась", job=job.id, kind=job.kind)
            await self._failed(job, f"внутренняя ошибка ({type(error).__name__}), см. журнал сервиса", retryable=False)
        else:
            await self._repository.renew(job.id, progress.stage, progress.done, progress.total, attempt=job.attempts)
            await self._repository.finish(job.id, result=result, attempt=job.attempts)
            log.info("Фоновая задача выполнена", job=job.id, kind=job.kind, subject=job.subject)

    async def _failed(self, job: Job, error: str, *, retryable: bool) -> None:
        if retryable and job.attempts < MAX_ATTEMPTS:
            after_s = self._retry_s * 2 ** (job.attempts - 1)
            log.warning("Фоновая задача будет повторена", job=job.id, error=error, after_s=after_s)
            await self._repository.give_back(job.id, after_s=after_s, error=error, attempt=job.attempts)
        else:
            log.error("Фоновая задача не удалась", job=job.id, kind=job.kind, error=error)
            await self._repository.finish(job.id, error=error, attempt=job.attempts)

    async def _renew(self, job: Job, progress: Progress, over: asyncio.Event) -> None:
        """Keep a job until it is `over`; ends before only when another process has it."""
        told: tuple[str, int, int] | None = None
        told_s = 0.0
        loop = asyncio.get_running_loop()
        while not over.is_set():
            now = (progress.stage, progress.done, progress.total)
            if now != told or loop.time() - told_s > LEASE_S / 4:
                told, told_s = now, loop.time()
                try:
                    if not await self._repository.renew(job.id, *now, attempt=job.attempts):
                        return
                except StoreError as error:  # a busy database: the lease lasts for some more of these
                    log.warning("Ход задачи не записан", job=job.id, reason=str(error))
                except Exception:
                    log.exception("Ход задачи не записан", job=job.id)
            with suppress(TimeoutError):
                async with asyncio.timeout(_TELL_S):
                    await over.wait()


async def _end(renewing: asyncio.Task[None], over: asyncio.Event) -> None:
    """Stop renewing between two writes: one that is cancelled half-way may keep the database locked."""
    over.set()
    await asyncio.wait({renewing})


async def _cancel(working: asyncio.Task[Mapping[str, Any]]) -> None:
    """Stop the work and wait until it has stopped."""
    working.cancel()
    await asyncio.wait({working})
    if not working.cancelled() and (error := working.exception()):
        log.warning("Фоновая задача остановлена с ошибкой", error=str(error))
