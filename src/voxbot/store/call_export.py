"""Calls as lines of CSV, put together by SQLite itself: a million of them must not pass through Python cell by cell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import text

from voxbot.store.call_filter import NEWEST_FIRST, Place, begun_words, keys_query

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.store.call_filter import CallFilter
    from voxbot.store.database import Database

COLUMNS = ("id", "callerId", "startTime", "endTime", "status", "transcript_json")
HEADER = ";".join(f'"{name}"' for name in COLUMNS) + "\r\n"

_BATCH = 600
_BLANK = "' ' || char(160, 65279)"
_FORMULA = "char(9, 10, 13) || '=+-@'"
"""A cell that begins so is run by spreadsheets; an apostrophe before it makes it text (OWASP, CSV Injection)."""


def _cell(column: str) -> str:
    value = f"COALESCE(l.\"{column}\", '')"
    begin = f"substr(ltrim({value}, {_BLANK}), 1, 1)"
    guard = f"CASE WHEN {begin} <> '' AND instr({_FORMULA}, {begin}) THEN '''' ELSE '' END"
    return f"'\"' || {guard} || replace({value}, '\"', '\"\"') || '\"'"


# As a blob, which is UTF-8 already: it never becomes a Python string.
_LINE = "CAST(" + " || ';' || ".join(map(_cell, COLUMNS)) + " || char(13, 10) AS BLOB)"


async def csv_lines(database: Database, wanted: CallFilter) -> AsyncGenerator[bytes, None]:
    """Yield lines in UTF-8 of the calls wanted, newest first, many at a time; every cell is quoted.

    Raises StoreError. The next lines are read while the last ones are being sent.

    Each time is a transaction of its own: a log of any length neither fills the memory nor keeps SQLite from
    shortening its write-ahead log.
    """
    reading = asyncio.create_task(_read(database, wanted, None))
    try:
        while True:
            rows = await reading
            if len(rows) == _BATCH:
                reading = asyncio.create_task(_read(database, wanted, Place(None, rows[-1][0])))
            if rows:
                yield b"".join([row[1] for row in rows])
            if len(rows) < _BATCH:
                return
    finally:
        # To its end: a transaction that is broken off keeps its connection.
        await asyncio.wait({reading})


async def _read(database: Database, wanted: CallFilter, after: Place | None) -> Sequence[tuple[int, bytes]]:
    async with database.read() as session:
        begun = await begun_words(session, wanted)
        query = keys_query(wanted, NEWEST_FIRST, _BATCH, after=after, begun=begun)
        lines = text(
            f"SELECT f.key, {_LINE} FROM ({query.sql}) k JOIN call_facts f ON f.key = k.key "
            "JOIN logs l ON l.id = f.call_id"
        )
        rows = [(row[0], row[1]) for row in await session.execute(lines, query.values)]
    # Here, and not by SQLite, which would carry every line through its sorter.
    return sorted(rows, key=lambda row: -row[0])
