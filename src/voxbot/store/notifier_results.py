"""What came of a request to Telegram: kept before the chat's next one.

The functions are work for NotifierDatabase.write. `now` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from voxbot.store.notifier_delivery import FINAL_STAGE, add_probe
from voxbot.store.notifier_limits import pause_bot, pause_chat, remember_id
from voxbot.store.notifier_messages import add_deletion, want_chats
from voxbot.store.notifier_models import ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_operations import log_operation
from voxbot.store.notifier_registry import note_refusal

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from voxbot.store.notifier_operations import Operation, Outcome

_FIRST_PAUSE_S = 1.0
_LAST_PAUSE_S = 60.0
_UNAUTHORIZED_S = 60.0
_DELETE_ATTEMPTS = 15
_PROBED_IDS = 100
"""How many ids after a doubtful send are looked at: its twin has one of the first."""


def finish(connection: Connection, done: Operation, outcome: Outcome, owner: str, now: float) -> None:
    """Keep the result of a request."""
    want_chats(connection, [done.chat], now)  # locks the chat's row
    chat = (ChatRow.bot == done.chat.bot, ChatRow.chat_id == done.chat.chat_id)
    mine = connection.scalar(select(ChatRow.lease_owner).where(*chat)) == owner
    if done.action != "probe":
        log_operation(connection, done, outcome, now)
    if outcome.kind == "flood":
        pause_chat(connection, done.chat, outcome.seconds, now)
    elif outcome.kind == "unauthorized":
        pause_bot(connection, done.chat.bot, _UNAUTHORIZED_S, now)
    elif outcome.kind == "refused":
        note_refusal(connection, done.chat.bot, done.chat.chat_id, now)
    match done.action:
        case "send":
            _finish_send(connection, done, outcome, now, mine=mine)
        case "edit":
            _finish_edit(connection, done, outcome, now)
        case "delete":
            _finish_delete(connection, done, outcome, now)
        case "probe":
            _finish_probe(connection, done, outcome, now)


def _finish_send(connection: Connection, done: Operation, outcome: Outcome, now: float, *, mine: bool) -> None:
    row = _row(connection, done)
    if outcome.message_id is not None:
        remember_id(connection, done.chat, outcome.message_id)
        note_refusal(connection, done.chat.bot, done.chat.chat_id, None)
        if row is None or row["intent"] is None or not mine:
            # The call has become part of another one, or the lease ran out and someone else sends it again.
            _delete_later(connection, done, outcome.message_id, now)
            return
        _show(connection, row, done, outcome.message_id, now)
    elif row is not None and mine:
        values: dict[str, Any] = {"intent": None, "intent_floor": None, **_after_failure(outcome, row, now)}
        if outcome.kind == "uncertain":
            floors = [floor for floor in (row["intent_floor"], row["doubt_floor"]) if floor is not None]
            values["doubt_floor"] = min(floors, default=None)
        _update(connection, row, **values)


def _show(connection: Connection, row: RowMapping, done: Operation, message_id: int, now: float) -> None:
    if row["shown_id"] is not None:
        _delete_later(connection, done, row["shown_id"], now, stage=row["shown_stage"] or "")
    if row["doubt_floor"] is not None:
        until_id = min(message_id - 1, row["doubt_floor"] + _PROBED_IDS)
        add_probe(connection, row, row["doubt_floor"], until_id, now)
    _update(
        connection,
        row,
        shown_id=message_id,
        shown_stage=done.stage,
        shown_moment=done.moment,
        shown_text=done.text,
        intent=None,
        intent_floor=None,
        doubt_floor=None,
        **_after_success(done, row, now),
    )


def _finish_edit(connection: Connection, done: Operation, outcome: Outcome, now: float) -> None:
    row = _row(connection, done)
    if row is None or row["shown_id"] != done.message_id:
        return
    if outcome.kind == "done":
        shown = {"shown_stage": done.stage, "shown_text": done.text}
        _update(connection, row, **shown, **_after_success(done, row, now))
    elif outcome.kind == "gone":
        if "can't be edited" in outcome.reason and row["shown_id"] is not None:
            _delete_later(connection, done, row["shown_id"], now)
        values: dict[str, Any] = {"shown_id": None, "next_at": now}
        if done.stage == FINAL_STAGE:
            values["shown_moment"] = None
        _update(connection, row, **values)
    elif outcome.kind == "rejected":
        _update(connection, row, shown_text=done.text, **_after_success(done, row, now))
    else:
        _update(connection, row, **_after_failure(outcome, row, now))


def _finish_delete(connection: Connection, done: Operation, outcome: Outcome, now: float) -> None:
    if outcome.kind == "flood":
        return
    if outcome.kind in ("retry", "uncertain", "unauthorized") and done.attempts < _DELETE_ATTEMPTS:
        values = {"attempts": done.attempts + 1, "next_at": now + backoff_s(done.attempts + 1)}
        connection.execute(update(ChoreRow).where(ChoreRow.id == done.row_id).values(**values))
        return
    connection.execute(delete(ChoreRow).where(ChoreRow.id == done.row_id))


def _finish_probe(connection: Connection, done: Operation, outcome: Outcome, now: float) -> None:
    chore = update(ChoreRow).where(ChoreRow.id == done.row_id)
    assert done.message_id is not None
    if outcome.kind in ("done", "gone", "rejected"):
        if outcome.kind == "done":
            _delete_later(connection, done, done.message_id, now)
        connection.execute(chore.values(message_id=done.message_id + 1, attempts=0))
    elif outcome.kind == "refused" or done.attempts >= _DELETE_ATTEMPTS:
        connection.execute(delete(ChoreRow).where(ChoreRow.id == done.row_id))
    elif outcome.kind != "flood":
        connection.execute(chore.values(attempts=done.attempts + 1, next_at=now + backoff_s(done.attempts + 1)))


def backoff_s(attempts: int) -> float:
    """Return the pause after so many failures."""
    return min(_LAST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts - 1, 10))


def _after_success(done: Operation, row: RowMapping, now: float) -> dict[str, Any]:
    newer = row["wish_revision"] > done.revision
    return {"done_revision": done.revision, "attempts": 0, "next_at": now if newer else None}


def _after_failure(outcome: Outcome, row: RowMapping, now: float) -> dict[str, Any]:
    if outcome.kind in ("refused", "rejected"):
        return {"dead": True, "next_at": None}
    if outcome.kind in ("flood", "gone"):
        return {"next_at": now}
    attempts = row["attempts"] + 1
    return {"attempts": attempts, "next_at": now + backoff_s(attempts)}


def _delete_later(
    connection: Connection, done: Operation, message_id: int, now: float, stage: str | None = None
) -> None:
    add_deletion(
        connection,
        chat=done.chat,
        enterprise=done.enterprise,
        call_id=done.call_id,
        stage=done.stage if stage is None else stage,
        message_id=message_id,
        now=now,
    )


def _row(connection: Connection, done: Operation) -> RowMapping | None:
    return connection.execute(select(MessageRow).where(MessageRow.id == done.row_id)).mappings().first()


def _update(connection: Connection, row: RowMapping, **values: object) -> None:
    connection.execute(update(MessageRow).where(MessageRow.id == row["id"]).values(**values))
