"""WAV files in and out: 16-bit PCM, any rate and channel count in, 8 kHz out."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples
from voxbot.domain.errors import ConfigError
from voxbot.speech.resampler import resample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxbot.domain.audio import AudioChunk

_SAMPLE_BYTES = 2


def read_wav(path: Path) -> Samples:
    """Read a file as 8 kHz mono. Raises ConfigError for anything that is not 16-bit PCM."""
    try:
        with wave.open(str(path)) as wav:
            if wav.getsampwidth() != _SAMPLE_BYTES:
                raise ConfigError(f"{path}: нужен WAV с 16-битными отсчётами, а здесь {8 * wav.getsampwidth()} бит")
            frames = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)
            channels, rate_hz = wav.getnchannels(), wav.getframerate()
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: нет такого файла") from error
    except (wave.Error, EOFError, OSError) as error:
        reason = f" ({error})" if str(error) else ""
        raise ConfigError(f"{path}: не читается как WAV{reason}; нужен PCM, 16 бит") from error
    mono = frames.reshape(-1, channels).astype(np.int32).mean(axis=1).astype(np.int16)
    return resample(mono, rate_hz, TELEPHONE_RATE_HZ)


def write_wav(path: Path, channels: Sequence[Samples]) -> None:
    """Write 8 kHz sound, one array a channel, the shorter ones padded with silence. Raises ConfigError."""
    length = max((len(channel) for channel in channels), default=0)
    padded = [np.pad(channel, (0, length - len(channel))) for channel in channels]
    try:
        with path.open("wb") as file, wave.open(file, "wb") as wav:
            wav.setnchannels(len(padded))
            wav.setsampwidth(_SAMPLE_BYTES)
            wav.setframerate(TELEPHONE_RATE_HZ)
            wav.writeframes(np.stack(padded, axis=1).tobytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: папка {path.parent} не найдена; создайте её или укажите другую") from error
    except PermissionError as error:
        raise ConfigError(f"{path}: нет прав на запись; проверьте права или укажите другую папку") from error
    except OSError as error:
        raise ConfigError(f"{path}: запись не удалась ({error.strerror}); проверьте путь и место на диске") from error


def wav_bytes(sound: AudioChunk) -> bytes:
    """Make the bytes of a mono WAV file at the sound's own rate."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(_SAMPLE_BYTES)
        wav.setframerate(sound.rate_hz)
        wav.writeframes(sound.samples.astype("<i2", copy=False).tobytes())
    return buffer.getvalue()
