"""What has become of the requests to engines: counters that a metrics endpoint reads, one log line per switch.

Labels: `kind` (asr, tts, llm, embedding), `engine`, and where it says something `reason`: the code of the error
(domain/errors.py), `slow` (no first result in time) or `open` (its breaker is open).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxbot.speech.breaker import State

log = structlog.get_logger(__name__)

Kind: TypeAlias = Literal["asr", "tts", "llm", "embedding"]
Event: TypeAlias = Literal["requests", "failures", "switches", "hedges", "hedges_won"]

SLOW = "slow"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Count:
    """How often something has happened. Of switches `engine` is who was left and `to` who went on."""

    event: Event
    kind: Kind
    engine: str
    value: int
    reason: str = ""
    to: str = ""


class Switches:
    """One per process, shared by every kind of engine; everything is called in the event loop."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Event, Kind, str, str, str]] = Counter()
        self._states: dict[tuple[Kind, str], Callable[[], State]] = {}

    def watch(self, kind: Kind, engine: str, state: Callable[[], State]) -> None:
        """Let `states` tell of this engine's breaker."""
        self._states[kind, engine] = state

    def count(self, event: Event, kind: Kind, engine: str, reason: str = "") -> None:
        """Count one."""
        self._counts[event, kind, engine, reason, ""] += 1

    def switched(self, kind: Kind, engine: str, to: str, reason: str, error: str = "") -> None:
        """Count and log that `to` goes on instead of `engine`. An open breaker was logged when it opened."""
        self._counts["switches", kind, engine, reason, to] += 1
        if reason != OPEN:
            log.warning("Переключение на другой движок", kind=kind, engine=engine, to=to, reason=reason, error=error)

    def counts(self) -> Iterator[Count]:
        """Everything that has been counted so far."""
        for (event, kind, engine, reason, to), value in self._counts.items():
            yield Count(event, kind, engine, value, reason, to)

    def states(self) -> Iterator[tuple[Kind, str, State]]:
        """Kind, engine and the state of its breaker, now."""
        for (kind, engine), state in self._states.items():
            yield kind, engine, state()

    def total(self, event: Event, **labels: str) -> int:
        """Sum of an event's counts that have these labels."""
        return sum(
            count.value
            for count in self.counts()
            if count.event == event and all(getattr(count, name) == value for name, value in labels.items())
        )
