"""Where posted events wait to be moved into the notifier's tables: an SQLite file of their own.

SQLite lets one transaction write to a file at a time. In a file of its own an event never waits for the folding of
others or for a record of a delivery; what is here is on disk before its host is answered. Ids grow in the order of
arrival, even if the file is lost: they are microseconds since the epoch. How far events have been moved is kept with
what they were moved into, in the same transaction, so that a crash between the two files repeats or loses nothing.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from voxbot.store.notifier_events import NewEvent
from voxbot.store.preparation import store_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_COLUMNS = ", ".join(field.name for field in fields(NewEvent))
_TABLE = f"""
CREATE TABLE IF NOT EXISTS inbox (
    id INTEGER PRIMARY KEY, {_COLUMNS}, UNIQUE (digest, enterprise)
)
"""
_ADD = f"INSERT OR IGNORE INTO inbox (id, {_COLUMNS})"
_ROW = f"(?{', ?' * len(fields(NewEvent))})"
_BETWEEN = "SELECT id FROM inbox WHERE id BETWEEN ? AND ?"
_AFTER = f"SELECT id, {_COLUMNS} FROM inbox WHERE id > ? ORDER BY id LIMIT ?"
_WAITING = "SELECT COUNT(*), MIN(received_at) FROM inbox WHERE id > ?"
_FORGET = "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE id <= ? ORDER BY id LIMIT ?)"
_values = attrgetter(*(field.name for field in fields(NewEvent)))
_BUSY_S = 2.0
"""How long another program may keep the file: hosts wait 3 s, one event at a time, and must hear of a failure."""
_MICROSECONDS = 1_000_000
_KEPT_S = 60
"""An event repeated within this time is known here already; later ones are found when they are moved."""
_FORGOTTEN_FOR_EACH = 2


class Inbox:
    """The file. Opened when it is first needed; all functions block, and raise StoreError."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._path = path
        self._clock = clock
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._reader = threading.Lock()
        self._last_id = 0
        self.moved_id = 0
        """Events up to this one have been moved, for all that is known here."""

    def add(self, events: Sequence[NewEvent]) -> list[bool]:
        """Store events in one transaction; for each whether it is new. To be called from one thread at a time."""
        try:
            connection = self._writing
            if connection is None:
                connection = self._writing = self._open()
                (last,) = connection.execute("SELECT MAX(id) FROM inbox").fetchone()
                self._last_id = max(last or 0, self.moved_id)
            connection.execute("BEGIN IMMEDIATE")
            try:
                new = self._add(connection, events)
                before = min(self.moved_id, int((self._clock() - _KEPT_S) * _MICROSECONDS))
                connection.execute(_FORGET, (before, len(events) * _FORGOTTEN_FOR_EACH))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise store_error(self._path, error) from error
        return new

    def after(self, moved_id: int, limit: int) -> list[tuple[int, NewEvent]]:
        """Read the next events after one, with their ids."""
        rows = self._read(lambda connection: connection.execute(_AFTER, (moved_id, limit)).fetchall())
        return [(row[0], NewEvent(**dict(zip(NewEvent.__slots__, row[1:], strict=True)))) for row in rows or ()]

    def waiting(self, moved_id: int) -> tuple[int, float | None]:
        """Count the events after one; return when the oldest of them arrived as well."""
        found = self._read(lambda connection: connection.execute(_WAITING, (moved_id,)).fetchall())
        return (found[0][0], found[0][1]) if found else (0, None)

    def close(self) -> None:
        """Close the file."""
        for connection in (self._writing, self._reading):
            if connection is not None:
                connection.close()

    def _add(self, connection: sqlite3.Connection, events: Sequence[NewEvent]) -> list[bool]:
        """Add events by one statement: after each one the thread must get hold of the interpreter again."""
        first_id = max(self._last_id + 1, int(self._clock() * _MICROSECONDS))
        self._last_id = first_id + len(events) - 1
        values = [value for row, event in enumerate(events) for value in (first_id + row, *_values(event))]
        statement = f"{_ADD} VALUES {', '.join([_ROW] * len(events))}"
        if connection.execute(statement, values).rowcount == len(events):
            return [True] * len(events)
        added = {found for (found,) in connection.execute(_BETWEEN, (first_id, self._last_id))}
        return [first_id + row in added for row in range(len(events))]

    def _read(self, work: Callable[[sqlite3.Connection], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]] | None:
        """Read; None if no event has ever been stored."""
        with self._reader:
            try:
                if self._reading is None:
                    if not self._path.exists():
                        return None
                    self._reading = self._open()
                return work(self._reading)
            except sqlite3.Error as error:
                raise store_error(self._path, error) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # What is answered 200 must outlive a power cut: in the write-ahead log only FULL syncs each commit.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(_TABLE)
        except BaseException:
            connection.close()
            raise
        return connection
