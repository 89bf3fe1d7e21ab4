"""Counters of the notifier, in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_WINDOW = 4096
"""Quantiles are those of so many last values."""
_QUANTILES = (0.5, 0.95, 0.99)


class Quantiles:
    """A summary: quantiles of the last values, count and sum of all."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_WINDOW)
        self.count = 0
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._last.append(value)
        self.count += 1
        self.sum += value

    def at(self, *quantiles: float) -> list[float]:
        """The values below which these shares of the last ones lie; none if there are no values."""
        ordered = sorted(self._last)
        return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in quantiles] if ordered else []


class NotifierMetrics:
    """What the parts of the notifier count. Used from one event loop."""

    def __init__(self) -> None:
        self._events: Counter[tuple[str, str]] = Counter()
        self._operations: Counter[tuple[str, str]] = Counter()
        self.retries = 0
        self.ingest_s = Quantiles()
        self.delay_s = Quantiles()

    def event(self, path: str, result: str, seconds: float) -> None:
        """Count a posted event; `result` is ok, duplicate, ignored, bad or failed, `seconds` the time to its answer."""
        self._events[path, result] += 1
        self.ingest_s.add(seconds)

    def operation(self, action: str, result: str, delay_s: float | None = None) -> None:
        """Count a request to Telegram.

        `action` is send, edit or delete, `result` a stable word (ok, retry_after, blocked, ...). `delay_s`: from the
        arrival of the event behind it to the request, for requests that show something new.
        """
        self._operations[action, result] += 1
        if delay_s is not None:
            self.delay_s.add(delay_s)

    def retry(self) -> None:
        """Count a request that is made again."""
        self.retries += 1

    def render(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Write all metrics; `gauges` (name without prefix → help, value) are those that are read when asked for."""
        return "\n".join([*self._counters(), *self._summaries(), *_gauges(gauges)]) + "\n"

    def _counters(self) -> Iterator[str]:
        events = [({"path": path, "result": result}, n) for (path, result), n in sorted(self._events.items())]
        yield from _metric("events_total", "counter", "Posted call events", events)
        operations = [({"action": a, "result": r}, n) for (a, r), n in sorted(self._operations.items())]
        yield from _metric("operations_total", "counter", "Requests to Telegram", operations)
        yield from _metric("retries_total", "counter", "Requests to Telegram made again", [({}, self.retries)])

    def _summaries(self) -> Iterator[str]:
        yield from _summary("ingest_seconds", "Time to the answer to a posted event", self.ingest_s)
        yield from _summary("delay_seconds", "Time from the arrival of an event to Telegram", self.delay_s)


def _gauges(gauges: Mapping[str, tuple[str, float]]) -> Iterator[str]:
    for name, (text, value) in gauges.items():
        yield from _metric(name, "gauge", text, [({}, value)])


def _summary(name: str, text: str, values: Quantiles) -> Iterator[str]:
    shown = zip(_QUANTILES, values.at(*_QUANTILES), strict=False)
    yield from _metric(name, "summary", text, [({"quantile": f"{share:g}"}, value) for share, value in shown])
    yield f"voxbot_notifier_{name}_sum {values.sum:g}"
    yield f"voxbot_notifier_{name}_count {values.count}"


def _metric(name: str, kind: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    yield f"# HELP voxbot_notifier_{name} {text}."
    yield f"# TYPE voxbot_notifier_{name} {kind}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_label(text)}"' for label, text in labels.items())
        yield f"voxbot_notifier_{name}{{{inside}}} {value:g}" if inside else f"voxbot_notifier_{name} {value:g}"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
