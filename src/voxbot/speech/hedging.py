"""Several engines are asked the same, one after the other, and the first result wins.

The next is begun when one fails, or beside one whose first result is later than it usually is (hedging). Whoever has
not won is cancelled and waited for.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import structlog

from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.speech.switches import OPEN, SLOW

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from voxbot.speech.budget import Budget
    from voxbot.speech.guard import Attempt, Guard

log = structlog.get_logger(__name__)

T = TypeVar("T")

_AHEAD_ITEMS = 2
_HEDGES_AT_ONCE = 2
"""More would take the processor from those who are being answered; an engine that is late is replaced all the same."""
_LET_GO_S = 0.1
_stubborn: set[asyncio.Task[None]] = set()
"""Cancelled and slow to end: the loop itself keeps no reference to a task."""


class HedgeSlots:
    """How many hedges run now, of all requests to one kind of engine."""

    def __init__(self, at_once: int = _HEDGES_AT_ONCE) -> None:
        self._at_once = at_once
        self.running = 0

    @property
    def free(self) -> bool:
        """Whether another may begin."""
        return self.running < self._at_once


@dataclass(frozen=True, slots=True)
class Entrant(Generic[T]):
    """An engine and what it is asked. A generator that ends without an item is an answer too."""

    guard: Guard
    begin: Callable[[], AsyncGenerator[T, None]]


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in a pump; `error` is what its source raised."""

    error: ProviderError | None = None


class Pump(Generic[T]):
    """A source that runs in a task of its own, a little ahead of its reader; `ready` at its first item or end."""

    def __init__(self, engine: str, source: AsyncGenerator[T, None]) -> None:
        self._engine = engine
        self._items: asyncio.Queue[T | _End] = asyncio.Queue(_AHEAD_ITEMS)
        self.ready: asyncio.Future[ProviderError | None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(source))

    async def next(self) -> T:
        """Give the next item. Raises StopAsyncIteration at the end, ProviderError."""
        item = await self._items.get()
        if not isinstance(item, _End):
            return item
        self._items.put_nowait(item)  # the end stays the end
        if item.error:
            raise item.error
        raise StopAsyncIteration

    async def _run(self, source: AsyncGenerator[T, None]) -> None:
        end = _End()
        try:
            async with aclosing(source):
                async for item in source:
                    self._tell(None)
                    await self._items.put(item)
        except ProviderError as error:
            end = _End(error)
        except asyncio.CancelledError:
            if self.task.cancelling():
                raise
            # A connection that is closed under a request cancels it (grpc.aio); nobody has cancelled us.
            end = _End(ProviderUnavailableError(self._engine, "соединение закрыто"))
        except Exception as error:
            log.exception("Движок сломался не так, как умеет", engine=self._engine)
            end = _End(ProviderUnavailableError(self._engine, f"сбой ({type(error).__name__})"))
        self._tell(end.error)
        await self._items.put(end)

    def _tell(self, error: ProviderError | None) -> None:
        if not self.ready.done():
            self.ready.set_result(error)


@dataclass(slots=True, eq=False)
class Runner(Generic[T]):
    """An engine at work. Whoever takes the winner's items says how its attempt has ended."""

    guard: Guard
    attempt: Attempt
    pump: Pump[T]
    hedge: bool
    holds_slot: bool


class Race(Generic[T]):
    """One request. Use as a context manager; run `first` once, then read the winner's pump.

    An engine may stand there twice: its second chance comes after a failure that is worth it, never beside the first.
    """

    def __init__(self, entrants: Sequence[Entrant[T]], budget: Budget, slots: HedgeSlots) -> None:
        self._preferred = entrants[0].guard
        self._count = len({entrant.guard for entrant in entrants})
        self._waiting = list(entrants)
        self._budget = budget
        self._slots = slots
        self._running: list[Runner[T]] = []
        self._all: list[Runner[T]] = []
        self._hedge_at_s = self._late_at_s = self._part_over_s = math.inf
        self._reasons: dict[str, tuple[str, str]] = {}
        self._failure: ProviderError | None = None
        self.failed: list[Guard] = []
        """Whoever has failed so far."""
        self._loop = asyncio.get_running_loop()

    async def first(self) -> Runner[T]:
        """Give whoever has a result first. Raises the last ProviderError when nobody has one in the budget."""
        ends_s = self._loop.time() + self._budget.total_s
        self._start(hedge=False)
        while True:
            wake_s = min(ends_s, self._hedge_at_s)
            ready = [runner.pump.ready for runner in self._running]
            await asyncio.wait(ready, timeout=max(0.0, wake_s - self._loop.time()), return_when=asyncio.FIRST_COMPLETED)
            if winner := self._settle():
                return winner
            if self._loop.time() >= ends_s:
                self._give_up()
            elif not self._running:
                if not self._start(hedge=False):
                    raise self._failed()
            elif self._loop.time() >= self._hedge_at_s:
                self._hedge()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Cancel all that still runs, and wait for it."""
        for runner in self._all:
            self._free_slot(runner)
            runner.attempt.left()
            runner.pump.task.cancel()
        tasks = {runner.pump.task for runner in self._all if not runner.pump.task.done()}
        if not tasks:
            return
        _, stubborn = await asyncio.wait(tasks, timeout=_LET_GO_S)
        for task in stubborn:
            _stubborn.add(task)
            task.add_done_callback(_stubborn.discard)

    def _start(self, *, hedge: bool) -> bool:
        """Begin the next engine."""
        entrant = self._next(hedge=hedge)
        if entrant is None:
            self._hedge_at_s = math.inf
            return False
        self._waiting.remove(entrant)
        guard = entrant.guard
        attempt = guard.begin()
        runner = Runner(guard, attempt, Pump(guard.engine, entrant.begin()), hedge, hedge)
        self._running.append(runner)
        self._all.append(runner)
        if hedge:
            self._slots.running += 1
            guard.switches.count("hedges", guard.kind, guard.engine)
        now_s = self._loop.time()
        p95_s = guard.pace.p95_s if guard.breaker.state == "closed" else None
        self._hedge_at_s = now_s + self._budget.hedge_s(self._count, p95_s, local=guard.local)
        self._late_at_s = now_s + self._budget.late_s(self._count, local=guard.local)
        self._part_over_s = now_s + self._budget.part_s(self._count)
        return True

    def _next(self, *, hedge: bool) -> Entrant[T] | None:
        """The next that its breaker admits, then whose breaker admits it soonest; none beside itself.

        Beside an engine at work nobody is asked who is shut out, until that engine's part of the time is over.
        """
        running = {runner.guard for runner in self._running}
        free = [entrant for entrant in self._waiting if entrant.guard not in running]
        admitted = next((entrant for entrant in free if entrant.guard.breaker.admits), None)
        if admitted or (hedge and self._loop.time() < self._part_over_s):
            return admitted
        return min(free, key=lambda entrant: entrant.guard.breaker.opens_for_s, default=None)

    def _hedge(self) -> None:
        now_s = self._loop.time()
        if not self._slots.free and now_s < self._late_at_s:
            self._hedge_at_s = self._late_at_s
        elif not self._start(hedge=True) and now_s < self._part_over_s:
            self._hedge_at_s = self._part_over_s

    def _settle(self) -> Runner[T] | None:
        """Take the first of those that have something to show; let the failed ones go."""
        for runner in [runner for runner in self._running if runner.pump.ready.done()]:
            if (error := runner.pump.ready.result()) is None:
                self._won(runner)
                return runner
            self._lost(runner, error)
        return None

    def _won(self, winner: Runner[T]) -> None:
        winner.attempt.first_result()
        if winner.hedge:
            winner.guard.switches.count("hedges_won", winner.guard.kind, winner.guard.engine)
        for runner in self._running:
            self._free_slot(runner)
            if runner is not winner:
                # A hedge that came second did nothing wrong.
                runner.attempt.left() if runner.hedge else runner.attempt.beaten()
                runner.pump.task.cancel()
        if winner.guard is not self._preferred:
            started = any(runner.guard is self._preferred for runner in self._all)
            default = (SLOW if started else OPEN, "")
            reason, error = self._reasons.get(self._preferred.engine, default)
            winner.guard.switches.switched(
                winner.guard.kind, self._preferred.engine, winner.guard.engine, reason, error
            )

    def _lost(self, runner: Runner[T], error: ProviderError) -> None:
        self._running.remove(runner)
        self._free_slot(runner)
        runner.attempt.failed(error)
        self._reasons[runner.guard.engine] = error.code, str(error)
        self._failure = error
        self.failed.append(runner.guard)
        if not error.retryable:
            self._waiting = [entrant for entrant in self._waiting if entrant.guard is not runner.guard]

    def _free_slot(self, runner: Runner[T]) -> None:
        if runner.holds_slot:
            self._slots.running -= 1
            runner.holds_slot = False

    def _give_up(self) -> None:
        for runner in list(self._running):
            text = f"нет ответа {self._budget.total_s:g} с"
            self._lost(runner, ProviderUnavailableError(runner.guard.engine, text))
            runner.pump.task.cancel()
        raise self._failed()

    def _failed(self) -> ProviderError:
        assert self._failure is not None
        return self._failure
