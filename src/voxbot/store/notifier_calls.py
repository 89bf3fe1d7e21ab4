"""Which events make which call: identities, numbers, legs.

The functions are work for NotifierDatabase.write or read. Those that write expect `lock_enterprise` before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, tuple_, update

from voxbot.store.notifier_models import CallRow, ChoreRow, EventRow, LinkRow, NumberRow, OperationRow
from voxbot.store.notifier_sql import greatest, insert_into, lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection

_NEAR_CALLS = 30
_LONGEST_CALL_S = 4 * 3600.0
_LATELY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """A call as far as it is known. `parent_id`: it is a leg of that one. Times are seconds since the epoch."""

    id: int
    enterprise: str
    parent_id: int | None
    main_id: str
    closed: bool
    first_at: float
    last_at: float


_COLUMNS = (
    CallRow.id,
    CallRow.enterprise,
    CallRow.parent_id,
    CallRow.main_id,
    CallRow.closed,
    CallRow.first_at,
    CallRow.last_at,
)


def lock_enterprise(connection: Connection, enterprise: str) -> None:
    """Let one process at a time fold an enterprise's events."""
    lock(connection, f"notifier:{enterprise}")


def add_call(connection: Connection, enterprise: str, at: float) -> int:
    """Begin a call; return its id."""
    insert = insert_into(connection, CallRow).values(enterprise=enterprise, first_at=at, last_at=at)
    return connection.execute(insert.returning(CallRow.id)).scalar_one()


def read_calls(connection: Connection, call_ids: Collection[int]) -> dict[int, KnownCall]:
    """Read calls by id; those that are no more are left out."""
    query = select(*_COLUMNS).where(CallRow.id.in_(call_ids))
    return {row["id"]: KnownCall(**row) for row in connection.execute(query).mappings()}


def calls_of_keys(connection: Connection, enterprise: str, keys: Iterable[tuple[str, str]]) -> set[int]:
    """Find the calls that hold one of these (kind, value)."""
    query = select(LinkRow.call_id).where(LinkRow.enterprise == enterprise)
    return set(connection.scalars(query.where(tuple_(LinkRow.kind, LinkRow.key).in_(list(keys)))))


def call_of_channel(connection: Connection, unique_id: str, enterprise: str | None = None) -> list[KnownCall]:
    """Find the calls, of one enterprise or of all, one of whose channels has this unique id; legs as they are."""
    link = select(LinkRow.call_id).where(LinkRow.kind == "channel", LinkRow.key == unique_id)
    if enterprise is not None:
        link = link.where(LinkRow.enterprise == enterprise)
    query = select(*_COLUMNS).where(CallRow.id.in_(link)).order_by(CallRow.id)
    return [KnownCall(**row) for row in connection.execute(query).mappings()]


def add_links(connection: Connection, enterprise: str, keys: Iterable[tuple[str, str]], call_id: int) -> None:
    """Tie identities to a call; those that are tied stay so."""
    rows = [{"enterprise": enterprise, "kind": kind, "key": key, "call_id": call_id} for kind, key in keys]
    if rows:
        connection.execute(insert_into(connection, LinkRow).on_conflict_do_nothing(), rows)


def channels_of(connection: Connection, call_ids: Collection[int]) -> list[str]:
    """List the unique ids of calls."""
    query = select(LinkRow.key).where(LinkRow.call_id.in_(call_ids), LinkRow.kind == "channel")
    return list(connection.scalars(query))


def add_numbers(connection: Connection, enterprise: str, numbers: Iterable[str], call_id: int, at: float) -> None:
    """Note that numbers occur in a call."""
    rows = [{"enterprise": enterprise, "number": number, "call_id": call_id, "last_at": at} for number in numbers]
    if rows:
        insert = insert_into(connection, NumberRow)
        latest = greatest(connection)(NumberRow.last_at, insert.excluded.last_at)
        key = ["enterprise", "number", "call_id"]
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_={"last_at": latest}), rows)


def touch_call(connection: Connection, call_id: int, at: float) -> None:
    """Note that an event of a call arrived at this time."""
    larger = greatest(connection)
    smaller = func.least if connection.dialect.name == "postgresql" else func.min
    values = {"last_at": larger(CallRow.last_at, at), "first_at": smaller(CallRow.first_at, at)}
    connection.execute(update(CallRow).where(CallRow.id == call_id).values(values))


def calls_near(connection: Connection, call_ids: Collection[int], now: float) -> set[int]:
    """Find other calls of the enterprise that share a number with one of these and are open or lately closed."""
    mine = select(NumberRow.enterprise, NumberRow.number).where(NumberRow.call_id.in_(call_ids)).distinct().subquery()
    query = (
        select(NumberRow.call_id)
        .join(mine, (NumberRow.enterprise == mine.c.enterprise) & (NumberRow.number == mine.c.number))
        .join(CallRow, CallRow.id == NumberRow.call_id)
        .where(NumberRow.call_id.not_in(call_ids), NumberRow.last_at > now - _LONGEST_CALL_S)
        .where(or_(CallRow.last_at > now - _LATELY_S, ~CallRow.closed))
        .group_by(NumberRow.call_id)
        .order_by(NumberRow.call_id.desc())
        .limit(_NEAR_CALLS * len(call_ids))
    )
    return set(connection.scalars(query)) if call_ids else set()


def legs_of(connection: Connection, call_id: int) -> dict[int, KnownCall]:
    """Find the legs of a call, and theirs."""
    found: dict[int, KnownCall] = {}
    wanted = {call_id}
    while wanted:
        rows = connection.execute(select(*_COLUMNS).where(CallRow.parent_id.in_(wanted))).mappings()
        legs = {row["id"]: KnownCall(**row) for row in rows}
        wanted = legs.keys() - found.keys() - {call_id}
        found |= {leg: legs[leg] for leg in wanted}
    return found


def set_parent(connection: Connection, call_id: int, parent_id: int | None) -> None:
    """Make a call a leg of another one, or none."""
    connection.execute(update(CallRow).where(CallRow.id == call_id).values(parent_id=parent_id))


def set_state(connection: Connection, call_id: int, *, main_id: str, closed: bool, due_at: float | None) -> None:
    """Keep what a look at a call has shown."""
    values = {"main_id": main_id, "closed": closed, "due_at": due_at}
    connection.execute(update(CallRow).where(CallRow.id == call_id).values(values))


def due_calls(connection: Connection, now: float, limit: int) -> list[tuple[str, int]]:
    """List calls (enterprise, id) that must be looked at again, longest due first."""
    query = select(CallRow.enterprise, CallRow.id).where(CallRow.due_at <= now).order_by(CallRow.due_at).limit(limit)
    return [(enterprise, call_id) for enterprise, call_id in connection.execute(query)]


def next_due_at(connection: Connection) -> float | None:
    """Return when the next call must be looked at again."""
    return connection.scalar(select(func.min(CallRow.due_at)))


def absorb(connection: Connection, survivor: int, others: Collection[int]) -> None:
    """Make calls one, which keeps the survivor's id. Messages are merged by `merge_messages`, before."""
    for other in sorted(others):  # one at a time: two of them may hold the same number
        known = select(NumberRow.number).where(NumberRow.call_id == survivor).scalar_subquery()
        connection.execute(delete(NumberRow).where(NumberRow.call_id == other, NumberRow.number.in_(known)))
        connection.execute(update(NumberRow).where(NumberRow.call_id == other).values(call_id=survivor))
    for table in (EventRow, LinkRow, OperationRow, ChoreRow):
        connection.execute(update(table).where(table.call_id.in_(others)).values(call_id=survivor))
    connection.execute(update(CallRow).where(CallRow.parent_id.in_(others)).values(parent_id=survivor))
    connection.execute(
        update(CallRow).where(CallRow.id == survivor, CallRow.parent_id == survivor).values(parent_id=None)
    )
    for known_call in read_calls(connection, others).values():
        touch_call(connection, survivor, known_call.last_at)
        touch_call(connection, survivor, known_call.first_at)
    connection.execute(delete(CallRow).where(CallRow.id.in_(others)))
