"""Recognisers through onnx-asr, with a network of T-one's form: the real ones are downloads of 150 MB and more."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from fakes.t_one_model import write_t_one_model

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ModelError, ProviderError
from voxbot.providers.asr.onnx_asr import OnnxAsr
from voxbot.speech.asr import AsrHints

pytest.importorskip("onnx_asr")


def loud(ms, rate_hz=8000):
    return AudioChunk(np.full(ms * rate_hz // 1000, 9000, np.int16), rate_hz)


@pytest.fixture
async def asr(tmp_path):
    engine = OnnxAsr(str(write_t_one_model(tmp_path / "own")), tmp_path, threads=1, parallel=1)
    yield engine
    await engine.close()


async def heard(asr, audio):
    return (await asr.transcribe(audio, AsrHints("машина"))).text


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
async def test_words_of_any_rate_come_with_the_models_own_confidence(asr, rate_hz):
    transcript = await asr.transcribe(loud(900, rate_hz), AsrHints())
    assert transcript.text.split() == ["да"] * 3
    assert transcript.confidence == pytest.approx(0.9, abs=0.01)


async def test_silence_and_clicks_are_nothing(asr):
    assert await heard(asr, AudioChunk(np.zeros(8000, np.int16), 8000)) == ""
    assert await heard(asr, loud(40)) == ""
    assert await heard(asr, AudioChunk(np.zeros(0, np.int16), 8000)) == ""


async def test_a_short_word_is_heard(asr):
    assert await heard(asr, loud(80)) == "да"


async def test_a_long_turn_is_heard_to_its_end_in_pieces(asr):
    silence, word = np.zeros(8000 * 231 // 10, np.int16), loud(300).samples
    turn = np.concatenate((word, silence, word, silence, word))
    assert (await heard(asr, AudioChunk(turn, 8000))).split() == ["да"] * 3


async def test_cancelled_turns_leave_the_engine_working(asr):
    running = [asyncio.create_task(asr.transcribe(loud(900), AsrHints())) for _ in range(5)]
    await asyncio.sleep(0)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert await heard(asr, loud(300)) == "да"


async def test_a_closed_engine_says_so(asr):
    await asr.warm_up()
    await asr.close()
    with pytest.raises(ProviderError):
        await asr.transcribe(loud(300), AsrHints())


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("t-one", ModelError, "voxbot models fetch t-one"),
        ("whisper-base", ConfigError, "ASR_ONNX_MODEL='whisper-base'.*t-one, gigaam-v3-ctc"),
        ("no/such/folder", ConfigError, "ASR_ONNX_MODEL"),
    ],
)
async def test_a_model_that_is_not_there_is_told_with_the_command_that_brings_it(tmp_path, model, error, words):
    engine = OnnxAsr(model, tmp_path, threads=1, parallel=1)
    with pytest.raises(error, match=words):
        await engine.warm_up()
    await engine.close()


@pytest.mark.parametrize("content", [b"", b"not a network"])
async def test_a_damaged_network_is_one_clear_line(tmp_path, content):
    folder = write_t_one_model(tmp_path / "own")
    (folder / "model.onnx").write_bytes(content)
    engine = OnnxAsr(str(folder), tmp_path, threads=1, parallel=1)
    with pytest.raises(ModelError, match="own"):
        await engine.warm_up()
    await engine.close()


async def test_a_folder_of_something_else_is_told(tmp_path):
    engine = OnnxAsr(str(tmp_path), tmp_path, threads=1, parallel=1)
    with pytest.raises(ModelError, match="T-one"):
        await engine.warm_up()
    await engine.close()
