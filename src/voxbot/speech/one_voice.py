"""What one voice gives of a text, until it ends or breaks off; then its sound ends between two words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ProviderError, ProviderUnavailableError

if TYPE_CHECKING:
    from voxbot.speech.budget import Budget
    from voxbot.speech.hedging import Runner

_TAIL_S = 0.4
"""So much of the sound is held back while the ear is far behind: there is a gap between two words in it."""
_LEAD_S = 0.6
"""The ear must have so much more to hear, or holding back might be heard. More than a cloud voice's stall."""
_HANDOVER_S = 0.15
"""So long before the ear needs what is held back it is given, or another voice is asked to go on."""
_QUIET_S = 0.02
_LONGEST_STALL_S = 5.0
_CHANCE_S = 0.3
"""Whoever reads may have been busy with what came before; the voice gets so long from then on."""


class OneVoice:
    """Reads the winner of a race. `sound_s` is how much sound it has given, `error` why it has broken off."""

    def __init__(self, runner: Runner[AudioChunk], budget: Budget) -> None:
        self._runner = runner
        self._local = runner.guard.local
        self._stall_s = budget.stall_s(local=self._local)
        self._loop = asyncio.get_running_loop()
        self._began_s = self._came_s = self._loop.time()
        self._tail: AudioChunk | None = None
        self._ended = False
        self.sound_s = 0.0
        self.error: ProviderError | None = None

    async def next(self) -> AudioChunk | None:
        """Give the next sound; None at the end, and when it has broken off."""
        asked_s = self._loop.time()
        while not self._ended:
            try:
                async with asyncio.timeout_at(self._patience_s(asked_s)):
                    chunk = await self._runner.pump.next()
            except StopAsyncIteration:
                self._ended = True
            except TimeoutError:
                if self._local and self._tail:
                    break
                return self._broken(ProviderUnavailableError(self._runner.guard.engine, "замолчал посреди фразы"))
            except ProviderError as error:
                return self._broken(error)
            else:
                self._came_s = self._loop.time()
                self.sound_s += chunk.duration_ms / 1000
                if (given := self._hold_back(chunk)) is not None:
                    return given
        tail, self._tail = self._tail, None
        return tail

    def _broken(self, error: ProviderError) -> AudioChunk | None:
        """Take note; give what is held back, up to the quietest place in it."""
        self.error = error
        self._ended = True
        tail, self._tail = self._tail, None
        if tail is None:
            return None
        window = max(1, round(_QUIET_S * tail.rate_hz))
        whole = tail.samples[: len(tail.samples) // window * window].astype(np.int64).reshape(-1, window)
        energies = (whole**2).sum(axis=1)
        latest = len(energies) - int(np.argmin(energies[::-1])) if len(energies) else 0
        given = AudioChunk(tail.samples[: latest * window], tail.rate_hz)
        self.sound_s -= (tail.duration_ms - given.duration_ms) / 1000
        return given if latest else None

    def _patience_s(self, asked_s: float) -> float:
        """Until when the next sound is waited for.

        What is held back is given before the ear needs it. A silent voice is given up then, or when the ear has
        nothing left, but not before a while has passed.
        """
        dry_s = self._began_s + self.sound_s
        if self._tail is not None:
            dry_s -= self._tail.duration_ms / 1000 + _HANDOVER_S
            if self._local:
                return dry_s
        fair_s = max(asked_s + _CHANCE_S, self._came_s + self._stall_s)
        return max(fair_s, min(dry_s, asked_s + _LONGEST_STALL_S))

    def _hold_back(self, chunk: AudioChunk) -> AudioChunk | None:
        """Give the chunk with what was held back before it, but for its end if there is time; None: all is held."""
        samples = np.concatenate((self._tail.samples, chunk.samples)) if self._tail else chunk.samples
        ahead_s = self._began_s + self.sound_s - self._loop.time()
        held = round(_TAIL_S * chunk.rate_hz) if ahead_s > _TAIL_S + _LEAD_S else 0
        split = max(0, len(samples) - held)
        self._tail = AudioChunk(samples[split:], chunk.rate_hz) if held else None
        return AudioChunk(samples[:split], chunk.rate_hz) if split else None
