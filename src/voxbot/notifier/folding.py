"""From events to wishes: each event finds its call, and the call says what its chats should show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxbot.notifier.calls import CallRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.notifier.messages import Texts
    from voxbot.store.notifier_database import NotifierDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOptions:
    """How calls are folded and shown.

    `superuser_id`: a chat that every bot writes to. `masked` hides the middle of customers' numbers.
    `details_url` (enterprise, unique id, first arrival in seconds since the epoch) links to a call's page; equal
    arguments must give an equal address, or messages would be edited for nothing.
    """

    rules: CallRules = field(default_factory=CallRules)
    superuser_id: int | None = None
    masked: bool = False
    details_url: Callable[[str, str, float], str | None] | None = None


class Folder:
    """Folds events of all enterprises. `on_wishes` is called, in the event loop, when chats should show something new."""

    def __init__(
        self, database: NotifierDatabase, texts: Texts, options: FoldOptions, on_wishes: Callable[[], None]
    ) -> None:
        self._database = database
        self._texts = texts
        self._options = options
        self._on_wishes = on_wishes

    def wake(self, enterprise: str) -> None:
        """Say that an event of this enterprise has been stored. Never blocks."""
        raise NotImplementedError

    async def run(self) -> None:
        """Fold until cancelled; what was stored before is folded first."""
        raise NotImplementedError
