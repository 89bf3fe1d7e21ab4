"""Telegram's limits: how soon a bot and a chat may send again. Kept in the database, so that processes share them.

A limit is a time up to which its share is used up (the generic cell rate algorithm, ITU-T I.371): a request moves it
on by one gap, and may go when it is less than a burst ahead of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, select, update

from voxbot.store.notifier_models import BotRow, ChatRow
from voxbot.store.notifier_sql import greater, insert_into

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from voxbot.store.notifier_messages import Chat

_SUPERGROUPS_BELOW = -1_000_000_000_000
"""Ids of supergroups and channels, -100…: each counts its own messages. All other chats of a bot share a count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Telegram bears: requests a second of a bot (`bot_burst` of them at once), messages in a chat and in a group.

    A message is a send or an edit of ours; deletions count for the bot alone.
    """

    bot_per_s: float = 30.0
    bot_burst: int = 5
    chat_gap_s: float = 1.0
    chat_burst: int = 3
    group_gap_s: float = 4.0
    group_burst: int = 5

    @property
    def bot_gap_s(self) -> float:
        """Seconds between a bot's requests, such that no second has more than `bot_per_s` with a burst."""
        return 1.0 / max(1.0, self.bot_per_s - self.bot_burst)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may be sent for so long. `turn`: the bot's turn after it is taken already."""

    seconds: float
    turn: bool = False


def take_turn(
    connection: Connection, chat: RowMapping, now: float, limits: Limits, *, message: bool, turn: bool
) -> Pause | None:
    """Use up a share of the limits of a chat (its locked row) and of its bot; or say how long to wait first.

    `message`: the chat's own limit counts too. `turn`: the bot's turn was taken by the Pause before.
    """
    gap_s, burst = limits.chat_gap_s, limits.chat_burst
    if chat["chat_id"] < 0:
        gap_s, burst = limits.group_gap_s, limits.group_burst
    if message and (wait_s := chat["full_at"] - (burst - 1) * gap_s - now) > 0:
        return Pause(wait_s, turn)
    bot = _bot(connection, chat["bot"])
    if (wait_s := bot["paused_until"] - now) > 0:
        return Pause(wait_s)
    if not turn:
        full_at = max(bot["full_at"], now) + limits.bot_gap_s
        connection.execute(update(BotRow).where(BotRow.bot == chat["bot"]).values(full_at=full_at))
        if (wait_s := full_at - limits.bot_burst * limits.bot_gap_s - now) > 0:
            return Pause(wait_s, turn=True)
    if message:
        place = (ChatRow.bot == chat["bot"], ChatRow.chat_id == chat["chat_id"])
        connection.execute(update(ChatRow).where(*place).values(full_at=max(chat["full_at"], now) + gap_s))
    return None


def pause_chat(connection: Connection, chat: Chat, seconds: float, now: float) -> None:
    """Obey «too many requests» of a chat; of the whole bot when a second chat of it has been told to wait as well."""
    until = now + seconds
    others = select(ChatRow.chat_id).where(
        ChatRow.bot == chat.bot, ChatRow.chat_id != chat.chat_id, ChatRow.paused_until > now
    )
    place = (ChatRow.bot == chat.bot, ChatRow.chat_id == chat.chat_id)
    connection.execute(update(ChatRow).where(*place).values(paused_until=until))
    if connection.execute(others.limit(1)).first() is not None:
        pause_bot(connection, chat.bot, seconds, now)


def pause_bot(connection: Connection, bot: str, seconds: float, now: float) -> None:
    """Send nothing from a bot for so long."""
    _bot(connection, bot)
    until = greater(BotRow.paused_until, now + seconds)
    connection.execute(update(BotRow).where(BotRow.bot == bot).values(paused_until=until))


def id_floor(connection: Connection, chat: RowMapping) -> int:
    """Return an id that is less than that of any message sent from now on to this chat."""
    if chat["chat_id"] < _SUPERGROUPS_BELOW:
        return chat["last_id"]
    return max(_bot(connection, chat["bot"])["last_id"], chat["last_id"])


def remember_id(connection: Connection, chat: Chat, message_id: int) -> None:
    """Note the id that Telegram gave a message."""
    place = (ChatRow.bot == chat.bot, ChatRow.chat_id == chat.chat_id)
    later = case((ChatRow.last_id > message_id, ChatRow.last_id), else_=message_id)
    connection.execute(update(ChatRow).where(*place).values(last_id=later))
    if chat.chat_id >= _SUPERGROUPS_BELOW:
        later = case((BotRow.last_id > message_id, BotRow.last_id), else_=message_id)
        connection.execute(update(BotRow).where(BotRow.bot == chat.bot).values(last_id=later))


def _bot(connection: Connection, bot: str) -> RowMapping:
    query = select(BotRow).where(BotRow.bot == bot).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        connection.execute(insert_into(connection, BotRow).values(bot=bot).on_conflict_do_nothing())
        row = connection.execute(query).mappings().one()
    return row
