"""The live picture that staff see."""

import asyncio

import pytest

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import (
    BotTurn,
    CallEnded,
    CallerTurn,
    CallStarted,
    PartialHeard,
    StageReached,
    TurnStateChanged,
)
from voxbot.observers.bus import EventBus
from voxbot.observers.live import KEPT_TURNS, LiveCalls


async def seen(*events):
    live = LiveCalls()
    await live.observe(CallStarted("c1", 100.0, "+7916"))
    for event in events:
        await live.observe(event)
    return live.picture("c1")


async def test_a_new_call_is_greeted():
    call = await seen()
    assert (call["caller"], call["kind"], call["phase"], call["started_at"]) == ("+7916", "phone", "greeting", 100.0)


async def test_what_the_caller_says_is_seen_while_they_say_it_and_then_as_a_turn():
    speaking = TurnStateChanged("c1", 101.0, "listening", caller_speaks=True, bot_speaks=False)
    heard = PartialHeard("c1", 101.5, "сколько стоит")
    call = await seen(speaking, heard)
    assert (call["caller_speaks"], call["partial"], call["phase"]) == (True, "сколько стоит", "listening")
    call = await seen(speaking, heard, CallerTurn("c1", 102.0, "сколько стоит доставка", "сколько стоит доставка"))
    assert (call["partial"], call["turns"][0]["text"]) == ("", "сколько стоит доставка")


async def test_the_stage_that_the_answer_waits_for_is_shown_with_those_done():
    pause = TurnStateChanged("c1", 102.0, "endpointing", caller_speaks=False, bot_speaks=False)
    thinking = TurnStateChanged("c1", 103.0, "thinking", caller_speaks=False, bot_speaks=False)
    call = await seen(pause)
    assert (call["stage"], call["stage_since"]) == ("endpoint", 102.0)
    reached = [StageReached("c1", 102.7, "endpoint", 736.0), StageReached("c1", 102.8, "asr", 210.0)]
    call = await seen(pause, *reached, thinking)
    assert (call["stage"], call["stage_since"], call["stages"]) == ("search", 102.8, {"endpoint": 736.0, "asr": 210.0})
    speaks = TurnStateChanged("c1", 104.0, "speaking", caller_speaks=False, bot_speaks=True)
    call = await seen(pause, *reached, thinking, speaks)
    assert (call["stage"], call["bot_speaks"]) == (None, True)


async def test_an_answer_shows_its_base_and_whether_it_was_cut():
    turn = BotTurn("c1", 105.0, "Мы во", "Мы во Владимире.", cut=True, answer=AnswerInfo(kb="general"))
    (shown,) = (await seen(turn))["turns"]
    assert (shown["speaker"], shown["text"], shown["kb"], shown["known"], shown["cut"]) == (
        "bot", "Мы во", "general", True, True,
    )  # fmt: skip


async def test_only_the_last_turns_are_kept():
    turns = [CallerTurn("c1", float(number), f"вопрос {number}", "") for number in range(40)]
    shown = (await seen(*turns))["turns"]
    assert [turn["text"] for turn in shown] == [f"вопрос {number}" for number in range(40 - KEPT_TURNS, 40)]


async def test_followers_are_told_which_calls_changed_once_however_slow_they_are():
    live = LiveCalls()
    with live.following() as follower:
        await live.observe(CallStarted("c1", 1.0, "7"))
        await live.observe(CallStarted("c2", 1.0, "8"))
        for number in range(1000):
            await live.observe(PartialHeard("c1", 2.0, f"слово {number}"))
        await live.observe(CallEnded("c2", 3.0, "Completed", "goodbye"))
        changed = await follower.changes()
        assert set(changed) == {"c1", "c2"}
        assert changed["c1"] is None
        assert changed["c2"].reason == "goodbye"
        assert live.picture("c1")["partial"] == "слово 999"
        assert [call["id"] for call in live.snapshot()] == ["c1"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.changes(), 0.01)


async def test_events_of_a_call_that_nobody_saw_begin_change_nothing():
    live = LiveCalls()
    await live.observe(PartialHeard("late", 1.0, "алло"))
    await live.observe(CallEnded("late", 2.0, "Completed", "goodbye"))
    assert live.snapshot() == []


async def test_the_call_log_is_spared_what_only_a_live_view_needs():
    class Keeper:
        name = "keeper"

        def __init__(self):
            self.kinds = []

        async def observe(self, event):
            self.kinds.append(type(event).__name__)

    log, live = Keeper(), Keeper()
    async with EventBus([log], live=[live]) as bus:
        bus.publish(CallStarted("c1", 1.0, "7"))
        bus.publish_live(PartialHeard("c1", 2.0, "алло"))
        bus.publish(CallEnded("c1", 3.0, "Completed", "goodbye"))
    assert log.kinds == ["CallStarted", "CallEnded"]
    assert live.kinds == ["CallStarted", "PartialHeard", "CallEnded"]
