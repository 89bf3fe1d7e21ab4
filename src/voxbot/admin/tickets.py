"""Tickets: a link that a browser saves to disk carries no header, so it carries one of these instead of the key."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

VALID_S = 60
_MOST = 1000


class Tickets:
    """Each opens one download, once and for VALID_S seconds. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """Make a ticket."""
        now = self._clock()
        self._until = {ticket: until for ticket, until in self._until.items() if until > now}
        while len(self._until) >= _MOST:
            del self._until[next(iter(self._until))]
        ticket = secrets.token_urlsafe(24)
        self._until[ticket] = now + VALID_S
        return ticket

    def spend(self, ticket: str) -> bool:
        """Whether it was valid; it is not any more."""
        return self._until.pop(ticket, 0.0) > self._clock()
