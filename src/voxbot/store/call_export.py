"""Calls as lines of CSV: a million of them go from SQLite's rows to bytes without becoming Python's strings.

A connection of its own, worked in threads: through SQLAlchemy and aiosqlite a row takes twice as long.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from voxbot.store.call_filter import NEWEST_FIRST, Place, begun_words, keys_query
from voxbot.store.preparation import BUSY_TIMEOUT_S, store_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.store.call_filter import CallFilter
    from voxbot.store.database import Database

COLUMNS = ("id", "callerId", "startTime", "endTime", "status", "transcript_json")
HEADER = ";".join(f'"{name}"' for name in COLUMNS) + "\r\n"

_BATCH = 300
_BLANK = " \u00a0\ufeff"
_FORMULA = frozenset("\t\n\r=+-@")
"""A cell that begins so is run by spreadsheets; an apostrophe before it makes it text (OWASP, CSV Injection)."""
_DOUBTFUL = frozenset(char.encode()[0] for char in (*_FORMULA, *_BLANK))
"""First bytes of cells that must be looked at closer."""
_SELECTED = ", ".join(f'l."{name}"' for name in COLUMNS)


async def csv_lines(database: Database, wanted: CallFilter) -> AsyncGenerator[bytes, None]:
    """Yield lines in UTF-8 of the calls wanted, newest first, many at a time; every cell is quoted.

    Raises StoreError. The next lines are read while the last ones are being sent.

    Each time is a transaction of its own: a log of any length neither fills the memory nor keeps SQLite from
    shortening its write-ahead log.
    """
    async with database.read() as session:
        begun = await begun_words(session, wanted)
    export = _Export(database, wanted, begun)
    loop = asyncio.get_running_loop()
    # One thread for all of it: the memory of each that has worked stays taken.
    with ThreadPoolExecutor(1, "csv") as thread:
        reading = loop.run_in_executor(thread, export.next_lines)
        try:
            while lines := await reading:
                reading = loop.run_in_executor(thread, export.next_lines)
                yield lines
        finally:
            await asyncio.wait({reading})  # to its end: a thread cannot be stopped
            if not reading.cancelled():
                reading.exception()  # it has been seen, or the client has gone
            await asyncio.wait({loop.run_in_executor(thread, export.close)})


class _Export:
    """The lines of one export. Blocking; one thread at a time."""

    def __init__(self, database: Database, wanted: CallFilter, begun: Sequence[str]) -> None:
        self._path = database.path
        self._wanted = wanted
        self._begun = begun
        self._connection: sqlite3.Connection | None = None
        self._after: Place | None = None
        self._is_over = False

    def next_lines(self) -> bytes:
        """Read some more lines; none at the end. Raises StoreError."""
        if self._is_over:
            return b""
        query = keys_query(self._wanted, NEWEST_FIRST, _BATCH, after=self._after, begun=self._begun)
        sql = (
            f"SELECT f.key, {_SELECTED} FROM ({query.sql}) k JOIN call_facts f ON f.key = k.key "
            "JOIN logs l ON l.id = f.call_id"
        )
        try:
            rows = self._opened().execute(sql, query.values).fetchall()
        except sqlite3.Error as error:
            raise store_error(self._path, error) from error
        self._is_over = len(rows) < _BATCH
        if rows:
            # Sorted here, and not by SQLite, which would carry every line through its sorter.
            rows.sort(key=lambda row: -row[0])
            self._after = Place(None, rows[-1][0])
        return b"".join([_line(row) for row in rows])

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            address = f"file:{quote(str(self._path.absolute()))}?mode=ro"
            self._connection = sqlite3.connect(
                address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.text_factory = bytes
        return self._connection


def _line(row: Sequence[Any]) -> bytes:
    cells: list[bytes] = []
    for value in row[1:]:
        cell = value
        if not isinstance(cell, bytes):
            cell = b"" if value is None else str(value).encode()
        if cell and cell[0] in _DOUBTFUL and cell.decode(errors="replace").lstrip(_BLANK)[:1] in _FORMULA:
            cell = b"'" + cell
        cells.append(cell.replace(b'"', b'""'))
    return b'"' + b'";"'.join(cells) + b'"\r\n'
