"""Real calls through the real Asterisk with scripted engines: what happens to the line, whatever the caller does."""

import asyncio
import json

import pytest
from fakes.voice import ScriptedAnswerer, ScriptedAsr, services

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallStarted

ANSWER = "Машина на сто килоньютонов стоит два миллиона рублей, срок поставки один месяц."


class AnyWords(ScriptedAsr):
    """Hears the same words in everything."""

    async def transcribe(self, audio, hints):
        transcript = await super().transcribe(audio, hints)
        return type(transcript)(self.words[0], 0.9)


def scripted(words="сколько стоит", answer=ANSWER, info=None, published=None, **options):
    answerer = ScriptedAnswerer({words: (answer, info or AnswerInfo(kb="general"))})
    return services(AnyWords({0: words}, delay_s=0.2), answerer, published=published, **options)


def pretty(report):
    """A report for an assertion's message."""
    return json.dumps(report, ensure_ascii=False, indent=1, default=str)[:4000]


HEAR = [{"do": "wait_for_speech", "timeout_ms": 5000}, {"do": "wait_for_silence", "ms": 600}]
ASK = [{"do": "say", "wav": "delivery.wav"}, *HEAR]


async def ended(published, count=1):
    async with asyncio.timeout(10):
        while sum(isinstance(event, CallEnded) for event in published) < count:
            await asyncio.sleep(0.02)
    return [event for event in published if isinstance(event, CallEnded)]


async def test_a_question_is_answered_and_the_greeting_comes_at_once(lab, bot_in_process):
    published = []
    async with bot_in_process(scripted(published=published)):
        (report,) = await lab.call([*HEAR, *ASK, {"do": "hangup"}])
        (end,) = await ended(published)
    assert report["ok"], pretty(report)
    assert (end.status, end.reason) == ("Completed", "caller_hangup")
    assert report["remote"][0]["start_ms"] - report["answered_ms"] < 600, pretty(report)
    spoken_ms = report["remote"][-1]["end_ms"] - report["remote"][-1]["start_ms"]
    assert spoken_ms == pytest.approx(len(ANSWER) * 60, rel=0.05), "the whole answer was heard, without gaps"
    assert report["rtp"]["lost"] == 0
    assert await lab.leftovers() == []


async def test_goodbye_hangs_up_after_the_last_word(lab, bot_in_process):
    published = []
    wired = scripted("до свидания", "Всего вам доброго!", AnswerInfo(intent="goodbye"), published)
    async with bot_in_process(wired):
        (report,) = await lab.call(
            [*HEAR, {"do": "say", "wav": "goodbye.wav"}, {"do": "expect_hangup", "timeout_ms": 8000}]
        )
        (end,) = await ended(published)
    assert report["ok"], pretty(report)
    assert end.reason == "goodbye"
    last = report["remote"][-1]
    assert last["end_ms"] - last["start_ms"] == pytest.approx(len("Всего вам доброго!") * 60, rel=0.06)
    assert await lab.leftovers() == []


async def test_the_operator_gets_the_caller(lab, bot_in_process):
    published = []
    wired = scripted("оператора", "Соединяю.", AnswerInfo(intent="operator"), published)
    async with bot_in_process(wired):
        (report,) = await lab.call(
            [
                *HEAR,
                {"do": "say", "wav": "operator.wav"},
                {"do": "wait_for_speech"},
                {"do": "pause", "ms": 4000},
                {"do": "hangup"},
            ]
        )
        (end,) = await ended(published)
    assert (end.status, end.reason) == ("Transferred", "operator")
    beeps = [span for span in report["remote"] if 250 < span["end_ms"] - span["start_ms"] < 350]
    assert len(beeps) >= 2, pretty(report["remote"])
    assert await lab.leftovers() == []


@pytest.mark.parametrize("after_ms", [0, 5, 30, 120, 700])
async def test_a_hangup_at_any_moment_leaves_nothing(lab, bot_in_process, after_ms):
    published = []
    async with bot_in_process(scripted(published=published)) as dispatcher:
        await lab.call([{"do": "pause", "ms": after_ms}, {"do": "hangup"}], count=5, stagger_ms=40)
        ends = await ended(published, count=sum(isinstance(event, CallStarted) for event in published))
        assert {(end.status, end.reason) for end in ends} == {("Completed", "caller_hangup")}
        assert dispatcher.live == 0
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("call ")] == []
    assert await lab.leftovers() == []


async def test_a_hangup_in_mid_answer_keeps_the_heard_half(lab, bot_in_process):
    published = []
    async with bot_in_process(scripted(published=published)):
        await lab.call(
            [
                *HEAR,
                {"do": "say", "wav": "delivery.wav"},
                {"do": "wait_for_speech"},
                {"do": "pause", "ms": 1500},
                {"do": "hangup"},
            ]
        )
        await ended(published)
    half = [event for event in published if isinstance(event, BotTurn)][-1]
    assert half.cut
    assert ANSWER.startswith(half.text)
    assert len(half.text) == pytest.approx(1600 / 60, abs=16), "whole words only"


async def test_barge_in_is_heard_as_silence_at_once(lab, bot_in_process):
    published = []
    async with bot_in_process(scripted(published=published)):
        (report,) = await lab.call(
            [
                *HEAR,
                {"do": "say", "wav": "delivery.wav"},
                {"do": "say_over", "wav": "certificate.wav", "after_ms": 1000},
                *HEAR,
                {"do": "hangup"},
            ]
        )
        await ended(published)
    assert report["ok"], pretty(report)
    assert report["utterances"][1]["barge_in_ms"] < 600, pretty(report)
    assert any(isinstance(event, BotTurn) and event.cut for event in published)


async def test_five_at_once_and_twenty_in_a_row_leave_nothing(lab, bot_in_process):
    published = []
    async with bot_in_process(scripted(published=published)) as dispatcher:
        at_once = await lab.call([*HEAR, *ASK, {"do": "hangup"}], count=5, stagger_ms=30)
        for _ in range(4):
            in_a_row = await lab.call([{"do": "wait_for_speech"}, {"do": "hangup"}], count=5, stagger_ms=300)
            assert all(report["ok"] for report in in_a_row)
        await ended(published, count=25)
        assert dispatcher.live == 0
    assert all(report["ok"] for report in at_once), pretty(at_once)
    assert await lab.leftovers() == []


async def test_a_stopped_bot_hands_its_callers_over(lab, bot_in_process):
    published = []
    async with bot_in_process(scripted(published=published)):
        talking = asyncio.create_task(
            lab.call([{"do": "wait_for_speech"}, {"do": "pause", "ms": 5000}, {"do": "hangup"}])
        )
        async with asyncio.timeout(10):
            while not any(isinstance(event, CallStarted) for event in published):
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
    (report,) = await talking
    (end,) = await ended(published)
    assert (end.status, end.reason) == ("Failed", "stopped")
    assert len([span for span in report["remote"] if 250 < span["end_ms"] - span["start_ms"] < 350]) >= 2
    assert await lab.leftovers() == []


async def test_a_call_lives_through_a_lost_ari_connection(lab, bot_in_process):
    """After the reconnection Asterisk's list of channels holds our own: they are no orphans."""
    published = []
    async with bot_in_process(scripted(published=published)) as dispatcher:
        talking = asyncio.create_task(lab.call([*HEAR, {"do": "pause", "ms": 4000}, *ASK, {"do": "hangup"}]))
        async with asyncio.timeout(15):
            while not any(isinstance(event, BotTurn) for event in published):
                await asyncio.sleep(0.05)
        reconnected = asyncio.Event()
        dispatcher._on_ready = reconnected.set
        await dispatcher._ari._events.close()
        async with asyncio.timeout(5):
            await reconnected.wait()
        (report,) = await talking
        (end,) = await ended(published)
    assert report["ok"], pretty(report)
    assert (end.status, end.reason) == ("Completed", "caller_hangup")
    assert [event.text for event in published if isinstance(event, BotTurn)][-1] == ANSWER
    assert await lab.leftovers() == []
