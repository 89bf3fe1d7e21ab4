"""What became of the files that a running unit follows: its last reloads, and the files it refused."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_KEPT = 100


@dataclass(frozen=True, slots=True)
class Reload:
    """One reading of a changed file. `at`: seconds since the epoch; `error`: why it was refused, else empty."""

    at: float
    path: Path
    error: str = ""
    detail: str = ""


class ReloadJournal:
    """Reloads of this process, newest last. A file stays among `failures` until it is taken over again."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: deque[Reload] = deque(maxlen=_KEPT)
        self._failures: dict[Path, Reload] = {}

    def taken(self, path: Path, detail: str, *, changed: bool = True) -> None:
        """Note that a file is in force as it is now; one that says what it said before is worth no line."""
        if self._failures.pop(path, None) or changed:
            self._events.append(Reload(self._clock(), path, detail=detail))

    def refused(self, path: Path, error: str) -> None:
        """Note that a file is wrong: what was read before it stays in force."""
        self._failures[path] = Reload(self._clock(), path, error)
        self._events.append(self._failures[path])

    @property
    def events(self) -> Sequence[Reload]:
        """The last reloads, oldest first."""
        return tuple(self._events)

    @property
    def failures(self) -> Sequence[Reload]:
        """The files whose present content is not in force, longest broken first."""
        return tuple(sorted(self._failures.values(), key=lambda failure: failure.at))
