"""From a call of the bot to the page of the same call of the exchange."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from voxbot.notifier.calls import view
from voxbot.notifier.details import is_of, stored_events
from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_details import enterprises_of, history_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxbot.notifier.calls import CallRules
    from voxbot.notifier.details_links import DetailsLinks
    from voxbot.store.notifier_database import Transaction


class BotCallLinks:
    """Finds the pages of calls. Opens the database for each: they are asked for seldom, and another unit owns it."""

    def __init__(
        self, location: Path | str, links: DetailsLinks, rules: CallRules, clock: Callable[[], float] = time.time
    ) -> None:
        """`location` as for open_notifier_database; `clock` gives seconds since the epoch."""
        self._location = location
        self._links = links
        self._rules = rules
        self._clock = clock

    async def of(self, call_id: str, caller: str) -> str | None:
        """The link to the page of the call that the bot had on channel `call_id`; None if nothing is known of it.

        Hosts give the same unique ids: the numbers tell which enterprise's call it is. Raises StoreError, ConfigError.
        """
        async with open_notifier_database(self._location) as database:
            return await database.read(lambda connection: self._find(connection, call_id, caller))

    def _find(self, connection: Transaction, call_id: str, caller: str) -> str | None:
        now = self._clock()
        for enterprise in enterprises_of(connection, call_id):
            history = history_of(connection, call_id, enterprise)
            if history is None or not self._links.lasts(history.first_at, now):
                continue
            if is_of(caller, view(stored_events(history.events), self._rules, now=now)):
                return self._links.url(enterprise, history.main_id or call_id, history.first_at)
        return None
