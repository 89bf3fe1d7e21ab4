"""Sound files of an operator: what is read, and what a wrong one is told."""

import wave

import numpy as np
import pytest

from voxbot.domain.errors import ConfigError
from voxbot.speech.wav import read_wav, write_wav


def save(path, samples, *, rate_hz=8000, channels=1, sample_bytes=2):
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(sample_bytes)
        wav.setframerate(rate_hz)
        wav.writeframes(samples.tobytes())


@pytest.mark.parametrize("content", [b"", b"RIFF", "# Не звук\n".encode()])
def test_a_file_that_is_no_wav_is_told_what_is_expected(tmp_path, content):
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"sound\.wav: не читается как WAV.*нужен PCM, 16 бит$") as error:
        read_wav(path)
    assert "()" not in str(error.value)


def test_eight_bits_are_refused_by_name(tmp_path):
    path = tmp_path / "sound.wav"
    save(path, np.full(80, 128, np.uint8), sample_bytes=1)
    with pytest.raises(ConfigError, match=r"sound\.wav: нужен WAV с 16-битными отсчётами, а здесь 8 бит"):
        read_wav(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.wav: нет такого файла"):
        read_wav(tmp_path / "none.wav")


def test_any_rate_and_two_channels_become_telephone_sound(tmp_path):
    path = tmp_path / "sound.wav"
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    save(path, np.stack([tone, np.zeros_like(tone)], axis=1).astype(np.int16), rate_hz=44_100, channels=2)
    samples = read_wav(path)
    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert abs(len(samples) - 8000) <= 80
    assert np.argmax(np.abs(np.fft.rfft(samples, 8000))) == 440
    assert np.abs(samples[2000:6000]).max() == pytest.approx(4000, rel=0.05)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "sound.wav"
    left, right = np.full(160, 1000, np.int16), np.full(80, 3000, np.int16)
    write_wav(path, [left, right])
    assert read_wav(path).tolist() == [2000] * 80 + [500] * 80


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"папка .*nowhere не найдена"):
        write_wav(tmp_path / "nowhere" / "sound.wav", [np.zeros(80, np.int16)])


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match=f"{tmp_path.name}: запись не удалась"):
        write_wav(tmp_path, [np.zeros(80, np.int16)])
