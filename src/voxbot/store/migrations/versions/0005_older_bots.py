"""An older bot that is put back writes to `logs` as it did before: no column must have a value."""

from __future__ import annotations

import re

from alembic import op

from voxbot.store.derived import TRIGGERS

revision = "0005"
down_revision = "0004"

_NOT_NULL = re.compile(r'((?:id|"?callerId"?|"?startTime"?|status|transcript_json)\s+TEXT)\s+NOT\s+NULL')
_REMADE = re.compile(r"CREATE TRIGGER ((?:call_facts|logs)_\w+)")


def upgrade() -> None:
    """Take NOT NULL off the columns, and have the triggers read NULL as nothing.

    The definition is written in place (SQLite, ALTER TABLE, section 7): copying a table of gigabytes takes minutes.
    """
    connection = op.get_bind()
    definition = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'logs'")
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = 'logs'",
        (_NOT_NULL.sub(r"\1", definition.scalar_one()),),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
    for trigger in TRIGGERS:
        if name := _REMADE.search(trigger):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name[1]}")
            connection.exec_driver_sql(trigger)


def downgrade() -> None:
    """Refuse: an older VoxBot would leave what is made from `logs` behind it."""
    raise NotImplementedError("restore the database from a backup instead")
