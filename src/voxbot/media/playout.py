"""What has been sent to the caller, and what of it has been heard.

The far side (Asterisk) plays its queue by its own clock, so sound is sent ahead in blocks, never more than the
allowed length of time. The position is known from the marks that it reports and, between two marks, from the clock:
audio plays one second a second while the queue is not empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.media.transport import MediaTransport
    from voxbot.settings.schema import MediaSettings

_START_S = 0.02
"""Asterisk's timer takes the first frame of an idle queue within one frame's time."""
_MARK_GRACE_S = 1.0
"""How much later than the clock says a mark may come before we stop waiting for it."""
_TIMER_S = 0.001
_EAR_LEAD = 3 * FRAME_SAMPLES
_EAR_SLACK = TELEPHONE_RATE_HZ // 2
"""How far the caller's frames may be ahead of the bot's voice, and behind it, before they are brought into step."""


def _ignore(_sounding: bool) -> None:  # noqa: FBT001 - see Playout
    pass


class Playout:
    """The queue of one call, counted in 8 kHz samples since the call began.

    `on_sound` is told True when the caller begins to hear something and False when all that was sent is heard.
    """

    def __init__(
        self, transport: MediaTransport, settings: MediaSettings, on_sound: Callable[[bool], None] = _ignore
    ) -> None:
        self._transport = transport
        self.block_samples = settings.block_ms * TELEPHONE_RATE_HZ // 1000 // FRAME_SAMPLES * FRAME_SAMPLES
        self._max_ahead = settings.max_ahead_ms * TELEPHONE_RATE_HZ // 1000
        self._on_sound = on_sound
        self._loop = asyncio.get_running_loop()
        self._marks: deque[tuple[int, int]] = deque()  # (mark, position it stands for)
        self._next_mark = 0
        self._anchor_position = 0
        self._anchor_time = self._loop.time()
        self._moved = asyncio.Event()
        self._dry_timer: asyncio.TimerHandle | None = None
        self._ear: deque[Samples] = deque()  # sent and not asked for by `at_ear` yet
        self._ear_position = 0
        self.sounding = False
        """Whether the caller hears something at this moment."""
        self.sent = 0
        """Position up to which audio has been handed to the transport."""

    @property
    def heard(self) -> int:
        """Position up to which the caller has heard, exact to about one frame."""
        elapsed = max(0.0, self._loop.time() - self._anchor_time)
        return min(self.sent, self._anchor_position + int(elapsed * TELEPHONE_RATE_HZ))

    async def room(self) -> None:
        """Wait until another block may be sent."""
        while (excess := self.sent - self.heard + self.block_samples - self._max_ahead) > 0:
            await self._move_within(excess / TELEPHONE_RATE_HZ)  # the clock is enough, no mark is needed

    async def send(self, block: Samples) -> None:
        """Hand whole frames to the transport. Raises MediaError."""
        if self.heard >= self.sent:  # the queue is empty: the clock starts anew with this block
            self._anchor(self.sent, self._loop.time() + _START_S)
        self.sent += len(block)
        self._ear.append(block)
        self._next_mark += 1
        self._marks.append((self._next_mark, self.sent))
        mark = self._next_mark
        self._sound(sounding=True)
        await self._transport.send(block)
        await self._transport.mark(mark)

    async def until_heard(self, position: int) -> None:
        """Wait until the caller has heard all up to `position`, or it has been flushed away."""
        while self.heard < min(position, self.sent) or any(at <= position for _, at in self._marks):
            overdue_s = max(0, min(position, self.sent) - self.heard) / TELEPHONE_RATE_HZ + _MARK_GRACE_S
            if not await self._move_within(overdue_s):  # a lost mark must not stall a call
                while self._marks and self._marks[0][1] <= position:
                    self._marks.popleft()
                return

    async def flush(self) -> None:
        """Stop the bot's voice at once; `heard` then stays where it was, `sent` falls back to it."""
        heard = self.heard
        self._marks.clear()  # Asterisk discards them too: they never come
        self.sent = heard
        self._anchor(heard, self._loop.time())
        self._forget_unheard(heard)
        self._moved.set()
        self.close()
        self._sound(sounding=False)
        await self._transport.flush()

    def on_mark(self, mark: int) -> None:
        """Take a mark reported by the transport; one from before a flush is ignored."""
        while self._marks and self._marks[0][0] <= mark:
            number, position = self._marks.popleft()
            if number == mark:
                self._anchor(position, self._loop.time())
                self._moved.set()

    def at_ear(self, samples: int) -> Samples:
        """Give what the caller hears of the bot in the next `samples` samples of the call: silence where nothing is.

        To be asked once for each stretch of the caller's own sound. Without holes: the clocks of both directions
        tremble against each other, the sound given here does not.
        """
        found = np.zeros(samples, np.int16)
        heard = self.heard
        if heard - self._ear_position > _EAR_SLACK:
            self._skip_ear(heard)
        if self._ear_position + samples > heard + _EAR_LEAD:
            return found
        filled = 0
        while filled < samples and self._ear:
            piece = self._ear[0][: samples - filled]
            found[filled : filled + len(piece)] = piece
            self._take_ear(len(piece))
            filled += len(piece)
        return found

    def close(self) -> None:
        """Stop the clock."""
        if self._dry_timer:
            self._dry_timer.cancel()
            self._dry_timer = None

    def _anchor(self, position: int, at: float) -> None:
        self._anchor_position, self._anchor_time = position, at

    async def _move_within(self, seconds: float) -> bool:
        """Wait for the next mark or flush; False if none comes in time."""
        self._moved.clear()
        try:
            async with asyncio.timeout(max(seconds, _TIMER_S)):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    # --- what is at the ear ----------------------------------------------------------------------

    def _sound(self, *, sounding: bool) -> None:
        changed, self.sounding = sounding != self.sounding, sounding
        if sounding and self._dry_timer is None:
            self._wait_until_dry()
        if changed:
            self._on_sound(sounding)

    def _wait_until_dry(self) -> None:
        end_s = self._anchor_time + (self.sent - self._anchor_position) / TELEPHONE_RATE_HZ
        # Never for this very moment: the last sample may be heard a rounding error later.
        self._dry_timer = self._loop.call_at(max(end_s, self._loop.time() + _TIMER_S), self._look_whether_dry)

    def _look_whether_dry(self) -> None:
        self._dry_timer = None
        if self.heard < self.sent:
            self._wait_until_dry()
        elif self.sounding:
            self._sound(sounding=False)

    def _take_ear(self, samples: int) -> None:
        self._ear_position += samples
        if samples == len(self._ear[0]):
            self._ear.popleft()
        else:
            self._ear[0] = self._ear[0][samples:]

    def _skip_ear(self, position: int) -> None:
        while self._ear and self._ear_position < position:
            self._take_ear(min(len(self._ear[0]), position - self._ear_position))

    def _forget_unheard(self, heard: int) -> None:
        over = self._ear_position + sum(map(len, self._ear)) - heard
        while over > 0 and self._ear:
            last = self._ear.pop()
            if len(last) > over:
                self._ear.append(last[: len(last) - over])
            over -= len(last)
        self._ear_position = min(self._ear_position, heard)
