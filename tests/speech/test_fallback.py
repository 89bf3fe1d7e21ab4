"""When a recogniser fails, hangs or is slow the next one hears the utterance; when all fail, one error says so."""

from __future__ import annotations

import asyncio
import logging
from copy import copy

import numpy as np
import pytest
from fakes.scripted_engines import HANG, ScriptedAsr, ScriptedStreamingAsr, sound
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import ProviderAuthError, ProviderError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.speech.asr import AsrHints
from voxbot.speech.budget import Budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.switches import Switches

BROKEN = ProviderUnavailableError("first", "connection refused")
BUDGET = Budget(total_s=6.0, hedge_min_s=0.3, hedge_max_s=1.0)
FRAME = np.zeros(160, np.int16)


def fallback(*engines):
    switches = Switches()
    return FallbackAsr(engines, budget=BUDGET, switches=switches), switches


async def heard(asr, seconds=1.0):
    """The text and how long it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    transcript = await asr.transcribe(sound(seconds), AsrHints())
    return transcript.text, round(loop.time() - started, 3)


@pytest.mark.parametrize(
    ("fault", "took_s", "reason"),
    [
        ((BROKEN,), 0.2, "provider_unavailable"),
        ((0.1, BROKEN), 0.3, "provider_unavailable"),
        ((ProviderAuthError("first", "no"),), 0.2, "provider_auth"),
        ((ProviderRateLimitError("first", "slow down", retry_after_s=9),), 0.2, "provider_rate_limit"),
        ((ProviderError("first", "bad sound"),), 0.2, "provider"),
        ((ValueError("a bug"),), 0.2, "provider_unavailable"),
        ((asyncio.CancelledError(),), 0.2, "provider_unavailable"),
        ((HANG,), 1.2, "slow"),
        ((3.0, "late"), 1.2, "slow"),
    ],
    ids=str,
)
def test_the_next_recogniser_listens_when_the_first_cannot(fault, took_s, reason):
    first, second = ScriptedAsr("first", *fault), ScriptedAsr("second", 0.2, "да")

    async def main():
        asr, switches = fallback(first, second)
        before = asyncio.all_tasks()
        assert await heard(asr) == ("да", took_s)
        assert asyncio.all_tasks() == before, "the loser is still at work"
        return switches

    switches = run_virtual(main())
    assert first.stopped == 1
    assert switches.total("switches", engine="first", to="second", reason=reason) == 1
    assert switches.total("failures", engine="first", reason=reason) == 1


def test_a_recogniser_in_time_is_alone():
    first, second = ScriptedAsr("first", 0.9, "нет"), ScriptedAsr("second", "да")

    async def main():
        asr, switches = fallback(first, second)
        assert await heard(asr) == ("нет", 0.9)
        return switches

    switches = run_virtual(main())
    assert second.lengths == []
    assert switches.total("switches") == 0


def test_hearing_nothing_is_an_answer():
    async def main():
        asr, _ = fallback(ScriptedAsr("first", ""), ScriptedAsr("second", "да"))
        assert (await heard(asr))[0] == ""

    run_virtual(main())


def test_when_no_recogniser_answers_the_last_failure_is_raised_within_the_budget():
    async def main():
        asr, _ = fallback(ScriptedAsr("first", BROKEN), ScriptedAsr("second", HANG))
        loop = asyncio.get_running_loop()
        with pytest.raises(ProviderUnavailableError, match="second: нет ответа 6 с"):
            await asr.transcribe(sound(1), AsrHints())
        assert loop.time() == pytest.approx(6.0)

    run_virtual(main())


def test_once_its_pace_is_known_a_recogniser_that_is_slower_than_usual_gets_company():
    first, second = ScriptedAsr("first", 0.4, "нет"), ScriptedAsr("second", 0.1, "да")

    async def main():
        asr, switches = fallback(first, second)
        for _ in range(20):
            assert await heard(asr) == ("нет", 0.4)
        first.steps = (HANG,)
        assert await heard(asr) == ("да", 0.6)
        first.steps = (0.55, "нет")
        assert await heard(asr) == ("нет", 0.55)  # it was only a little late, and first all the same
        return switches

    switches = run_virtual(main())
    assert switches.total("hedges") == 2
    assert switches.total("hedges_won", engine="second") == 1


def test_the_floor_keeps_a_fast_recogniser_s_hiccup_from_costing_a_second_recognition():
    first, second = ScriptedAsr("first", 0.01, "нет"), ScriptedAsr("second", "да")

    async def main():
        asr, _ = fallback(first, second)
        for _ in range(20):
            await heard(asr)
        first.steps = (0.29, "нет")
        assert await heard(asr) == ("нет", 0.29)

    run_virtual(main())
    assert second.lengths == []


def test_a_local_recogniser_is_not_hedged_but_is_replaced_when_its_part_is_over():
    async def main():
        asr, _ = fallback(ScriptedAsr("first", 2.9, "нет", local=True), ScriptedAsr("second", "да", local=True))
        assert await heard(asr) == ("нет", 2.9)
        asr, _ = fallback(ScriptedAsr("first", HANG, local=True), ScriptedAsr("second", "да", local=True))
        assert await heard(asr) == ("да", 3.0)

    run_virtual(main())


def test_many_calls_at_once_do_not_all_burn_the_processor_for_a_hedge():
    """Two hedge when the first is slower than usual; the others wait until it is late altogether."""
    first, second = ScriptedAsr("first", 0.1, "нет"), ScriptedAsr("second", 0.2, "да")

    async def main():
        asr, _ = fallback(first, second)
        for _ in range(10):
            await heard(asr)
        first.steps = (0.45, "нет")
        answers = await asyncio.gather(*(heard(asr) for _ in range(8)))
        assert sorted(answers) == [("нет", 0.45)] * 8
        assert len(second.lengths) == 2

    run_virtual(main())


def test_a_dead_recogniser_is_left_alone_and_comes_back(caplog):
    caplog.set_level(logging.INFO)
    first, second = ScriptedAsr("first", BROKEN), ScriptedAsr("second", 0.2, "да")

    async def main():
        asr, switches = fallback(first, second)
        for _ in range(10):
            await heard(asr)
        assert len(first.lengths) == 3
        assert list(switches.states()) == [("asr", "first", "open"), ("asr", "second", "closed")]
        assert switches.total("switches", engine="first", reason="open") == 7
        first.steps = ("нет",)
        await asyncio.sleep(5)
        assert (await heard(asr))[0] == "нет"
        assert next(switches.states())[2] == "closed"

    run_virtual(main())


def test_a_hung_recogniser_costs_the_wait_three_times_and_then_one_probe_each_cool_down():
    first, second = ScriptedAsr("first", HANG), ScriptedAsr("second", 0.1, "да")

    async def main():
        asr, _ = fallback(first, second)
        assert [await heard(asr) for _ in range(5)] == [("да", 1.1)] * 3 + [("да", 0.1)] * 2
        await asyncio.sleep(5)
        answers = await asyncio.gather(*(heard(asr) for _ in range(4)))
        assert sorted(took_s for _, took_s in answers) == [0.1, 0.1, 0.1, 1.1]

    run_virtual(main())


def test_a_text_that_is_refused_says_nothing_against_the_engine():
    first = ScriptedAsr("first", ProviderError("first", "bad sound"))

    async def main():
        asr, switches = fallback(first, ScriptedAsr("second", "да"))
        for _ in range(10):
            await heard(asr)
        assert next(switches.states())[2] == "closed"

    run_virtual(main())
    assert len(first.lengths) == 10


def test_when_all_are_shunned_the_best_is_tried_anyway():
    first, second = ScriptedAsr("first", BROKEN), ScriptedAsr("second", BROKEN)

    async def main():
        asr, switches = fallback(first, second)
        for _ in range(3):
            with pytest.raises(ProviderUnavailableError):
                await heard(asr)
        assert [state for *_, state in switches.states()] == ["open", "open"]
        first.steps = ("нет",)
        assert (await heard(asr))[0] == "нет"
        assert next(switches.states())[2] == "closed"

    run_virtual(main())


def test_giving_up_is_not_the_engine_s_fault():
    first = ScriptedAsr("first", HANG)

    async def main():
        asr, switches = fallback(first, ScriptedAsr("second", "да"))
        before = asyncio.all_tasks()
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard(asr), 0.2)
        assert next(switches.states())[2] == "closed"
        assert asyncio.all_tasks() == before

    run_virtual(main())
    assert first.stopped == 5


def test_the_whole_can_take_no_more_than_its_weakest_part():
    asr, _ = fallback(ScriptedAsr("first", max_ms=60_000), ScriptedAsr("second", max_ms=30_000))
    assert asr.capabilities.max_ms == 30_000
    assert asr.name == "first,second"


# --- streams -----------------------------------------------------------------------------------


class Listener:
    def __init__(self):
        self.partials = []

    def on_partial(self, text):
        self.partials.append(text)

    def on_end_of_utterance(self):
        pass


async def settled(stream):
    loop = asyncio.get_running_loop()
    started = loop.time()
    transcript = await stream.settle()
    return transcript.text, round(loop.time() - started, 3)


def test_a_stream_hears_what_is_pushed_and_can_go_on():
    first, second = ScriptedStreamingAsr("first", 0.15), ScriptedAsr("second", "целиком")
    listener = Listener()

    async def main():
        asr, _ = fallback(first, second)
        assert asr.capabilities.streaming
        stream = asr.open(AsrHints(), listener)
        stream.push(FRAME)
        assert await settled(stream) == ("stream 160", 0.15)
        stream.push(FRAME)
        assert await settled(stream) == ("stream 320", 0.15)
        stream.close()
        stream.close()

    run_virtual(main())
    assert listener.partials == ["partial 160", "partial 320"]
    assert first.open_streams == 0
    assert second.lengths == []


@pytest.mark.parametrize(
    ("fault", "took_s"),
    [((BROKEN,), 0.2), ((HANG,), 1.2), ((ProviderAuthError("first", "no"),), 0.2)],
    ids=["fails", "hangs", "refused"],
)
def test_when_the_stream_fails_the_next_recogniser_hears_the_whole_utterance(fault, took_s):
    first, second = ScriptedStreamingAsr("first", *fault), ScriptedAsr("second", 0.2, "целиком")

    async def main():
        asr, _ = fallback(first, second)
        stream = asr.open(AsrHints(), Listener())
        for _ in range(50):
            stream.push(FRAME)
        assert await settled(stream) == ("целиком", took_s)
        stream.push(FRAME)  # the caller goes on
        assert (await settled(stream))[0] == "целиком"
        stream.close()

    run_virtual(main())
    assert second.lengths == [50 * 160, 51 * 160]
    assert first.open_streams == 0


class FailingStreamAsr(ScriptedStreamingAsr):
    """Its streams do `stream_steps`; whole utterances are heard by `steps`."""

    def __init__(self, name, *steps, stream_steps):
        super().__init__(name, *steps)
        self.stream_steps = stream_steps

    def open(self, hints, listener):
        stream = super().open(hints, listener)
        stream._asr = replace_steps(self)
        return stream


def replace_steps(asr):
    """The engine as its streams see it."""
    view = copy(asr)
    view.steps = asr.stream_steps
    return view


@pytest.mark.parametrize("behind", [(), (ScriptedAsr("second", 0.1, BROKEN),)], ids=["alone", "the others fail"])
def test_a_stream_that_nobody_else_can_replace_is_heard_whole_by_the_same_engine(behind):
    first = FailingStreamAsr("first", 0.2, "целиком", stream_steps=(BROKEN,))

    async def main():
        asr, switches = fallback(first, *behind)
        stream = asr.open(AsrHints(), Listener())
        stream.push(FRAME)
        assert await settled(stream) == ("целиком", 0.3 if behind else 0.2)
        stream.push(FRAME)
        assert (await settled(stream))[0] == "целиком"
        return switches

    switches = run_virtual(main())
    assert first.lengths == [160, 320]
    assert switches.total("failures", engine="first") == 1


@pytest.mark.parametrize(
    ("fault", "took_s", "times"),
    [((BROKEN,), 0.0, 2), ((HANG,), 6.0, 1), ((2.5, BROKEN), 5.0, 2), ((ProviderAuthError("first", "no"),), 0.0, 1)],
    ids=["fails", "hangs", "fails late", "refused"],
)
def test_an_engine_alone_is_asked_once_more_at_most_and_never_beside_itself(fault, took_s, times):
    first = ScriptedStreamingAsr("first", *fault)

    async def main():
        asr, switches = fallback(first)
        loop = asyncio.get_running_loop()
        stream = asr.open(AsrHints(), Listener())
        stream.push(FRAME)
        with pytest.raises(ProviderError):
            await stream.settle()
        assert loop.time() == pytest.approx(took_s)
        return switches

    switches = run_virtual(main())
    assert len(first.lengths) == times - 1
    assert switches.total("hedges") == 0


def test_a_recogniser_that_is_shunned_gets_no_stream():
    first, second = ScriptedStreamingAsr("first", BROKEN), ScriptedAsr("second", "целиком")

    async def main():
        asr, _ = fallback(first, second)
        for _ in range(5):
            stream = asr.open(AsrHints(), Listener())
            stream.push(FRAME)
            assert (await settled(stream))[0] == "целиком"
            stream.close()

    run_virtual(main())
    assert first.opened == 3
