"""Chats that leave a bot, or get another id. The functions are work for NotifierDatabase.write.

`now` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, or_, select, update

from voxbot.store.notifier_choice import FINAL_STAGE
from voxbot.store.notifier_messages import Chat, add_deletion, want_chats
from voxbot.store.notifier_models import ChoreRow, MessageRow, TelegramUserRow
from voxbot.store.notifier_registry import Subscriber, add_subscriber, bot_of, remove_subscriber

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CHANGING_S = 48 * 3600.0
"""Messages of older calls change no more."""


def dismiss_subscriber(connection: Connection, bot_token: str, tg_id: int, now: float) -> bool:
    """Take a chat from a bot, with what it was still to be shown; False if it was not there."""
    if not remove_subscriber(connection, bot_token, tg_id):
        return False
    chat = Chat(bot_of(bot_token), tg_id)
    want_chats(connection, [chat], now)  # locks its row
    lately = _lately(chat, now)
    unfinished = select(MessageRow).where(*lately, MessageRow.shown_id.is_not(None))
    unfinished = unfinished.where(MessageRow.shown_stage != FINAL_STAGE)
    for row in connection.execute(unfinished).mappings().all():
        add_deletion(
            connection,
            chat=chat,
            enterprise=row["enterprise"],
            call_id=row["call_id"],
            stage=row["shown_stage"],
            message_id=row["shown_id"],
            now=now,
        )
        connection.execute(update(MessageRow).where(MessageRow.id == row["id"]).values(shown_id=None))
    connection.execute(update(MessageRow).where(*lately).values(dead=True, next_at=None))
    return True


def move_chat(connection: Connection, bot: str, old: int, new: int, now: float) -> None:
    """Follow a group of a bot (its id) that has become a supergroup: another id, and other ids of its messages."""
    want_chats(connection, [Chat(bot, old), Chat(bot, new)], now)
    mine = (TelegramUserRow.tg_id == old, TelegramUserRow.bot_token.startswith(f"{bot}:", autoescape=True))
    columns = (TelegramUserRow.bot_token, TelegramUserRow.name, TelegramUserRow.added_at)
    for bot_token, name, added_at in connection.execute(select(*columns).where(*mine)).all():
        add_subscriber(connection, bot_token, Subscriber(tg_id=new, name=name or "", added_at=added_at))
        remove_subscriber(connection, bot_token, old)
    lately = _lately(Chat(bot, old), now)
    there = select(MessageRow.call_id).where(MessageRow.bot == bot, MessageRow.chat_id == new)
    connection.execute(delete(MessageRow).where(*lately, MessageRow.call_id.in_(there)))
    forgotten: dict[str, Any] = dict.fromkeys(("shown_id", "intent", "intent_floor", "doubt_floor"))
    connection.execute(update(MessageRow).where(*lately).values(**forgotten, doubts=0, chat_id=new))
    connection.execute(delete(ChoreRow).where(ChoreRow.bot == bot, ChoreRow.chat_id == old))


def _lately(chat: Chat, now: float) -> tuple[Any, ...]:
    """Messages of a chat that may still change."""
    changing = or_(MessageRow.wish_at > now - _CHANGING_S, MessageRow.next_at.is_not(None))
    return (MessageRow.bot == chat.bot, MessageRow.chat_id == chat.chat_id, changing)
