"""What takes seconds of the processor: bounded, one at a time, and over when nobody waits for it."""

import asyncio

import pytest
from fakes.api import ApiLab, at
from fakes.api_knowledge import ApiKnowledge

from voxbot.admin.one_at_a_time import OneAtATime
from voxbot.admin.problems import ApiError
from voxbot.agent.gaps import Budget, find_gaps

QUESTIONS = ("есть ли рассрочка", "какая погода", "где переночевать", "доставляете ли дронами")


class Client:
    def __init__(self):
        self.gone = False

    async def is_disconnected(self):
        return self.gone


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        for number, question in enumerate(QUESTIONS):
            call, stamp = f"c{number}", f"2026-03-0{number + 1}T12:00:05.000"
            await opened.calls.start(call, "7", at(f"2026-03-0{number + 1}T12:00:00"))
            await opened.calls.append_turn(call, {"speaker": "user", "text": question, "timestamp": stamp})
            unknown = {"speaker": "bot", "text": "Этого я не знаю.", "timestamp": stamp, "known": False}
            await opened.calls.append_turn(call, unknown)
        yield opened


@pytest.fixture
async def retriever(tmp_path):
    return await (await ApiKnowledge(tmp_path).built()).retriever()


async def test_so_many_questions_are_grouped_the_newest_first(lab, retriever):
    turns = lab.calls.unanswered(newest_first=True)
    report = await find_gaps(turns, retriever, limit=10, budget=Budget(seconds=60, questions=2))
    assert (report.complete, report.questions) == (False, 2)
    assert {gap.examples[0] for gap in report.gaps} == set(QUESTIONS[2:])


async def test_no_more_are_read_when_the_time_is_up(lab, retriever):
    moments = iter([0.0, 0.5, 1.5] + [3.0] * 100)
    budget = Budget(seconds=1.0, questions=100, clock=lambda: next(moments))
    report = await find_gaps(lab.calls.unanswered(), retriever, limit=10, budget=budget)
    assert (report.complete, report.questions, report.gaps) == (False, 1, ())


async def test_the_endpoint_says_whether_all_were_read(lab, tmp_path):
    knowledge = await ApiKnowledge(tmp_path).built()
    found = (await lab.client(lab.parts(knowledge=knowledge, **knowledge.environ)).get("/api/kb/gaps")).json()
    assert (found["complete"], found["questions"]) == (True, 4)


async def test_one_is_worked_out_at_a_time_and_once():
    heavy, running, worked = OneAtATime(), 0, []

    async def work():
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.01)
        running -= 1
        worked.append(1)
        return len(worked)

    found = await asyncio.gather(*(heavy.result(Client(), name, work) for name in "aabba"))
    assert (found, len(worked)) == ([1, 1, 2, 2, 1], 2)


async def test_a_result_is_old_after_a_while():
    now = [0.0]
    heavy = OneAtATime(clock=lambda: now[0])
    results = iter([1, 2])

    async def work():
        return next(results)

    assert await heavy.result(Client(), "a", work) == 1
    now[0] = 29.0
    assert await heavy.result(Client(), "a", work) == 1
    now[0] = 31.0
    assert await heavy.result(Client(), "a", work) == 2


async def test_work_that_nobody_waits_for_stops_and_lets_the_next_one_begin():
    heavy, client, begun, stopped = OneAtATime(), Client(), asyncio.Event(), asyncio.Event()

    async def endless():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def quick():
        return "quick"

    waiting = asyncio.create_task(heavy.result(client, "a", endless))
    await begun.wait()
    second = asyncio.create_task(heavy.result(Client(), "b", quick))
    client.gone = True
    with pytest.raises(ApiError):
        await waiting
    assert stopped.is_set()
    assert await second == "quick"
