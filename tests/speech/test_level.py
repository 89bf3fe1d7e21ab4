"""Voices come out about equally loud, without jumps and without distortion."""

from __future__ import annotations

import numpy as np
import pytest

from voxbot.speech.level import even_level


@pytest.mark.parametrize(("peak", "expected"), [(18_000, 23_200), (32_000, 23_200), (2_000, 2_820), (0, 0)])
def test_the_peak_goes_towards_minus_three_decibels_by_three_at_most(peak, expected):
    sound = np.array([0, peak, -peak // 2, 0], np.int16)
    assert np.abs(even_level(sound).astype(int)).max() == expected


def test_no_sound_stays_no_sound():
    assert len(even_level(np.zeros(0, np.int16))) == 0


def test_the_lowest_sample_does_not_overflow():
    assert even_level(np.array([-32768, 32767], np.int16)).tolist() == [-23265, 23265]
