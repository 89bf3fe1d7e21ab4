"""Change of sampling rate by any rational ratio: a polyphase windowed-sinc FIR filter in NumPy.

Raising the rate by L and lowering it by M (`to_hz / from_hz` in lowest terms) is one low-pass filter at the
rate `L * from_hz`, of which only the taps that meet a real input sample, and only the outputs that are kept,
are computed:

    y[n] = Σ_k  h[(n·M mod L) + k·L] · x[⌊n·M / L⌋ - k]

h is a sinc cut off in the middle of the transition band, under a Kaiser window (Oppenheim & Schafer,
"Discrete-Time Signal Processing", 3rd ed., 7.6): for a rejection of A = 60 dB, β = 0.1102·(A - 8.7), and a
transition of Δω needs (A - 7.95) / (2.285·Δω) taps, 48 at the lower of the two rates for Δω = 0.15π.

Passband: 0 to 85 % of half the lower rate (3.4 kHz between 8 kHz and any other), flat within 0.1 dB. From half
the lower rate on, at least 55 dB down. Lag: 24 samples of the lower rate, 3 ms at 8 kHz, given back by `flush`,
so the output is aligned with the input and `ceil(n · to_hz / from_hz)` samples long.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples

_Floats: TypeAlias = NDArray[np.float32]

_REJECTION_DB = 60.0
_PASSBAND = 0.85
_HALF_TAPS = 24
"""Taps on either side of the centre, at the lower of the two rates."""
_BLOCK_SAMPLES = 4096
"""Outputs computed in one piece, to bound memory: a window of taps is copied for each."""


class Resampler:
    """One stream's resampling. Not for use from two threads at once."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz <= 0 or to_hz <= 0:
            raise ValueError(f"rates must be positive, got {from_hz} and {to_hz} Hz")
        self._up, self._down = _ratio(from_hz, to_hz)
        self._bank = _filter_bank(self._up, self._down)
        self._lead = self._bank.shape[1] // 2
        self._reset()

    def push(self, samples: Samples) -> Samples:
        """Take the next samples of any number; give what can be computed of the result by now."""
        if self._up == self._down:
            return samples
        self._kept = np.concatenate((self._kept, samples.astype(np.float32)))
        self._taken += len(samples)
        return self._compute(self._taken - self._lead)

    def flush(self) -> Samples:
        """Give the rest of the result; the next `push` begins a new stream."""
        if self._up == self._down:
            return np.zeros(0, np.int16)
        self._kept = np.concatenate((self._kept, np.zeros(self._lead, np.float32)))
        rest = self._compute(self._taken)
        self._reset()
        return rest

    def _reset(self) -> None:
        taps = self._bank.shape[1]
        self._kept: _Floats = np.zeros(taps - self._lead - 1, np.float32)
        """Input not needed any more is dropped; begins with silence, the past of the first sample."""
        self._dropped = 0
        self._taken = 0
        self._given = 0

    def _compute(self, input_end: int) -> Samples:
        """Give every output whose place lies before input sample `input_end`."""
        end = max(self._given, -(-input_end * self._up // self._down))
        blocks: list[Samples] = []
        for start in range(self._given, end, _BLOCK_SAMPLES):
            places = np.arange(start, min(end, start + _BLOCK_SAMPLES)) * self._down
            windows = sliding_window_view(self._kept, self._bank.shape[1])[places // self._up - self._dropped]
            mixed = np.einsum("nk,nk->n", windows, self._bank[places % self._up])
            blocks.append(np.clip(np.rint(mixed), -32768, 32767).astype(np.int16))
        self._given = end
        unneeded = min(end * self._down // self._up - self._dropped, len(self._kept))
        self._kept = self._kept[unneeded:]
        self._dropped += unneeded
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample a whole sound: `ceil(len(samples) * to_hz / from_hz)` samples."""
    if from_hz == to_hz or not len(samples):
        return samples
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.push(samples), resampler.flush()))


def _ratio(from_hz: int, to_hz: int) -> tuple[int, int]:
    common = gcd(from_hz, to_hz)
    return to_hz // common, from_hz // common


@lru_cache(maxsize=16)
def _filter_bank(up: int, down: int) -> _Floats:
    """Shape (up, taps): for each phase, the taps in the order of the input samples they meet.

    Output at place p (in input samples) meets inputs ⌊p⌋ - (taps - lead - 1) … ⌊p⌋ + lead, lead = taps // 2.
    """
    lower = min(1.0, up / down)
    """The lower rate in units of the input rate."""
    half = int(np.ceil(_HALF_TAPS / lower))
    offsets = np.arange(-half + 1, half + 1)[None, :] - np.arange(up)[:, None] / up
    cutoff = lower * (1 + _PASSBAND) / 2
    beta = 0.1102 * (_REJECTION_DB - 8.7)
    window = np.i0(beta * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, 1))) / np.i0(beta)
    taps = np.sinc(cutoff * offsets) * window
    # Every phase passes a constant unchanged; else a constant would come out with a ripple at the input rate.
    taps /= taps.sum(axis=1, keepdims=True)
    return taps.astype(np.float32)
