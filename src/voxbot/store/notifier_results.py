"""What came of a request to Telegram: kept before the chat's next one.

The functions are work for NotifierDatabase.write. `now` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from voxbot.store.notifier_choice import FINAL_STAGE
from voxbot.store.notifier_limits import backoff_s, note_failures, pause_bot, pause_chat, remember_id
from voxbot.store.notifier_messages import add_deletion, want_chats
from voxbot.store.notifier_models import ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_moves import move_chat
from voxbot.store.notifier_operations import log_operation
from voxbot.store.notifier_probes import add_probe, go_on_probing
from voxbot.store.notifier_registry import note_refusal

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from voxbot.store.notifier_messages import Chat
    from voxbot.store.notifier_operations import Operation, Outcome

_UNAUTHORIZED_S = 60.0
_DELETE_ATTEMPTS = 15
_FAILED = ("retry", "uncertain")


def finish(connection: Connection, done: Operation, outcome: Outcome, owner: str, now: float) -> None:
    """Keep the result of a request. To be repeated when the database's answer was lost: once kept, it stays so."""
    want_chats(connection, [done.chat], now)  # locks the chat's row
    place = (ChatRow.bot == done.chat.bot, ChatRow.chat_id == done.chat.chat_id)
    chat = connection.execute(select(ChatRow).where(*place)).mappings().one()
    mine = chat["lease_owner"] == owner
    if done.action != "probe" and not log_operation(connection, done, outcome, now):
        return
    if done.action in ("send", "edit"):
        note_failures(connection, chat, now, failed=outcome.kind in _FAILED)
    if outcome.moved_to is not None:
        move_chat(connection, done.chat.bot, done.chat.chat_id, outcome.moved_to, now)
        return
    _obey(connection, done.chat, outcome, now)
    match done.action:
        case "send":
            _finish_send(connection, done, outcome, now, mine=mine)
        case "edit":
            _finish_edit(connection, done, outcome, now)
        case "delete":
            _finish_delete(connection, done, outcome, now)
        case "probe":
            _finish_probe(connection, done, outcome, now)


def _obey(connection: Connection, chat: Chat, outcome: Outcome, now: float) -> None:
    match outcome.kind:
        case "flood":
            pause_chat(connection, chat, outcome.seconds, now)
        case "unauthorized":
            pause_bot(connection, chat.bot, _UNAUTHORIZED_S, now)
        case "refused":
            note_refusal(connection, chat.bot, chat.chat_id, now)
        case _:
            pass


def _finish_send(connection: Connection, done: Operation, outcome: Outcome, now: float, *, mine: bool) -> None:
    row = _row(connection, done)
    if outcome.message_id is not None:
        remember_id(connection, done.chat, outcome.message_id)
        note_refusal(connection, done.chat.bot, done.chat.chat_id, None)
        left = row is not None and row["dead"] and done.stage != FINAL_STAGE
        if row is None or row["intent"] is None or not mine or left:
            # The call has become part of another one, or the lease ran out and someone else sends it again, or the
            # chat has left meanwhile.
            _delete_later(connection, done, outcome.message_id, now)
            return
        _show(connection, row, done, outcome.message_id, now)
    elif row is not None and mine:
        values: dict[str, Any] = {"intent": None, "intent_floor": None, **_after_failure(done, outcome, row, now)}
        if outcome.kind == "uncertain":
            floors = [floor for floor in (row["intent_floor"], row["doubt_floor"]) if floor is not None]
            values |= {"doubt_floor": min(floors, default=None), "doubts": row["doubts"] + 1}
        _update(connection, row, **values)


def _show(connection: Connection, row: RowMapping, done: Operation, message_id: int, now: float) -> None:
    if row["shown_id"] is not None:
        _delete_later(connection, done, row["shown_id"], now, stage=row["shown_stage"] or "")
    if row["doubt_floor"] is not None:
        add_probe(connection, row, message_id - 1, now)
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
        doubts=0,
        **_after_success(done, row, now),
    )


def _finish_edit(connection: Connection, done: Operation, outcome: Outcome, now: float) -> None:
    row = _row(connection, done)
    if row is None or row["shown_id"] != done.message_id:
        return
    if outcome.kind == "done":
        shown = {"shown_stage": done.stage, "shown_moment": done.moment, "shown_text": done.text}
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
        _update(connection, row, **_after_failure(done, outcome, row, now))


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
        go_on_probing(connection, done, now, found=outcome.kind == "done")
    elif outcome.kind == "refused" or done.attempts >= _DELETE_ATTEMPTS:
        connection.execute(delete(ChoreRow).where(ChoreRow.id == done.row_id))
    elif outcome.kind != "flood":
        connection.execute(chore.values(attempts=done.attempts + 1, next_at=now + backoff_s(done.attempts + 1)))


def _after_success(done: Operation, row: RowMapping, now: float) -> dict[str, Any]:
    newer = row["wish_revision"] > done.revision
    return {"done_revision": done.revision, "attempts": 0, "next_at": now if newer else None}


def _after_failure(done: Operation, outcome: Outcome, row: RowMapping, now: float) -> dict[str, Any]:
    if outcome.kind == "refused":
        return {"dead": True, "next_at": None}
    if outcome.kind == "flood":
        return {"next_at": now}
    if outcome.kind in ("rejected", "gone"):  # this text will never do; the next one may
        return _after_success(done, row, now)
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
