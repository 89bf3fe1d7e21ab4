"""The sound of one thing that the bot says: it can be held, resumed from an earlier place, and asked what was heard."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples

if TYPE_CHECKING:
    from voxbot.media.playout import Playout

_QUIET_SEARCH = 400 * TELEPHONE_RATE_HZ // 1000
_QUIET_WINDOW = 2 * FRAME_SAMPLES


@dataclass(slots=True)
class _Stretch:
    """Samples of the track from `offset` on that lie in the playout from `position` on."""

    offset: int
    position: int
    length: int


class Track:
    """Offsets are 8 kHz samples since the beginning of the track. One task plays; others may hold and resume.

    After `resume` somebody must run `send_again`: the task that plays may be waiting for more to play.
    """

    def __init__(self, playout: Playout) -> None:
        self._playout = playout
        self._sound: Samples = np.zeros(0, np.int16)
        self._next = 0
        self._stretches: list[_Stretch] = []
        self._furthest = 0
        self._free = asyncio.Event()
        self._free.set()
        self._sending = asyncio.Lock()

    @property
    def length(self) -> int:
        """Samples given to the track so far."""
        return len(self._sound)

    @property
    def held(self) -> bool:
        """Whether it is silenced and waits for `resume`."""
        return not self._free.is_set()

    @property
    def heard(self) -> int:
        """How far the caller has heard it, at the furthest."""
        self._furthest = max(self._furthest, self._heard_now())
        return self._furthest

    async def play(self, samples: Samples) -> None:
        """Append sound and send what there is of it, waiting while the track is held or far ahead of the ear."""
        self._sound = np.concatenate((self._sound, samples))
        await self._send_until(len(self._sound) // FRAME_SAMPLES * FRAME_SAMPLES)

    async def drain(self) -> None:
        """Send the rest and wait until the caller has heard all of it, however often it is held meanwhile."""
        self._sound = np.pad(self._sound, (0, -len(self._sound) % FRAME_SAMPLES))
        while True:
            await self._send_until(len(self._sound))
            await self._playout.until_heard(self._playout.sent)
            if self._free.is_set() and self._next == len(self._sound):
                return

    async def hold(self) -> None:
        """Silence it at once. Where it was silenced is its `heard`."""
        self._free.clear()
        self._next = self._heard_now()
        self._furthest = max(self._furthest, self._next)
        self._stretches.clear()
        await self._playout.flush()

    def resume(self, offset: int | None = None) -> None:
        """Go on from `offset`, or from the last quiet place before where it was held: no word starts in its middle."""
        if not self.held:
            return
        self._next = self._quiet_before(self._next) if offset is None else min(offset, self._next)
        self._next -= self._next % FRAME_SAMPLES
        self._free.set()

    async def send_again(self) -> None:
        """Send what was given to the track and is not sent (any more). May be cancelled."""
        await self._send_until(len(self._sound) // FRAME_SAMPLES * FRAME_SAMPLES)

    def _heard_now(self) -> int:
        position, heard = self._playout.heard, 0
        for stretch in self._stretches:
            if stretch.position <= position:
                heard = stretch.offset + min(stretch.length, position - stretch.position)
        return heard if self._stretches else self._next

    async def _send_until(self, end: int) -> None:
        while True:
            await self._free.wait()
            async with self._sending:
                if self._free.is_set() and self._next >= end:
                    return
                await self._playout.room()
                if not self._free.is_set():
                    continue
                block = self._sound[self._next : min(self._next + self._playout.block_samples, end)]
                self._note(len(block))
                self._next += len(block)
                await self._playout.send(block)

    def _note(self, length: int) -> None:
        last = self._stretches[-1] if self._stretches else None
        if last and last.position + last.length == self._playout.sent:
            last.length += length
        else:
            self._stretches.append(_Stretch(self._next, self._playout.sent, length))

    def _quiet_before(self, offset: int) -> int:
        """The quietest place in the 400 ms before `offset`."""
        start = max(0, offset - _QUIET_SEARCH)
        windows = self._sound[start:offset].astype(np.int64)
        windows = windows[: len(windows) // _QUIET_WINDOW * _QUIET_WINDOW].reshape(-1, _QUIET_WINDOW)
        if not len(windows):
            return start
        energies = (windows**2).sum(axis=1)
        latest = len(energies) - 1 - int(np.argmin(energies[::-1]))
        return start + latest * _QUIET_WINDOW
