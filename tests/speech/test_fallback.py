"""When an engine fails or hangs the next one takes over; when all fail the caller is told so in one error."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ProviderAuthError, ProviderError, ProviderUnavailableError
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.fallback import FallbackAsr, FallbackTts
from voxbot.speech.tts import TtsCapabilities

SOUND = AudioChunk(np.ones(160, np.int16), 8000)
BROKEN = ProviderUnavailableError("broken", "connection refused")


class ScriptedTts:
    """Yields what it is given: a chunk, an error to raise, or None to hang for ever."""

    capabilities = TtsCapabilities(streaming=True)

    def __init__(self, name, *script, warm_up_error=None):
        self.name = name
        self.script = script
        self.warm_up_error = warm_up_error
        self.asked = 0
        self.stopped = 0
        self.closed = False

    async def synthesize(self, text):
        self.asked += 1
        try:
            for step in self.script:
                if step is None:
                    await asyncio.Event().wait()
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.stopped += 1

    async def warm_up(self):
        if self.warm_up_error:
            raise self.warm_up_error

    async def close(self):
        self.closed = True


class ScriptedAsr:
    """Answers with the given text, raises the given error, or hangs on None."""

    def __init__(self, name, answer, max_ms=30_000):
        self.name = name
        self.answer = answer
        self.capabilities = AsrCapabilities(max_ms=max_ms)

    async def transcribe(self, audio, hints):
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return Transcript(self.answer, 1.0)

    async def warm_up(self):
        pass

    async def close(self):
        pass


async def spoken(tts):
    async with aclosing(tts.synthesize("text")) as chunks:
        return [chunk async for chunk in chunks]


@pytest.mark.parametrize("failing", [(BROKEN,), (None,)], ids=["refuses", "hangs"])
async def test_the_next_voice_speaks_when_the_first_fails_or_hangs(failing):
    first, second = ScriptedTts("first", *failing), ScriptedTts("second", SOUND, SOUND)
    assert await spoken(FallbackTts([first, second], first_audio_s=0.01)) == [SOUND, SOUND]
    assert first.stopped == 1


async def test_the_second_voice_is_not_asked_when_the_first_speaks():
    first, second = ScriptedTts("first", SOUND), ScriptedTts("second", SOUND)
    assert await spoken(FallbackTts([first, second])) == [SOUND]
    assert second.asked == 0


async def test_a_voice_that_has_begun_is_not_replaced_in_mid_sentence():
    first, second = ScriptedTts("first", SOUND, BROKEN), ScriptedTts("second", SOUND)
    chunks = FallbackTts([first, second]).synthesize("text")
    assert await anext(chunks) is SOUND
    with pytest.raises(ProviderUnavailableError, match="refused"):
        await anext(chunks)
    assert second.asked == 0


async def test_when_all_voices_fail_the_last_failure_is_raised():
    with pytest.raises(ProviderUnavailableError, match="second: нет ответа"):
        await spoken(FallbackTts([ScriptedTts("first", BROKEN), ScriptedTts("second", None)], first_audio_s=0.01))


async def test_a_text_with_nothing_to_say_is_not_a_failure():
    second = ScriptedTts("second", SOUND)
    assert await spoken(FallbackTts([ScriptedTts("first"), second])) == []
    assert second.asked == 0


async def test_barge_in_stops_the_voice_behind_the_wrapper():
    voice = ScriptedTts("first", SOUND, None)
    async with aclosing(FallbackTts([voice, ScriptedTts("second")]).synthesize("text")) as chunks:
        await anext(chunks)
    assert voice.stopped == 1


async def test_an_unreachable_voice_does_not_keep_the_bot_from_starting_but_a_wrong_setting_does():
    away = ScriptedTts("away", warm_up_error=BROKEN)
    wrong = ScriptedTts("wrong", warm_up_error=ConfigError("key is not set"))
    fine = ScriptedTts("fine")
    await FallbackTts([away, fine]).warm_up()
    with pytest.raises(ConfigError, match="key is not set"):
        await FallbackTts([fine, wrong]).warm_up()
    with pytest.raises(ProviderError):
        await FallbackTts([away, away]).warm_up()


async def test_closing_closes_every_voice():
    voices = [ScriptedTts("first"), ScriptedTts("second")]
    await FallbackTts(voices).close()
    assert [voice.closed for voice in voices] == [True, True]


@pytest.mark.parametrize("first", [BROKEN, ProviderAuthError("cloud", "key refused"), None])
async def test_the_next_recogniser_listens_when_the_first_fails_or_hangs(first):
    asr = FallbackAsr([ScriptedAsr("first", first), ScriptedAsr("second", "да")], transcript_s=0.01)
    assert (await asr.transcribe(SOUND, AsrHints())).text == "да"


async def test_hearing_nothing_is_an_answer():
    asr = FallbackAsr([ScriptedAsr("first", ""), ScriptedAsr("second", "да")])
    assert (await asr.transcribe(SOUND, AsrHints())).text == ""


async def test_when_no_recogniser_answers_the_last_failure_is_raised():
    with pytest.raises(ProviderUnavailableError, match="broken"):
        await FallbackAsr([ScriptedAsr("first", BROKEN), ScriptedAsr("second", BROKEN)]).transcribe(SOUND, AsrHints())


def test_the_whole_can_take_no_more_than_its_weakest_part():
    asr = FallbackAsr([ScriptedAsr("first", "", max_ms=60_000), ScriptedAsr("second", "", max_ms=30_000)])
    assert asr.capabilities.max_ms == 30_000
    assert asr.name == "first,second"
