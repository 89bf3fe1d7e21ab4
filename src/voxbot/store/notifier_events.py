"""Events as hosts posted them: the only truth that the notifier keeps.

The functions are work for NotifierDatabase.write or read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, update

from voxbot.store.notifier_models import CallRow, EventRow, LinkRow, MessageRow, NumberRow, OperationRow
from voxbot.store.notifier_sql import insert_for, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

UNKNOWN = "unknown"
"""The enterprise of events whose token nobody has: kept and traced, of no call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be stored. `path` without a slash; `received_at` seconds since the epoch; `body` JSON text."""

    enterprise: str
    token: str
    path: str
    unique_id: str
    received_at: float
    body: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedEvent:
    """A stored event. `call_id` None: not folded yet, or of no call."""

    id: int
    enterprise: str
    path: str
    unique_id: str
    received_at: float
    body: str
    call_id: int | None


_T = table_of(EventRow)
_COLUMNS = (_T.c.id, _T.c.enterprise, _T.c.path, _T.c.unique_id, _T.c.received_at, _T.c.body, _T.c.call_id)

# Statements that each event needs are made once: making them costs more than running them.
_UNFOLDED = (
    select(*_COLUMNS)
    .where(~_T.c.folded, _T.c.enterprise == bindparam("of_enterprise"))
    .order_by(_T.c.id)
    .limit(bindparam("at_most"))
)
_MARK = update(_T).where(_T.c.id == bindparam("event_id"))
_IDS = select(_T.c.call_id, _T.c.id).where(_T.c.call_id.in_(bindparam("call_ids", expanding=True))).order_by(_T.c.id)
_BY_ID = select(*_COLUMNS).where(_T.c.id.in_(bindparam("event_ids", expanding=True)))


@cache
def _add(dialect: str) -> Any:
    return (
        insert_for(dialect, EventRow)
        .values({name: bindparam(name) for name in (*NewEvent.__slots__, "folded")})
        .on_conflict_do_nothing(index_elements=["digest", "enterprise"])
        .returning(_T.c.id, _T.c.digest, _T.c.enterprise)
    )


def add_event(connection: Connection, event: NewEvent) -> int | None:
    """Store an event; return its id, None if the same one is there already."""
    return connection.scalar(_add(connection.dialect.name), _row(event))


def add_events(connection: Connection, events: Sequence[NewEvent]) -> list[bool]:
    """Store events by one statement; for each whether it is new, False if the same one was there already."""
    stored = connection.execute(_add(connection.dialect.name), [_row(event) for event in events]).mappings()
    inserted = {(row["digest"], row["enterprise"]) for row in stored}
    new: list[bool] = []
    for event in events:
        identity = (event.digest, event.enterprise)
        new.append(identity in inserted)
        inserted.discard(identity)  # a second one in the same batch is a repetition
    return new


def _row(event: NewEvent) -> dict[str, Any]:
    return {**{name: getattr(event, name) for name in NewEvent.__slots__}, "folded": event.enterprise == UNKNOWN}


def unfolded_enterprises(connection: Connection) -> list[str]:
    """List the enterprises with events that are not folded yet."""
    return list(connection.scalars(select(EventRow.enterprise).where(~EventRow.folded).distinct()))


def unfolded_events(connection: Connection, enterprise: str, limit: int) -> list[PostedEvent]:
    """Read an enterprise's events that are not folded yet, in the order of arrival."""
    rows = connection.execute(_UNFOLDED, {"of_enterprise": enterprise, "at_most": limit})
    return [PostedEvent(**row) for row in rows.mappings()]


def mark_folded(connection: Connection, event_id: int, call_id: int | None) -> None:
    """Note which call an event belongs to, None: to none."""
    connection.execute(_MARK, {"event_id": event_id, "folded": True, "call_id": call_id})


def leave_out_next(connection: Connection, enterprise: str) -> int | None:
    """Mark an enterprise's next event as one of no call; return its id."""
    waiting = unfolded_events(connection, enterprise, 1)
    if not waiting:
        return None
    mark_folded(connection, waiting[0].id, None)
    return waiting[0].id


def events_of(connection: Connection, call_ids: Iterable[int]) -> list[PostedEvent]:
    """Read the events of calls, in the order of arrival."""
    query = select(*_COLUMNS).where(EventRow.call_id.in_(list(call_ids))).order_by(EventRow.id)
    return [PostedEvent(**row) for row in connection.execute(query).mappings()]


def event_ids_of(connection: Connection, call_ids: Iterable[int]) -> list[tuple[int, int]]:
    """List the events of calls: (call id, event id), in the order of arrival."""
    rows = connection.execute(_IDS, {"call_ids": list(call_ids)})
    return [(call_id, event_id) for call_id, event_id in rows if call_id is not None]


def read_events(connection: Connection, event_ids: Iterable[int]) -> list[PostedEvent]:
    """Read events by id."""
    return [PostedEvent(**row) for row in connection.execute(_BY_ID, {"event_ids": list(event_ids)}).mappings()]


def oldest_unfolded_at(connection: Connection) -> float | None:
    """Return when the oldest event that is not folded yet arrived."""
    # The sum keeps SQLite from walking through all events in the order of their arrival until one is not folded.
    return connection.scalar(select(func.min(EventRow.received_at + 0.0)).where(~EventRow.folded))


def prune(connection: Connection, before: float, limit: int = 500) -> int:
    """Forget calls whose last event is older than `before`, some at a time; return how many rows went."""
    old: Sequence[int] = connection.scalars(select(CallRow.id).where(CallRow.last_at < before).limit(limit)).all()
    gone = 0
    for table in (EventRow, LinkRow, NumberRow, MessageRow, OperationRow):
        gone += connection.execute(delete(table).where(table.call_id.in_(old))).rowcount
    gone += connection.execute(delete(CallRow).where(CallRow.id.in_(old))).rowcount
    # The sum keeps SQLite from reading all events of no call to find the old ones.
    of_no_call = (EventRow.call_id + 0).is_(None)
    stray = select(EventRow.id).where(EventRow.received_at < before, of_no_call, EventRow.folded)
    gone += connection.execute(delete(EventRow).where(EventRow.id.in_(stray.limit(limit)))).rowcount
    return gone
