"""Everything stored about one call, found by any of its channels. Reads by indexes alone.

The functions are work for NotifierDatabase.read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from voxbot.store.notifier_events import events_of
from voxbot.store.notifier_models import CallRow, LinkRow
from voxbot.store.notifier_operations import operations_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxbot.store.notifier_events import PostedEvent
    from voxbot.store.notifier_operations import LoggedOperation

_GENERATIONS = 4
"""Legs of legs that are followed: a call has far fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A call with its legs; events in the order of arrival, operations in that of their requests."""

    enterprise: str
    main_id: str
    first_at: float
    unique_ids: tuple[str, ...]
    events: tuple[PostedEvent, ...]
    operations: tuple[LoggedOperation, ...]


def history_of(connection: Connection, unique_id: str, enterprise: str | None) -> History | None:
    """Read the call of a channel; None if there is none.

    Unique ids are unique on one host only: without `enterprise` the call that was last heard of is taken.
    """
    found = select(CallRow.id).join(LinkRow, LinkRow.call_id == CallRow.id)
    found = found.where(LinkRow.key == unique_id, LinkRow.kind == "channel")
    if enterprise is not None:
        found = found.where(LinkRow.enterprise == enterprise)
    call_id = connection.scalar(found.order_by(CallRow.last_at.desc()).limit(1))
    if call_id is None:
        return None
    root = _root(connection, call_id)
    call_ids = _family(connection, root)
    row = connection.execute(
        select(CallRow.enterprise, CallRow.main_id, CallRow.first_at).where(CallRow.id == root)
    ).one()
    ids = select(LinkRow.key).where(LinkRow.call_id.in_(call_ids), LinkRow.kind == "channel").order_by(LinkRow.key)
    return History(
        enterprise=row.enterprise,
        main_id=row.main_id,
        first_at=row.first_at,
        unique_ids=tuple(connection.scalars(ids)),
        events=tuple(events_of(connection, call_ids)),
        operations=tuple(operations_of(connection, call_ids)),
    )


def enterprises_of(connection: Connection, unique_id: str) -> list[str]:
    """Whose calls had this channel, the one last heard of first."""
    found = select(LinkRow.enterprise).join(CallRow, LinkRow.call_id == CallRow.id)
    found = found.where(LinkRow.key == unique_id, LinkRow.kind == "channel")
    return list(connection.scalars(found.order_by(CallRow.last_at.desc())))


def _root(connection: Connection, call_id: int) -> int:
    """Go up from a leg to its call."""
    for _ in range(_GENERATIONS):
        parent: int | None = connection.scalar(select(CallRow.parent_id).where(CallRow.id == call_id))
        if parent is None or connection.scalar(select(CallRow.id).where(CallRow.id == parent)) is None:
            break
        call_id = parent
    return call_id


def _family(connection: Connection, root: int) -> set[int]:
    """The call and its legs."""
    family = {root}
    young = family
    for _ in range(_GENERATIONS):
        legs = connection.scalars(select(CallRow.id).where(CallRow.parent_id.in_(young)))
        young = set(legs) - family
        if not young:
            break
        family |= young
    return family
