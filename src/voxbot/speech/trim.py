"""Cut the silence that synthesis engines put around speech: at the start it is latency the caller waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples

_SILENCE_AMPLITUDE = 200
"""About -44 dBFS; engines' silence is digital or a few units of dither."""
_KEEP_MS = 15


def trim_start(samples: Samples, rate_hz: int) -> Samples:
    """Drop leading silence but for its last 15 ms; all-silent sound becomes empty."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENCE_AMPLITUDE)
    if not len(loud):
        return samples[:0]
    return samples[max(0, int(loud[0]) - _KEEP_MS * rate_hz // 1000) :]
