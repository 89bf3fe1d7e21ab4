"""Requests to Telegram as values, and the record of those that were made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select

from voxbot.store.notifier_models import CallRow, ChatRow, ChoreRow, EventRow, MessageRow, OperationRow
from voxbot.store.notifier_sql import insert_into, table_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from voxbot.store.notifier_messages import Chat

_KEPT_CHARS = 300

Action = Literal["send", "edit", "delete", "probe"]
OutcomeKind = Literal["done", "gone", "moved", "refused", "rejected", "flood", "unauthorized", "retry", "uncertain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A request to make. `message_id`: whom it is about, None for a send. `row_id`: its message or chore.

    A probe is an edit that succeeds only if the message is ours.
    """

    action: Action
    chat: Chat
    enterprise: str
    call_id: int
    stage: str
    moment: str
    text: str
    message_id: int | None
    row_id: int
    revision: int
    attempts: int
    event_at: float | None
    request_id: int = field(default_factory=lambda: secrets.randbits(63))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request; `message_id` of a send that is done, `seconds` to wait after a flood.

    done; gone: there is no such message, or it can no longer be changed; moved: the chat has the id `moved_to` now;
    refused: the chat takes nothing; rejected: this text or id is wrong for good; flood: too many requests;
    unauthorized: the bot's token is wrong; retry: certainly not done; uncertain: it may have been done.
    """

    kind: OutcomeKind
    message_id: int | None = None
    reason: str = "ok"
    seconds: float = 0.0
    moved_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOperation:
    """A request that was made, as the call's page shows it. `text` is HTML on one line, cut at 300 characters."""

    id: int
    at: float
    enterprise: str
    call_id: int
    bot: str
    chat_id: int
    action: str
    stage: str
    message_id: int | None
    result: str
    text: str
    delay_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is not done yet: `events` to be folded, `messages` to be brought to chats, `chores` to clean up after them.

    `oldest_at`: when the oldest of the messages was wished (seconds since the epoch), None: there are none.
    """

    events: int
    messages: int
    oldest_at: float | None
    chores: int
    leased_chats: int


def log_operation(connection: Connection, done: Operation, outcome: Outcome, now: float) -> bool:
    """Keep a record of a request; False if it is there already."""
    delay_ms = None if done.event_at is None else round((now - done.event_at) * 1000)
    inserted = connection.execute(
        insert_into(connection, OperationRow)
        .values(
            at=now,
            enterprise=done.enterprise,
            call_id=done.call_id,
            bot=done.chat.bot,
            chat_id=done.chat.chat_id,
            action=done.action,
            stage=done.stage,
            message_id=outcome.message_id or done.message_id,
            result=outcome.reason,
            text=" ".join(done.text.split())[:_KEPT_CHARS],
            delay_ms=delay_ms,
            request_id=done.request_id,
        )
        .on_conflict_do_nothing(index_elements=["request_id"])
        .returning(OperationRow.id)
    )
    return inserted.first() is not None


def operations_of(connection: Connection, call_ids: Collection[int]) -> list[LoggedOperation]:
    """Read the requests about calls, in the order of time."""
    columns = [table_of(OperationRow).c[name] for name in LoggedOperation.__slots__]
    query = select(*columns).where(OperationRow.call_id.in_(call_ids)).order_by(OperationRow.at, OperationRow.id)
    return [LoggedOperation(**row) for row in connection.execute(query).mappings()]


def main_id_of(connection: Connection, call_id: int) -> str:
    """Return the unique id that names a call, "" while none does."""
    return connection.scalar(select(CallRow.main_id).where(CallRow.id == call_id)) or ""


def backlog(connection: Connection, now: float) -> Backlog:
    """Count what waits."""
    events = connection.scalar(select(func.count()).select_from(EventRow).where(~EventRow.folded))
    waiting = select(func.count(), func.min(MessageRow.wish_at)).where(MessageRow.next_at.is_not(None))
    count, oldest_at = connection.execute(waiting).one()
    chores = connection.scalar(select(func.count()).select_from(ChoreRow))
    leased = connection.scalar(select(func.count()).select_from(ChatRow).where(ChatRow.lease_until > now))
    return Backlog(
        events=events or 0, messages=count, oldest_at=oldest_at, chores=chores or 0, leased_chats=leased or 0
    )
