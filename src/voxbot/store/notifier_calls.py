"""Which events make which call: identities, numbers, legs.

The functions are work for NotifierDatabase.write or read. Those that write expect `lock_enterprise` before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, or_, select, update

from voxbot.store.notifier_models import CallRow, ChoreRow, EventRow, LinkRow, NumberRow, OperationRow
from voxbot.store.notifier_sql import greater, insert_for, lock, smaller, table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection

_NEAR_CALLS = 30
_BEFORE_IDS = 2_000
_BEFORE_CALLS = 30
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
    due_at: float | None


_C, _L, _N = table_of(CallRow), table_of(LinkRow), table_of(NumberRow)
_COLUMNS = tuple(_C.c[name] for name in KnownCall.__slots__)

# Statements that each event needs are made once: making them costs more than running them.
_BY_ID = select(*_COLUMNS).where(_C.c.id.in_(bindparam("call_ids", expanding=True)))
_BY_PARENT = select(*_COLUMNS).where(_C.c.parent_id.in_(bindparam("call_ids", expanding=True)))
_OF_KEYS = select(_L.c.kind, _L.c.key, _L.c.call_id).where(
    _L.c.enterprise == bindparam("of_enterprise"),
    # With the kinds the primary key serves; without, SQLite reads all links of the enterprise.
    _L.c.kind.in_(bindparam("link_kinds", expanding=True)),
    _L.c.key.in_(bindparam("link_keys", expanding=True)),
)
_CHANNELS = select(_L.c.key).where(_L.c.call_id.in_(bindparam("call_ids", expanding=True)), _L.c.kind == "channel")
_SET = update(_C).where(_C.c.id == bindparam("of_call"))
_TOUCH = _SET.values(
    last_at=greater(_C.c.last_at, bindparam("touched_at")), first_at=smaller(_C.c.first_at, bindparam("touched_at"))
)
_MINE = (
    select(_N.c.enterprise, _N.c.number)
    .where(_N.c.call_id.in_(bindparam("call_ids", expanding=True)))
    .distinct()
    .subquery()
)
_NEAR = (
    select(_N.c.call_id)
    .join(_MINE, (_N.c.enterprise == _MINE.c.enterprise) & (_N.c.number == _MINE.c.number))
    .join(_C, _C.c.id == _N.c.call_id)
    .where(_N.c.call_id.not_in(bindparam("call_ids", expanding=True)), _N.c.last_at > bindparam("numbers_since"))
    .where(or_(_C.c.last_at > bindparam("calls_since"), ~_C.c.closed))
    .group_by(_N.c.call_id)
    .order_by(_N.c.call_id.desc())
    .limit(bindparam("at_most"))
)


@cache
def _add_call(dialect: str) -> Any:
    return insert_for(dialect, CallRow).returning(_C.c.id)


@cache
def _add_link(dialect: str) -> Any:
    return insert_for(dialect, LinkRow).on_conflict_do_nothing()


@cache
def _add_number(dialect: str) -> Any:
    insert = insert_for(dialect, NumberRow)
    key = ["enterprise", "number", "call_id"]
    latest = greater(_N.c.last_at, insert.excluded.last_at)
    return insert.on_conflict_do_update(index_elements=key, set_={"last_at": latest})


def lock_enterprise(connection: Connection, enterprise: str) -> None:
    """Let one process at a time fold an enterprise's events."""
    lock(connection, f"notifier:{enterprise}")


def add_call(connection: Connection, enterprise: str, at: float) -> int:
    """Begin a call; return its id."""
    values = {"enterprise": enterprise, "first_at": at, "last_at": at}
    return connection.execute(_add_call(connection.dialect.name), values).scalar_one()


def read_calls(connection: Connection, call_ids: Collection[int]) -> dict[int, KnownCall]:
    """Read calls by id; those that are no more are left out."""
    if not call_ids:
        return {}
    rows = connection.execute(_BY_ID, {"call_ids": list(call_ids)})
    return {row["id"]: KnownCall(**row) for row in rows.mappings()}


def calls_of_keys(connection: Connection, enterprise: str, keys: Iterable[tuple[str, str]]) -> set[int]:
    """Find the calls that hold one of these (kind, value)."""
    wanted = set(keys)
    kinds, values = {kind for kind, _ in wanted}, {key for _, key in wanted}
    asked = {"of_enterprise": enterprise, "link_kinds": list(kinds), "link_keys": list(values)}
    rows = connection.execute(_OF_KEYS, asked)
    return {call_id for kind, key, call_id in rows if (kind, key) in wanted}


def call_of_channel(connection: Connection, unique_id: str, enterprise: str | None = None) -> list[KnownCall]:
    """Find the calls, of one enterprise or of all, one of whose channels has this unique id; legs as they are."""
    link = select(LinkRow.call_id).where(LinkRow.kind == "channel", LinkRow.key == unique_id)
    if enterprise is not None:
        link = link.where(LinkRow.enterprise == enterprise)
    query = select(*_COLUMNS).where(_C.c.id.in_(link)).order_by(_C.c.id)
    return [KnownCall(**row) for row in connection.execute(query).mappings()]


def add_links(connection: Connection, enterprise: str, keys: Iterable[tuple[str, str]], call_id: int) -> None:
    """Tie identities to a call; those that are tied stay so."""
    rows = [{"enterprise": enterprise, "kind": kind, "key": key, "call_id": call_id} for kind, key in keys]
    if rows:
        connection.execute(_add_link(connection.dialect.name), rows)


def drop_links(
    connection: Connection, enterprise: str, keys: Iterable[tuple[str, str]], call_ids: Collection[int]
) -> None:
    """Untie identities from calls of long ago, whose they are no more."""
    if call_ids:
        of_calls = (_L.c.enterprise == enterprise, _L.c.call_id.in_(call_ids))
        for kind, key in keys:
            connection.execute(delete(_L).where(*of_calls, _L.c.kind == kind, _L.c.key == key))


def channels_of(connection: Connection, call_ids: Collection[int]) -> list[str]:
    """List the unique ids of calls."""
    return list(connection.scalars(_CHANNELS, {"call_ids": list(call_ids)}))


def add_numbers(connection: Connection, enterprise: str, numbers: Iterable[str], call_id: int, at: float) -> None:
    """Note that numbers occur in a call."""
    rows = [{"enterprise": enterprise, "number": number, "call_id": call_id, "last_at": at} for number in numbers]
    if rows:
        connection.execute(_add_number(connection.dialect.name), rows)


def touch_call(connection: Connection, call_id: int, at: float) -> None:
    """Note that an event of a call arrived at this time."""
    connection.execute(_TOUCH, {"of_call": call_id, "touched_at": at})


def calls_near(connection: Connection, call_ids: Collection[int], now: float) -> set[int]:
    """Find other calls of the enterprise that share a number with one of these and are open or lately closed."""
    if not call_ids:
        return set()
    values = {"call_ids": list(call_ids), "at_most": _NEAR_CALLS * len(call_ids)}
    values |= {"numbers_since": now - _LONGEST_CALL_S, "calls_since": now - _LATELY_S}
    return set(connection.scalars(_NEAR, values))


def calls_before(connection: Connection, call: KnownCall) -> list[tuple[str, float]]:
    """List the main id and the first arrival of the enterprise's last calls before this one, if they are not far."""
    query = (
        select(_C.c.main_id, _C.c.first_at)
        .where(_C.c.id < call.id, _C.c.id > call.id - _BEFORE_IDS, _C.c.enterprise == call.enterprise)
        .order_by(_C.c.id.desc())
        .limit(_BEFORE_CALLS)
    )
    return [(main_id, first_at) for main_id, first_at in connection.execute(query)]


def legs_of(connection: Connection, call_id: int) -> dict[int, KnownCall]:
    """Find the legs of a call, and theirs."""
    found: dict[int, KnownCall] = {}
    wanted = {call_id}
    while wanted:
        rows = connection.execute(_BY_PARENT, {"call_ids": list(wanted)}).mappings()
        legs = {row["id"]: KnownCall(**row) for row in rows}
        wanted = legs.keys() - found.keys() - {call_id}
        found |= {leg: legs[leg] for leg in wanted}
    return found


def set_parent(connection: Connection, call_id: int, parent_id: int | None) -> None:
    """Make a call a leg of another one, or none."""
    connection.execute(_SET, {"of_call": call_id, "parent_id": parent_id})


def set_state(connection: Connection, call: KnownCall, *, main_id: str, closed: bool, due_at: float | None) -> None:
    """Keep what a look at a call has shown."""
    if (main_id, closed, due_at) != (call.main_id, call.closed, call.due_at):
        connection.execute(_SET, {"of_call": call.id, "main_id": main_id, "closed": closed, "due_at": due_at})


def due_calls(connection: Connection, now: float, limit: int) -> list[tuple[str, int]]:
    """List calls (enterprise, id) that must be looked at again, longest due first."""
    query = select(CallRow.enterprise, CallRow.id).where(CallRow.due_at <= now).order_by(CallRow.due_at).limit(limit)
    return [(enterprise, call_id) for enterprise, call_id in connection.execute(query)]


def next_due_at(connection: Connection) -> float | None:
    """Return when the next call must be looked at again."""
    return connection.scalar(select(func.min(CallRow.due_at)).where(CallRow.due_at.is_not(None)))


def clear_due(connection: Connection, call_id: int) -> None:
    """Look at a call no more before its next event."""
    connection.execute(_SET, {"of_call": call_id, "due_at": None})


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
