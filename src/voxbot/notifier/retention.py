"""Old calls are forgotten, some at a time, so that what is posted meanwhile waits for no long transaction."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import StoreError
from voxbot.store.notifier_events import prune
from voxbot.store.notifier_facts import prune_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.store.notifier_database import NotifierDatabase, Transaction

log = structlog.get_logger(__name__)

_DAY_S = 86_400
_EVERY_S = 600.0
_BREATH_S = 0.2
_CALLS_AT_ONCE = 200


async def forget_old_calls(database: NotifierDatabase, keep_days: int, clock: Callable[[], float] = time.time) -> None:
    """Forget calls of which nothing was heard for `keep_days`, until cancelled. `clock`: seconds since the epoch."""
    while True:
        before = clock() - keep_days * _DAY_S
        try:
            gone = await database.write(lambda tx, before=before: _forget(tx, before), urgent=False)
        except StoreError as error:
            log.warning("Старые звонки не удалены, повторю позже", error=str(error))
            gone = 0
        await asyncio.sleep(_BREATH_S if gone else _EVERY_S)


def _forget(tx: Transaction, before: float) -> int:
    """Forget some calls, and then what was known of them; return how many rows went."""
    return prune(tx, before, _CALLS_AT_ONCE) or prune_facts(tx, before)
