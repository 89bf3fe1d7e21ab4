"""Where recordings lie and what they are called: `YYYY/MM/<start>_<call id>.wav`, start in local time.

Stereo WAV of 8 kHz, 16 bit, the caller left, the bot right (call/recording.py writes them).
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEADER_BYTES = 44
FRAME_BYTES = 4
"""One sample of each side."""
FILE_NAME = re.compile(r"(\d{8}-\d{6})_[A-Za-z0-9.-]{1,90}\.wav")
START_FORMAT = "%Y%m%d-%H%M%S"
_MAX_ID_CHARS = 64
_WITHIN = timedelta(minutes=5)
"""A recording begins with the first sound, a little after the call."""
_FULL_SCALE = 32768.0


def file_path(directory: Path, call_id: str, at: float) -> Path:
    """Where a call's recording goes, whatever characters its id is made of; `at`: seconds since the epoch."""
    start = datetime.fromtimestamp(at).astimezone()
    return directory / f"{start:%Y}" / f"{start:%m}" / f"{start.strftime(START_FORMAT)}_{safe_id(call_id)}.wav"


def safe_id(call_id: str) -> str:
    """Return the call's part of the file name."""
    safe = re.sub(r"[^A-Za-z0-9.-]+", "-", call_id)[:_MAX_ID_CHARS] or "call"
    if safe != call_id:
        safe = f"{safe}-{hashlib.sha256(call_id.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return safe


def find_recording(directory: Path, call_id: str, start: datetime) -> Path | None:
    """Find the finished recording of a call that began at `start` (naive local time). Reads one or two folders."""
    wanted = re.compile(rf"(\d{{8}}-\d{{6}})_{re.escape(safe_id(call_id))}(-\d+)?\.wav")
    months = dict.fromkeys(f"{moment:%Y}/{moment:%m}" for moment in (start, start + _WITHIN))
    for month in months:
        try:
            names = sorted(file.name for file in (directory / month).iterdir())
        except OSError:
            continue
        for name in names:
            match = wanted.fullmatch(name)
            if match and abs(datetime.strptime(match[1], START_FORMAT) - start) <= _WITHIN:  # noqa: DTZ007 - local
                return directory / month / name
    return None


def duration_s(path: Path) -> float:
    """Return the length of a finished recording. Raises OSError."""
    return max(0, path.stat().st_size - HEADER_BYTES) // FRAME_BYTES / TELEPHONE_RATE_HZ


def peaks(path: Path, points: int) -> NDArray[np.float32]:
    """Return the largest deviation of each side within each of `points` stretches, shape (points, 2), 0-1.

    Blocks for the reading of the file; raises OSError. A recording of fewer samples gives fewer points.
    """
    data = np.fromfile(path, "<i2", offset=HEADER_BYTES)
    frames = data[: len(data) // 2 * 2].reshape(-1, 2)
    points = min(points, len(frames))
    if not points:
        return np.zeros((0, 2), np.float32)
    starts = np.arange(points) * len(frames) // points
    highest = np.maximum.reduceat(frames, starts).astype(np.float32)
    lowest = np.minimum.reduceat(frames, starts).astype(np.float32)
    return np.minimum(np.maximum(highest, -lowest) / _FULL_SCALE, 1.0)
