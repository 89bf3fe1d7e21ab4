"""Calls as lines of CSV, put together by SQLite itself: a million of them must not pass through Python cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from voxbot.store.call_filter import NEWEST_FIRST, Place, begun_words, keys_query

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.store.call_filter import CallFilter
    from voxbot.store.database import Database

COLUMNS = ("id", "callerId", "startTime", "endTime", "status", "transcript_json")
HEADER = ";".join(f'"{name}"' for name in COLUMNS) + "\r\n"

_BATCH = 1000
_FORMULA = "char(9, 10, 13) || '=+-@'"
"""A cell that begins so is run by spreadsheets; an apostrophe before it makes it text (OWASP, CSV Injection)."""


def _cell(column: str) -> str:
    value = f"COALESCE(l.\"{column}\", '')"
    guard = f"CASE WHEN {value} <> '' AND instr({_FORMULA}, substr({value}, 1, 1)) THEN '''' ELSE '' END"
    return f"'\"' || {guard} || replace({value}, '\"', '\"\"') || '\"'"


_LINE = " || ';' || ".join(map(_cell, COLUMNS)) + " || char(13, 10)"


async def csv_lines(database: Database, wanted: CallFilter) -> AsyncGenerator[str, None]:
    """Yield lines of the calls wanted, newest first, many at a time; every cell is quoted. Raises StoreError.

    Each time is a transaction of its own: a log of any length neither fills the memory nor keeps SQLite from
    shortening its write-ahead log.
    """
    after: Place | None = None
    while True:
        async with database.read() as session:
            query = keys_query(wanted, NEWEST_FIRST, _BATCH, after=after, begun=await begun_words(session, wanted))
            lines = text(
                f"SELECT f.key, {_LINE} FROM ({query.sql}) k JOIN call_facts f ON f.key = k.key "
                "JOIN logs l ON l.id = f.call_id ORDER BY k.key DESC"
            )
            rows = (await session.execute(lines, query.values)).all()
        if rows:
            yield "".join([row[1] for row in rows])
        if len(rows) < _BATCH:
            return
        after = Place(None, rows[-1][0])
