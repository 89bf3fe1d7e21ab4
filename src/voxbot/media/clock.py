"""Our own playout clock, for a far side that has none: a frame every 20 ms, silence when there is nothing to say.

`PacedQueue` decides what is due and knows no clock: the time comes in. `Ticker` is the clock: one timer wakes all
calls of the process, because a wake-up costs more than what a call does in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.audio import FRAME_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = structlog.get_logger(__name__)

FRAME_S = FRAME_MS / 1000
MAX_BURST_FRAMES = 3
"""The far side hands each frame to the telephone at once: more than 60 ms in one piece overflows its jitter buffer."""
MAX_QUEUED_FRAMES = 1000
"""20 s, as chan_websocket's own queue has."""
_EARLY_S = FRAME_S / 4
"""A timer may fire a little before its time; the frame is due all the same."""


class PacedQueue:
    """Frames and marks of one call, given out at 20 ms a frame. Times are seconds of any one steady clock.

    After a stall of up to 60 ms speech catches up, so that the next frames find the telephone's buffer as deep as
    before. After a longer one the clock starts anew from the present: what was missed is played later, not faster,
    and no burst ever leaves a lag behind. Silence never catches up.
    """

    def __init__(self, quiet: bytes) -> None:
        self._quiet = quiet
        self._items: deque[bytes | int] = deque()  # frames and marks, in order
        self._under_way: deque[tuple[int, float]] = deque()  # marks and when the sound before them has been heard
        self._due = float("-inf")
        self._heard_at = float("-inf")  # when all that was given out will have been played
        self.frames = 0
        """Frames that wait."""

    def put(self, frames: Iterable[bytes]) -> bool:
        """Append frames; False if the queue is full and the rest was dropped."""
        for frame in frames:
            if self.frames >= MAX_QUEUED_FRAMES:
                return False
            self._items.append(frame)
            self.frames += 1
        return True

    def mark(self, mark: int) -> None:
        """Append a mark."""
        self._items.append(mark)

    def clear(self) -> None:
        """Forget frames and marks, also marks of sound that is under way."""
        self._items.clear()
        self._under_way.clear()
        self.frames = 0

    def take(self, now_s: float) -> list[bytes]:
        """Give out what is due: one frame as a rule, none before its time, at most three after a stall."""
        late_s = now_s - self._due + _EARLY_S
        if late_s < 0:
            return []
        if late_s < MAX_BURST_FRAMES * FRAME_S:
            count = int(late_s / FRAME_S) + 1
        else:
            self._due, count = now_s, 1
        given = self._next(count, now_s)
        if not given:
            given.append(self._quiet)
            self._heard_at = max(self._heard_at, now_s) + FRAME_S
        # Behind after silence or at the end of speech: nothing is owed.
        self._due = self._due + FRAME_S * count if len(given) == count else now_s + FRAME_S
        return given

    def hold(self, now_s: float) -> None:
        """Give out nothing now and owe nothing later: the far side does not read."""
        self._due = now_s + FRAME_S

    def heard(self, now_s: float) -> list[int]:
        """Take the marks whose sound has been played by now, the last frame to its end."""
        marks: list[int] = []
        while self._under_way and self._under_way[0][1] <= now_s + _EARLY_S:
            marks.append(self._under_way.popleft()[0])
        return marks

    def _next(self, count: int, now_s: float) -> list[bytes]:
        given: list[bytes] = []
        while self._items:
            item = self._items[0]
            if isinstance(item, int):
                self._under_way.append((item, self._heard_at))
            elif len(given) == count:
                break
            else:
                given.append(item)
                self.frames -= 1
                self._heard_at = max(self._heard_at, now_s) + FRAME_S
            self._items.popleft()
        return given


class Ticker:
    """Calls its members every 20 ms with the loop's time. Runs only while it has members."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._members: dict[Callable[[float], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def add(self, member: Callable[[float], None]) -> None:
        """Call `member` from the next tick on; one that raises is dropped and logged."""
        self._members[member] = None
        if self._timer is None:
            self._due = self._loop.time() + FRAME_S
            self._timer = self._loop.call_at(self._due, self._tick)

    def discard(self, member: Callable[[float], None]) -> None:
        """Call `member` no more."""
        self._members.pop(member, None)
        if not self._members and self._timer:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        now_s = self._loop.time()
        self._due += FRAME_S
        if self._due <= now_s:  # ticks that were missed are not made up for: members see the time
            self._due = now_s + FRAME_S
        self._timer = self._loop.call_at(self._due, self._tick)
        for member in tuple(self._members):
            try:
                member(now_s)
            except Exception:
                log.exception("Сбой передачи звука одного звонка")
                self.discard(member)
