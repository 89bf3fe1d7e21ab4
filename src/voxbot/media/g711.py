"""A-law (ITU-T G.711), the codec of the telephone network here, over the C implementation of audioop."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples

with warnings.catch_warnings():
    # Deprecated in the standard library up to 3.12; from 3.13 on the package audioop-lts provides it.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

_BYTES_PER_SAMPLE = 2


def decode_alaw(data: bytes) -> Samples:
    """A-law bytes to int16 samples, one each."""
    return np.frombuffer(audioop.alaw2lin(data, _BYTES_PER_SAMPLE), np.int16)


def encode_alaw(samples: Samples) -> bytes:
    """Int16 samples to A-law bytes, one each."""
    return audioop.lin2alaw(samples.tobytes(), _BYTES_PER_SAMPLE)
