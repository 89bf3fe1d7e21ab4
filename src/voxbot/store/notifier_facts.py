"""What becomes known beside the events: names of customers, managers and lines, links to recordings.

The functions are work for NotifierDatabase.write or read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlalchemy import select, update

from voxbot.store.notifier_models import CallRow, FactRow, LineRow, LinkRow, NumberRow, UserPhoneRow, UserRow
from voxbot.store.notifier_sql import insert_into

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

FactKind = Literal["customer", "manager", "line", "recording"]
_REFRESHED_S = 48 * 3600.0
"""Messages of calls older than this are not edited for a name: Telegram would not delete them any more either."""


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
    connection.execute(
        update(CallRow).where(CallRow.id.in_(calls), CallRow.last_at > at - _REFRESHED_S).values(due_at=at)
    )


def facts(connection: Connection, enterprise: str, kind: FactKind, keys: Collection[str]) -> dict[str, str]:
    """Look up what is known, by key. Managers and lines are also those of the operator's own tables."""
    found: dict[str, str] = {}
    if not keys:
        return found
    if kind == "manager":
        found |= _managers(connection, enterprise, keys)
    elif kind == "line":
        lines = select(LineRow.line_id, LineRow.line_name)
        lines = lines.where(LineRow.enterprise_number == enterprise, LineRow.line_id.in_(keys))
        found |= {line_id: name for line_id, name in connection.execute(lines) if name}
    own = select(FactRow.key, FactRow.value)
    own = own.where(FactRow.enterprise == enterprise, FactRow.kind == kind, FactRow.key.in_(keys))
    return found | {key: value for key, value in connection.execute(own) if value}


def _managers(connection: Connection, enterprise: str, keys: Collection[str]) -> dict[str, str]:
    named = (UserRow.last_name, UserRow.first_name)
    by_phone = select(UserPhoneRow.phone_number, *named).join(UserRow, UserRow.id == UserPhoneRow.user_id)
    by_phone = by_phone.where(UserPhoneRow.enterprise_number == enterprise, UserPhoneRow.phone_number.in_(keys))
    by_mobile = select(UserRow.personal_phone, *named)
    by_mobile = by_mobile.where(UserRow.enterprise_number == enterprise, UserRow.personal_phone.in_(keys))
    found: dict[str, str] = {}
    for query in (by_mobile, by_phone):
        for number, last_name, first_name in connection.execute(query):
            name = " ".join(part.strip() for part in (last_name, first_name) if part and part.strip())
            if number and name:
                found[number] = name
    return found
