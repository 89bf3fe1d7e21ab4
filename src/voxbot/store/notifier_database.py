"""The notifier's database: an SQLite file by default, PostgreSQL shared by several notifiers on request.

Work on it is a plain function of a connection, run in a thread as one transaction: what `write` has returned is on
disk. Posted events are taken apart from it, so that they wait for nothing (store/notifier_inbox.py).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy import Connection, select

from voxbot.store.notifier_file import SqliteBackend
from voxbot.store.notifier_models import EnterpriseRow
from voxbot.store.notifier_server import PostgresqlBackend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from concurrent.futures import Future

    from voxbot.store.notifier_events import NewEvent

T = TypeVar("T")
Transaction = Connection
"""What work gets: the functions of store/notifier_*.py take it as their first argument."""


class _Backend(Protocol):
    where: str

    def write(self, work: Callable[[Connection], T], *, urgent: bool) -> Future[T]: ...

    def read(self, work: Callable[[Connection], T]) -> Future[T]: ...

    def accept(self, events: Sequence[NewEvent]) -> Future[list[bool]]: ...

    def move(self) -> Future[set[str]]: ...

    def waiting(self) -> Future[tuple[int, float | None]]: ...

    def close(self) -> None: ...


class NotifierDatabase:
    """Transactions on the notifier's database. Made by `open_notifier_database`, which closes it.

    `shared`: other notifiers may work on it too, so that leases matter.
    """

    def __init__(self, backend: _Backend, *, shared: bool) -> None:
        self._backend = backend
        self.where = backend.where
        self.shared = shared

    async def write(self, work: Callable[[Connection], T], *, urgent: bool = True) -> T:
        """Run `work` in a transaction that is on disk when this returns. Raises StoreError, and what `work` raises.

        `work` may be run again after a conflict, so it must not act but on the database. On SQLite, what is not
        `urgent` waits for all that is.
        """
        return await asyncio.wrap_future(self._backend.write(work, urgent=urgent))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one state of the database; on SQLite nobody waits for writers. Raises as `write`."""
        return await asyncio.wrap_future(self._backend.read(work))

    async def accept(self, events: Sequence[NewEvent]) -> list[bool]:
        """Store posted events: on disk when this returns. For each whether it is new. Raises StoreError.

        On SQLite they wait to be moved, and one that is repeated late counts as new until then.
        """
        return await asyncio.wrap_future(self._backend.accept(events))

    async def move(self) -> set[str]:
        """Take accepted events into `notifier_events`; return whose. Empty: none waits. Raises StoreError."""
        return await asyncio.wrap_future(self._backend.move())

    async def waiting(self) -> tuple[int, float | None]:
        """Count the events that wait to be moved; tell when the oldest arrived, None for none. Raises StoreError."""
        return await asyncio.wrap_future(self._backend.waiting())

    async def ping(self) -> None:
        """Check that the database answers. Raises StoreError."""
        await self.read(lambda connection: connection.execute(select(EnterpriseRow.number).limit(1)).first())


@asynccontextmanager
async def open_notifier_database(location: Path | str) -> AsyncGenerator[NotifierDatabase, None]:
    """Open an SQLite file, or the database of a `postgresql://` address; make or migrate its tables.

    Raises StoreError, ConfigError for an address that is none.
    """
    make = SqliteBackend if isinstance(location, Path) else PostgresqlBackend
    backend = await asyncio.to_thread(make, location)
    try:
        yield NotifierDatabase(backend, shared=isinstance(backend, PostgresqlBackend))
    finally:
        await asyncio.to_thread(backend.close)
