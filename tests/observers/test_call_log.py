"""The call log observer: what happened in a call stands in the database."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallStarted
from voxbot.domain.ids import CallId, ChunkId
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.store.call_log import CallFilter, CallLogRepository
from voxbot.store.database import open_database

CALL = CallId("1772355600.7")
NOON = datetime.fromisoformat("2026-03-01T12:00:00").astimezone().timestamp()


@pytest.fixture
async def calls(tmp_path):
    async with open_database(tmp_path / "log.sqlite") as database:
        yield CallLogRepository(database)


async def the_call(calls):
    (call,) = await calls.list_calls(CallFilter(), limit=10)
    return call


async def test_a_whole_call(calls):
    answer = AnswerInfo(
        kb="general",
        sources=(ChunkId("a1"),),
        scores=(0.83,),
        known=True,
        model="m",
        ms={"embed": 12.345, "total": 80.0},
    )
    async with EventBus([CallLog(calls)]) as bus:
        bus.publish(CallStarted(CALL, NOON, "+79161234567"))
        bus.publish(BotTurn(CALL, NOON + 3, "Здравствуйте!", "Здравствуйте!", cut=False))
        bus.publish(CallerTurn(CALL, NOON + 6.5, "где вы", "где вы", {"asr": 210.04, "asr_wait": 0.0}))
        bus.publish(
            BotTurn(CALL, NOON + 9, "Мы на", "Мы на Ленина, 5.", cut=True, answer=answer, ms={"response": 640.0})
        )
        bus.publish(CallEnded(CALL, NOON + 10, "Completed", "caller_hangup"))

    call = await the_call(calls)
    assert (call.id, call.caller_id, call.status) == (CALL, "+79161234567", "Completed")
    assert (call.start_time, call.end_time) == ("2026-03-01T12:00:00", "2026-03-01T12:00:10")
    assert json.loads(call.transcript_json) == [
        {
            "speaker": "bot",
            "text": "Здравствуйте!",
            "timestamp": "2026-03-01T12:00:03.000",
            "cut": False,
            "ms": {},
        },
        {
            "speaker": "user",
            "text": "где вы",
            "timestamp": "2026-03-01T12:00:06.500",
            "raw": "где вы",
            "ms": {"asr": 210.0, "asr_wait": 0.0},
        },
        {
            "speaker": "bot",
            "text": "Мы на",
            "timestamp": "2026-03-01T12:00:09.000",
            "cut": True,
            "ms": {"embed": 12.3, "total": 80.0, "response": 640.0},
            "planned": "Мы на Ленина, 5.",
            "known": True,
            "sources": ["a1"],
            "scores": [0.83],
            "model": "m",
            "kb": "general",
        },
    ]


async def test_each_turn_is_safe_as_soon_as_it_is_observed(calls):
    log = CallLog(calls)
    await log.observe(CallStarted(CALL, NOON, "100"))
    await log.observe(CallerTurn(CALL, NOON + 1, "алло", "алло"))
    call = await the_call(calls)
    assert call.status == "Active"
    assert [turn["text"] for turn in json.loads(call.transcript_json)] == ["алло"]


async def test_a_turn_of_which_nothing_was_heard_is_not_in_the_dialogue(calls):
    log = CallLog(calls)
    await log.observe(CallStarted(CALL, NOON, "100"))
    await log.observe(BotTurn(CALL, NOON + 1, "", "Здравствуйте!", cut=True))
    assert (await the_call(calls)).transcript_json == "[]"
