"""What the bot has said and what of it the caller has heard.

Asterisk plays at its own pace from a queue that we fill ahead of time. The position is known from the marks that
it reports and, between two marks, from the clock: audio plays one second a second while the queue is not empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples

if TYPE_CHECKING:
    from voxbot.media.transport import MediaTransport
    from voxbot.settings.schema import MediaSettings

_START_S = 0.02
"""Asterisk's timer takes the first frame of an idle queue within one frame's time."""
_MARK_GRACE_S = 1.0
"""How much later than the clock says a mark may come before we stop waiting for it."""

_EMPTY: Samples = np.zeros(0, np.int16)


class Playout:
    """The queue of one call, counted in 8 kHz samples since the call began."""

    def __init__(self, transport: MediaTransport, settings: MediaSettings) -> None:
        self._transport = transport
        self._block = settings.block_ms * TELEPHONE_RATE_HZ // 1000 // FRAME_SAMPLES * FRAME_SAMPLES
        self._max_ahead = settings.max_ahead_ms * TELEPHONE_RATE_HZ // 1000
        self._loop = asyncio.get_running_loop()
        self._rest = _EMPTY  # less than one frame
        self._marks: deque[tuple[int, int]] = deque()  # (mark, position it stands for)
        self._next_mark = 0
        self._anchor_position = 0
        self._anchor_time = self._loop.time()
        self._moved = asyncio.Event()
        self.sent = 0
        """Position up to which audio has been handed to the transport."""

    @property
    def heard(self) -> int:
        """Position up to which the caller has heard, exact to about one frame."""
        elapsed = max(0.0, self._loop.time() - self._anchor_time)
        return min(self.sent, self._anchor_position + int(elapsed * TELEPHONE_RATE_HZ))

    async def play(self, samples: Samples) -> None:
        """Queue sound, waiting while more than the allowed time of it is ahead of the caller's ear."""
        pending = np.concatenate((self._rest, samples))
        whole = len(pending) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = pending[whole:]
        for start in range(0, whole, self._block):
            await self._until_ahead_is_at_most(self._max_ahead - self._block)
            await self._send(pending[start : min(start + self._block, whole)])

    async def drain(self) -> None:
        """Send what is left of the last frame and wait until the caller has heard everything."""
        if len(self._rest):
            await self._send(np.pad(self._rest, (0, FRAME_SAMPLES - len(self._rest))))
            self._rest = _EMPTY
        await self._until_ahead_is_at_most(0)

    async def flush(self) -> None:
        """Stop the bot's voice at once; `heard` then stays where it was, `sent` falls back to it."""
        heard = self.heard
        self._rest = _EMPTY
        self._marks.clear()  # Asterisk discards them too: they never come
        self.sent = heard
        self._anchor(heard, self._loop.time())
        await self._transport.flush()

    def on_mark(self, mark: int) -> None:
        """Take a mark reported by the transport; one from before a flush is ignored."""
        while self._marks and self._marks[0][0] <= mark:
            number, position = self._marks.popleft()
            if number == mark:
                self._anchor(position, self._loop.time())
                self._moved.set()

    async def _send(self, block: Samples) -> None:
        if self.heard >= self.sent:  # the queue is empty: the clock starts anew with this block
            self._anchor(self.sent, self._loop.time() + _START_S)
        self.sent += len(block)
        self._next_mark += 1
        self._marks.append((self._next_mark, self.sent))
        mark = self._next_mark
        await self._transport.send(block)
        await self._transport.mark(mark)

    def _anchor(self, position: int, at: float) -> None:
        self._anchor_position, self._anchor_time = position, at

    async def _until_ahead_is_at_most(self, ahead: int) -> None:
        """Wait for marks; give up on one that is overdue, so that a lost mark never stalls a call."""
        while self.sent - self.heard > ahead or (ahead == 0 and self._marks):
            overdue_s = (self.sent - self.heard - ahead) / TELEPHONE_RATE_HZ + _MARK_GRACE_S
            self._moved.clear()
            if ahead > 0:  # pacing needs no mark: the clock is enough
                overdue_s -= _MARK_GRACE_S
            try:
                async with asyncio.timeout(max(overdue_s, 0.001)):
                    await self._moved.wait()
            except TimeoutError:
                if ahead == 0:
                    self._marks.clear()
                    return
