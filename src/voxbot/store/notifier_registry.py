"""Who gets which calls: enterprises, the chats of their bots.

The functions are work for NotifierDatabase.write or read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from voxbot.store.notifier_models import BotRow, ChatRow, EnterpriseRow, TelegramUserRow
from voxbot.store.notifier_sql import insert_into

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """An enterprise. `token` (column name2) comes with its events; `bot_token` "" : it has no bot yet."""

    number: str
    token: str
    bot_token: str = field(default="", repr=False)
    name: str = ""
    secret: str | None = field(default=None, repr=False)
    invitation_code: str | None = field(default=None, repr=False)

    @property
    def bot(self) -> str:
        """The bot's numeric id: fit for logs, unlike its token. "" without a bot."""
        return bot_of(self.bot_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A chat of a bot. `blocked_at`: when it last refused a message (seconds since the epoch)."""

    tg_id: int
    name: str = ""
    added_at: float | None = None
    blocked_at: float | None = None


def bot_of(bot_token: str) -> str:
    """Return the numeric id in front of a bot token's colon."""
    return bot_token.partition(":")[0]


def put_enterprise(connection: Connection, enterprise: Enterprise) -> bool:
    """Add an enterprise, or change the one with this number; return whether it is new.

    With a new bot token of it, its subscribers move along; without one they are removed.
    """
    old = enterprise_by_number(connection, enterprise.number)
    values = {
        "name": enterprise.name,
        "name2": enterprise.token,
        "secret": enterprise.secret,
        "bot_token": enterprise.bot_token,
        "invitation_code": enterprise.invitation_code,
    }
    if old is None:
        connection.execute(insert_into(connection, EnterpriseRow).values(number=enterprise.number, **values))
        return True
    connection.execute(update(EnterpriseRow).where(EnterpriseRow.number == enterprise.number).values(**values))
    if enterprise.bot_token and old.bot_token and old.bot_token != enterprise.bot_token:
        _move_subscribers(connection, old.bot_token, enterprise.bot_token)
    if old.bot_token and not enterprise.bot_token:
        _drop_subscribers(connection, old.bot_token)
    if old.bot_token != enterprise.bot_token:
        _try_again(connection, enterprise.bot)
    return False


def remove_enterprise(connection: Connection, number: str) -> bool:
    """Remove an enterprise and, unless another one has the same bot, its subscribers; False if there is none."""
    old = enterprise_by_number(connection, number)
    if old is None:
        return False
    connection.execute(delete(EnterpriseRow).where(EnterpriseRow.number == number))
    if old.bot_token:
        _drop_subscribers(connection, old.bot_token)
    return True


def list_enterprises(connection: Connection) -> list[Enterprise]:
    """List the enterprises by number."""
    return [_enterprise(row) for row in connection.execute(select(*_COLUMNS).order_by(EnterpriseRow.number))]


def enterprise_by_number(connection: Connection, number: str) -> Enterprise | None:
    """Find an enterprise by its number."""
    row = connection.execute(select(*_COLUMNS).where(EnterpriseRow.number == number)).first()
    return _enterprise(row) if row else None


def enterprise_by_token(connection: Connection, token: str) -> Enterprise | None:
    """Find an enterprise by the token of its events."""
    row = connection.execute(select(*_COLUMNS).where(EnterpriseRow.name2 == token).limit(1)).first()
    return _enterprise(row) if row else None


def enterprise_by_code(connection: Connection, bot_token: str, code: str) -> Enterprise | None:
    """Find the enterprise of this bot to which an invitation code invites."""
    query = select(*_COLUMNS).where(EnterpriseRow.bot_token == bot_token, EnterpriseRow.invitation_code == code)
    row = connection.execute(query.limit(1)).first()
    return _enterprise(row) if row and code else None


def add_subscriber(connection: Connection, bot_token: str, subscriber: Subscriber) -> bool:
    """Add a chat to a bot, or change its name; return whether it is new."""
    known = {"name": subscriber.name, "blocked_at": None}
    place = (TelegramUserRow.bot_token == bot_token, TelegramUserRow.tg_id == subscriber.tg_id)
    if connection.execute(update(TelegramUserRow).where(*place).values(**known)).rowcount:
        return False
    insert = insert_into(connection, TelegramUserRow).values(
        bot_token=bot_token, tg_id=subscriber.tg_id, added_at=subscriber.added_at, **known
    )
    return bool(connection.execute(insert.on_conflict_do_nothing()).rowcount)


def remove_subscriber(connection: Connection, bot_token: str, tg_id: int) -> bool:
    """Remove a chat from a bot; False if it was not there."""
    place = (TelegramUserRow.bot_token == bot_token, TelegramUserRow.tg_id == tg_id)
    return bool(connection.execute(delete(TelegramUserRow).where(*place)).rowcount)


def list_subscribers(connection: Connection, bot_token: str) -> list[Subscriber]:
    """List the chats of a bot."""
    query = select(
        TelegramUserRow.tg_id, TelegramUserRow.name, TelegramUserRow.added_at, TelegramUserRow.blocked_at
    ).where(TelegramUserRow.bot_token == bot_token)
    return [
        Subscriber(tg_id=tg_id, name=name or "", added_at=added_at, blocked_at=blocked_at)
        for tg_id, name, added_at, blocked_at in connection.execute(query.order_by(TelegramUserRow.tg_id))
    ]


def note_refusal(connection: Connection, bot: str, chat_id: int, at: float | None) -> None:
    """Note that a chat refuses messages of a bot (its id), None: that it takes them again."""
    changed = TelegramUserRow.blocked_at.is_not(None) if at is None else TelegramUserRow.blocked_at.is_(None)
    mine = TelegramUserRow.bot_token.startswith(f"{bot}:", autoescape=True)
    connection.execute(
        update(TelegramUserRow).where(TelegramUserRow.tg_id == chat_id, mine, changed).values(blocked_at=at)
    )


_COLUMNS = (
    EnterpriseRow.number,
    EnterpriseRow.name2,
    EnterpriseRow.bot_token,
    EnterpriseRow.name,
    EnterpriseRow.secret,
    EnterpriseRow.invitation_code,
)


def _enterprise(row: Row[str, str, str | None, str, str | None, str | None]) -> Enterprise:
    number, token, bot_token, name, secret, code = row
    return Enterprise(
        number=number, token=token, bot_token=bot_token or "", name=name or "", secret=secret, invitation_code=code
    )


def _has_bot(connection: Connection, bot_token: str) -> bool:
    query = select(EnterpriseRow.number).where(EnterpriseRow.bot_token == bot_token).limit(1)
    return connection.execute(query).first() is not None


def _try_again(connection: Connection, bot: str) -> None:
    """End the pause that a bot was sent into for a wrong token."""
    connection.execute(update(BotRow).where(BotRow.bot == bot).values(paused_until=0))
    waiting = (ChatRow.bot == bot, ChatRow.due_at.is_not(None))
    connection.execute(update(ChatRow).where(*waiting).values(due_at=0))


def _move_subscribers(connection: Connection, old: str, new: str) -> None:
    there = {subscriber.tg_id for subscriber in list_subscribers(connection, new)}
    for subscriber in list_subscribers(connection, old):
        if subscriber.tg_id not in there:
            add_subscriber(connection, new, subscriber)
    _drop_subscribers(connection, old)


def _drop_subscribers(connection: Connection, bot_token: str) -> None:
    """Remove the chats of a bot that no enterprise has any more."""
    if not _has_bot(connection, bot_token):
        connection.execute(delete(TelegramUserRow).where(TelegramUserRow.bot_token == bot_token))
