"""Which process asks Telegram for what users write to a bot: two at once would break each other off.

The functions are work for NotifierDatabase.write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from voxbot.store.notifier_models import BotRow
from voxbot.store.notifier_sql import insert_into

if TYPE_CHECKING:
    from sqlalchemy import Connection


def take_polling(connection: Connection, bot: str, owner: str, now: float, seconds: float) -> bool:
    """Take or keep the polling of a bot for so long; False: another process has it."""
    connection.execute(insert_into(connection, BotRow).values(bot=bot).on_conflict_do_nothing())
    free = or_(BotRow.poller == owner, BotRow.poller_until < now)
    mine = update(BotRow).where(BotRow.bot == bot, free).values(poller=owner, poller_until=now + seconds)
    return bool(connection.execute(mine).rowcount)


def give_polling_back(connection: Connection, owner: str) -> None:
    """Let others poll what this process polled."""
    connection.execute(update(BotRow).where(BotRow.poller == owner).values(poller=None, poller_until=0.0))
