"""The resampler keeps speech, rejects aliases, and gives the same in pieces as in one."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from voxbot.speech.resampler import Resampler, resample

RATES = [(8000, 16000), (16000, 8000), (8000, 24000), (24000, 8000), (22050, 8000), (16000, 22050)]


def tone(frequency_hz: float, rate_hz: int, seconds: float = 1.0, amplitude: float = 10_000.0):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.int16)


def level_db(samples, reference=7071.0) -> float:
    middle = samples[len(samples) // 10 : -len(samples) // 10].astype(np.float64)
    return 20 * np.log10(max(np.sqrt(np.mean(middle**2)), 1e-9) / reference)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("frequency_hz", [100, 1000, 3400])
def test_a_tone_of_the_telephone_band_comes_out_as_the_same_tone_in_place(from_hz, to_hz, frequency_hz):
    result = resample(tone(frequency_hz, from_hz), from_hz, to_hz).astype(np.float64)
    expected = tone(frequency_hz, to_hz).astype(np.float64)
    middle = slice(to_hz // 10, -to_hz // 10)
    error = np.mean((result[middle] - expected[middle]) ** 2) / np.mean(expected[middle] ** 2)
    assert np.sqrt(error) < 0.012  # 0.1 dB


ALIASES = [(16000, 4100), (16000, 6000), (24000, 11000), (22050, 5000)]


@pytest.mark.parametrize(("from_hz", "frequency_hz"), ALIASES)
def test_what_telephone_rate_cannot_hold_is_rejected_instead_of_folded(from_hz, frequency_hz):
    assert level_db(resample(tone(frequency_hz, from_hz), from_hz, 8000)) < -55


def test_raising_the_rate_makes_no_mirror_image():
    spectrum = np.abs(np.fft.rfft(resample(tone(3000, 8000), 8000, 16000) * np.hanning(16000)))
    bins_hz = np.fft.rfftfreq(16000, 1 / 16000)
    image = spectrum[bins_hz > 4000].max()
    assert 20 * np.log10(image / spectrum.max()) < -55


@pytest.mark.parametrize(("from_hz", "to_hz"), [*RATES, (8000, 8000)])
def test_a_stream_in_pieces_equals_the_whole(from_hz, to_hz):
    rng = np.random.default_rng(1)
    sound = rng.integers(-20_000, 20_000, 12_345).astype(np.int16)
    stream, pieces, start = Resampler(from_hz, to_hz), [], 0
    while start < len(sound):
        length = int(rng.integers(0, 700))
        pieces.append(stream.push(sound[start : start + length]))
        start += length
    pieces.append(stream.flush())
    np.testing.assert_array_equal(np.concatenate(pieces), resample(sound, from_hz, to_hz))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("length", [1, 2, 159, 160, 8000, 9999])
def test_the_length_follows_the_ratio(from_hz, to_hz, length):
    assert len(resample(np.ones(length, np.int16), from_hz, to_hz)) == ceil(length * to_hz / from_hz)


def test_an_empty_sound_stays_empty():
    stream = Resampler(22050, 8000)
    assert len(stream.push(np.zeros(0, np.int16))) == 0
    assert len(stream.flush()) == 0
    assert len(resample(np.zeros(0, np.int16), 8000, 16000)) == 0


def test_a_flushed_stream_begins_anew():
    stream = Resampler(16000, 8000)
    first = np.concatenate((stream.push(tone(440, 16000)), stream.flush()))
    second = np.concatenate((stream.push(tone(440, 16000)), stream.flush()))
    np.testing.assert_array_equal(first, second)


def test_the_loudest_sound_is_clipped_not_wrapped():
    square = np.where(np.arange(8000) % 40 < 20, 32767, -32768).astype(np.int16)
    result = resample(square, 8000, 16000).astype(np.int32)
    assert np.abs(np.diff(result)).max() < 50_000  # a wrapped sample would jump by about 65,000


def test_streaming_lags_three_milliseconds():
    stream = Resampler(8000, 16000)
    assert len(stream.push(np.zeros(8000, np.int16))) == 16000 - 2 * 24


def test_rates_below_one_are_refused():
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 8000)
