"""The jobs table: one worker at a time, and nothing lost with a worker."""

import pytest

from voxbot.store.database import open_database
from voxbot.store.jobs import LEASE_S, MAX_ATTEMPTS, JobRepository


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def jobs(tmp_path, clock):
    async with open_database(tmp_path / "log.sqlite") as database:
        yield JobRepository(database, clock)


async def test_jobs_are_taken_in_order_by_one_worker_each(jobs, clock):
    first = await jobs.add("kb_publish", "tech", {"draft": "d1"})
    clock.now += 1
    second = await jobs.add("kb_publish", "general", {"draft": "d2"})
    assert [(await jobs.take()).id, (await jobs.take()).id, await jobs.take()] == [first.id, second.id, None]
    assert (await jobs.get(first.id)).payload == {"draft": "d1"}


async def test_a_job_whose_worker_died_is_taken_up_again_when_its_lease_is_over(jobs, clock):
    job = await jobs.add("kb_publish", "tech", {})
    await jobs.take()
    clock.now += LEASE_S - 1
    await jobs.renew(job.id, "Строится индекс", 5, 10)
    clock.now += LEASE_S - 1
    assert await jobs.take() is None
    clock.now += 2
    again = await jobs.take()
    assert (again.id, again.attempts, again.stage, again.done) == (job.id, 2, "Строится индекс", 5)


async def test_a_job_that_is_given_back_waits_its_time(jobs, clock):
    job = await jobs.add("kb_publish", "tech", {})
    await jobs.take()
    await jobs.give_back(job.id, after_s=10, error="сервис занят")
    assert await jobs.take() is None
    assert (await jobs.get(job.id)).error == "сервис занят"
    clock.now += 10
    assert (await jobs.take()).attempts == 2
    await jobs.give_back(job.id)  # a stop
    assert (await jobs.take()).attempts == 2


async def test_a_finished_job_is_not_taken_and_forgotten_after_a_month(jobs, clock):
    job = await jobs.add("kb_publish", "tech", {})
    await jobs.take()
    await jobs.finish(job.id, result={"version": "v"})
    clock.now += LEASE_S * 2
    assert await jobs.take() is None
    done = await jobs.get(job.id)
    assert (done.state, done.result, done.is_over) == ("done", {"version": "v"}, True)
    assert await jobs.latest(10, unfinished=True) == []
    clock.now += 31 * 86_400
    await jobs.add("kb_publish", "tech", {})
    assert await jobs.get(job.id) is None


async def test_a_job_that_processes_die_of_is_given_up(jobs, clock):
    poison = await jobs.add("kb_publish", "tech", {})
    for _ in range(MAX_ATTEMPTS):
        assert (await jobs.take()).id == poison.id
        clock.now += LEASE_S + 1
    other = await jobs.add("kb_publish", "general", {})
    assert (await jobs.take()).id == other.id
    given_up = await jobs.get(poison.id)
    assert given_up.state == "failed"
    assert "прервана" in given_up.error


async def test_who_lost_a_job_says_no_more_of_it(jobs, clock):
    """Its machine stood still for longer than the lease."""
    job = await jobs.add("kb_publish", "tech", {})
    first = await jobs.take()
    clock.now += LEASE_S + 1
    second = await jobs.take()
    assert second.id == job.id
    assert not await jobs.renew(job.id, "Старое", 1, 1, attempt=first.attempts)
    await jobs.finish(job.id, error="старое", attempt=first.attempts)
    await jobs.give_back(job.id, attempt=first.attempts)
    assert await jobs.renew(job.id, "Новое", 2, 3, attempt=second.attempts)
    await jobs.finish(job.id, result={}, attempt=second.attempts)
    ended = await jobs.get(job.id)
    assert (ended.state, ended.stage, ended.error) == ("done", "Новое", "")
