"""The notifier's database as an SQLite file.

One thread writes, and whatever is waiting for it goes into one transaction (group commit): a disk that syncs in 5 ms
still takes thousands of writes a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from voxbot.store.notifier_events import add_events
from voxbot.store.notifier_inbox import Inbox
from voxbot.store.notifier_migrations import HEAD, VERSION_TABLE
from voxbot.store.notifier_models import InboxRow
from voxbot.store.notifier_sql import insert_into
from voxbot.store.preparation import BUSY_TIMEOUT_S, Lineage, prepare, store_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.store.notifier_events import NewEvent

T = TypeVar("T")

NOTIFIER = Lineage("voxbot.store:notifier_migrations", HEAD, VERSION_TABLE, "NOTIFIER_DB_PATH")
_GROUP_S = 0.005
"""Work that came meanwhile joins a transaction for this long; then those who wait get their commit."""
_READERS = 2
_MOVED_AT_ONCE = 200
_INBOX = "inbox"
_CURSOR_S = 5.0
"""How often the inbox hears how far its events have been moved: it forgets those."""


class SqliteBackend:
    """One writing thread, some reading ones, and a file and a thread of their own for posted events."""

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
        self._inbox = Inbox(self._path.with_name(f"{self._path.stem}_inbox{self._path.suffix}"))
        self._taker = ThreadPoolExecutor(1, thread_name_prefix="notifier-inbox")
        self._cursor_at = float("-inf")

    def write(self, work: Callable[[Connection], T], *, urgent: bool) -> Future[T]:
        """See NotifierDatabase.write."""
        future: Future[T] = Future()
        self._works.put(_Work(work, future), urgent=urgent)
        return future

    def read(self, work: Callable[[Connection], T]) -> Future[T]:
        """See NotifierDatabase.read."""
        return self._readers.submit(self._read, work)

    def accept(self, events: Sequence[NewEvent]) -> Future[list[bool]]:
        """See NotifierDatabase.accept."""
        return self._taker.submit(self._accept, events)

    def move(self) -> Future[set[str]]:
        """See NotifierDatabase.move."""
        return self.write(self._move, urgent=True)

    def waiting(self) -> Future[tuple[int, float | None]]:
        """See NotifierDatabase.waiting."""
        return self.read(lambda connection: self._inbox.waiting(_moved_id(connection)))

    def close(self) -> None:
        """Finish what was given, and close the files. Blocks."""
        self._works.end()
        self._writer.join()
        self._taker.shutdown()
        self._readers.shutdown()
        self._inbox.close()
        self._writing.dispose()
        self._reading.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeoutError) as error:
            raise store_error(self._path, error) from error

    def _accept(self, events: Sequence[NewEvent]) -> list[bool]:
        if time.monotonic() - self._cursor_at > _CURSOR_S:
            self._inbox.moved_id = self._read(_moved_id)
            self._cursor_at = time.monotonic()
        return self._inbox.add(events)

    def _move(self, connection: Connection) -> set[str]:
        found = self._inbox.after(_moved_id(connection), _MOVED_AT_ONCE)
        if found:
            add_events(connection, [event for _, event in found])
            moved = insert_into(connection, InboxRow).values(name=_INBOX, moved_id=found[-1][0])
            connection.execute(
                moved.on_conflict_do_update(index_elements=["name"], set_={"moved_id": moved.excluded.moved_id})
            )
        return {event.enterprise for _, event in found}

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
    """What waits to be written."""

    def __init__(self) -> None:
        self._urgent: deque[_Work] = deque()
        self._patient: deque[_Work] = deque()
        self._ended = False
        self._changed = threading.Condition()

    def put(self, work: _Work, *, urgent: bool) -> None:
        with self._changed:
            (self._urgent if urgent else self._patient).append(work)
            self._changed.notify()

    def end(self) -> None:
        """Let `take` return None when nothing is left."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def take(self) -> _Work | None:
        """Wait for the next work."""
        with self._changed:
            while not (waiting := self._urgent or self._patient):
                if self._ended:
                    return None
                self._changed.wait()
            return waiting.popleft()

    def take_urgent(self) -> _Work | None:
        """Return the next urgent work if there is one."""
        with self._changed:
            return self._urgent.popleft() if self._urgent else None


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


def _moved_id(connection: Connection) -> int:
    return connection.scalar(select(InboxRow.moved_id).where(InboxRow.name == _INBOX)) or 0


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
