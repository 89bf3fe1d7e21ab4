"""The call log, made new or out of the table `logs` of an older bot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

from voxbot.store.times import parse_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine.interfaces import ReflectedColumn

revision = "0001"
down_revision = None

_BATCH_ROWS = 500
_COLUMNS = ("id", "callerId", "startTime", "endTime", "status", "transcript_json")


def upgrade() -> None:
    """Create `logs`; rows of an older table move over whole, columns unknown to VoxBot included."""
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    old: Sequence[ReflectedColumn] = ()
    if inspector.has_table("logs"):
        old = inspector.get_columns("logs")
    extra = [column for column in old if column["name"] not in _COLUMNS]
    op.create_table(
        "logs_new",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("callerId", sa.Text, nullable=False),
        sa.Column("startTime", sa.Text, nullable=False),
        sa.Column("endTime", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("transcript_json", sa.Text, nullable=False),
        *(sa.Column(column["name"], _kept(column["type"])) for column in extra),
    )
    if old:
        _copy(connection, [column["name"] for column in old])
        op.drop_table("logs")
        # An operator's view of `logs` would stop the renaming, for at this moment there is no such table.
        op.execute("PRAGMA legacy_alter_table=ON")
    op.rename_table("logs_new", "logs")
    op.create_index("ix_logs_startTime", "logs", ["startTime"])


def downgrade() -> None:
    """Refuse: the older table had no definite shape to go back to."""
    raise NotImplementedError("restore the database from a backup instead")


def _copy(connection: sa.Connection, names: Sequence[str]) -> None:
    # Untyped columns: the values come as they are stored, whatever type the old table declared.
    source = sa.table("logs", *_columns(names))
    target = sa.table("logs_new", *_columns([*_COLUMNS, *(name for name in names if name not in _COLUMNS)]))
    taken: set[str] = set()
    for rows in connection.execute(sa.select(source)).mappings().partitions(_BATCH_ROWS):
        connection.execute(sa.insert(target), [_adopted(dict(row), taken) for row in rows])


def _kept(declared: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Take an undeclared type for BLOB: neither changes what is stored."""
    return sa.BLOB() if isinstance(declared, sa.types.NullType) else declared


def _columns(names: Sequence[str]) -> list[sa.ColumnClause[Any]]:
    return [sa.column(name) for name in names]


def _adopted(row: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Bring one old row to the new shape; what is not understood stays as it was."""
    end = row.get("endTime")
    row["id"] = next(name for name in _names(row.get("id")) if name not in taken)
    taken.add(row["id"])
    row["callerId"] = _text(row.get("callerId") or "")
    row["startTime"] = _time(row.get("startTime"))
    row["endTime"] = None if end in (None, "") else _time(end)
    row["status"] = _text(row.get("status") or ("Completed" if row["endTime"] else "Failed"))
    row["transcript_json"] = _readable(row.get("transcript_json"))
    return row


def _names(wanted: Any) -> Iterator[str]:
    """Ids to try: the call's own, then the same with a number, for old tables without a key."""
    base = "unknown" if wanted is None else _text(wanted)
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _time(value: Any) -> str:
    text = "" if value is None else _text(value)
    moment = parse_local(text)
    return moment.isoformat(timespec="seconds") if moment else text


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _readable(value: Any) -> str:
    """Write Russian letters as themselves, so that the log's search finds them."""
    text = _text(value or "[]")
    try:
        readable = json.dumps(json.loads(text), ensure_ascii=False)
        readable.encode()  # half of an emoji cannot be written as itself
    except (ValueError, RecursionError):  # RecursionError: brackets within brackets without end
        return text
    return readable
