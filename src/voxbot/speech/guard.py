"""What is known of one engine from its requests: its breaker, its pace, its counters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import ProviderAuthError, ProviderError, ProviderUnavailableError
from voxbot.speech.breaker import DEFAULT_POLICY, Breaker, BreakerPolicy
from voxbot.speech.latency import FirstResults
from voxbot.speech.switches import SLOW, Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.speech.breaker import Entry
    from voxbot.speech.switches import Kind

log = structlog.get_logger(__name__)


def loop_time() -> float:
    """Seconds of the running loop's clock."""
    return asyncio.get_running_loop().time()


class Guard:
    """One engine's, for as long as the process lives. `local`: the engine computes on this machine."""

    def __init__(
        self,
        kind: Kind,
        engine: str,
        switches: Switches,
        *,
        local: bool = False,
        clock: Callable[[], float] = loop_time,
        policy: BreakerPolicy = DEFAULT_POLICY,
    ) -> None:
        self.kind: Kind = kind
        self.engine = engine
        self.local = local
        self.breaker = Breaker(clock, policy)
        self.pace = FirstResults()
        self.switches = switches
        self.clock = clock
        switches.watch(kind, engine, lambda: self.breaker.state)

    def begin(self) -> Attempt:
        """Begin a request."""
        return Attempt(self)


class Attempt:
    """One request to one engine. The first of its four ends counts."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._entry: Entry = guard.breaker.enter()
        self._open = True
        self._came = False
        self.started_s = guard.clock()
        guard.switches.count("requests", guard.kind, guard.engine)

    def first_result(self) -> None:
        """The engine has given its first result."""
        if not self._came:
            self._came = True
            if self._entry != "normal":
                self._guard.pace.forget()
            self._guard.pace.add(self._guard.clock() - self.started_s)

    def succeeded(self) -> None:
        """All of it came."""
        if self._ended():
            return
        before = self._guard.breaker.state
        self._guard.breaker.succeeded(self._entry)
        if before != "closed" and self._guard.breaker.state == "closed":
            log.info("Движок снова работает", kind=self._guard.kind, engine=self._guard.engine)

    def failed(self, error: ProviderError) -> None:
        """The engine failed; a request that it refused as such says nothing against it."""
        if self._ended():
            return
        if not error.retryable and not isinstance(error, ProviderAuthError):
            self._count_failure(error.code)
            self._guard.breaker.left(self._entry)
        else:
            self._blame(error, error.code)

    def beaten(self) -> None:
        """It was slower than usual, and another engine that was begun later was first."""
        if self._ended():
            return
        waited_s = self._guard.clock() - self.started_s
        self._guard.pace.add(waited_s)
        self._blame(ProviderUnavailableError(self._guard.engine, f"нет ответа {waited_s:.1f} с"), SLOW)

    def left(self) -> None:
        """Nobody wants it any more: an engine that had begun to answer did its part."""
        if self._came:
            self.succeeded()
        elif not self._ended():
            self._guard.breaker.left(self._entry)

    def _ended(self) -> bool:
        was_open, self._open = self._open, False
        return not was_open

    def _count_failure(self, reason: str) -> None:
        self._guard.switches.count("failures", self._guard.kind, self._guard.engine, reason)

    def _blame(self, error: ProviderError, reason: str) -> None:
        guard = self._guard
        self._count_failure(reason)
        before = guard.breaker.state
        guard.breaker.failed(self._entry, error)
        if guard.breaker.state == "open" and before != "open":
            log.warning(
                "Движок пока не спрашивается",
                kind=guard.kind,
                engine=guard.engine,
                seconds=round(guard.breaker.opens_for_s),
                reason=reason,
                error=str(error),
            )
