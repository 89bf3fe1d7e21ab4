"""The next request to Telegram for a chat.

A chat is leased by one worker at a time, which asks for its next request: what the chat should show compared with what
it shows. The intent to send is committed before the request. One that is found without a result may have been done:
the send is then repeated, and the ids that Telegram gave in between are probed for the twin (ids grow, and only a
bot's own message can be edited).

The functions are work for NotifierDatabase.write. `now` is seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam, case, delete, func, or_, select, update

from voxbot.store.notifier_limits import Limits, Pause, id_floor, take_turn
from voxbot.store.notifier_messages import Chat, add_deletion
from voxbot.store.notifier_models import ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_operations import Operation, Outcome, log_operation
from voxbot.store.notifier_sql import insert_into, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

FINAL_STAGE = "hangup"
LEASE_S = 30.0
"""How long a worker that died keeps others from its chat. Longer than any request to Telegram takes."""
_HELD_PAUSE_S = 3.0
"""A worker keeps its chat through pauses of at most this length."""
_OUTDATED_S = 24 * 3600.0
"""A message that could not be brought to a chat for so long is news to nobody."""
_UNDELETABLE_S = 47 * 3600.0
"""Telegram deletes messages that are up to 48 hours old."""
_PROBED_AHEAD = 20


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A message that is too old to be delivered; it has been recorded."""

    operation: Operation
    outcome: Outcome


Step = Operation | Pause | GaveUp | None


_CHATS, _M, _CHORES = table_of(ChatRow), table_of(MessageRow), table_of(ChoreRow)
_NOW = bindparam("at_now", type_=Float)
_CHAT = (_CHATS.c.bot == bindparam("of_bot"), _CHATS.c.chat_id == bindparam("of_chat"))
_MESSAGES = (_M.c.bot == bindparam("of_bot"), _M.c.chat_id == bindparam("of_chat"))
_CHORES_HERE = (_CHORES.c.bot == bindparam("of_bot"), _CHORES.c.chat_id == bindparam("of_chat"))

# Statements that each request needs are made once: making them costs more than running them.
_DUE_CHAT = select(_CHATS.c.bot).where(_CHATS.c.due_at <= _NOW, _CHATS.c.lease_until < _NOW).limit(1)
_LATER_CHAT = select(func.min(_CHATS.c.due_at)).where(_CHATS.c.due_at > _NOW)
_LEASED_CHAT = select(func.min(_CHATS.c.lease_until)).where(_CHATS.c.due_at <= _NOW, _CHATS.c.lease_until >= _NOW)
_MINE = select(_CHATS).where(*_CHAT, _CHATS.c.lease_owner == bindparam("of_owner")).with_for_update()
_SET_CHAT = update(_CHATS).where(*_CHAT)
_DUE_MESSAGES = select(_M).where(*_MESSAGES, _M.c.next_at <= _NOW).order_by(_M.c.wish_at)
_NEXT_MESSAGE = select(func.min(_M.c.next_at)).where(*_MESSAGES, _M.c.next_at.is_not(None))
_SET_MESSAGE = update(_M).where(_M.c.id == bindparam("of_row"))
_DUE_CHORES = select(_CHORES).where(*_CHORES_HERE, _CHORES.c.next_at <= _NOW).order_by(_CHORES.c.id)
_NEXT_CHORE = select(func.min(_CHORES.c.next_at)).where(*_CHORES_HERE)
_LEFT = (
    update(_M)
    .where(*_MESSAGES, _M.c.intent.is_not(None))
    .values(
        doubt_floor=func.coalesce(
            case((or_(_M.c.doubt_floor.is_(None), _M.c.doubt_floor > _M.c.intent_floor), _M.c.intent_floor)),
            _M.c.doubt_floor,
        ),
        intent=None,
        intent_floor=None,
        next_at=_NOW,
    )
)


def has_due_chats(connection: Connection, now: float) -> bool:
    """Tell whether there are chats to be taken."""
    return connection.execute(_DUE_CHAT, {"at_now": now}).first() is not None


def next_chat_due_at(connection: Connection, now: float) -> float | None:
    """Return when the next chat will be due that is not now."""
    found = (connection.scalar(query, {"at_now": now}) for query in (_LATER_CHAT, _LEASED_CHAT))
    return min((moment for moment in found if moment is not None), default=None)


def take_chats(connection: Connection, owner: str, now: float, limit: int) -> list[Chat]:
    """Lease chats that are due and nobody's, longest due first."""
    due = select(ChatRow.bot, ChatRow.chat_id).where(ChatRow.due_at <= now, ChatRow.lease_until < now)
    due = due.order_by(ChatRow.due_at).limit(limit).with_for_update(skip_locked=True)
    chats = [Chat(bot, chat_id) for bot, chat_id in connection.execute(due)]
    for chat in chats:
        _update_chat(connection, chat, lease_owner=owner, lease_until=now + LEASE_S)
        connection.execute(_LEFT, {**_place(chat), "at_now": now})
    return chats


def drop_leases(connection: Connection) -> None:
    """Free all chats: for the start of the only process that works on this database."""
    connection.execute(update(ChatRow).where(ChatRow.lease_until > 0).values(lease_until=0, lease_owner=None))


def release(connection: Connection, chat: Chat, owner: str, at_earliest: float = 0.0) -> None:
    """Give a chat back."""
    if connection.execute(_MINE, {**_place(chat), "of_owner": owner}).first() is None:
        return
    found = (connection.scalar(query, _place(chat)) for query in (_NEXT_MESSAGE, _NEXT_CHORE))
    due_at = min((moment for moment in found if moment is not None), default=None)
    if due_at is not None:
        due_at = max(due_at, at_earliest)
    _update_chat(connection, chat, lease_owner=None, lease_until=0.0, due_at=due_at)


def next_step(
    connection: Connection, chat: Chat, owner: str, now: float, limits: Limits, *, turn: bool = False
) -> Step:
    """Choose what to do next in a leased chat; None: nothing now, the chat is given back.

    `turn`: the Pause before said that the bot's turn is taken.
    """
    row = connection.execute(_MINE, {**_place(chat), "of_owner": owner}).mappings().first()
    if row is None:
        return None
    if row["paused_until"] > now:
        release(connection, chat, owner, row["paused_until"])
        return None
    chooser = _Chooser(connection, chat, row, now, limits, turn=turn)
    step = chooser.deletion() or chooser.message() or chooser.probe()
    if step is None:
        release(connection, chat, owner)
    elif isinstance(step, Pause) and step.seconds > _HELD_PAUSE_S:
        release(connection, chat, owner, now + step.seconds)
        return None
    else:
        _update_chat(connection, chat, lease_until=now + LEASE_S)
    return step


class _Chooser:
    """Looks through what there is to do in a chat whose row is locked."""

    def __init__(
        self, connection: Connection, chat: Chat, row: RowMapping, now: float, limits: Limits, *, turn: bool
    ) -> None:
        self._connection = connection
        self._chat = chat
        self._row = row
        self._now = now
        self._limits = limits
        self._turn = turn
        self._due = self._settle()
        self._chores = self._rows(_DUE_CHORES)

    def deletion(self) -> Step:
        """A message to delete: first, so that not more than two of a call are seen."""
        for chore in self._chores:
            if chore["kind"] != "delete":
                continue
            if chore["made_at"] < self._now - _UNDELETABLE_S:
                self._connection.execute(delete(ChoreRow).where(ChoreRow.id == chore["id"]))
                continue
            return self._pause(message=False) or _chore(chore, "delete", chore["message_id"])
        return None

    def message(self) -> Step:
        """A message to send or to edit, longest wished first."""
        for row in self._due:
            if row["wish_at"] < self._now - _OUTDATED_S:
                return self._give_up(row)
            if pause := self._pause(message=True):
                return pause
            if row["shown_id"] is not None and row["shown_moment"] == row["wish_moment"]:
                return _message(row, "edit", row["shown_id"])
            floor = id_floor(self._connection, self._row)
            self._update(row, intent="send", intent_floor=floor)
            return _message(row, "send", None)
        return None

    def probe(self) -> Step:
        """An id that may be a message of ours that nobody knows of."""
        for chore in self._chores:
            if chore["kind"] != "probe":
                continue
            message_id = self._unknown_id(chore["message_id"], chore["until_id"])
            if message_id is None:
                self._connection.execute(delete(ChoreRow).where(ChoreRow.id == chore["id"]))
                continue
            return self._pause(message=False) or _chore(chore, "probe", message_id)
        return None

    def _settle(self) -> list[RowMapping]:
        """Settle what needs no request; return the messages that need one."""
        due: list[RowMapping] = []
        for row in self._rows(_DUE_MESSAGES):
            if row["dead"]:
                self._update(row, next_at=None)
            elif row["wish_text"] is None:
                self._take_back(row)
            elif _as_wished(row):
                self._update(row, next_at=None, done_revision=row["wish_revision"], attempts=0)
            else:
                due.append(row)
        return due

    def _take_back(self, row: RowMapping) -> None:
        if row["shown_id"] is not None:
            self._delete_later(row)
        if row["doubt_floor"] is not None:
            add_probe(
                self._connection,
                row,
                row["doubt_floor"],
                id_floor(self._connection, self._row) + _PROBED_AHEAD,
                self._now,
            )
        shown: dict[str, Any] = dict.fromkeys(("shown_id", "shown_stage", "shown_moment", "shown_text", "doubt_floor"))
        self._update(row, **shown, next_at=None, done_revision=row["wish_revision"], attempts=0)

    def _give_up(self, row: RowMapping) -> GaveUp:
        self._update(row, dead=True, next_at=None)
        given_up = GaveUp(_message(row, "send", None), Outcome(kind="rejected", reason="not delivered for a day"))
        log_operation(self._connection, given_up.operation, given_up.outcome, self._now)
        return given_up

    def _delete_later(self, row: RowMapping) -> None:
        add_deletion(
            self._connection,
            chat=self._chat,
            enterprise=row["enterprise"],
            call_id=row["call_id"],
            stage=row["shown_stage"] or "",
            message_id=row["shown_id"],
            now=self._now,
        )

    def _unknown_id(self, first: int, last: int) -> int | None:
        """Return the first of these ids that is not one of our messages; None: all are."""
        shown = select(MessageRow.shown_id).where(
            MessageRow.bot == self._chat.bot, MessageRow.chat_id == self._chat.chat_id, MessageRow.shown_id >= first
        )
        doomed = select(ChoreRow.message_id).where(
            ChoreRow.bot == self._chat.bot, ChoreRow.chat_id == self._chat.chat_id, ChoreRow.kind == "delete"
        )
        known = {*self._connection.scalars(shown), *self._connection.scalars(doomed)}
        return next((message_id for message_id in range(first, last + 1) if message_id not in known), None)

    def _pause(self, *, message: bool) -> Pause | None:
        return take_turn(self._connection, self._row, self._now, self._limits, message=message, turn=self._turn)

    def _update(self, row: RowMapping, **values: object) -> None:
        self._connection.execute(_SET_MESSAGE, {"of_row": row["id"], **values})

    def _rows(self, query: Any) -> Sequence[RowMapping]:
        return self._connection.execute(query, {**_place(self._chat), "at_now": self._now}).mappings().all()


def add_probe(connection: Connection, row: RowMapping, floor: int, until_id: int, now: float) -> None:
    """Have the ids above `floor` probed for a twin of this row's message."""
    if until_id > floor:
        connection.execute(
            insert_into(connection, ChoreRow).values(
                kind="probe",
                bot=row["bot"],
                chat_id=row["chat_id"],
                enterprise=row["enterprise"],
                call_id=row["call_id"],
                stage=row["wish_stage"],
                message_id=floor + 1,
                until_id=until_id,
                text=row["wish_text"] or row["shown_text"] or "…",
                next_at=now,
                made_at=now,
            )
        )


def _as_wished(row: RowMapping) -> bool:
    if row["shown_moment"] != row["wish_moment"] or row["shown_text"] is None:
        return False
    if row["shown_id"] is None:  # the user has deleted it: it comes back only for a new moment, or as the last one
        return row["wish_stage"] != FINAL_STAGE
    return row["shown_text"] == row["wish_text"]


def _update_chat(connection: Connection, chat: Chat, **values: object) -> None:
    connection.execute(_SET_CHAT, {**_place(chat), **values})


def _place(chat: Chat) -> dict[str, Any]:
    return {"of_bot": chat.bot, "of_chat": chat.chat_id}


def _message(row: RowMapping, action: Any, message_id: int | None) -> Operation:
    return Operation(
        action=action,
        chat=Chat(row["bot"], row["chat_id"]),
        enterprise=row["enterprise"],
        call_id=row["call_id"],
        stage=row["wish_stage"],
        moment=row["wish_moment"],
        text=row["wish_text"] or "",
        message_id=message_id,
        row_id=row["id"],
        revision=row["wish_revision"],
        attempts=row["attempts"],
        event_at=row["event_at"],
    )


def _chore(row: RowMapping, action: Any, message_id: int) -> Operation:
    return Operation(
        action=action,
        chat=Chat(row["bot"], row["chat_id"]),
        enterprise=row["enterprise"],
        call_id=row["call_id"],
        stage=row["stage"],
        moment="",
        text=row["text"],
        message_id=message_id,
        row_id=row["id"],
        revision=0,
        attempts=row["attempts"],
        event_at=None,
    )
