"""Bring voices of different engines to about the same loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples

_PEAK = 23_200
"""-3 dBFS."""
_MOST_GAIN = 1.41
_LEAST_GAIN = 0.71
"""At most 3 dB either way: pieces of one sentence must not jump in loudness."""


def even_level(samples: Samples) -> Samples:
    """Scale towards a peak of -3 dBFS, by 3 dB at most."""
    if not len(samples):
        return samples
    peak = max(1, int(np.abs(samples.astype(np.int32)).max()))
    gain = min(_MOST_GAIN, max(_LEAST_GAIN, _PEAK / peak))
    return np.clip(np.rint(samples * gain), -32768, 32767).astype(np.int16)
