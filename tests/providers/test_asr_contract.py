"""What every recogniser must do, whatever engine is behind it. A new provider adds one line to RECOGNISERS."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from fakes.openai_server import openai_server
from fakes.sounds import SoundBook
from fakes.yandex_stt import SttDouble

from voxbot.domain.audio import FRAME_SAMPLES, AudioChunk, silence
from voxbot.domain.errors import ProviderError
from voxbot.providers.asr import openai, whisper, yandex
from voxbot.providers.models import WHISPER_BASE, fetch
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints, as_streaming
from voxbot.speech.resampler import resample
from voxbot.speech.wav import read_wav

AUDIO = Path(__file__).parents[1] / "asterisk_lab" / "audio"
SAID = {
    "price": "сколько стоит разрывная машина на 100 килоньютонов",
    "delivery": "какие сроки доставки в екатеринбург",
}
HEARD = {"price": "сколько стоит", "delivery": "сроки доставки"}
"""What no recogniser may miss of the recordings."""


def book():
    """What a double knows of the recordings: see fakes.sounds."""
    known = SoundBook()
    for name, text in SAID.items():
        known.bind_recording(read_wav(AUDIO / f"{name}.wav"), text)
    return known


@asynccontextmanager
async def local_whisper(folder: Path):
    fetch(WHISPER_BASE, folder / "models")
    yield whisper.create(load_settings(None, {"DATA_DIR": str(folder)}))


@asynccontextmanager
async def yandex_on_its_double(_folder: Path, **environ: str):
    async with SttDouble(book().hear, final_ms=50) as double:
        known = {"YANDEX_API_KEY": "AQVN-test", "YANDEX_STT_ENDPOINT": double.endpoint}
        yield yandex.create(load_settings(None, known | environ))


@asynccontextmanager
async def openai_on_its_double(_folder: Path, model: str):
    known = book()
    async with openai_server() as double:
        double.audio.recognise = lambda samples, rate_hz: known.hear(samples)
        given = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": double.base_url, "ASR_OPENAI_MODEL": model}
        yield openai.create(load_settings(None, given))


RECOGNISERS = {
    "openai": lambda folder: openai_on_its_double(folder, "gpt-transcribe"),
    "openai, whisper-1": lambda folder: openai_on_its_double(folder, "whisper-1"),
    "whisper": local_whisper,
    "yandex": yandex_on_its_double,
    "yandex, its own ends": lambda folder: yandex_on_its_double(folder, YANDEX_STT_EOU="service"),
}

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.enable_socket]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=RECOGNISERS)
async def asr(request, tmp_path_factory):
    async with RECOGNISERS[request.param](tmp_path_factory.mktemp("asr")) as engine:
        await engine.warm_up()
        yield engine
        await engine.close()


def call(name: str) -> AudioChunk:
    return AudioChunk(np.concatenate((silence(300), read_wav(AUDIO / f"{name}.wav"), silence(260))), 8000)


async def heard(asr, audio: AudioChunk, terms: str = "") -> str:
    transcript = await asr.transcribe(audio, AsrHints(terms))
    assert 0 <= transcript.confidence <= 1
    return transcript.text.lower()


@pytest.mark.parametrize("name", SAID)
async def test_a_caller_is_understood(asr, name):
    assert HEARD[name] in await heard(asr, call(name))


async def test_the_trades_terms_do_no_harm(asr):
    terms = "разрывная машина, килоньютонов, " * 60
    assert HEARD["price"] in await heard(asr, call("price"), terms)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
async def test_any_rate_will_do(asr, rate_hz):
    sound = call("price")
    text = await heard(asr, AudioChunk(resample(sound.samples, 8000, rate_hz), rate_hz))
    assert asr.name in {"yandex", "openai"} or HEARD["price"] in text, "a book knows frames that were not resampled"


@pytest.mark.parametrize("length_ms", [0, 20, 1000])
async def test_nothing_is_no_words(asr, length_ms):
    assert await heard(asr, AudioChunk(silence(length_ms), 8000)) == ""


async def test_it_takes_as_much_as_a_turn_may_hold(asr):
    assert asr.capabilities.max_ms >= 29_000
    sound = np.concatenate((call("price").samples, silence(29_000)))[: 29_000 * 8]
    assert HEARD["price"] in await heard(asr, AudioChunk(sound, 8000))


async def test_two_callers_are_understood_at_once(asr):
    texts = await asyncio.gather(*(heard(asr, call(name)) for name in SAID))
    assert all(HEARD[name] in text for name, text in zip(SAID, texts, strict=True))


async def test_a_recognition_that_is_given_up_leaves_the_engine_working(asr):
    given_up = [asyncio.create_task(heard(asr, call("price"))) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in given_up:
        task.cancel()
    await asyncio.wait(given_up)
    assert all(task.cancelled() for task in given_up)
    async with asyncio.timeout(10):
        assert HEARD["delivery"] in await heard(asr, call("delivery"))


@pytest.mark.parametrize("name", RECOGNISERS)
async def test_a_closed_recogniser_says_so_in_the_house_manner(name, tmp_path):
    async with RECOGNISERS[name](tmp_path) as engine:
        await engine.warm_up()
        await engine.close()
        await engine.close()
        with pytest.raises(ProviderError):
            await engine.transcribe(call("price"), AsrHints())
        if streaming := as_streaming(engine):
            stream = streaming.open(AsrHints(), Listener())
            stream.push(silence(20))
            with pytest.raises(ProviderError):
                await stream.settle()
            stream.close()


# --- those that also take an utterance while it is said ----------------------------------------


class Listener:
    def __init__(self):
        self.partials = []
        self.inside = False

    def on_partial(self, text):
        assert not self.inside, "told from inside a call of the stream"
        self.partials.append(text.lower())

    def on_end_of_utterance(self):
        assert not self.inside


@asynccontextmanager
async def stream_of(asr):
    streaming = as_streaming(asr)
    if streaming is None:
        pytest.skip(f"{asr.name} takes whole utterances only")
    listener = Listener()
    async with AsyncExitStack() as at_end:
        stream = streaming.open(AsrHints(), listener)
        at_end.callback(stream.close)

        def push(sound):
            listener.inside = True
            for start in range(0, len(sound), FRAME_SAMPLES):
                stream.push(sound[start : start + FRAME_SAMPLES])
            listener.inside = False

        yield stream, push, listener


async def test_a_stream_hears_what_the_whole_utterance_holds(asr):
    async with stream_of(asr) as (stream, push, listener):
        push(call("price").samples)
        assert HEARD["price"] in (await stream.settle()).text.lower()
        assert listener.partials, "words come before they are asked for"


async def test_a_caller_who_goes_on_is_understood_as_a_whole(asr):
    async with stream_of(asr) as (stream, push, _):
        for name in SAID:
            push(call(name).samples)
            text = (await stream.settle()).text.lower()
        assert all(words in text for words in HEARD.values())
        assert text.count(HEARD["price"]) == 1


async def test_asking_is_given_up_without_loss(asr):
    async with stream_of(asr) as (stream, push, _):
        push(call("price").samples)
        asked = asyncio.create_task(stream.settle())
        await asyncio.sleep(0.005)
        asked.cancel()
        await asyncio.wait({asked})
        push(call("delivery").samples)
        text = (await stream.settle()).text.lower()
        assert all(words in text for words in HEARD.values())


async def test_a_stream_without_words_is_empty(asr):
    async with stream_of(asr) as (stream, push, listener):
        push(silence(600))
        assert (await stream.settle()).text == ""
        assert not any(listener.partials)


async def test_a_stream_that_is_closed_tells_nothing_and_takes_anything(asr):
    async with stream_of(asr) as (stream, push, listener):
        push(call("price").samples)
        stream.close()
        stream.close()
        push(call("price").samples)
        await asyncio.sleep(0.2)
        assert not listener.partials
