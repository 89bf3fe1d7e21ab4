"""How long an engine takes to its first result, learned while it works. Pure."""

from __future__ import annotations

from collections import deque

_WINDOW = 50
_LEAST = 10
"""The 95th percentile of fewer is their maximum by chance."""
_QUANTILE = 0.95


class FirstResults:
    """The last 50 times to a first result of one engine."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._seconds: deque[float] = deque(maxlen=window)

    def add(self, seconds: float) -> None:
        """Take one; of a request that was given up, how long it had been waited for, as it took at least that."""
        self._seconds.append(seconds)

    def forget(self) -> None:
        """Begin anew: the engine is back from a failure and may be another."""
        self._seconds.clear()

    @property
    def p95_s(self) -> float | None:
        """The time in which 19 of 20 came; None while too few are known."""
        if len(self._seconds) < _LEAST:
            return None
        ordered = sorted(self._seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * _QUANTILE))]
