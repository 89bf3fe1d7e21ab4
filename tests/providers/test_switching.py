"""Yandex over the network breaks in every way it can while a call goes on: the engine behind it takes over."""

import asyncio
import time
from contextlib import aclosing

import grpc
import numpy as np
import pytest
from fakes.scripted_engines import ScriptedAsr, ScriptedTts, sound
from fakes.sounds import SoundBook, frames_of, murmur
from fakes.yandex_account import API_KEY
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_stt import Fault, SttDouble
from fakes.yandex_tts import Speech
from structlog.testing import capture_logs

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.providers.asr import yandex as yandex_asr
from voxbot.providers.tts import yandex as yandex_tts
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints
from voxbot.speech.budget import Budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.fallback_tts import FallbackTts
from voxbot.speech.switches import Switches

WORDS = "сколько стоит разрывная машина"
BUDGET = Budget(total_s=6.0, hedge_min_s=0.3, hedge_max_s=0.6)
PATIENCE_S = 1.2
CODES = grpc.StatusCode


class Nobody:
    def on_partial(self, text):
        pass

    def on_end_of_utterance(self):
        pass


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        (Fault("error"), {"provider_unavailable"}),
        (Fault("error", code=CODES.UNAUTHENTICATED), {"provider_auth"}),
        (Fault("error", code=CODES.RESOURCE_EXHAUSTED), {"provider_rate_limit"}),
        (Fault("reset", after_ms=400), {"provider_unavailable"}),
        (Fault("half", after_ms=400), {"provider_unavailable"}),
        (Fault("hang", after_ms=400), {"slow"}),
        (Fault("mute"), {"slow"}),
    ],
    ids=["killed", "bad auth", "429", "reset", "half a stream", "hung", "no final"],
)
async def test_the_words_of_an_utterance_survive_its_stream(fault, reasons):
    book = SoundBook()
    utterance = murmur(frames_of(960), 1)
    book.bind_recording(utterance, WORDS)
    spare, switches = ScriptedAsr("spare", WORDS), Switches()
    async with SttDouble(book.hear, final_ms=100) as double:
        double.faults = [fault] * 3
        environ = {"YANDEX_API_KEY": API_KEY, "YANDEX_STT_ENDPOINT": double.endpoint}
        asr = FallbackAsr([yandex_asr.create(load_settings(None, environ)), spare], budget=BUDGET, switches=switches)
        stream = asr.open(AsrHints(), Nobody())
        for start in range(0, len(utterance), FRAME_SAMPLES):
            stream.push(utterance[start : start + FRAME_SAMPLES])
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        with capture_logs() as logs:
            assert (await stream.settle()).text == WORDS
        assert time.perf_counter() - started < PATIENCE_S
        stream.close()
        await asr.close()
    assert spare.lengths == [len(utterance)]
    switched = [entry for entry in logs if entry["event"].startswith("Переключение")]
    assert [(entry["engine"], entry["to"]) for entry in switched] == [("yandex", "spare")]
    assert switched[0]["reason"] in reasons
    assert switches.total("switches", kind="asr") == 1


@pytest.mark.parametrize(
    ("fault", "begun"),
    [
        (Speech(status="UNAVAILABLE"), False),
        (Speech(status="UNAUTHENTICATED"), False),
        (Speech(status="RESOURCE_EXHAUSTED", retry_after_s=7), False),
        (Speech(latency_s=5), False),
        (Speech(hang_after=0), False),
        (Speech(break_after=4, status="UNAVAILABLE"), True),
        (Speech(cut_after=4, chunk_s=0.1), True),  # a reset takes away what is not read yet
        (Speech(hang_after=4), True),
    ],
    ids=["killed", "bad auth", "429", "slow", "hung", "half a stream", "reset", "hung in the middle"],
)
async def test_a_sentence_is_finished_by_the_voice_behind(fault, begun):
    """60 ms a letter: 0.8 s are «сколько стоит»."""
    spare, switches = ScriptedTts("spare", sound(1, 77)), Switches()
    async with yandex_cloud() as cloud:
        cloud.tts.answer(Speech(), fault)
        tts = FallbackTts(
            [yandex_tts.create(load_settings(None, cloud.environment())), spare], budget=BUDGET, switches=switches
        )
        await tts.warm_up()
        gaps, last = [], time.perf_counter()
        async with aclosing(tts.synthesize(WORDS)) as chunks:
            heard = []
            async for chunk in chunks:
                gaps.append(time.perf_counter() - last)
                heard.append(chunk.samples)
                last = time.perf_counter() + chunk.duration_ms / 1000
        await tts.close()
    samples = np.concatenate(heard)
    assert int((samples == 77).sum()) >= 8000
    (text,) = spare.texts
    assert text == WORDS if not begun else WORDS.endswith(text) and 0 < len(text) < len(WORDS)
    assert max(gaps) < PATIENCE_S
    assert switches.total("switches", kind="tts", engine="yandex", to="spare") == 1
