"""The live picture that staff see."""

import asyncio
import json

import pytest
from aiohttp.test_utils import make_mocked_request

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
from voxbot.observers.live_http import live_app
from voxbot.settings.loader import load_settings


async def seen(*events):
    live = LiveCalls()
    await live.observe(CallStarted("c1", 100.0, "+7916"))
    for event in events:
        await live.observe(event)
    return json.loads(live.picture("c1"))


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
        assert json.loads(live.picture("c1"))["partial"] == "слово 999"
        assert live.under_way == ["c1"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.changes(), 0.01)


async def test_events_of_a_call_that_nobody_saw_begin_change_nothing():
    live = LiveCalls()
    await live.observe(PartialHeard("late", 1.0, "алло"))
    await live.observe(CallEnded("late", 2.0, "Completed", "goodbye"))
    assert live.under_way == []


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


async def test_a_call_is_written_down_once_for_all_who_follow_it():
    live = LiveCalls()
    await live.observe(CallStarted("c1", 1.0, "7"))
    await live.observe(CallStarted("c2", 1.0, "8"))
    first = live.picture("c1")
    await live.observe(PartialHeard("c2", 2.0, "алло"))
    assert live.picture("c1") is first
    await live.observe(PartialHeard("c1", 2.0, "алло"))
    assert json.loads(live.picture("c1"))["partial"] == "алло"


class Line:
    """The connection of one who follows; it notes what is written in one round of the loop."""

    def __init__(self):
        self.rounds = 0
        self.written = {}
        self.text = b""

    async def turn(self):
        while True:
            self.rounds += 1
            await asyncio.sleep(0)

    async def write(self, data):
        self.text += data
        self.written[self.rounds] = self.written.get(self.rounds, 0) + len(data)

    async def write_headers(self, _status, _headers):
        pass

    def is_closing(self):
        return False

    def __getattr__(self, _name):  # the rest of aiohttp's writer and transport does nothing
        return lambda *_, **__: None


async def test_many_calls_are_told_a_few_at_a_time():
    """Who watches must not stop the loop of the calls' sound: it goes round between the pictures."""
    live, line = LiveCalls(), Line()
    for number in range(200):
        await live.observe(CallStarted(f"c{number}", 1.0, "+79161234567"))
        await live.observe(CallerTurn(f"c{number}", 2.0, "слово " * 500, ""))
    app = live_app(live, None, load_settings())
    (handler,) = (route.handler for route in app.router.routes() if route.method == "GET")
    turning = asyncio.create_task(line.turn())
    telling = asyncio.create_task(handler(make_mocked_request("GET", "/live", writer=line, transport=line)))
    try:
        async with asyncio.timeout(10):
            while b"\n\n" not in line.text:
                await asyncio.sleep(0)
            for number in range(200):
                await live.observe(PartialHeard(f"c{number}", 3.0, "алло"))
            while line.text.count(b"event: call") < 200:
                await asyncio.sleep(0)
    finally:
        for task in (turning, telling):
            task.cancel()
        await asyncio.wait({turning, telling})
    snapshot = json.loads(line.text.split(b"data: ")[1].split(b"\n")[0])
    assert len(snapshot["calls"]) == 200
    assert max(line.written.values()) < len(line.text) / 20
