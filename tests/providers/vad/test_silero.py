"""Silero hears speech, not noise, and many calls at once as it hears one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from voxbot.domain.audio import silence
from voxbot.providers.vad.silero import SileroVad
from voxbot.speech.wav import read_wav

AUDIO = Path(__file__).parents[2] / "asterisk_lab" / "audio"
UTTERANCES = ["price", "address", "certificate", "delivery", "operator", "goodbye"]
FRAME = 160


@pytest.fixture(scope="module")
def vad():
    engine = SileroVad()
    engine.warm_up()
    return engine


def utterance(name: str):
    return np.concatenate((silence(320), read_wav(AUDIO / f"{name}.wav"), silence(320)))


def noise(seconds: float, rms: float, seed: int = 0):
    return np.random.default_rng(seed).normal(0, rms, round(seconds * 8000)).clip(-32768, 32767).astype(np.int16)


def pink_noise(samples: int):
    """Noise of the level 1 that weakens by 3 dB an octave, as rooms and lines do."""
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(0, 1, samples))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    sound = np.fft.irfft(spectrum, samples)
    return sound / sound.std()


def loud_windows(sound):
    """Which windows are within 20 dB of the loudest: vowels and voiced consonants, not the pauses."""
    windows = sound[: len(sound) // 256 * 256].astype(float).reshape(-1, 256)
    level = np.sqrt(np.mean(windows**2, axis=1))
    return level > 0.1 * level.max()


async def probabilities(vad: SileroVad, *sounds) -> list[list[float]]:
    """Stream the sounds side by side in 20 ms frames, as calls do."""
    results: list[list[float]] = [[] for _ in sounds]
    streams = [vad.open(result.append) for result in results]
    for start in range(0, max(map(len, sounds)), FRAME):
        for stream, sound in zip(streams, sounds, strict=True):
            stream.push(sound[start : start + FRAME])
        await asyncio.sleep(0)
    expected = [len(sound) // 256 for sound in sounds]
    async with asyncio.timeout(10):
        while [len(result) for result in results] != expected:
            await asyncio.sleep(0.002)
    for stream in streams:
        stream.close()
    return results


@pytest.mark.parametrize("name", UTTERANCES)
async def test_speech_is_heard(vad, name):
    sound = utterance(name)
    (result,) = await probabilities(vad, sound)
    assert np.mean(np.array(result)[loud_windows(sound)] > 0.5) > 0.9


@pytest.mark.parametrize("rms", [10, 100, 1000])
async def test_noise_is_not_taken_for_speech(vad, rms):
    (result,) = await probabilities(vad, noise(10, rms))
    assert np.mean(np.array(result) > 0.5) == 0


@pytest.mark.parametrize("name", ["price", "goodbye"])
async def test_speech_after_two_minutes_of_noise_is_heard_from_its_beginning(vad, name):
    speech = read_wav(AUDIO / f"{name}.wav")
    before = 120 * 8000
    level = np.sqrt(np.mean(speech.astype(float) ** 2)) / 10 ** (5 / 20)  # speech is 5 dB above the noise
    sound = pink_noise(before + len(speech)) * level
    sound[before:] += speech
    (result,) = await probabilities(vad, sound.clip(-32768, 32767).astype(np.int16))
    quiet, during = np.array(result[: before // 256]), np.array(result[before // 256 :])
    assert np.mean(quiet > 0.5) == 0
    assert np.mean(during[loud_windows(speech)[: len(during)]] > 0.5) > 0.94


async def test_calls_at_once_get_what_each_would_get_alone(vad):
    sounds = [utterance("price"), noise(4, 300), utterance("goodbye"), silence(3000), utterance("operator")]
    together = await probabilities(vad, *sounds)
    for sound, result in zip(sounds, together, strict=True):
        (alone,) = await probabilities(vad, sound)
        np.testing.assert_allclose(result, alone, atol=1e-4)


async def test_the_size_of_the_pieces_does_not_matter(vad):
    sound = utterance("delivery")
    (in_frames,) = await probabilities(vad, sound)
    at_once: list[float] = []
    stream = vad.open(at_once.append)
    stream.push(sound)
    assert not at_once  # the contract: never from within push
    async with asyncio.timeout(10):
        while len(at_once) < len(sound) // 256:
            await asyncio.sleep(0.002)
    stream.close()
    np.testing.assert_allclose(at_once, in_frames, atol=1e-5)


async def test_digital_silence_is_not_speech_and_costs_no_inference(vad):
    (result,) = await probabilities(vad, silence(5000))
    assert result == [0.0] * 156


async def test_a_line_with_a_constant_offset_is_no_speech(vad):
    (result,) = await probabilities(vad, np.full(16000, 500, np.int16))
    assert max(result[10:]) < 0.5


async def test_a_closed_stream_is_silent_and_its_failure_stays_its_own(vad):
    heard: list[float] = []
    other: list[float] = []

    def fail(_probability: float) -> None:
        raise RuntimeError("a bug in one call")

    closed, failing, working = vad.open(heard.append), vad.open(fail), vad.open(other.append)
    for stream in (closed, failing, working):
        stream.push(noise(0.2, 500))
    closed.close()
    closed.close()
    closed.push(noise(0.2, 500))
    async with asyncio.timeout(10):
        while len(other) < 6:
            await asyncio.sleep(0.002)
    failing.close()
    working.close()
    assert not heard


async def test_a_call_that_hangs_up_from_its_own_callback_gets_no_more(vad):
    heard: list[float] = []
    other: list[float] = []

    def hang_up(probability: float) -> None:
        heard.append(probability)
        stream.close()

    stream = vad.open(hang_up)
    stream.push(noise(0.5, 500))
    witness = vad.open(other.append)
    witness.push(noise(0.5, 500))
    async with asyncio.timeout(10):
        while len(other) < 15:
            await asyncio.sleep(0.002)
    witness.close()
    assert len(heard) == 1
