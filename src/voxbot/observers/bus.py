"""The way of call events from a call to its observers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from voxbot.domain.events import CallEvent, LiveEvent

_log = structlog.get_logger(__name__)

QUEUE_EVENTS = 2000
"""Events that may wait for one observer: some minutes of a hundred calls."""
DRAIN_S = 5.0
_CANCEL_S = 1.0


class Observer(Protocol):
    """Gets every event of every call, one at a time, in the order of publishing."""

    name: str

    async def observe(self, event: CallEvent) -> None:
        """Handle one event. Whatever is raised is logged and counted, and the next event comes."""
        ...


class LiveObserver(Protocol):
    """Gets also what only a live view needs, which may be dropped without harm."""

    name: str

    async def observe(self, event: CallEvent | LiveEvent) -> None:
        """Handle one event, as `Observer.observe`."""
        ...


E = TypeVar("E", bound="CallEvent | LiveEvent")


class Delivery(Generic[E]):
    """One observer with its own bounded queue and task. `failed` and `dropped` count events."""

    def __init__(self, name: str, observe: Callable[[E], Awaitable[None]], queue_events: int) -> None:
        self.name = name
        self.failed = 0
        self.dropped = 0
        self._observe = observe
        self._queue: asyncio.Queue[E | None] = asyncio.Queue(queue_events + 1)
        self._queue_events = queue_events
        self._finishing = False
        self.task = asyncio.create_task(self._run(), name=f"observer {name}")

    def put(self, event: E) -> None:
        """Queue the event, or drop it when the observer is too far behind."""
        if self._queue.qsize() >= self._queue_events:
            self.dropped += 1
            _log.warning(
                "Наблюдатель не успевает, событие пропущено",
                observer=self.name,
                kind=type(event).__name__,
                call_id=event.call_id,
                dropped=self.dropped,
            )
            return
        self._queue.put_nowait(event)

    def finish(self) -> None:
        """Let the task end after what is queued."""
        self._finishing = True
        self._queue.put_nowait(None)

    @property
    def waiting(self) -> int:
        """Events not yet taken up."""
        return max(0, self._queue.qsize() - int(self._finishing))

    async def _run(self) -> None:
        while (event := await self._queue.get()) is not None:
            with bound_contextvars(call_id=event.call_id):
                try:
                    await self._observe(event)
                except Exception as error:  # noqa: BLE001 - an observer must not break a call
                    self.failed += 1
                    _log.exception(
                        "Наблюдатель не справился с событием",
                        observer=self.name,
                        kind=type(event).__name__,
                        error=str(error),
                    )


class EventBus:
    """Hands each event to each observer without ever making the call wait.

    Make it inside a running event loop (best with `async with`), publish from that loop, and close it after the
    last call. One observer's slowness or failure touches nobody else; when its queue is full, new events are
    dropped for it alone.
    """

    def __init__(
        self, observers: Sequence[Observer], queue_events: int = QUEUE_EVENTS, *, live: Sequence[LiveObserver] = ()
    ) -> None:
        self._logging: tuple[Delivery[CallEvent], ...] = tuple(
            Delivery(observer.name, observer.observe, queue_events) for observer in observers
        )
        self._live: tuple[Delivery[CallEvent | LiveEvent], ...] = tuple(
            Delivery(observer.name, observer.observe, queue_events) for observer in live
        )
        self.deliveries = (*self._logging, *self._live)
        self._closed = False

    def publish(self, event: CallEvent) -> None:
        """Queue the event for every observer and return at once. Never raises."""
        if self._closed:
            _log.warning("Событие после остановки, пропущено", kind=type(event).__name__, call_id=event.call_id)
            return
        for delivery in self._logging:
            delivery.put(event)
        for delivery in self._live:
            delivery.put(event)

    def publish_live(self, event: LiveEvent) -> None:
        """Queue what only a live view needs for those who want it. Never raises."""
        if not self._closed:
            for delivery in self._live:
                delivery.put(event)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self, drain_s: float = DRAIN_S) -> None:
        """Wait until all is delivered, at most `drain_s` seconds, then stop. May be called twice."""
        if self._closed:
            return
        self._closed = True
        tasks = [delivery.task for delivery in self.deliveries]
        for delivery in self.deliveries:
            delivery.finish()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=drain_s)
        finally:
            for delivery in self.deliveries:
                if delivery.task.cancel():
                    _log.error(
                        "Наблюдатель не успел записать всё до остановки", observer=delivery.name, lost=delivery.waiting
                    )
            if tasks:
                await asyncio.wait(tasks, timeout=_CANCEL_S)
