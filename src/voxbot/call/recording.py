"""Recordings of calls: stereo WAV of 8 kHz, 16 bit, the caller left, the bot right.

A call's file is `YYYY/MM/<start>_<call id>.wav`, start in local time as `20261121-165003`. While the call lasts it
carries `.part` behind its name and a lock; a `.part` without a lock was left by a crash (retention.py repairs it).
All writing is done by one thread; a disk that fails costs the recording, never the call.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import structlog

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples
from voxbot.media.recording_files import FRAME_BYTES, HEADER_BYTES, file_path

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from voxbot.domain.ids import CallId

log = structlog.get_logger(__name__)

PART = ".part"

_BLOCK_FRAMES = TELEPHONE_RATE_HZ // 2
"""Half a second goes to the disk at once."""
_MAX_WAITING = 8
"""So many blocks wait for a slow disk; what comes beyond them is recorded as silence, so that time stays true."""
_CLOSE_S = 5.0
"""The end of a call waits no longer for the disk."""
_FILE_MODE = 0o640
_FOLDER_MODE = 0o750
_MAX_NAMES = 100


class Recordings:
    """The recordings of this process: one thread that writes them in order."""

    def __init__(self, directory: Path) -> None:
        """Nothing is created before the first sound of the first call."""
        self._directory = directory
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recording")

    def open(self, call_id: CallId, at: float) -> Recorder:
        """Begin the recording of a call that started at `at` (seconds since the epoch)."""
        return Recorder(call_id, file_path(self._directory, call_id, at), self._writer)

    async def close(self) -> None:
        """Finish what is being written. Close the recorders first."""
        await asyncio.to_thread(self._writer.shutdown)


class Recorder:
    """One call's recording. Its methods never raise for what the disk does: there is one warning."""

    def __init__(self, call_id: CallId, path: Path, writer: ThreadPoolExecutor) -> None:
        self._call_id = call_id
        self._path = path
        self._writer = writer
        self._pieces: list[Samples] = []
        self._frames = 0
        self._skipped = 0
        self._waiting: list[Future[None]] = []
        self._file: BinaryIO | None = None
        self._failed = False
        self._closed = False

    @property
    def path(self) -> Path | None:
        """The finished file; None as long as there is none, or if there will never be one."""
        return self._path if self._closed and self._path.is_file() else None

    def push(self, caller: Samples, bot: Samples) -> None:
        """Take the next sound of both sides, 8 kHz, of one length (the shorter is filled up with silence).

        Costs some microseconds; the disk is not touched here.
        """
        if self._closed or self._failed:
            return
        both = np.zeros((max(len(caller), len(bot)), 2), np.int16)
        both[: len(caller), 0] = caller
        both[: len(bot), 1] = bot
        self._pieces.append(both)
        self._frames += len(both)
        if self._frames >= _BLOCK_FRAMES:
            self._flush()

    async def close(self) -> None:
        """Write the rest and give the file its name. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._flush(must=True)
        done = asyncio.wrap_future(self._writer.submit(self._finish))
        finished, _ = await asyncio.wait({done}, timeout=_CLOSE_S)
        if not finished:
            log.warning("Запись разговора ещё пишется: диск медленный", call_id=self._call_id)

    def _flush(self, *, must: bool = False) -> None:
        """Hand the collected sound to the writer, or silence in its place if too much waits already."""
        frames, self._frames = self._frames, 0
        pieces, self._pieces = self._pieces, []
        if not frames:
            return
        self._waiting = [future for future in self._waiting if not future.done()]
        if len(self._waiting) >= _MAX_WAITING and not must:
            self._skipped += frames
            return
        skipped, self._skipped = self._skipped, 0
        self._waiting.append(self._writer.submit(self._write, skipped, pieces))

    # --- in the writer's thread -------------------------------------------------------------------

    def _write(self, skipped: int, pieces: list[Samples]) -> None:
        if self._failed:
            return
        try:
            if self._file is None:
                self._path, self._file = _create(self._path)
            if skipped:
                self._file.write(bytes(skipped * FRAME_BYTES))
            for piece in pieces:
                self._file.write(piece.astype("<i2", copy=False).tobytes())
            self._file.flush()
        except OSError as error:
            self._failed = True
            log.warning(
                "Запись разговора прервана; разговор продолжается. Проверьте место на диске и права на RECORDING_DIR",
                call_id=self._call_id,
                error=str(error),
            )

    def _finish(self) -> None:
        if self._file is None:
            return
        part = self._path.with_name(self._path.name + PART)
        try:
            with self._file as file:
                complete(file)
                part.rename(self._path)
        except OSError as error:
            log.warning("Запись разговора не завершена, остался файл .part", call_id=self._call_id, error=str(error))
        self._file = None


def complete(file: BinaryIO) -> int:
    """Write the true lengths into the header of a file that ended anywhere; return its length in frames."""
    frames = max(0, file.seek(0, os.SEEK_END) - HEADER_BYTES) // FRAME_BYTES
    file.truncate(HEADER_BYTES + frames * FRAME_BYTES)
    file.seek(0)
    file.write(_header(frames))
    file.flush()
    return frames


def lock(file: BinaryIO) -> bool:
    """Take the lock that says: this file is being written. False if another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _create(path: Path) -> tuple[Path, BinaryIO]:
    """Make the `.part` of a name that nobody has; return the name it will get and the open file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    for number in range(1, _MAX_NAMES):
        name = path if number == 1 else path.with_name(f"{path.stem}-{number}.wav")
        if name.exists():
            continue
        try:
            descriptor = os.open(name.with_name(name.name + PART), os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        except FileExistsError:
            continue
        file = os.fdopen(descriptor, "r+b")
        lock(file)
        file.write(_header(0))
        return name, file
    raise FileExistsError(f"{path}: имя занято")


def _header(frames: int) -> bytes:
    """RIFF header of 16-bit PCM, two channels (Microsoft, Multimedia Data Standards 1.0, 1991)."""
    data_bytes = min(frames * FRAME_BYTES, 0xFFFFFFFF - HEADER_BYTES)
    byte_rate = TELEPHONE_RATE_HZ * FRAME_BYTES
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE",
        b"fmt ", 16, 1, 2, TELEPHONE_RATE_HZ, byte_rate, FRAME_BYTES, 16,
        b"data", data_bytes,
    )  # fmt: skip
