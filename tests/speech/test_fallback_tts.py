"""When a voice fails, hangs, is slow or breaks off the next one speaks or goes on; nothing is said twice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import groupby
from operator import itemgetter

import numpy as np
import pytest
from fakes.scripted_engines import HANG, ScriptedTts, sound
from fakes.virtual_time import run_virtual

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ProviderAuthError, ProviderError, ProviderUnavailableError
from voxbot.speech.budget import Budget
from voxbot.speech.fallback_tts import FallbackTts
from voxbot.speech.switches import Switches

BROKEN = ProviderUnavailableError("first", "connection refused")
TEXT = "Машина стоит два миллиона рублей, а срок поставки один месяц."
BUDGET = Budget(total_s=5.0, hedge_min_s=0.3, hedge_max_s=1.0)


def fallback(*engines):
    switches = Switches()
    return FallbackTts(engines, budget=BUDGET, switches=switches), switches


async def spoken(tts, text=TEXT):
    """Whose sound came, and how many seconds of it, in order; and when the first came."""
    loop = asyncio.get_running_loop()
    started, first_s, heard = loop.time(), None, []
    async with aclosing(tts.synthesize(text)) as chunks:
        async for chunk in chunks:
            first_s = round(loop.time() - started, 3) if first_s is None else first_s
            assert chunk.rate_hz == 8000
            heard.append((int(np.median(chunk.samples)), chunk.duration_ms / 1000))
    voices = [(value, [seconds for _, seconds in parts]) for value, parts in groupby(heard, key=itemgetter(0))]
    return [(value, round(sum(seconds), 2)) for value, seconds in voices], first_s


@pytest.mark.parametrize(
    ("fault", "first_s", "reason"),
    [
        ((BROKEN,), 0.1, "provider_unavailable"),
        ((0.1, ProviderAuthError("first", "no")), 0.2, "provider_auth"),
        ((HANG,), 1.1, "slow"),
        ((4.0, sound(1)), 1.1, "slow"),
    ],
    ids=["refuses", "bad key", "hangs", "slow"],
)
def test_the_next_voice_speaks_when_the_first_gives_no_sound(fault, first_s, reason):
    first, second = ScriptedTts("first", *fault), ScriptedTts("second", 0.1, sound(1, 2), sound(1, 2))

    async def main():
        tts, switches = fallback(first, second)
        before = asyncio.all_tasks()
        assert await spoken(tts) == ([(2, 2.0)], first_s)
        assert asyncio.all_tasks() == before
        assert switches.total("switches", engine="first", to="second", reason=reason) == 1

    run_virtual(main())
    assert first.stopped == 1
    assert second.texts == [TEXT]


def test_the_second_voice_is_not_asked_when_the_first_speaks():
    first, second = ScriptedTts("first", sound(1)), ScriptedTts("second", sound(1))
    run_virtual(spoken(fallback(first, second)[0]))
    assert second.texts == []


@pytest.mark.parametrize(
    ("fault", "silence_s"),
    [((BROKEN,), 0.1), ((HANG,), 0.1), ((ValueError("a bug"),), 0.1)],
    ids=["half a stream", "hangs", "a bug"],
)
def test_when_a_voice_breaks_off_the_next_goes_on_from_the_next_word(fault, silence_s):
    """1.6 s at 16 characters a second are «Машина стоит два миллиона»; the rest is said once, in one piece."""
    first = ScriptedTts("first", sound(0.8), 0.05, sound(0.8), *fault)
    second = ScriptedTts("second", 0.1, sound(2.25, 2))

    async def main():
        loop = asyncio.get_running_loop()
        tts, switches = fallback(first, second)
        assert (await spoken(tts))[0] == [(1, 1.6), (2, 2.25)]
        heard_until_s = 1.6
        assert loop.time() - heard_until_s <= silence_s + 0.001
        assert switches.total("switches", engine="first", to="second") == 1

    run_virtual(main())
    assert second.texts == ["рублей, а срок поставки один месяц."]


def words(*seconds):
    """Words of these lengths with 60 ms of silence after each."""
    return [np.concatenate((np.full(round(each * 8000), 900, np.int16), np.zeros(480, np.int16))) for each in seconds]


def test_what_is_heard_of_a_voice_that_breaks_off_in_a_word_ends_before_that_word():
    """«раз два три четыре» at 0.3 s each; the stream breaks in the middle of «четыре»."""
    spoken_words = words(0.25, 0.25, 0.25, 0.4)
    whole = np.concatenate(spoken_words)
    first = ScriptedTts("first", AudioChunk(whole, 8000))
    second = ScriptedTts("second", sound(1, 2))

    async def main():
        tts, _ = fallback(first, second)
        await spoken(tts, "раз два три четыре")  # its rate is known now
        first.scripts = [(AudioChunk(whole[: -8000 // 4], 8000), BROKEN)]
        async with aclosing(tts.synthesize("раз два три четыре")) as chunks:
            return np.concatenate([chunk.samples async for chunk in chunks])

    heard = run_virtual(main())
    given = heard[heard != 2]
    assert second.texts == ["четыре"]
    assert not given[-160:].any(), "it ends in a word"
    assert abs(len(given) - len(np.concatenate(spoken_words[:3]))) <= 480


@pytest.mark.parametrize(
    ("chunk_s", "local"), [(0.1, True), (0.5, True), (1.5, True), (0.1, False), (0.2, False), (0.5, False)]
)
@pytest.mark.parametrize("pace", [0.2, 0.9, 0.99])
def test_nothing_is_held_back_so_long_that_it_is_heard(chunk_s, pace, local):
    """`pace` is how long a second of sound takes to come."""
    steps = [step for _ in range(round(6 / chunk_s)) for step in (sound(chunk_s), chunk_s * pace)]
    first, second = ScriptedTts("first", *steps, local=local), ScriptedTts("second", sound(9, 2))

    async def main():
        tts, _ = fallback(first, second)
        loop = asyncio.get_running_loop()
        heard_until_s = None
        async with aclosing(tts.synthesize(TEXT)) as chunks:
            async for chunk in chunks:
                heard_until_s = heard_until_s or loop.time()
                assert loop.time() <= heard_until_s + 0.001
                heard_until_s += chunk.duration_ms / 1000

    run_virtual(main())
    assert second.texts == []


@pytest.mark.parametrize("silent", [(), (AudioChunk(np.zeros(0, np.int16), 8000),)], ids=["nothing", "no samples"])
def test_a_voice_that_ends_without_a_sound_has_failed(silent):
    first, second = ScriptedTts("first", *silent), ScriptedTts("second", sound(1, 2))

    async def main():
        tts, switches = fallback(first, second)
        assert (await spoken(tts))[0][-1] == (2, 1.0)
        assert switches.total("switches", engine="first", to="second") == 1
        alone, _ = fallback(first)
        with pytest.raises(ProviderUnavailableError, match="без звука"):
            await spoken(alone)

    run_virtual(main())
    assert second.texts == [TEXT]


@pytest.mark.parametrize("text", ["…", "— !", "🎉"])
def test_no_sound_for_what_cannot_be_pronounced_is_right(text):
    first, second = ScriptedTts("first"), ScriptedTts("second", sound(1, 2))
    assert run_virtual(spoken(fallback(first, second)[0], text)) == ([], None)
    assert second.texts == []


def test_a_voice_that_breaks_off_after_its_last_word_has_said_it_all():
    first, second = ScriptedTts("first", sound(len(TEXT) / 16), BROKEN), ScriptedTts("second", sound(1))
    assert len(run_virtual(spoken(fallback(first, second)[0]))[0]) == 1
    assert second.texts == []


def test_the_place_is_found_by_the_voice_s_own_rate():
    """A slow voice, 10 characters a second: after 1.3 s it is at «два»."""
    first, second = ScriptedTts("first", sound(len(TEXT) / 10)), ScriptedTts("second", sound(1, 2))

    async def main():
        tts, _ = fallback(first, second)
        await spoken(tts)
        first.scripts = [(sound(1.3), BROKEN)]
        await spoken(tts)

    run_virtual(main())
    assert second.texts == ["два миллиона рублей, а срок поставки один месяц."]


def test_a_third_voice_goes_on_where_the_second_broke_off():
    first = ScriptedTts("first", sound(0.8), BROKEN)
    second = ScriptedTts("second", sound(1.2, 2), BROKEN)
    third = ScriptedTts("third", sound(1, 3))
    run_virtual(spoken(fallback(first, second, third)[0]))
    assert second.texts == ["два миллиона рублей, а срок поставки один месяц."]
    assert third.texts == ["а срок поставки один месяц."]


def test_what_follows_has_the_rate_of_what_began():
    first = ScriptedTts("first", sound(0.8), BROKEN)
    second = ScriptedTts("second", sound(1, 2, rate_hz=22_050), sound(1, 2, rate_hz=22_050))
    heard, _ = run_virtual(spoken(fallback(first, second)[0]))
    assert sum(seconds for _, seconds in heard) == pytest.approx(2.8, abs=0.02)


def test_a_single_voice_that_breaks_off_is_asked_once_more_for_the_rest():
    voice = ScriptedTts("first", sound(0.8), BROKEN)

    async def main():
        with pytest.raises(ProviderUnavailableError):
            await spoken(fallback(voice)[0])

    run_virtual(main())
    assert voice.texts == [TEXT, "два миллиона рублей, а срок поставки один месяц."]
    voice.scripts.insert(0, (sound(0.8), BROKEN))
    voice.scripts[-1] = (sound(2),)
    assert run_virtual(spoken(fallback(voice)[0]))[0] == [(1, 2.8)]


def test_when_the_last_voice_breaks_off_the_caller_of_it_is_told():
    first, second = ScriptedTts("first", sound(0.8), BROKEN), ScriptedTts("second", ProviderError("second", "no"))

    async def main():
        with pytest.raises(ProviderError, match="second: no"):
            await spoken(fallback(first, second)[0])

    run_virtual(main())


def test_when_all_voices_fail_the_last_failure_is_raised():
    async def main():
        with pytest.raises(ProviderUnavailableError, match="second: нет ответа"):
            await spoken(fallback(ScriptedTts("first", BROKEN), ScriptedTts("second", HANG))[0])

    run_virtual(main())


def test_barge_in_stops_every_voice_that_is_at_work():
    first, second = ScriptedTts("first", HANG), ScriptedTts("second", 0.1, sound(1, 2), HANG)

    async def main():
        tts, switches = fallback(first, second)
        before = asyncio.all_tasks()
        async with aclosing(tts.synthesize(TEXT)) as chunks:
            await anext(chunks)
        assert asyncio.all_tasks() == before
        assert switches.total("failures", engine="second") == 0

    run_virtual(main())
    assert (first.stopped, second.stopped) == (1, 1)


def test_a_reader_who_was_busy_for_long_still_gets_what_the_voice_gives_then():
    """The playout takes seconds: a voice that waits for it is not silent."""
    first = ScriptedTts("first", *[step for _ in range(8) for step in (sound(0.5), 0.2)])
    second = ScriptedTts("second", sound(9, 2))

    async def main():
        tts, _ = fallback(first, second)
        async with aclosing(tts.synthesize(TEXT)) as chunks:
            async for _ in chunks:
                await asyncio.sleep(4)

    run_virtual(main())
    assert second.texts == []


def test_a_hung_local_voice_is_followed_when_its_sound_ends():
    first, second = ScriptedTts("first", sound(3), HANG, local=True), ScriptedTts("second", 0.1, sound(1, 2))

    async def main():
        assert (await spoken(fallback(first, second)[0]))[0] == [(1, 3.0), (2, 1.0)]
        assert asyncio.get_running_loop().time() == pytest.approx(3.1)

    run_virtual(main())


def test_a_local_voice_may_take_longer_between_its_clauses():
    first = ScriptedTts("first", sound(0.5), 1.9, sound(0.5), local=True)
    second = ScriptedTts("second", sound(1, 2))
    assert run_virtual(spoken(fallback(first, second)[0]))[0] == [(1, 1.0)]


def test_an_unreachable_voice_does_not_keep_the_bot_from_starting_but_a_wrong_setting_does():
    away = ScriptedTts("away", warm_up_error=BROKEN)
    wrong = ScriptedTts("wrong", warm_up_error=ConfigError("key is not set"))
    fine = ScriptedTts("fine")

    async def main():
        await fallback(away, fine)[0].warm_up()
        with pytest.raises(ConfigError, match="key is not set"):
            await fallback(fine, wrong)[0].warm_up()
        with pytest.raises(ProviderError):
            await fallback(away, away)[0].warm_up()

    run_virtual(main())


def test_closing_closes_every_voice():
    voices = [ScriptedTts("first"), ScriptedTts("second")]
    run_virtual(fallback(*voices)[0].close())
    assert [voice.closed for voice in voices] == [True, True]
