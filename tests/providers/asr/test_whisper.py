"""Whisper hears the lab's callers, writes nothing on noise, and survives cancellation and damage."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from voxbot.domain.audio import AudioChunk, silence
from voxbot.domain.errors import ConfigError, ModelError
from voxbot.providers.asr.whisper import WhisperAsr
from voxbot.providers.models import WHISPER_BASE, fetch
from voxbot.speech.asr import AsrHints
from voxbot.speech.wav import read_wav

AUDIO = Path(__file__).parents[2] / "asterisk_lab" / "audio"
HINTS = AsrHints(
    terms="разрывная машина, РЭМ, килоньютонов, 100 кН, свидетельство о поверке, сроки доставки, "
    "гидравлический пресс, твердомер, маятниковый копёр, Екатеринбург, оператор, часы работы, адрес"
)
RATE_HZ = 8000


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    fetch(WHISPER_BASE, folder)
    return folder


@pytest.fixture(scope="module")
def asr(models_dir):
    engine = WhisperAsr(models_dir, threads=2, parallel=1)
    yield engine
    asyncio.run(engine.close())


def call(name: str) -> AudioChunk:
    return AudioChunk(np.concatenate((silence(300), read_wav(AUDIO / f"{name}.wav"), silence(250))), RATE_HZ)


def noises() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    spectrum = np.fft.rfft(rng.normal(0, 1, len(time_s)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    pink = np.fft.irfft(spectrum, len(time_s))
    tone = np.sin(2 * np.pi * 425 * time_s) * ((time_s * 1000 % 700) < 350)
    return {
        "silence": np.zeros(len(time_s)),
        "faint": rng.normal(0, 30, len(time_s)),
        "white": rng.normal(0, 1000, len(time_s)),
        "pink": pink / pink.std() * 300,
        "busy tone": 6000 * tone,
        "breath": pink / pink.std() * 1500 * np.abs(np.sin(2 * np.pi * 1.2 * time_s)) ** 3,
        "clicks": 20_000.0 * (np.arange(len(time_s)) % 2000 == 0),
        "music": read_wav(AUDIO / "moh.wav")[: 3 * RATE_HZ].astype(float),
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("price", ["сколько стоит", "разрывная машина", "100"]),
        ("address", ["адрес", "часы работы"]),
        ("certificate", ["поверке", "машиной"]),
        ("delivery", ["сроки доставки", "екатеринбург"]),
        ("operator", ["оператор"]),
        ("goodbye", ["спасибо", "до свидания"]),
    ],
)
async def test_the_words_that_matter_are_heard(asr, name, words):
    transcript = await asr.transcribe(call(name), HINTS)
    for word in words:
        assert word in transcript.text.lower()
    assert 0.4 < transcript.confidence <= 1


@pytest.mark.parametrize("name", noises())
@pytest.mark.parametrize("hints", [HINTS, AsrHints()], ids=["with terms", "without terms"])
async def test_nothing_is_written_where_nobody_speaks(asr, name, hints):
    sound = noises()[name].clip(-32768, 32767).astype(np.int16)
    assert (await asr.transcribe(AudioChunk(sound, RATE_HZ), hints)).text == ""


@pytest.mark.parametrize("samples", [0, 1, 160, 479])
async def test_a_click_is_nothing(asr, samples):
    assert (await asr.transcribe(AudioChunk(np.full(samples, 9000, np.int16), RATE_HZ), HINTS)).text == ""


async def test_a_turn_beyond_whispers_window_is_heard_to_its_end(asr):
    names = ["price", "address", "certificate", "delivery", "operator"]
    sound = np.concatenate([call(name).samples for name in (*names, *names[:2], "goodbye")])
    assert len(sound) > 30 * RATE_HZ
    text = (await asr.transcribe(AudioChunk(sound, RATE_HZ), HINTS)).text.lower()
    assert "сколько стоит" in text
    assert "до свидания" in text


async def test_cancelled_turns_leave_the_engine_working(asr):
    running = [asyncio.create_task(asr.transcribe(call("price"), HINTS)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in running:
        task.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(20):
        assert "Екатеринбург" in (await asr.transcribe(call("delivery"), HINTS)).text


async def test_calls_at_once_get_each_their_own_words(asr):
    texts = await asyncio.gather(*(asr.transcribe(call(name), HINTS) for name in ("delivery", "goodbye")))
    assert ["Екатеринбург" in text.text for text in texts] == [True, False]


async def test_of_more_terms_than_fit_the_last_are_kept(asr):
    surplus = ", ".join(f"насос номер {number}" for number in range(300))
    transcript = await asr.transcribe(call("price"), AsrHints(f"{surplus}, {HINTS.terms}"))
    assert "разрывная машина" in transcript.text
    assert (await asr.transcribe(call("delivery"), AsrHints("ы" * 5000))).text


async def test_a_folder_of_ones_own_is_a_model_too(models_dir, tmp_path):
    own = (models_dir / "whisper-base").rename(tmp_path / "own")
    engine = WhisperAsr(tmp_path, threads=2, parallel=1, model=str(own))
    try:
        assert "Екатеринбург" in (await engine.transcribe(call("delivery"), HINTS)).text
    finally:
        await engine.close()
        own.rename(models_dir / "whisper-base")


@pytest.mark.parametrize(
    ("model", "words"), [("t-one", "whisper-small"), ("no/folder", "no/folder"), ("whisper-small", "models fetch")]
)
async def test_a_model_that_is_not_there_is_told(tmp_path, model, words):
    engine = WhisperAsr(tmp_path, threads=1, parallel=1, model=model)
    with pytest.raises(ConfigError, match=words):
        await engine.warm_up()
    await engine.close()


async def test_a_damaged_model_is_refused_with_the_command_that_mends_it(models_dir, tmp_path):
    fetch(WHISPER_BASE, tmp_path)
    with (tmp_path / "whisper-base" / "model.bin").open("r+b") as model:
        model.seek(50_000_000)
        model.write(b"damage")
    engine = WhisperAsr(tmp_path, threads=1, parallel=1)
    with pytest.raises(ModelError, match="voxbot models fetch whisper-base --force"):
        await engine.warm_up()
    await engine.close()
