"""Calls as CSV that spreadsheets open: UTF-8 with a mark, `;` between cells, every cell quoted."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.store.call_filter import CallFilter
    from voxbot.store.call_lists import CallRecord
    from voxbot.store.call_log import CallLogRepository

COLUMNS = ("id", "callerId", "startTime", "endTime", "status", "transcript_json")
_MARK = "\ufeff"
"""By it Excel knows UTF-8."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets; an apostrophe before it makes it text (OWASP, CSV Injection)."""


async def csv_of(calls: CallLogRepository, wanted: CallFilter) -> AsyncGenerator[bytes, None]:
    """Yield the file in pieces; its memory does not grow with the log. Raises StoreError."""
    yield (_MARK + _written([COLUMNS])).encode()
    async for records in calls.lists.stream(wanted):
        yield await asyncio.to_thread(_rows, records)


def _rows(records: Sequence[CallRecord]) -> bytes:
    return _written([_cells(record) for record in records]).encode(errors="replace")


def _cells(record: CallRecord) -> list[str]:
    return [
        _harmless(record.id),
        _harmless(record.caller_id),
        _harmless(record.start_time),
        _harmless(record.end_time or ""),
        _harmless(record.status),
        _harmless(record.transcript_json),
    ]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()
