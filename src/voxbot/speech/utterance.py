"""The sound of the caller's current utterance, with the little before it that detection came too late for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk, Samples

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAD_IN_MS = 300
"""Kept before the detected beginning: soft first consonants are below any detector's threshold."""
_MAX_LEAD_MS = 2000


class UtteranceRecorder:
    """Bounded: outside an utterance the last two seconds, inside it at most `max_ms`.

    `on_sound` gets the sound of each utterance piece by piece as it comes, the lead first.
    """

    def __init__(self, max_ms: float = 30_000, *, on_sound: Callable[[Samples], None] | None = None) -> None:
        self._on_sound = on_sound
        self._max_samples = _samples(max_ms)
        self._lead: deque[Samples] = deque()
        self._lead_samples = 0
        self._pieces: list[Samples] | None = None
        self._length = 0

    def push(self, samples: Samples) -> None:
        """Take the next sound of the call."""
        self._lead.append(samples)
        self._lead_samples += len(samples)
        while self._lead_samples - len(self._lead[0]) >= _samples(_MAX_LEAD_MS):
            self._lead_samples -= len(self._lead.popleft())
        if self._pieces is not None and self._length < self._max_samples:
            self._pieces.append(samples)
            self._length += len(samples)
            if self._on_sound:
                self._on_sound(samples)

    def open(self, lead_ms: float) -> None:
        """Begin an utterance that started `lead_ms` ago; an earlier one is forgotten."""
        wanted = _samples(lead_ms + _LEAD_IN_MS)
        before = np.concatenate(self._lead)[-wanted:] if self._lead else np.zeros(0, np.int16)
        self._pieces, self._length = [before], len(before)
        if self._on_sound:
            self._on_sound(before)

    def close(self) -> None:
        """Forget the utterance."""
        self._pieces, self._length = None, 0

    def snapshot(self) -> AudioChunk:
        """The utterance so far, 8 kHz; empty when none is open."""
        if not self._pieces:
            return AudioChunk(np.zeros(0, np.int16), TELEPHONE_RATE_HZ)
        self._pieces = [np.concatenate(self._pieces)]
        return AudioChunk(self._pieces[0], TELEPHONE_RATE_HZ)


def _samples(duration_ms: float) -> int:
    return round(duration_ms * TELEPHONE_RATE_HZ / 1000)
