"""Which chats have something to do, and who may do it.

A chat is leased by one worker at a time, which asks for its next request: what the chat should show compared with what
it shows (store/notifier_choice.py). The intent to send is committed before the request. One that is found without a
result may have been done: the send is then repeated, and the ids that Telegram gave in between are probed for the twin
(ids grow, and only a bot's own message can be edited).

The functions are work for NotifierDatabase.write. `now` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam, case, func, or_, select, update

from voxbot.store.notifier_choice import Chooser, Step
from voxbot.store.notifier_limits import Limits, Pause, forget_later_times, waits_until
from voxbot.store.notifier_messages import Chat
from voxbot.store.notifier_models import ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_sql import table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

LEASE_S = 30.0
"""How long a worker that died keeps others from its chat. Longer than any request to Telegram takes."""
_HELD_PAUSE_S = 0.3
"""A worker keeps its chat through pauses of at most this length; others use its place meanwhile."""

_CHATS, _M, _CHORES = table_of(ChatRow), table_of(MessageRow), table_of(ChoreRow)
_NOW = bindparam("at_now", type_=Float)
_CHAT = (_CHATS.c.bot == bindparam("of_bot"), _CHATS.c.chat_id == bindparam("of_chat"))
_MESSAGES = (_M.c.bot == bindparam("of_bot"), _M.c.chat_id == bindparam("of_chat"))
_FREE = (
    _CHATS.c.due_at <= _NOW,
    _CHATS.c.lease_until < _NOW,
    _CHATS.c.bot.not_in(bindparam("full_bots", expanding=True)),
)

# Statements that each request needs are made once: making them costs more than running them.
_DUE_CHAT = select(_CHATS.c.bot).where(*_FREE).limit(1)
_DUE_CHATS = (
    select(_CHATS.c.bot, _CHATS.c.chat_id)
    .where(*_FREE)
    .order_by(_CHATS.c.due_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_LATER_CHAT = select(func.min(_CHATS.c.due_at)).where(_CHATS.c.due_at > _NOW)
_LEASED_CHAT = select(func.min(_CHATS.c.lease_until)).where(_CHATS.c.due_at <= _NOW, _CHATS.c.lease_until >= _NOW)
_MINE = select(_CHATS).where(*_CHAT, _CHATS.c.lease_owner == bindparam("of_owner")).with_for_update()
_SET_CHAT = update(_CHATS).where(*_CHAT)
_NEXT_MESSAGE = select(func.min(_M.c.next_at)).where(*_MESSAGES, _M.c.next_at.is_not(None))
_NEXT_CHORE = select(func.min(_CHORES.c.next_at)).where(
    _CHORES.c.bot == bindparam("of_bot"), _CHORES.c.chat_id == bindparam("of_chat")
)
_LEFT = (
    update(_M)
    .where(*_MESSAGES, _M.c.intent.is_not(None))
    .values(
        doubt_floor=func.coalesce(
            case((or_(_M.c.doubt_floor.is_(None), _M.c.doubt_floor > _M.c.intent_floor), _M.c.intent_floor)),
            _M.c.doubt_floor,
        ),
        doubts=_M.c.doubts + 1,
        intent=None,
        intent_floor=None,
        next_at=_NOW,
    )
)


def has_due_chats(connection: Connection, now: float, full_bots: Collection[str] = ()) -> bool:
    """Tell whether there are chats to be taken, but those of `full_bots`."""
    return connection.execute(_DUE_CHAT, {"at_now": now, "full_bots": list(full_bots)}).first() is not None


def next_chat_due_at(connection: Connection, now: float) -> float | None:
    """Return when the next chat will be due that is not now."""
    found = (connection.scalar(query, {"at_now": now}) for query in (_LATER_CHAT, _LEASED_CHAT))
    return min((moment for moment in found if moment is not None), default=None)


def take_chats(
    connection: Connection, owner: str, now: float, limit: int, room: Mapping[str, int] | None = None
) -> list[Chat]:
    """Lease chats that are due and nobody's, longest due first; of a bot in `room` so many at most."""
    left = dict(room or {})
    full_bots = [bot for bot, places in left.items() if places <= 0]
    found = connection.execute(_DUE_CHATS, {"at_now": now, "full_bots": full_bots, "at_most": limit})
    chats: list[Chat] = []
    for bot, chat_id in found.all():
        if bot in left:
            left[bot] -= 1
            if left[bot] < 0:
                continue
        chats.append(Chat(bot, chat_id))
    for chat in chats:
        _update_chat(connection, chat, lease_owner=owner, lease_until=now + LEASE_S)
        connection.execute(_LEFT, {**_place(chat), "at_now": now})
    return chats


def drop_leases(connection: Connection) -> None:
    """Free all chats: for the start of the only process that works on this database."""
    connection.execute(update(ChatRow).where(ChatRow.lease_until > 0).values(lease_until=0, lease_owner=None))


def correct_times(connection: Connection, now: float) -> None:
    """Forget waits that were noted while the clock was ahead: for the start, and for a clock that was set back."""
    forget_later_times(connection, now)


def release(connection: Connection, chat: Chat, owner: str, at_earliest: float = 0.0) -> None:
    """Give a chat back."""
    if connection.execute(_MINE, {**_place(chat), "of_owner": owner}).first() is None:
        return
    found = (connection.scalar(query, _place(chat)) for query in (_NEXT_MESSAGE, _NEXT_CHORE))
    due_at = min((moment for moment in found if moment is not None), default=None)
    if due_at is not None:
        due_at = max(due_at, at_earliest)
    _update_chat(connection, chat, lease_owner=None, lease_until=0.0, due_at=due_at)


def next_step(connection: Connection, chat: Chat, owner: str, now: float, limits: Limits) -> Step:
    """Choose what to do next in a leased chat; None: nothing now, the chat is given back."""
    row = connection.execute(_MINE, {**_place(chat), "of_owner": owner}).mappings().first()
    if row is None:
        return None
    if until := waits_until(row, now):
        release(connection, chat, owner, until)
        return None
    chooser = Chooser(connection, row, now, limits)
    step = chooser.deletion() or chooser.message() or chooser.probe()
    if step is None:
        release(connection, chat, owner)
    elif isinstance(step, Pause) and step.seconds > _HELD_PAUSE_S:
        release(connection, chat, owner, now + step.seconds)
        return None
    else:
        _update_chat(connection, chat, lease_until=now + LEASE_S)
    return step


def _update_chat(connection: Connection, chat: Chat, **values: object) -> None:
    connection.execute(_SET_CHAT, {**_place(chat), **values})


def _place(chat: Chat) -> dict[str, Any]:
    return {"of_bot": chat.bot, "of_chat": chat.chat_id}
