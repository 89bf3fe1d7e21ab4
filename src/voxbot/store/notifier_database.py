"""The notifier's database: an SQLite file by default, PostgreSQL shared by several notifiers on request.

Work on it is a plain function of a connection, run in a thread as one transaction: what `write` has returned is on
disk. On SQLite one thread writes, and whatever is waiting for it goes into one transaction (group commit): a disk
that syncs in 5 ms still takes thousands of events a second.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from voxbot.domain.errors import ConfigError, StoreBusyError, StoreError
from voxbot.store.notifier_migrations import HEAD, VERSION_TABLE
from voxbot.store.notifier_models import EnterpriseRow
from voxbot.store.preparation import BUSY_TIMEOUT_S, Lineage, prepare, store_error, upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

T = TypeVar("T")
Transaction = Connection
"""What work gets: the functions of store/notifier_*.py take it as their first argument."""

NOTIFIER = Lineage("voxbot.store:notifier_migrations", HEAD, VERSION_TABLE, "NOTIFIER_DB_PATH")
_GROUP_S = 0.005
"""Work that came meanwhile joins a transaction for this long; then those who wait get their commit."""
_QUIET_S = 0.008
"""So long after the last urgent work others may begin ..."""
_PATIENCE_S = 0.15
"""... or when they have waited for so long."""
_READERS = 2
_SERVER_THREADS = 12
_CONFLICTS = ("40001", "40P01")
"""SQLSTATE of transactions that PostgreSQL breaks off for another one: to be repeated."""
_CONFLICT_ATTEMPTS = 5
_MIGRATION_LOCK = 0x766F78626F74
"""Key of the advisory lock under which one process migrates."""


class _Backend(Protocol):
    where: str

    def write(self, work: Callable[[Connection], T], *, urgent: bool) -> Future[T]: ...

    def read(self, work: Callable[[Connection], T]) -> Future[T]: ...

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
        `urgent` waits for all that is: nobody waits for it with a timeout of three seconds.
        """
        return await asyncio.wrap_future(self._backend.write(work, urgent=urgent))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one state of the database; on SQLite nobody waits for writers. Raises as `write`."""
        return await asyncio.wrap_future(self._backend.read(work))

    async def ping(self) -> None:
        """Check that the database answers. Raises StoreError."""
        await self.read(lambda connection: connection.execute(select(EnterpriseRow.number).limit(1)).first())


@asynccontextmanager
async def open_notifier_database(location: Path | str) -> AsyncGenerator[NotifierDatabase, None]:
    """Open an SQLite file, or the database of a `postgresql://` address; make or migrate its tables.

    Raises StoreError, ConfigError for an address that is none.
    """
    make = _File if isinstance(location, Path) else _Server
    backend = await asyncio.to_thread(make, location)
    try:
        yield NotifierDatabase(backend, shared=isinstance(backend, _Server))
    finally:
        await asyncio.to_thread(backend.close)


class _File:
    """SQLite: one writing thread, some reading ones."""

    def __init__(self, location: Path | str) -> None:
        self._path = Path(location)
        self.where = str(location)
        prepare(self._path, NOTIFIER)
        self._writing = _file_engine(self._path, "BEGIN IMMEDIATE")
        self._reading = _file_engine(self._path, "BEGIN")
        self._works = _Works()
        self._writer = threading.Thread(target=self._write_all, name="notifier-write", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="notifier-read")
        self._writer.start()

    def write(self, work: Callable[[Connection], T], *, urgent: bool) -> Future[T]:
        future: Future[T] = Future()
        self._works.put(_Work(work, future), urgent=urgent)
        return future

    def read(self, work: Callable[[Connection], T]) -> Future[T]:
        return self._readers.submit(self._read, work)

    def close(self) -> None:
        self._works.end()
        self._writer.join()
        self._readers.shutdown()
        self._writing.dispose()
        self._reading.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeoutError) as error:
            raise store_error(self._path, error) from error

    def _write_all(self) -> None:
        while (first := self._works.take()) is not None:
            group: list[_Work] = []
            try:
                with self._writing.begin() as connection:
                    self._run_group(connection, first, group)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
                for work in group or [first]:
                    work.fail(store_error(self._path, error))
            else:
                for work in group:
                    work.deliver()

    def _run_group(self, connection: Connection, first: _Work, group: list[_Work]) -> None:
        until = time.monotonic() + _GROUP_S
        work: _Work | None = first
        while work is not None:
            group.append(work)
            work.run(connection, self._path)
            work = self._works.take_urgent() if time.monotonic() < until else None


class _Works:
    """What waits to be written. What is not urgent waits for a quiet moment, but not for ever."""

    def __init__(self) -> None:
        self._urgent: deque[_Work] = deque()
        self._patient: deque[tuple[float, _Work]] = deque()
        self._urgent_at = float("-inf")
        self._ended = False
        self._changed = threading.Condition()

    def put(self, work: _Work, *, urgent: bool) -> None:
        with self._changed:
            now = time.monotonic()
            if urgent:
                self._urgent.append(work)
                self._urgent_at = now
            else:
                self._patient.append((now, work))
            self._changed.notify()

    def end(self) -> None:
        """Let `take` return None when nothing is left."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def take(self) -> _Work | None:
        """Wait for the next work."""
        with self._changed:
            while not self._urgent:
                wait_s = self._patience_s()
                if wait_s is None and self._ended:
                    return None
                if wait_s is not None and (wait_s <= 0 or self._ended):
                    return self._patient.popleft()[1]
                self._changed.wait(wait_s)
            return self._urgent.popleft()

    def take_urgent(self) -> _Work | None:
        """Return the next urgent work if there is one."""
        with self._changed:
            return self._urgent.popleft() if self._urgent else None

    def _patience_s(self) -> float | None:
        """How long the first patient work has to wait yet, None: there is none."""
        if not self._patient:
            return None
        since = self._patient[0][0]
        return min(self._urgent_at + _QUIET_S, since + _PATIENCE_S) - time.monotonic()


class _Work:
    """Something to be done in a transaction, and who waits for it."""

    def __init__(self, work: Callable[[Connection], Any], future: Future[Any]) -> None:
        self._work = work
        self._future = future
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, connection: Connection, path: Path) -> None:
        """Run in a savepoint: a failure undoes this work alone."""
        try:
            with connection.begin_nested():
                self._result = self._work(connection)
        except DBAPIError as error:
            self._error = store_error(path, error)
        except Exception as error:  # noqa: BLE001 - it is the waiter's
            self._error = error

    def deliver(self) -> None:
        """Tell the waiter, after the commit."""
        if self._error is not None:
            self.fail(self._error)
        elif self._future.set_running_or_notify_cancel():
            self._future.set_result(self._result)

    def fail(self, error: BaseException) -> None:
        """Tell the waiter that nothing has been done."""
        if self._future.set_running_or_notify_cancel():
            self._future.set_exception(error)


class _Server:
    """PostgreSQL: a transaction for each work, in a thread each."""

    def __init__(self, location: Path | str) -> None:
        url = _server_url(str(location))
        self.where = url.render_as_string(hide_password=True)
        try:
            self._engine = create_engine(
                url,
                hide_parameters=True,
                pool_pre_ping=True,
                pool_size=_SERVER_THREADS,
                connect_args={"connect_timeout": 5},
            )
        except ImportError as error:
            raise ConfigError(f"DATABASE_URL: нет драйвера PostgreSQL ({error}); установите пакет psycopg") from error
        try:
            with self._engine.begin() as connection:
                self._migrate(connection)
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise self._explained(error) from error
        self._threads = ThreadPoolExecutor(_SERVER_THREADS, thread_name_prefix="notifier-db")

    def write(self, work: Callable[[Connection], T], *, urgent: bool) -> Future[T]:
        del urgent  # every work has a thread of its own
        return self._threads.submit(self._run, work)

    def read(self, work: Callable[[Connection], T]) -> Future[T]:
        return self._threads.submit(self._run, work)

    def close(self) -> None:
        self._threads.shutdown()
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T]) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeoutError) as error:
                conflict = getattr(getattr(error, "orig", None), "sqlstate", None) in _CONFLICTS
                if not conflict or attempt == _CONFLICT_ATTEMPTS:
                    raise self._explained(error) from error

    def _migrate(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        known = inspect(connection).has_table(VERSION_TABLE)
        revision = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) if known else None  # noqa: S608
        if revision != HEAD:
            upgrade(connection, NOTIFIER, self.where)

    def _explained(self, error: SQLAlchemyError) -> StoreError:
        words = " ".join(str(getattr(error, "orig", error)).split())[:300]
        lost = bool(getattr(error, "connection_invalidated", False)) or "connect" in words
        if lost:
            return StoreBusyError(f"{self.where}: база данных не отвечает ({words}); проверьте DATABASE_URL и сервер")
        return StoreError(f"{self.where}: сбой базы данных: {words}")


def _server_url(location: str) -> URL:
    try:
        url = make_url(location)
    except ArgumentError as error:
        raise ConfigError("DATABASE_URL: ожидается postgresql://пользователь:пароль@узел:порт/база") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError("DATABASE_URL: поддерживается только postgresql://…; пустое значение — файл SQLite")
    return url.set(drivername="postgresql+psycopg")


def _file_engine(path: Path, begin: str) -> Engine:
    # isolation_level None: transactions are begun below, not by the driver.
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
    )

    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # What is answered 200 must outlive a power cut: in the write-ahead log only FULL syncs each commit.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", start)
    return engine
