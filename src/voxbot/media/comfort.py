"""Sounds that tell a waiting caller that the line is alive."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples, silence

_LEVEL = 1600
"""-26 dBFS: well below speech."""
_NOTE_MS = 360
_REST_MS = 640
_NOTES_HZ = (440.0, 523.25)


@lru_cache(maxsize=1)
def comfort_tone() -> Samples:
    """Two soft notes and a rest, 2 s in whole frames; said over and over it never leaves a second of silence."""
    parts: list[Samples] = []
    for note_hz in _NOTES_HZ:
        time_s = np.arange(_NOTE_MS * TELEPHONE_RATE_HZ // 1000) / TELEPHONE_RATE_HZ
        swell = np.sin(np.pi * time_s * 1000 / _NOTE_MS)
        parts += [(_LEVEL * swell * np.sin(2 * np.pi * note_hz * time_s)).astype(np.int16), silence(_REST_MS)]
    return np.concatenate(parts)
