"""Sounds that no throat makes: clicks, dialled digits, call progress tones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxbot.speech.echo import Floats

_WINDOW = 256
_PIECES = 8
_REST_SHARE = 0.15
"""Of a window's energy, beside a click or tone that makes the most of it."""
_PURE_SHARE = 0.03
"""Less than this is the click's own edge or the tone's own width."""
_VOICE_HZ = 380
"""A hummed note may be nearly a pure tone up to here."""
_BIN_HZ = 31.25
_HANN = np.hanning(_WINDOW).astype(np.float32)
_ROWS_HZ, _COLUMNS_HZ = (690, 950), (1190, 1650)
"""DTMF (ITU-T Q.23): one tone of 697-941 Hz with one of 1209-1633 Hz."""
_TWIST = 10.0


def is_click(window: Floats, behind: float) -> bool:
    """Whether 256 samples hold no more than a click over sound of the mean power `behind`."""
    return _is_all(_without_click(window), window, behind)


def is_tone(window: Floats, behind: float) -> bool:
    """Whether 256 samples hold no more than a tone or a DTMF pair over sound of the mean power `behind`."""
    return _is_all(_without_tone(window), window, behind)


def _is_all(rest: float, window: Floats, behind: float) -> bool:
    """Whether what is left beside a click or tone is its own edge, or the background."""
    return rest < _PURE_SHARE or (rest < _REST_SHARE and rest * float(np.dot(window, window)) / _WINDOW < behind)


def _without_click(window: Floats) -> float:
    """Share of the energy outside the strongest 8 ms."""
    pieces = window.reshape(_PIECES, -1)
    energy = np.einsum("ij,ij->i", pieces, pieces)
    return 1 - float((energy[1:] + energy[:-1]).max() / (energy.sum() + 1))


def _without_tone(window: Floats) -> float:
    """Share of the energy outside one steady tone above the voice's own, or a DTMF pair."""
    power = np.abs(np.fft.rfft(window * _HANN)) ** 2
    total = float(power.sum()) + 1
    top = int(power.argmax())
    rest = 1 - _around(power, top) / total
    if rest < _REST_SHARE:
        return rest if top * _BIN_HZ > _VOICE_HZ else 1.0
    low = _around(power, _strongest(power, _ROWS_HZ))
    high = _around(power, _strongest(power, _COLUMNS_HZ))
    return 1 - (low + high) / total if max(low, high) < _TWIST * min(low, high) else 1.0


def _strongest(power: Floats, between_hz: tuple[int, int]) -> int:
    low, high = int(between_hz[0] / _BIN_HZ), int(between_hz[1] / _BIN_HZ) + 1
    return low + int(power[low : high + 1].argmax())


def _around(power: Floats, top: int) -> float:
    """Power of a tone: its bin and two on either side, the main lobe of the window."""
    return float(power[max(0, top - 2) : top + 3].sum())
