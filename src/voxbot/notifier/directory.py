"""Enterprises by the token of their events, as they were some seconds ago.

The way of a posted event must not wait for a query: what is known is answered from memory and read anew beside it. A
token that nobody had is looked for again, but not for each event: a stranger's host must not load the database.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import StoreError
from voxbot.store.notifier_registry import list_enterprises

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.store.notifier_database import NotifierDatabase
    from voxbot.store.notifier_registry import Enterprise

log = structlog.get_logger(__name__)

_KNOWN_S = 5.0
_STRANGE_S = 1.0


class Directory:
    """Answers who a token belongs to. `clock` gives seconds from any moment on."""

    def __init__(self, database: NotifierDatabase, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._by_token: dict[str, Enterprise] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def by_token(self, token: str) -> Enterprise | None:
        """Find the enterprise of a token. Raises StoreError as long as the database has never answered."""
        known = self._by_token.get(token)
        age_s = float("inf") if self._read_at is None else self._clock() - self._read_at
        if age_s < (_KNOWN_S if known else _STRANGE_S):
            return known
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if known is None:
            await asyncio.shield(self._reading)
        return self._by_token.get(token)

    async def close(self) -> None:
        """Wait for the query under way."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _read(self) -> None:
        try:
            enterprises = await self._database.read(list_enterprises)
        except StoreError as error:
            if self._read_at is None:
                raise
            log.warning("Список предприятий не читается, действует прежний", error=str(error))
        else:
            self._by_token = {enterprise.token: enterprise for enterprise in enterprises}
        self._read_at = self._clock()
