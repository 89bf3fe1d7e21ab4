"""What to do next in a leased chat: what it should show compared with what it shows.

`now` is seconds since the epoch. A step costs the same however much waits in the chat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam, delete, select, update

from voxbot.store.notifier_limits import Limits, Pause, id_floor, is_busy, take_turn
from voxbot.store.notifier_messages import Chat, add_deletion
from voxbot.store.notifier_models import ChoreRow, MessageRow
from voxbot.store.notifier_operations import Operation, Outcome, log_operation
from voxbot.store.notifier_probes import add_probe, unknown_id
from voxbot.store.notifier_sql import table_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

FINAL_STAGE = "hangup"
_OUTDATED_S = 24 * 3600.0
"""A message that could not be brought to a chat for so long is news to nobody."""
_UNDELETABLE_S = 47 * 3600.0
"""Telegram deletes messages that are up to 48 hours old."""
_PROBED_AHEAD = 20
_PROBE_LATER_S = 5.0
_SETTLED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A message that is too old to be delivered; it has been recorded."""

    operation: Operation
    outcome: Outcome


Step = Operation | Pause | GaveUp | None

_M, _CHORES = table_of(MessageRow), table_of(ChoreRow)
_NOW = bindparam("at_now", type_=Float)
_MESSAGES = (_M.c.bot == bindparam("of_bot"), _M.c.chat_id == bindparam("of_chat"))
_CHORES_HERE = (_CHORES.c.bot == bindparam("of_bot"), _CHORES.c.chat_id == bindparam("of_chat"))

# Statements that each request needs are made once: making them costs more than running them.
_DUE_MESSAGE = select(_M).where(*_MESSAGES, _M.c.next_at <= _NOW).order_by(_M.c.wish_at).limit(1)
_SET_MESSAGE = update(_M).where(_M.c.id == bindparam("of_row"))
_DUE_CHORE = (
    select(_CHORES)
    .where(*_CHORES_HERE, _CHORES.c.next_at <= _NOW, _CHORES.c.kind == bindparam("of_kind"))
    .order_by(_CHORES.c.next_at)
    .limit(1)
)
_OUTDATED_DELETIONS = delete(_CHORES).where(
    *_CHORES_HERE, _CHORES.c.next_at <= _NOW, _CHORES.c.kind == "delete", _CHORES.c.made_at < bindparam("made_before")
)


class Chooser:
    """Looks through what there is to do in a chat whose row is locked."""

    def __init__(self, connection: Connection, row: RowMapping, now: float, limits: Limits) -> None:
        self._connection = connection
        self._chat = Chat(row["bot"], row["chat_id"])
        self._row = row
        self._now = now
        self._limits = limits

    def deletion(self) -> Step:
        """A message to delete: first, so that not more than two of a call are seen."""
        chore = self._first(_DUE_CHORE, of_kind="delete")
        if chore is not None and chore["made_at"] < self._now - _UNDELETABLE_S:
            outdated = {**self._place, "made_before": self._now - _UNDELETABLE_S}
            self._connection.execute(_OUTDATED_DELETIONS, outdated)
            chore = self._first(_DUE_CHORE, of_kind="delete")
        if chore is None:
            return None
        return self._pause(message=False) or _chore(chore, "delete", chore["message_id"])

    def message(self) -> Step:
        """A message to send or to edit, longest wished first; on the way, what needs no request is settled."""
        for _ in range(_SETTLED_AT_ONCE):
            row = self._first(_DUE_MESSAGE)
            if row is None:
                return None
            if not self._settle(row):
                return self._show(row)
        return Pause(0.0)

    def probe(self) -> Step:
        """An id that may be a message of ours that nobody knows of."""
        chore = self._first(_DUE_CHORE, of_kind="probe")
        if chore is None:
            return None
        message_id = unknown_id(self._connection, self._chat, chore["message_id"], chore["until_id"])
        if message_id is None:
            self._connection.execute(delete(ChoreRow).where(ChoreRow.id == chore["id"]))
            return Pause(0.0)
        if is_busy(self._connection, self._chat.bot, self._now, self._limits):
            later = update(ChoreRow).where(ChoreRow.id == chore["id"]).values(next_at=self._now + _PROBE_LATER_S)
            self._connection.execute(later)
            return None
        return self._pause(message=False) or _chore(chore, "probe", message_id)

    def _settle(self, row: RowMapping) -> bool:
        """Settle what needs no request; False if there is one to make."""
        if row["dead"]:
            self._update(row, next_at=None)
        elif row["wish_text"] is None:
            self._take_back(row)
        elif _as_wished(row):
            self._update(row, next_at=None, done_revision=row["wish_revision"], attempts=0)
        else:
            return False
        return True

    def _show(self, row: RowMapping) -> Step:
        outdated = row["wish_at"] < self._now - _OUTDATED_S
        if outdated and row["shown_id"] is None:
            return self._give_up(row)
        if pause := self._pause(message=True):
            return pause
        # What a chat shows of an old call is put right in its place: nobody must be rung up for it.
        if row["shown_id"] is not None and (outdated or row["shown_moment"] == row["wish_moment"]):
            return _message(row, "edit", row["shown_id"])
        self._update(row, intent="send", intent_floor=id_floor(self._connection, self._row))
        return _message(row, "send", None)

    def _take_back(self, row: RowMapping) -> None:
        if row["shown_id"] is not None:
            self._delete_later(row)
        if row["doubt_floor"] is not None:
            until_id = id_floor(self._connection, self._row) + _PROBED_AHEAD
            add_probe(self._connection, row, until_id, self._now)
        shown: dict[str, Any] = dict.fromkeys(("shown_id", "shown_stage", "shown_moment", "shown_text", "doubt_floor"))
        self._update(row, **shown, doubts=0, next_at=None, done_revision=row["wish_revision"], attempts=0)

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

    def _pause(self, *, message: bool) -> Pause | None:
        return take_turn(self._connection, self._row, self._now, self._limits, message=message)

    def _update(self, row: RowMapping, **values: object) -> None:
        self._connection.execute(_SET_MESSAGE, {"of_row": row["id"], **values})

    def _first(self, query: Any, **more: object) -> RowMapping | None:
        return self._connection.execute(query, {**self._place, **more}).mappings().first()

    @property
    def _place(self) -> dict[str, Any]:
        return {"of_bot": self._chat.bot, "of_chat": self._chat.chat_id, "at_now": self._now}


def _as_wished(row: RowMapping) -> bool:
    if row["shown_moment"] != row["wish_moment"] or row["shown_text"] is None:
        return False
    if row["shown_id"] is None:  # the user has deleted it: it comes back only for a new moment, or as the last one
        return row["wish_stage"] != FINAL_STAGE
    return row["shown_text"] == row["wish_text"]


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
