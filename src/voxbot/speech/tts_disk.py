"""Synthesised sound on disk, shared by processes: a folder of files named after what was said and by which voice.

A file is `magic · rate (u32) · samples (u32) · CRC-32 of them (u32) · s16le samples`, written under another name
and renamed, so that nobody ever reads half of one. What was used longest ago goes first: a file's mtime is the hour
of its last use. Any process may delete a file at any time; a reader then just finds nothing. Each process counts only
what it writes itself, and counts all that is there again after every 32nd part of the limit: N processes may exceed
the limit by N such parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from voxbot.domain.audio import AudioChunk

if TYPE_CHECKING:
    from pathlib import Path

    from voxbot.speech.tts import VoiceKey

log = structlog.get_logger(__name__)

_MAGIC = b"VOXTTS1\n"
_HEADER = struct.Struct("<8sIII")
_SUFFIX = ".pcm"
_USED_S = 3600.0
"""A use is marked once an hour: the order of days is enough, and a write for every read is not."""
_ROOM = 0.9
"""A full folder is cleared to this part of its limit, so that not every write has to look through it."""
_RECOUNT = 1 / 32
_ABANDONED_S = 600.0


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    used_s: float
    size: int


class TtsDisk:
    """Blocking; for worker threads. Failures of the disk are logged once and never raised: it is only a cache."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._bytes: int | None = None
        self._recount_at = 0
        self._complained = False

    def read(self, voice: VoiceKey, text: str) -> AudioChunk | None:
        """Give the sound, None if there is none. A damaged file is deleted."""
        path = self._path(voice, text)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        chunk = _decoded(content)
        with contextlib.suppress(OSError):
            if chunk is None:
                log.warning("Файл кэша синтеза повреждён, удаляю", file=path.name)
                path.unlink()
            elif time.time() - path.stat().st_mtime > _USED_S:
                os.utime(path)
        return chunk

    def write(self, voice: VoiceKey, text: str, sound: AudioChunk) -> None:
        """Keep the sound; the oldest goes when the folder is full."""
        path = self._path(voice, text)
        content = _encoded(sound)
        if len(content) > self._max_bytes:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".tmp", delete=False) as file:
                try:
                    file.write(content)
                    file.close()
                    os.replace(file.name, path)  # noqa: PTH105 - tempfile gives names
                except OSError:
                    os.unlink(file.name)  # noqa: PTH108
                    raise
            self._make_room(len(content))
        except OSError as error:
            self._complain(error)

    def _path(self, voice: VoiceKey, text: str) -> Path:
        name = hashlib.sha256("\0".join((*voice, text)).encode()).hexdigest()
        return self._folder / name[:2] / f"{name}{_SUFFIX}"

    def _make_room(self, added: int) -> None:
        """Count; other processes write too, so the folder is looked through now and then and before a deletion."""
        if self._bytes is not None and self._bytes + added <= min(self._max_bytes, self._recount_at):
            self._bytes += added
            return
        found = sorted(self._scan(), key=lambda file: file.used_s)
        total = sum(file.size for file in found)
        if total > self._max_bytes:
            for file in found:
                if total <= self._max_bytes * _ROOM:
                    break
                file.path.unlink(missing_ok=True)
                total -= file.size
        self._bytes = total
        self._recount_at = total + int(self._max_bytes * _RECOUNT)

    def _scan(self) -> list[_Found]:
        found: list[_Found] = []
        for path in self._folder.glob(f"*/*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                found.append(_Found(path, stat.st_mtime, stat.st_size))
        for path in self._folder.glob("*.tmp"):  # of a process that died while it wrote
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()
        return found

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "Кэш синтеза на диске недоступен, речь синтезируется заново; проверьте права и место",
                folder=str(self._folder),
                error=error.strerror,
            )


def _encoded(sound: AudioChunk) -> bytes:
    samples = sound.samples.astype("<i2").tobytes()
    return _HEADER.pack(_MAGIC, sound.rate_hz, len(sound.samples), zlib.crc32(samples)) + samples


def _decoded(content: bytes) -> AudioChunk | None:
    if len(content) < _HEADER.size:
        return None
    magic, rate_hz, count, checksum = _HEADER.unpack_from(content)
    samples = content[_HEADER.size :]
    if magic != _MAGIC or not rate_hz or len(samples) != 2 * count or zlib.crc32(samples) != checksum:
        return None
    return AudioChunk(np.frombuffer(samples, "<i2").astype(np.int16), rate_hz)
