"""What becomes known beside the events: names of customers, managers and lines, links to recordings.

The functions are work for NotifierDatabase.write or read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlalchemy import and_, bindparam, delete, exists, or_, select, tuple_, update

from voxbot.store.notifier_models import (
    CallRow,
    FactRow,
    LineRow,
    LinkRow,
    MessageRow,
    NumberRow,
    UserPhoneRow,
    UserRow,
)
from voxbot.store.notifier_sql import insert_into, table_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

FactKind = Literal["customer", "manager", "line", "recording"]
_REFRESHED_S = 48 * 3600.0
"""Messages of calls older than this are not edited for a name: Telegram would not delete them any more either."""
_LONGEST_EXTENSION = 4

_F = table_of(FactRow)
_KNOWN = select(_F.c.kind, _F.c.key, _F.c.value).where(
    _F.c.enterprise == bindparam("of_enterprise"),
    _F.c.kind.in_(["customer", "manager", "line", "recording"]),
    _F.c.key.in_(bindparam("fact_keys", expanding=True)),
)


def put_fact(connection: Connection, enterprise: str, kind: FactKind, key: str, value: str, at: float) -> None:
    """Keep a fact; messages of lately finished calls that show it are edited (the Folder sees to it).

    `key`: digits of the number, the line's id, or for a recording any unique id of the call. `value`: the name or URL.
    """
    fact = {"value": value, "at": at}
    insert = insert_into(connection, FactRow).values(enterprise=enterprise, kind=kind, key=key, **fact)
    connection.execute(insert.on_conflict_do_update(index_elements=["enterprise", "kind", "key"], set_=fact))
    if kind == "recording":
        calls = select(LinkRow.call_id).where(
            LinkRow.enterprise == enterprise, LinkRow.kind == "channel", LinkRow.key == key
        )
    else:
        calls = select(NumberRow.call_id).where(NumberRow.enterprise == enterprise, NumberRow.number == key)
    concerned = update(CallRow).where(CallRow.id.in_(calls), CallRow.last_at > at - _REFRESHED_S)
    if kind == "manager" and len(key) <= _LONGEST_EXTENSION:
        # A group is rung for every call, and messages of answered ones show who answered. Longer numbers are formatted.
        shown = select(MessageRow.id).where(MessageRow.call_id == CallRow.id, MessageRow.wish_text.contains(key))
        concerned = concerned.where(shown.exists())
    connection.execute(concerned.values(due_at=at))


def facts(connection: Connection, enterprise: str, keys: Collection[str]) -> dict[FactKind, dict[str, str]]:
    """Look up what is known about numbers, lines and unique ids: values by key, by kind."""
    found: dict[FactKind, dict[str, str]] = {"customer": {}, "manager": {}, "line": {}, "recording": {}}
    for kind, key, value in connection.execute(_KNOWN, {"of_enterprise": enterprise, "fact_keys": list(keys)}):
        if value and kind in found:
            found[kind][key] = value
    return found


def prune_facts(connection: Connection, before: float, limit: int = 500) -> int:
    """Forget recordings and customers of calls that are forgotten (`before`, some at a time); return how many.

    Names of managers and lines are kept: they are the enterprise's own, and few.
    """
    in_use = exists().where(NumberRow.enterprise == FactRow.enterprise, NumberRow.number == FactRow.key)
    unused = or_(FactRow.kind == "recording", and_(FactRow.kind == "customer", ~in_use))
    old = select(FactRow.enterprise, FactRow.kind, FactRow.key).where(FactRow.at < before, unused).limit(limit)
    place = tuple_(FactRow.enterprise, FactRow.kind, FactRow.key)
    return connection.execute(delete(FactRow).where(place.in_(old))).rowcount


def known_names(connection: Connection, enterprise: str) -> dict[FactKind, dict[str, str]]:
    """Read the names of managers and lines in the operator's own tables, all of an enterprise."""
    lines = select(LineRow.line_id, LineRow.line_name).where(LineRow.enterprise_number == enterprise)
    named = (UserRow.last_name, UserRow.first_name)
    by_mobile = select(UserRow.personal_phone, *named).where(UserRow.enterprise_number == enterprise)
    by_phone = select(UserPhoneRow.phone_number, *named).join(UserRow, UserRow.id == UserPhoneRow.user_id)
    by_phone = by_phone.where(UserPhoneRow.enterprise_number == enterprise)
    managers: dict[str, str] = {}
    for query in (by_mobile, by_phone):
        for number, last_name, first_name in connection.execute(query):
            name = " ".join(part.strip() for part in (last_name, first_name) if part and part.strip())
            if number and name:
                managers[number] = name
    return {"manager": managers, "line": {line: name for line, name in connection.execute(lines) if name}}
