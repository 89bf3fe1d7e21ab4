"""A call from the panel: the same conversation as by telephone, in virtual time, with a browser that plays it."""

import asyncio
import json

import pytest
from fakes.browser import Browser, BrowserSocket
from fakes.virtual_time import run_virtual
from fakes.voice import ScriptedAnswerer, ScriptedAsr, services, speech

from voxbot.call.browser import BrowserCalls
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallStarted

PRICE = "Машина стоит два миллиона рублей. Срок поставки один месяц. Гарантия два года."
ANSWERS = {
    "сколько стоит": (PRICE, AnswerInfo(kb="general", sources=("c1",))),
    "до свидания": ("Всего доброго!", AnswerInfo(intent="goodbye")),
    "оператора": ("Соединяю.", AnswerInfo(intent="operator")),
}
WORDS = {8000: "сколько стоит", 9000: "до свидания", 7000: "оператора"}


class Panel:
    """Browser calls on scripted engines."""

    def __init__(self, limit=3, **environ):
        self.published = []
        wired = services(ScriptedAsr(WORDS), ScriptedAnswerer(ANSWERS), published=self.published, environ=environ)
        self.calls = BrowserCalls(wired, lambda: limit)

    def call(self, browser, **options):
        socket = BrowserSocket().joined_with(browser)
        return socket, asyncio.create_task(self.calls.take(socket, caller="77", rate_hz=browser.rate_hz, **options))

    @property
    def ends(self):
        return [(event.status, event.reason) for event in self.published if isinstance(event, CallEnded)]


def test_a_conversation_by_browser_is_a_call_like_any_other():
    async def main():
        panel, browser = Panel(), Browser([speech(1500), speech(1200, 9000)])
        _, taken = panel.call(browser)
        talking = asyncio.create_task(browser.call())
        await taken
        talking.cancel()
        return panel, browser

    panel, browser = run_virtual(main())
    started, *turns, _ = panel.published
    assert isinstance(started, CallStarted)
    assert (started.caller, started.kind) == ("77", "browser")
    assert [event.text for event in turns if isinstance(event, CallerTurn)] == ["сколько стоит", "до свидания"]
    assert [event.text for event in turns if isinstance(event, BotTurn)][1:] == [PRICE, "Всего доброго!"]
    assert panel.ends == [("Completed", "goodbye")]
    assert browser.told[0] == {"type": "started", "call_id": started.call_id}
    assert browser.told[-1] == {"type": "ended", "reason": "goodbye"}
    priced = next(turn for turn in browser.of("turn") if turn["text"] == PRICE)
    assert (priced["kb"], priced["sources"], priced["cut"]) == ("general", ["c1"], False)
    assert priced["ms"]["response"] < 1500
    assert {stage["stage"] for stage in browser.of("stage")} == {"endpoint", "asr", "search", "answer", "tts"}
    assert {state["phase"] for state in browser.of("state")} >= {"listening", "endpointing", "thinking", "speaking"}
    assert {"type": "partial", "text": "сколько стоит"} in browser.told


def test_the_caller_interrupts_and_only_what_was_heard_is_kept():
    async def main():
        panel, browser = Panel(), Browser([speech(1500)])
        _, taken = panel.call(browser)
        talking = asyncio.create_task(browser.call())
        while not any(state["bot_speaks"] and state["phase"] == "speaking" for state in browser.of("state")):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        browser.line._saying = speech(1200, 9000)
        await taken
        talking.cancel()
        return panel

    bot = [event for event in run_virtual(main()).published if isinstance(event, BotTurn)]
    assert bot[1].cut
    assert bot[1].planned == PRICE
    assert 0 < len(bot[1].text) < len(PRICE) / 2


def test_a_closed_page_and_a_page_that_does_not_read_end_the_call():
    async def main(how):
        panel, browser = Panel(), Browser()
        socket, taken = panel.call(browser)
        await asyncio.sleep(1)
        how(socket)
        await asyncio.wait_for(taken, 30)
        return panel

    def stall(socket):
        socket.stalled = True

    for how in (BrowserSocket.vanish, stall):
        assert run_virtual(main(how)).ends == [("Completed", "caller_hangup")]


def test_staff_hang_up_and_pass_on():
    async def main(control):
        panel = Panel()
        _, taken = panel.call(Browser())
        await asyncio.sleep(1)
        (started,) = (event for event in panel.published if isinstance(event, CallStarted))
        assert control(panel.calls, started.call_id) is True
        await taken
        return panel.ends

    assert run_virtual(main(BrowserCalls.hang_up)) == [("Completed", "staff")]
    assert run_virtual(main(BrowserCalls.transfer)) == [("Transferred", "operator")]
    assert Panel().calls.transfer("nobody") is None


@pytest.mark.parametrize("after_s", [0.6, 1.6, 1.75, 2.4])
def test_what_the_caller_was_saying_when_staff_pass_them_on_is_logged(after_s):
    """While they speak, while their words are recognised, when they are known, and when the answer is prepared."""

    async def main():
        panel, browser = Panel(), Browser([speech(1500)])
        _, taken = panel.call(browser)
        talking = asyncio.create_task(browser.call())
        while not any(state["caller_speaks"] for state in browser.of("state")):
            await asyncio.sleep(0.01)
        await asyncio.sleep(after_s)
        (started,) = (event for event in panel.published if isinstance(event, CallStarted))
        assert panel.calls.transfer(started.call_id) is True
        await taken
        talking.cancel()
        return panel

    panel = run_virtual(main())
    assert panel.ends == [("Transferred", "operator")]
    assert [event.text for event in panel.published if isinstance(event, CallerTurn)] == ["сколько стоит"]


def test_one_call_too_many_is_told_so():
    async def main():
        panel = Panel(limit=1)
        socket, first = panel.call(Browser())
        await asyncio.sleep(1)
        second = Browser()
        _, refused = panel.call(second)
        await refused
        socket.vanish()
        await first
        return second.told, panel.ends

    told, ends = run_virtual(main())
    assert [message["type"] for message in told] == ["error"]
    assert len(ends) == 1


def test_a_bot_that_goes_down_ends_its_calls():
    async def main():
        panel = Panel()
        _, taken = panel.call(Browser())
        await asyncio.sleep(1)
        await panel.calls.close()
        await taken
        return panel.ends

    assert run_virtual(main()) == [("Failed", "stopped")]


@pytest.mark.parametrize("junk", ["{", "[]", '{"type": "mark", "mark": "x"}', "[" * 100_000, '{"type": "digit"}', "5"])
def test_messages_that_make_no_sense_harm_nobody(junk):
    async def main():
        panel, browser = Panel(), Browser()
        socket, taken = panel.call(browser)
        await socket.take(junk)
        await socket.take(b"\x01")  # half a sample
        await socket.take(b"")
        await socket.take(json.dumps({"type": "digit", "digit": "0"}))
        await taken
        return panel.ends

    assert run_virtual(main()) == [("Transferred", "operator")]


def test_sound_faster_than_time_is_dropped():
    async def main():
        panel, browser = Panel(), Browser()
        socket, taken = panel.call(browser)
        for _ in range(100):  # 100 s of speech at once
            await socket.take(bytes(speech(1000, 9000).tobytes()) * 2)
        await asyncio.sleep(8)
        socket.vanish()
        await taken
        return panel

    panel = run_virtual(main())
    assert panel.ends in ([("Completed", "caller_hangup")], [("Completed", "goodbye")])
