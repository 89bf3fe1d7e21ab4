"""The database of a unit: an async engine and its transactions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from voxbot.store.models import LoggedCall
from voxbot.store.preparation import BUSY_TIMEOUT_S, decoded, prepare, store_error
from voxbot.store.transcript import said

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

_WRITE = "voxbot_write"


class Database:
    """Transactions on one database. Made by `open_database`, which closes it."""

    def __init__(self, path: Path, engine: AsyncEngine) -> None:
        self.path = path
        self._engine = engine
        self._writing_engine = engine.execution_options(**{_WRITE: True})

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession, None]:
        """Open a session that sees one state of the database. Raises StoreError."""
        async with self._session(self._engine) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncSession, None]:
        """Open a session that is committed at the end, or rolled back on an exception. Raises StoreError."""
        async with self._session(self._writing_engine) as session, session.begin():
            yield session

    async def ping(self) -> None:
        """Check that the database answers and is one. Raises StoreError."""
        async with self.read() as session:
            await session.execute(select(LoggedCall.id).limit(1))

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncGenerator[AsyncSession, None]:
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                yield session
        except (DBAPIError, PoolTimeoutError) as error:
            raise store_error(self.path, error) from error


@asynccontextmanager
async def open_database(path: Path) -> AsyncGenerator[Database, None]:
    """Open the SQLite file for a `with`; make it if there is none, bring it up to date. Raises StoreError."""
    await asyncio.to_thread(prepare, path)
    # isolation_level None: transactions are begun below, not by the driver. hide_parameters: what callers say
    # must not reach the logs inside an error's text.
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )
    event.listen(engine.sync_engine, "connect", _set_up_connection)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        yield Database(path, engine)
    finally:
        await engine.dispose()


def _set_up_connection(connection: Any, _record: object) -> None:
    # Another program may have written bytes that are no UTF-8: such a call is shown with a mark in their place.
    connection.driver_connection.text_factory = decoded
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
    connection.create_function("said", 2, said, deterministic=True)
    # SQLite's own knows only Latin letters.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else str(text).lower()


def _begin(connection: Any) -> None:
    # A transaction that reads before it writes must hold the write lock from the start: SQLite refuses at
    # once, without waiting, to turn a reader into a writer after another process has written.
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
