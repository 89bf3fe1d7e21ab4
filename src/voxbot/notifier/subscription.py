"""What an update of Telegram means for who gets calls, and what to answer. Work for NotifierDatabase.write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.store.notifier_moves import dismiss_subscriber, move_chat
from voxbot.store.notifier_registry import (
    Subscriber,
    add_subscriber,
    bot_of,
    enterprise_by_code,
    list_subscribers,
)

if TYPE_CHECKING:
    from aiogram.types import Message, Update

    from voxbot.store.notifier_database import Transaction

_COMMAND = re.compile(r"/(\w+)(?:@\w+)?(?:\s+(\S+))?\s*")
_CODE_CHARS = 64
"""What Telegram lets through in a link t.me/BOT?start=CODE."""
_LEFT = ("left", "kicked")

_HOW_TO_JOIN = "Чтобы получать звонки, пришлите код приглашения: /start КОД. Код есть у администратора."
_WRONG_CODE = "Этот код приглашения не подходит. Попросите у администратора новый."
_ALREADY = "Вы уже получаете звонки. Отписаться: /stop"
_JOINED = "Готово: звонки{company} будут приходить сюда. Отписаться: /stop"
_GONE = "Вы отписаны: звонки сюда больше не приходят. Вернуться: /start КОД"
_WAS_NOT = "Сюда и так не приходят звонки."


@dataclass(frozen=True, slots=True)
class Answer:
    """A message to send; plain text."""

    chat_id: int
    text: str


def answer_to(tx: Transaction, update: Update, bot_token: str, now: float) -> Answer | None:
    """Do what an update asks for; return what to answer. `now`: seconds since the epoch."""
    member = update.my_chat_member
    if member is not None:
        if member.new_chat_member.status in _LEFT:
            dismiss_subscriber(tx, bot_token, member.chat.id, now)
        return None
    message = update.message
    if message is None:
        return None
    if message.migrate_to_chat_id is not None:
        move_chat(tx, bot_of(bot_token), message.chat.id, message.migrate_to_chat_id, now)
        return None
    return _answer_to_message(tx, message, bot_token, now)


def _answer_to_message(tx: Transaction, message: Message, bot_token: str, now: float) -> Answer | None:
    chat = message.chat
    command = _COMMAND.fullmatch(message.text or "")
    match command[1].lower() if command else "":
        case "start":
            code = command[2] if command else None
            return Answer(chat.id, _join(tx, message, bot_token, code or "", now))
        case "stop":
            was = dismiss_subscriber(tx, bot_token, chat.id, now)
            return Answer(chat.id, _GONE if was else _WAS_NOT)
        case _:
            # In a group people talk to each other.
            return Answer(chat.id, _HOW_TO_JOIN) if chat.type == "private" else None


def _join(tx: Transaction, message: Message, bot_token: str, code: str, now: float) -> str:
    if not code:
        known = {subscriber.tg_id for subscriber in list_subscribers(tx, bot_token)}
        return _ALREADY if message.chat.id in known else _HOW_TO_JOIN
    enterprise = enterprise_by_code(tx, bot_token, code) if len(code) <= _CODE_CHARS else None
    if enterprise is None:
        return _WRONG_CODE
    new = Subscriber(tg_id=message.chat.id, name=_name(message), added_at=now)
    if not add_subscriber(tx, bot_token, new):
        return _ALREADY
    return _JOINED.format(company=f" «{enterprise.name}»" if enterprise.name else "")


def _name(message: Message) -> str:
    chat = message.chat
    parts = (chat.title,) if chat.title else (chat.first_name, chat.last_name)
    return " ".join(part for part in parts if part)
