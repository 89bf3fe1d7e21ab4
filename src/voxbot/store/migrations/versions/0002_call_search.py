"""What search and figures are read from, beside `logs`; its triggers keep it in step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voxbot.store.derived import ADOPT_OLD_CALLS, FULL_TEXT, TRIGGERS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables; calls that are there get their rows, and their words later, while the units run."""
    op.create_table(
        "call_facts",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("call_id", sa.Text, nullable=False, unique=True),
        sa.Column("pending", sa.Boolean, nullable=False, server_default="1"),
        sa.Column("status", sa.Text(collation="NOCASE"), nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("duration_s", sa.Integer, nullable=False),
        sa.Column("kb", sa.Text, nullable=False, server_default="none"),
        *(_count(name) for name in ("questions", "answered_general", "answered_tech", "unanswered", "barge_ins")),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("longest_dead_air_ms", sa.Float),
    )
    op.create_table(
        "call_texts",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "call_stages", sa.Column("key", sa.Integer, primary_key=True), sa.Column("stages", sa.Text, nullable=False)
    )
    op.create_table("search_words", sa.Column("word", sa.Text, primary_key=True), sqlite_with_rowid=False)
    op.execute(ADOPT_OLD_CALLS)
    for column in ("status", "kb", "caller"):
        op.create_index(f"ix_call_facts_{column}", "call_facts", [column, "key"])
    op.create_index("ix_call_facts_duration", "call_facts", ["duration_s", "key"])
    op.create_index("ix_call_facts_pending", "call_facts", ["key"], sqlite_where=sa.text("pending"))
    for statement in (*FULL_TEXT, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: an older VoxBot would leave what is made from `logs` behind it."""
    raise NotImplementedError("restore the database from a backup instead")


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")
