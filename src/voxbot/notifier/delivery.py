"""From wishes to Telegram: each chat gets one request at a time, chats in parallel, within Telegram's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.store.notifier_database import NotifierDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Telegram bears: requests a second of a bot, seconds between messages in a chat and in a group."""

    bot_per_s: float = 30.0
    chat_gap_s: float = 1.0
    chat_burst: int = 3
    group_gap_s: float = 4.0
    group_burst: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneOperation:
    """A request to Telegram that got its answer, or failed.

    `result` is "ok" or a short reason in Telegram's words; `final` False: it will be tried again. `delay_ms`: since
    the event behind it arrived. `text` is HTML, whole. `unique_id` names the call ("" if no event did).
    """

    at: float
    enterprise: str
    bot: str
    chat_id: int
    action: Literal["send", "edit", "delete"]
    stage: str
    message_id: int | None
    unique_id: str
    result: str
    final: bool
    text: str
    delay_ms: int | None
    request_ms: int


class Delivery:
    """Brings chats to what they should show. `observer` hears of every request; it must not block."""

    def __init__(
        self,
        database: NotifierDatabase,
        *,
        api_base: str,
        limits: Limits,
        observer: Callable[[DoneOperation], None],
    ) -> None:
        self._database = database
        self._api_base = api_base
        self._limits = limits
        self._observer = observer

    def wake(self) -> None:
        """Say that there may be something to deliver. Never blocks."""
        raise NotImplementedError

    async def run(self) -> None:
        """Deliver until cancelled; then finish the requests under way."""
        raise NotImplementedError
