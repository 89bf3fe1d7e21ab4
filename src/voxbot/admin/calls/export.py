"""Calls as a CSV file that spreadsheets open: UTF-8 with a mark, `;` between cells, every cell quoted."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from voxbot.store.call_export import HEADER, csv_lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.store.call_filter import CallFilter
    from voxbot.store.database import Database

_MARK = "\ufeff"
"""By it Excel knows UTF-8."""


async def csv_of(database: Database, wanted: CallFilter) -> AsyncGenerator[bytes, None]:
    """Yield the file in pieces; its memory does not grow with the log. Raises StoreError."""
    yield (_MARK + HEADER).encode()
    async with aclosing(csv_lines(database, wanted)) as pieces:
        async for lines in pieces:
            yield lines
