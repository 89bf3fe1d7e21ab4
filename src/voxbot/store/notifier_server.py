"""The notifier's database on a PostgreSQL server, shared by several notifiers."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from voxbot.domain.errors import ConfigError, StoreBusyError, StoreError
from voxbot.store.notifier_events import add_events
from voxbot.store.notifier_file import NOTIFIER
from voxbot.store.notifier_migrations import HEAD, VERSION_TABLE
from voxbot.store.preparation import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from voxbot.store.notifier_events import NewEvent

T = TypeVar("T")

_SERVER_THREADS = 12
_CONFLICTS = ("40001", "40P01")
"""SQLSTATE of transactions that PostgreSQL breaks off for another one: to be repeated."""
_CONFLICT_ATTEMPTS = 5
_MIGRATION_LOCK = 0x766F78626F74
"""Key of the advisory lock under which one process migrates."""


class PostgresqlBackend:
    """A transaction for each work, in a thread each."""

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
        """See NotifierDatabase.write."""
        del urgent  # every work has a thread of its own
        return self._threads.submit(self._run, work)

    def read(self, work: Callable[[Connection], T]) -> Future[T]:
        """See NotifierDatabase.read."""
        return self._threads.submit(self._run, work)

    def accept(self, events: Sequence[NewEvent]) -> Future[list[bool]]:
        """See NotifierDatabase.accept: writers do not wait for each other here."""
        return self._threads.submit(self._run, lambda connection: add_events(connection, events))

    def move(self) -> Future[set[str]]:
        """See NotifierDatabase.move: there is nothing to move."""
        return _done(set[str]())

    def waiting(self) -> Future[tuple[int, float | None]]:
        """See NotifierDatabase.waiting."""
        return _done((0, None))

    def close(self) -> None:
        """Finish what was given, and close the connections. Blocks."""
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
        revision = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) if known else None
        if revision != HEAD:
            upgrade(connection, NOTIFIER, self.where)

    def _explained(self, error: SQLAlchemyError) -> StoreError:
        words = " ".join(str(getattr(error, "orig", error)).split())[:300]
        lost = bool(getattr(error, "connection_invalidated", False)) or "connect" in words
        if lost:
            return StoreBusyError(f"{self.where}: база данных не отвечает ({words}); проверьте DATABASE_URL и сервер")
        return StoreError(f"{self.where}: сбой базы данных: {words}")


def _done(result: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(result)
    return future


def _server_url(location: str) -> URL:
    try:
        url = make_url(location)
    except ArgumentError as error:
        raise ConfigError("DATABASE_URL: ожидается postgresql://пользователь:пароль@узел:порт/база") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError("DATABASE_URL: поддерживается только postgresql://…; пустое значение — файл SQLite")
    return url.set(drivername="postgresql+psycopg")
