"""What is told of each request to Telegram: a line of the trace, and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voxbot.notifier.delivery import DoneOperation
    from voxbot.notifier.trace_log import TraceLog

_SHOWING = ("send", "edit")
_REPEATED = ("flood", "retry", "uncertain", "unauthorized")
"""Outcomes after which the request is made again."""


class OperationCounts(Protocol):
    """Where requests are counted; see NotifierMetrics."""

    def operation(self, action: str, result: str, delay_s: float | None = None) -> None:
        """Count a request."""
        ...

    def retry(self) -> None:
        """Count a request that is made again."""
        ...


class DeliveryObserver:
    """Hears of requests; neither blocks nor fails."""

    def __init__(self, trace: TraceLog, metrics: OperationCounts) -> None:
        self._trace = trace
        self._metrics = metrics

    def __call__(self, done: DoneOperation) -> None:
        """Tell what came of a request."""
        operation, outcome = done.operation, done.outcome
        is_done = outcome.kind == "done"
        delay_s = None
        if is_done and operation.action in _SHOWING and done.delay_ms is not None:
            delay_s = done.delay_ms / 1000
        self._metrics.operation(operation.action, outcome.kind, delay_s)
        if outcome.kind in _REPEATED:
            self._metrics.retry()
        self._trace.operation(
            operation.enterprise,
            operation.action,
            chat_id=operation.chat.chat_id,
            stage=operation.stage,
            message_id=outcome.message_id or operation.message_id,
            unique_id=done.unique_id,
            text=operation.text,
            at=done.at,
            error="" if is_done else outcome.reason,
        )
