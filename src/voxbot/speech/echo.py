"""Recognise the bot's own voice in the caller's sound.

Two tests, both needed: the sound must correlate with what is being played, and be explained by it.

*Correlation* finds the delay: the cross-correlation of the last 256 ms of the caller's sound with what was played in
the 400 ms before, whitened by its spectrum (GCC-PHAT: Knapp and Carter, 1976), shows it under a line's filter and
a room's reverberation alike. Added up over time its peak is 11-28 times its RMS with an echo from the second look on,
and at most 9.6 without (measured on 20 minutes with, 40 minutes without).

*Explanation* protects the caller who speaks at the same time: at the known delay the echo's power in each of 12 bands
is what was played times the learned gain of the band. A window of which too much stands out of that is not echo only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Floats: TypeAlias = NDArray[np.float32]

MAX_DELAY_SAMPLES = 3200
"""400 ms: two ways through a mobile network, a packet network and a jitter buffer."""
_WINDOW = 256
_EVIDENCE = 2048
"""Sound that is correlated at once."""
HISTORY_SAMPLES = _EVIDENCE + MAX_DELAY_SAMPLES
"""How much of both sides the owner must keep."""

_FFT = 5400
"""Fast, and longer than HISTORY_SAMPLES: the lags that count do not wrap around."""
_FADE = 128
_KEEP = 0.75
_FOUND = 10.5
_STILL_THERE = 7.0
"""Peak over RMS of the added correlations at which an echo is found, and from which it is seen to be there still."""
_AGREES = 6.0
"""Peak over RMS of a single look, on sound of which nothing was seen before, that confirms a delay."""
_SLIP = 400
"""Samples by which a jitter buffer or a late frame may move the delay of an echo that is certain."""
_MOST_DOUBTS = 8
"""Looks without it (2 s of sound) after which a known echo is forgotten: a caller's turn comes between two answers."""
_SAME_DELAY = 40
"""Samples by which a delay may wander."""
_SEARCH_WINDOWS = 2
_RECHECK_WINDOWS = 9
"""How many windows pass between two looks while no echo is known, and when one is."""

_EDGES = (6, 9, 12, 16, 20, 25, 31, 38, 46, 56, 68, 82, 110)
"""Bands in bins of 31.25 Hz: 190-3440 Hz, wider upwards as the ear's."""
_TAIL = np.array([[0.5], [1.0], [1.0], [0.6], [0.35], [0.2], [0.1]], np.float32)
"""Shares in which sound played 16 ms after the delay, at it, and 16, 32, ... ms before it sounds on in a window."""
_TAIL_SHARE = np.float32(_TAIL.sum() / 2)
_STANDS_OUT = 8.0
"""Times the expected power of a band from which on the rest is somebody's."""
_OTHERS_SHARE = 0.3
_MEMORY = 0.4
"""Energies of a window before, per window: single windows of an echo stand out by chance."""
_LEARN = 1.1
"""Step of a band's gain per window: it settles at the median."""
_PURE = 12.0
"""Correlation of a single look from which on the sound is mostly echo, however little of it was expected."""
_FLOOR_POWER = 2e6
"""Power of A-law's idle noise in a band."""
_LOUD_POWER = 2e8


class EchoDetector:
    """One call's echo path. `recent(n)` gives the last n samples of (caller, played) up to the window in question."""

    def __init__(self, recent: Callable[[int], tuple[Floats, Floats]]) -> None:
        self._recent = recent
        self._correlation = np.zeros(MAX_DELAY_SAMPLES + 1, np.float32)
        self._purity = 0.0
        self._gain: Floats | None = None
        self._others = self._heard = 0.0
        self._unchecked = _RECHECK_WINDOWS
        self._doubts = 0
        self.delay_samples: int | None = None
        """Delay of the echo, None while none is known."""
        self.certain = False
        """Whether it was seen in two separate pieces of sound."""
        self._age = 0

    def is_echo(self) -> bool:
        """Whether the current window is nothing but echo."""
        self._unchecked += 1
        self._age += 1
        if self._unchecked >= (_SEARCH_WINDOWS if self.delay_samples is None else _RECHECK_WINDOWS):
            self._unchecked = 0
            self._correlate()
        return self.delay_samples is not None and self._is_explained(self.delay_samples)

    def _correlate(self) -> None:
        """Add the correlation of the last sound, and find or lose the delay by it."""
        caller, played = self._recent(HISTORY_SAMPLES)
        cross = np.fft.rfft(played, _FFT) * np.conj(np.fft.rfft(caller[-_EVIDENCE:] * _TAPER, _FFT))
        now = np.abs(np.fft.irfft(cross / (np.abs(cross) + 1.0), _FFT)[MAX_DELAY_SAMPLES::-1])
        now /= _rms(now)
        self._correlation = _KEEP * self._correlation + now
        delay = int(self._correlation.argmax())
        score = float(self._correlation[delay]) / _rms(self._correlation)
        self._purity = float(now[max(0, delay - 4) : delay + 5].max())
        if self.delay_samples is not None and self._age > _EVIDENCE // _WINDOW and not self.certain:
            self._confirm(now, self.delay_samples)
        known = self.delay_samples
        wanders = known is not None and abs(delay - known) < _SAME_DELAY
        if score >= _FOUND or (wanders and score >= _STILL_THERE):
            self.delay_samples = delay
            self._doubts = 0
            if not wanders:
                self._age, self._gain = 0, None
                self.certain = self.certain and known is not None and abs(delay - known) < _SLIP
        elif known is not None:
            self._doubts += 1
            if self._doubts >= _MOST_DOUBTS:
                self._forget()

    def _confirm(self, now: Floats, delay: int) -> None:
        """Two voices of one synthesiser share recorded sounds, which look like an echo for a moment."""
        near = now[max(0, delay - _SAME_DELAY) : delay + _SAME_DELAY]
        self.certain = float(near.max()) >= _AGREES
        if not self.certain:
            self._forget()

    def _forget(self) -> None:
        self.delay_samples, self.certain = None, False
        self._correlation[:] = 0

    def _is_explained(self, delay: int) -> bool:
        """Whether little of the window stands out of the echo that is expected in it."""
        if self._gain is None:
            self._gain = self._first_gain(delay)
        heard, played = self._band_powers(delay)
        gain = self._gain
        expected = played * gain
        others = np.maximum(heard - _STANDS_OUT * expected - _FLOOR_POWER, 0)
        self._others = _MEMORY * self._others + float(others.sum())
        self._heard = _MEMORY * self._heard + float(heard.sum())
        explained = self._others < _OTHERS_SHARE * self._heard
        rise = _LEARN if explained or self._purity > _PURE else 1.0
        step = np.where(heard > expected, rise, 1 / _LEARN)
        self._gain = np.where(played > _LOUD_POWER, gain * step, gain)
        return explained

    def _first_gain(self, delay: int) -> Floats:
        """Gain of each band over all of the evidence; its loud parts count most."""
        caller, played = self._recent(HISTORY_SAMPLES)
        stop = len(played) - delay
        heard = _powers(caller[-_EVIDENCE:].reshape(-1, _WINDOW)).sum(axis=0)
        sent = _powers(played[stop - _EVIDENCE : stop].reshape(-1, _WINDOW)).sum(axis=0)
        return heard / (sent * _TAIL_SHARE + _FLOOR_POWER)

    def _band_powers(self, delay: int) -> tuple[Floats, Floats]:
        """Band powers, shape (12,), of the caller's window and of the played sound that may echo in it."""
        caller, played = self._recent(HISTORY_SAMPLES)
        rows = np.zeros((len(_TAIL) + 1, _WINDOW), np.float32)
        rows[0] = caller[-_WINDOW:]
        for row, lead in enumerate(range(-_WINDOW // 2, (len(_TAIL) - 1) * _WINDOW // 2, _WINDOW // 2), 1):
            stop = len(played) - max(0, delay + lead)
            rows[row] = played[stop - _WINDOW : stop]
        powers = _powers(rows)
        return powers[0], (powers[1:] * _TAIL).sum(axis=0)


def _powers(windows: Floats) -> Floats:
    """Band powers of windows: (n, 256) → (n, 12)."""
    spectra = np.fft.rfft(windows * _HANN, axis=1)
    return np.asarray((spectra.real**2 + spectra.imag**2) @ _BANDS, np.float32)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.dot(values, values) / len(values))) + 1e-9


def _taper() -> Floats:
    """The beginning fades in; the end, where the echo may just have begun, stays whole."""
    taper = np.ones(_EVIDENCE, np.float32)
    taper[:_FADE] = np.linspace(0, 1, _FADE)
    return taper


def _band_matrix() -> Floats:
    """Which bins belong to which band: shape (129, 12)."""
    bins = np.arange(_WINDOW // 2 + 1)[:, None]
    edges = np.array(_EDGES)
    return ((bins >= edges[:-1]) & (bins < edges[1:])).astype(np.float32)


_TAPER = _taper()
_HANN = np.hanning(_WINDOW).astype(np.float32)
_BANDS = _band_matrix()
