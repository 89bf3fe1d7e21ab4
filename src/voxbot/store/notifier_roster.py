"""Changes to who gets which calls, checked: what the command line and the admin API have in common.

The functions are work for NotifierDatabase.write or read. They raise RosterError, in words for the operator.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxbot.domain.errors import RosterError, RosterMissingError
from voxbot.store.notifier_events import UNKNOWN
from voxbot.store.notifier_moves import dismiss_subscriber
from voxbot.store.notifier_registry import (
    Enterprise,
    Subscriber,
    add_subscriber,
    enterprise_by_number,
    enterprise_by_token,
    list_enterprises,
    list_subscribers,
    put_enterprise,
    remove_enterprise,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
_BOT_TOKEN = re.compile(r"\d{1,20}:[\w-]{1,128}", re.ASCII)
_INVITATION_BYTES = 12
_LARGEST_CHAT = 2**52
"""Ids of chats have at most 52 bits (Telegram Bot API)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterpriseChange:
    """An enterprise as it is wanted; None leaves what is there. `new_invitation`: the old code invites no more."""

    number: str
    token: str | None = None
    bot_token: str | None = None
    name: str | None = None
    new_invitation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A chat that gets an enterprise's calls."""

    enterprise: str
    subscriber: Subscriber


def save_enterprise(connection: Connection, change: EnterpriseChange) -> tuple[Enterprise, bool]:
    """Add an enterprise or change it; return it and whether it is new. It gets an invitation code."""
    number = change.number.strip()
    if not _NUMBER.fullmatch(number) or number == UNKNOWN:
        raise RosterError(f"номер предприятия {number!r}: нужны латинские буквы, цифры, дефис, не больше 32 знаков")
    old = enterprise_by_number(connection, number)
    if old is None and not change.token:
        raise RosterError(f"предприятия {number} ещё нет: укажите токен, с которым станция присылает события")
    base = old or Enterprise(number=number, token="")
    wanted = replace(
        base,
        token=base.token if change.token is None else change.token.strip(),
        bot_token=base.bot_token if change.bot_token is None else change.bot_token.strip(),
        name=base.name if change.name is None else change.name.strip(),
        invitation_code=(
            base.invitation_code
            if base.invitation_code and not change.new_invitation
            else secrets.token_urlsafe(_INVITATION_BYTES)
        ),
    )
    _check(connection, wanted)
    return wanted, put_enterprise(connection, wanted)


def drop_enterprise(connection: Connection, number: str) -> None:
    """Remove an enterprise and its subscribers."""
    if not remove_enterprise(connection, number):
        raise RosterMissingError(f"предприятия {number!r} нет")


def save_user(connection: Connection, number: str, tg_id: int, name: str, at: float) -> bool:
    """Add a chat to an enterprise, or change its name; return whether it is new. `at`: now, since the epoch."""
    enterprise = _with_bot(connection, number)
    if not 0 < abs(tg_id) < _LARGEST_CHAT:
        raise RosterError(f"чат {tg_id}: нужен id чата Telegram, целое число (у групп отрицательное)")
    subscriber = Subscriber(tg_id=tg_id, name=name.strip(), added_at=at)
    return add_subscriber(connection, enterprise.bot_token, subscriber)


def drop_user(connection: Connection, number: str, tg_id: int, at: float) -> None:
    """Take a chat from an enterprise, with what it was still to be shown. `at`: now, since the epoch."""
    if not dismiss_subscriber(connection, _with_bot(connection, number).bot_token, tg_id, at):
        raise RosterMissingError(f"чат {tg_id} не получает звонков предприятия {number}")


def recipients(connection: Connection, number: str | None = None) -> list[Recipient]:
    """List who gets the calls of one enterprise, or of all."""
    enterprises = list_enterprises(connection) if number is None else [_existing(connection, number)]
    return [
        Recipient(enterprise=enterprise.number, subscriber=subscriber)
        for enterprise in enterprises
        if enterprise.bot_token
        for subscriber in list_subscribers(connection, enterprise.bot_token)
    ]


def _check(connection: Connection, wanted: Enterprise) -> None:
    if not _TOKEN.fullmatch(wanted.token):
        raise RosterError(f"токен предприятия {wanted.number}: нужна непустая строка без пробелов")
    other = enterprise_by_token(connection, wanted.token)
    if other is not None and other.number != wanted.number:
        raise RosterError(f"токен предприятия {wanted.number} уже занят предприятием {other.number}")
    if wanted.bot_token and not _BOT_TOKEN.fullmatch(wanted.bot_token):
        raise RosterError(f"токен бота предприятия {wanted.number}: нужен вид 123456:ABC-..., как его выдал @BotFather")


def _existing(connection: Connection, number: str) -> Enterprise:
    enterprise = enterprise_by_number(connection, number)
    if enterprise is None:
        raise RosterMissingError(f"предприятия {number!r} нет; сначала добавьте его")
    return enterprise


def _with_bot(connection: Connection, number: str) -> Enterprise:
    enterprise = _existing(connection, number)
    if not enterprise.bot_token:
        raise RosterError(f"у предприятия {number} нет бота; задайте ему токен бота")
    return enterprise
