"""What chats should show of calls.

The functions are work for NotifierDatabase.write. Who changes a message's row holds the lock of its chat's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam, case, delete, func, insert, null, or_, select, update

from voxbot.store.notifier_models import ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_sql import insert_for, insert_into, table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection, RowMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the chats of a call should show; `text` None: nothing. A new `moment` is a new message."""

    stage: str = ""
    moment: str = ""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as one bot sees it."""

    bot: str
    chat_id: int


_M, _CHATS = table_of(MessageRow), table_of(ChatRow)

# Statements that each event needs are made once: making them costs more than running them.
_WISHED = select(_M.c.bot, _M.c.chat_id, _M.c.wish_stage, _M.c.wish_moment, _M.c.wish_text).where(
    _M.c.call_id == bindparam("of_call")
)
_CHANGE_AT = bindparam("change_at", type_=Float)
_WISH: dict[str, Any] = {
    name: bindparam(name) for name in ("wish_stage", "wish_moment", "wish_text", "wish_at", "event_at")
}
_CHANGE = (
    update(_M)
    .where(_M.c.call_id == bindparam("of_call"), _M.c.bot == bindparam("of_bot"), _M.c.chat_id == bindparam("of_chat"))
    .values(
        _WISH
        | {
            "wish_revision": _M.c.wish_revision + 1,
            "next_at": case(
                (_M.c.dead, null()),
                (_M.c.attempts > 0, func.coalesce(_M.c.next_at, _CHANGE_AT)),
                else_=_CHANGE_AT,
            ),
        }
    )
)
_ADD = insert(_M)


@cache
def _want(dialect: str) -> Any:
    wanted = insert_for(dialect, ChatRow)
    at = wanted.excluded.due_at
    sooner = case((or_(_CHATS.c.due_at.is_(None), _CHATS.c.due_at > at), at), else_=_CHATS.c.due_at)
    return wanted.on_conflict_do_update(index_elements=["bot", "chat_id"], set_={"due_at": sooner})


def put_wish(
    connection: Connection,
    call_id: int,
    enterprise: str,
    wish: Wish,
    recipients: Collection[Chat],
    *,
    now: float,
    event_at: float,
) -> bool:
    """Say what the chats of a call should show; return whether that is new to any.

    `recipients` that have no message of the call yet get one; those that have one stay with it.
    """
    there = connection.execute(_WISHED, {"of_call": call_id})
    old = {Chat(bot, chat_id): (stage, moment, text) for bot, chat_id, stage, moment, text in there}
    wanted = (wish.stage, wish.moment, wish.text)
    gone = wish.text is None
    changed = {chat for chat, known in old.items() if (known[2] is not None if gone else known != wanted)}
    new: set[Chat] = set() if gone else set(recipients) - old.keys()
    if not changed and not new:
        return False
    want_chats(connection, changed | new, now)
    values: dict[str, Any] = {"wish_stage": wish.stage, "wish_moment": wish.moment, "wish_text": wish.text}
    values |= {"wish_at": now, "event_at": event_at}
    if changed:
        places = [{"of_call": call_id, "of_bot": chat.bot, "of_chat": chat.chat_id} for chat in changed]
        connection.execute(_CHANGE, [{**values, **place, "change_at": now} for place in places])
    if new:
        common = {**values, "call_id": call_id, "enterprise": enterprise, "wish_revision": 1, "next_at": now}
        connection.execute(_ADD, [{**common, "bot": chat.bot, "chat_id": chat.chat_id} for chat in new])
    return True


def want_chats(connection: Connection, chats: Iterable[Chat], at: float) -> None:
    """Have chats looked at by `at` at the latest, and lock their rows; always in the same order."""
    ordered = sorted(chats, key=lambda chat: (chat.bot, chat.chat_id))
    rows = [{"bot": chat.bot, "chat_id": chat.chat_id, "due_at": at} for chat in ordered]
    if rows:
        connection.execute(_want(connection.dialect.name), rows)


def add_deletion(
    connection: Connection, *, chat: Chat, enterprise: str, call_id: int, stage: str, message_id: int, now: float
) -> None:
    """Have a message deleted."""
    connection.execute(
        insert_into(connection, ChoreRow).values(
            kind="delete",
            bot=chat.bot,
            chat_id=chat.chat_id,
            enterprise=enterprise,
            call_id=call_id,
            stage=stage,
            message_id=message_id,
            until_id=message_id,
            next_at=now,
            made_at=now,
        )
    )


def merge_messages(connection: Connection, survivor: int, others: Collection[int], now: float) -> None:
    """Give the messages of calls to the one that they turned out to be: of two in a chat one goes."""
    rows = connection.execute(select(MessageRow).where(MessageRow.call_id.in_([survivor, *others]))).mappings().all()
    want_chats(connection, {Chat(row["bot"], row["chat_id"]) for row in rows}, now)
    # Again, now that no delivery can change them.
    query = select(MessageRow).where(MessageRow.call_id.in_([survivor, *others])).order_by(MessageRow.id)
    rows = connection.execute(query).mappings().all()
    kept = {(row["bot"], row["chat_id"]): dict(row) for row in rows if row["call_id"] == survivor}
    for row in rows:
        place = (row["bot"], row["chat_id"])
        if row["call_id"] == survivor:
            continue
        if place not in kept:
            kept[place] = dict(row)
            connection.execute(update(MessageRow).where(MessageRow.id == row["id"]).values(call_id=survivor))
        else:
            _absorb_message(connection, kept[place], row, survivor, now)


def _absorb_message(connection: Connection, kept: dict[str, Any], row: RowMapping, survivor: int, now: float) -> None:
    values: dict[str, Any] = {"wish_revision": MessageRow.wish_revision + 1, "next_at": now}
    if row["shown_id"] is not None:
        if kept["shown_id"] is None and kept["intent"] is None:
            values |= {name: row[name] for name in ("shown_id", "shown_stage", "shown_moment", "shown_text")}
        else:
            add_deletion(
                connection,
                chat=Chat(row["bot"], row["chat_id"]),
                enterprise=row["enterprise"],
                call_id=survivor,
                stage=row["shown_stage"] or "",
                message_id=row["shown_id"],
                now=now,
            )
    floors = [kept["doubt_floor"], row["doubt_floor"], row["intent_floor"]]
    known = [floor for floor in floors if floor is not None]
    values["doubt_floor"] = min(known) if known else None
    values["doubts"] = kept["doubts"] + row["doubts"] + (row["intent"] is not None)
    connection.execute(update(MessageRow).where(MessageRow.id == kept["id"]).values(**values))
    kept.update({name: value for name, value in values.items() if name.startswith(("shown", "doubt"))})
    connection.execute(delete(MessageRow).where(MessageRow.id == row["id"]))
