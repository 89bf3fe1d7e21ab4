"""Jobs of one process: given up when another has them, gone on with whatever one of them does."""

import asyncio
import sqlite3
from contextlib import closing

from voxbot.admin.jobs.runner import JobRunner
from voxbot.store.jobs import LEASE_S, JobRepository


async def ended(jobs, job):
    async with asyncio.timeout(20):
        while not (found := await jobs.get(job.id)).is_over:
            await asyncio.sleep(0.02)
    return found


async def test_a_job_that_another_process_took_over_is_let_go(lab):
    now = [1000.0]
    jobs = JobRepository(lab.database, clock=lambda: now[0])
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def endless(_job, progress):
        begun.set()
        try:
            while True:
                progress.done += 1
                await asyncio.sleep(0.01)
        finally:
            stopped.set()

    job = await jobs.add("k", "s", {})
    lab.doing(JobRunner(jobs, {"k": endless}, idle_s=0.05).run())
    await begun.wait()
    now[0] += LEASE_S + 1
    mine = None
    async with asyncio.timeout(20):
        while mine is None:
            now[0] += LEASE_S + 1
            mine = await jobs.take()
        await stopped.wait()
    await jobs.finish(job.id, result={"by": "me"}, attempt=mine.attempts)
    assert (await ended(jobs, job)).result == {"by": "me"}


async def test_a_row_that_nobody_understands_does_not_end_the_runner(lab):
    jobs = JobRepository(lab.database)

    async def work(_job, _progress):
        return {}

    bad = await jobs.add("k", "s", {})

    def execute(statement, *values):
        with closing(sqlite3.connect(lab.folder / "log.sqlite", timeout=10)) as connection, connection:
            connection.execute(statement, values)

    execute("UPDATE jobs SET payload = ? WHERE id = ?", "[" * 100_000, bad.id)
    running = lab.doing(JobRunner(jobs, {"k": work}, idle_s=0.05).run())
    await asyncio.sleep(0.3)  # it has met the row: nothing tells of that but the log
    execute("DELETE FROM jobs WHERE id = ?", bad.id)
    good = await jobs.add("k", "s", {})
    assert (await ended(jobs, good)).state == "done"
    assert not running.done()


async def test_a_kind_that_this_program_does_not_know_fails_and_the_next_is_done(lab):
    jobs = JobRepository(lab.database)

    async def work(_job, _progress):
        return {}

    odd = await jobs.add("of a newer program", "s", {})
    good = await jobs.add("k", "s", {})
    lab.doing(JobRunner(jobs, {"k": work}, idle_s=0.05).run())
    assert (await ended(jobs, good)).state == "done"
    assert (await ended(jobs, odd)).state == "failed"
