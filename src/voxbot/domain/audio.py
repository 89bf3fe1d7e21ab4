"""Audio as it travels through VoxBot: mono signed 16-bit samples with their rate beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]
"""Shape (n,), mono, signed 16-bit, native byte order."""

TELEPHONE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = TELEPHONE_RATE_HZ * FRAME_MS // 1000


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A stretch of sound of any length."""

    samples: Samples
    rate_hz: int

    @property
    def duration_ms(self) -> float:
        """Length in milliseconds."""
        return len(self.samples) * 1000 / self.rate_hz


def silence(duration_ms: float, rate_hz: int = TELEPHONE_RATE_HZ) -> Samples:
    """Digital silence of the given length."""
    return np.zeros(round(duration_ms * rate_hz / 1000), np.int16)
