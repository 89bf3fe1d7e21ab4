"""Events of many hosts into the database: what comes while one transaction is being written goes into the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from voxbot.domain.errors import StoreError

if TYPE_CHECKING:
    from voxbot.store.notifier_database import NotifierDatabase
    from voxbot.store.notifier_events import NewEvent

_AT_ONCE = 200
_Waiting: TypeAlias = "tuple[NewEvent, asyncio.Future[bool]]"


class EventWriter:
    """Writes events, in the order in which they were given."""

    def __init__(self, database: NotifierDatabase) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, event: NewEvent) -> bool:
        """Write an event; when this returns it is on disk. False: it was there already. Raises StoreError."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            failure = await self._write(batch)
            if failure is None:
                continue
            if len(batch) == 1 or (isinstance(failure, StoreError) and failure.retryable):
                _fail(batch, failure)
                continue
            for one in batch:  # what the database refuses must not take the others with it
                if failure := await self._write([one]):
                    _fail([one], failure)

    async def _write(self, batch: list[_Waiting]) -> Exception | None:
        """Write events in one transaction and tell who waits; or return why that failed."""
        events = [event for event, _ in batch]
        try:
            results = await self._database.accept(events)
        except Exception as error:  # noqa: BLE001 - it is the waiters'
            return error
        for (_, written), is_new in zip(batch, results, strict=True):
            if not written.done():  # its host may have hung up
                written.set_result(is_new)
        return None


def _fail(batch: list[_Waiting], failure: Exception) -> None:
    for _, written in batch:
        if not written.done():
            written.set_exception(failure)
