"""Tell the caller's voice from everything else the line brings, while the bot speaks.

The VAD knows speech from noise. It does not know whose: the bot's own voice that comes back, a television, the next
table of a café. `Foreground` lowers its probability where the sound is not the caller in front of the telephone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples
from voxbot.speech.echo import HISTORY_SAMPLES, MAX_DELAY_SAMPLES, EchoDetector
from voxbot.speech.tones import is_click, is_tone

if TYPE_CHECKING:
    from voxbot.speech.echo import Floats

_WINDOW = 256
_RING = 4 * 8192
"""Samples of each side that are kept: twice what is looked at, so that a window may be judged late."""

_DOUBT = 0.3
"""Below this probability a window is silence for the turn machine anyway."""
_ECHO_TAIL = TELEPHONE_RATE_HZ // 2
_ECHO_LOSS_DB = 2.0
_ECHO_WINDOWS = MAX_DELAY_SAMPLES // _WINDOW + 1

_SILENCE_DB = 15.0
"""Level (dB over one unit) of A-law's idle noise; the background never counts as less."""
_OVER_BACKGROUND_DB = 6.0
_USUAL_CALLER_DB = 64.0
"""-26 dBFS, until this caller has spoken: weaker voices are expected, few."""
_BELOW_CALLER_DB = 16.0
"""So far below the loud windows of this caller's speech it is somebody further away."""
_CLEARLY_BELOW_DB = 6.0
"""What looks like an echo for the first time is let through if it is nearly as loud as the caller speaks."""
_HALF_VOICE = 0.1
"""From here on a window has something of voices in it. What has less, the VAD keeps from the turn machine by itself:
music as loud as the caller must not make the caller unheard."""
_RISE = 0.08
"""Share of the difference that the background's level takes over in such a window."""
_FIRST_RISE = 0.2
_FALL_DB = 0.05
"""Per other window (1.5 dB a second)."""
_ACQUAINTANCE = int(0.7 * TELEPHONE_RATE_HZ)
"""So long after the call began every voice counts as background: who is near and who is far shows later."""
_KNOWN_WINDOWS = 15
"""Half a second of a caller's speech tells how loud they are."""
_TOO_LOUD_DB, _DIES_AWAY_DB = 9.0, 1.5
"""What began so far above the caller's usual level and falls so fast, per window, is a bang."""
_CREEP_DB = 0.15
"""Per window: voices that go on under the bot's become background (5 dB a second)."""
_NEVER_BACKGROUND_DB = 10.0
"""What comes closer than this to the caller's usual level may be the caller."""
_ALARM_FADE_DB = 0.5
_CALLER_RISE, _CALLER_FALL = 0.25, 0.01


class Foreground:
    """One call. `push` every frame, `judge` every window of the VAD; pure computation."""

    def __init__(self) -> None:
        self._caller = np.zeros(_RING, np.float32)
        self._played = np.zeros(_RING, np.float32)
        self._pushed = 0
        self._judged = 0
        self._audible_until = -1
        self._background_db = _SILENCE_DB
        self._caller_db = _USUAL_CALLER_DB
        self._caller_windows = 0
        self._alarm_db = _SILENCE_DB
        """How loud the sound was that last passed for the caller while the bot spoke."""
        self._toned = self._dying = False
        self._levels = [_SILENCE_DB] * 3
        self._echo = EchoDetector(self._recent)

    def push(self, caller: Samples, played: Samples) -> None:
        """Take a frame of the caller's sound and what the caller's ear was given in the same time.

        Both have the same length. `played` is zeros while the bot is silent and must be continuous: each frame goes on
        where the one before ended (a jump of more than a millisecond loses the echo for a second).
        """
        start, count = self._pushed % _RING, len(caller)
        for ring, samples in ((self._caller, caller), (self._played, played)):
            ring[start : start + count] = samples[: _RING - start]
            if start + count > _RING:
                ring[: start + count - _RING] = samples[_RING - start :]
        self._pushed += count
        if played.any():
            self._audible_until = self._pushed + _ECHO_TAIL

    def judge(self, probability: float, *, bot_speaking: bool) -> float:
        """Give the probability (0-1) that the caller in front speaks in the next window of 256 samples.

        Call it once per window of the VAD, in order, after the frames of the window were pushed.
        """
        self._judged += _WINDOW
        if self._pushed - self._judged > _RING - HISTORY_SAMPLES or self._judged > self._pushed:
            return probability  # out of step by seconds: no opinion
        window = self._at(self._caller, self._judged, _WINDOW)
        level = _decibels(float(np.dot(window, window)) / _WINDOW)
        self._levels = [*self._levels[1:], level]
        self._learn_background(probability, level, bot_speaking=bot_speaking)
        if probability < _DOUBT:
            return probability
        if bot_speaking:
            is_caller = self._is_caller_over_bot(level)
        else:
            is_caller = not (self._is_only_echo(level) and self._echo.certain)
        if not is_caller or self._is_click_or_tone(window):
            return 0.0
        if bot_speaking:
            self._alarm_db = max(level, self._alarm_db - _ALARM_FADE_DB)
        else:
            share = _CALLER_RISE if level > self._caller_db else _CALLER_FALL
            self._caller_db += (level - self._caller_db) * share
            self._caller_windows += 1
        return probability

    @property
    def audible(self) -> bool:
        """Whether the window judged last stands out of the background, whatever it is but the bot's known echo."""
        if self._echo.delay_samples is not None and self._judged <= self._audible_until:
            return False
        return self._levels[-1] >= self._background_db + _OVER_BACKGROUND_DB

    def false_alarm(self) -> None:
        """Learn that what stopped the bot last were no words for it: so loud is background for now."""
        self._raise_background(self._alarm_db, 1)

    def _is_caller_over_bot(self, level: float) -> bool:
        if self._judged <= _ACQUAINTANCE:
            self._is_only_echo(level)  # an echo shows in the first words of the greeting
            return False
        if self._dies_away():
            return False
        loud = max(self._levels)
        far = loud < self._background_db + _OVER_BACKGROUND_DB or loud < self._caller_db - _BELOW_CALLER_DB
        if not far and self._is_only_echo(level) and (self._echo.certain or loud < self._caller_db - _CLEARLY_BELOW_DB):
            return False
        if not far or self._echo.delay_samples is None:  # a voice that goes on under the bot's becomes background
            self._raise_background(min(level, self._background_db + _CREEP_DB), 1)
        return not far

    def _dies_away(self) -> bool:
        """Whether it is the end of something much louder than the caller."""
        if self._caller_windows < _KNOWN_WINDOWS:
            return False  # nothing to compare with yet
        before, last, now = self._levels
        began = before > self._caller_db + _TOO_LOUD_DB and before - last > _DIES_AWAY_DB and last - now > _DIES_AWAY_DB
        self._dying = began or (self._dying and now < last)
        return self._dying

    def _is_only_echo(self, level: float) -> bool:
        """Every echo is weaker than what was played before it; only then is it worth a closer look."""
        if self._judged > self._audible_until:
            return False
        _, played = self._recent(_ECHO_WINDOWS * _WINDOW)
        rows = played.reshape(_ECHO_WINDOWS, _WINDOW)
        loudest = float(np.einsum("ij,ij->i", rows, rows).max())
        return level < _decibels(loudest / _WINDOW) - _ECHO_LOSS_DB and self._echo.is_echo()

    def _learn_background(self, probability: float, level: float, *, bot_speaking: bool) -> None:
        """Follow the level of the voices behind; down at all times, up by what is half a voice."""
        if probability < _HALF_VOICE or level < self._background_db:
            self._background_db = max(_SILENCE_DB, self._background_db - _FALL_DB)
        elif bot_speaking and self._judged <= _ACQUAINTANCE:
            self._raise_background(level, _FIRST_RISE)
        elif probability < _DOUBT:
            self._raise_background(level, _RISE)

    def _raise_background(self, level: float, share: float) -> None:
        nearest = min(level, self._caller_db - _NEVER_BACKGROUND_DB)
        self._background_db += max(0.0, nearest - self._background_db) * share

    def _is_click_or_tone(self, window: Floats) -> bool:
        """A tone must last for two windows: a vowel may look like one for a moment."""
        behind = 10 ** ((self._background_db + _OVER_BACKGROUND_DB) / 10)
        toned, self._toned = self._toned, is_tone(window, behind)
        return (toned and self._toned) or is_click(window, behind)

    def _recent(self, count: int) -> tuple[Floats, Floats]:
        return self._at(self._caller, self._judged, count), self._at(self._played, self._judged, count)

    def _at(self, ring: Floats, end: int, count: int) -> Floats:
        """Take the `count` samples before the position `end` (zeros before the call began)."""
        stop = end % _RING
        if stop >= count:
            return ring[stop - count : stop]
        return np.concatenate((ring[stop - count :], ring[:stop]))


def _decibels(power: float) -> float:
    """Level over an amplitude of one unit, 0 at silence."""
    return 10 * math.log10(power + 1)
