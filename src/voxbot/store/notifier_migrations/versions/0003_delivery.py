"""Indexes that SQLite's planner finds, turns and pauses of chats, results that are kept once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns and indexes."""
    _add("notifier_messages", sa.Column("doubts", sa.Integer, server_default=sa.text("0"), nullable=False))
    _add("notifier_chores", sa.Column("doubts", sa.Integer, server_default=sa.text("1"), nullable=False))
    _add("notifier_chats", sa.Column("turn_at", sa.Float, nullable=True))
    _add("notifier_chats", sa.Column("turn_paid", sa.Boolean, server_default=sa.false(), nullable=False))
    _add("notifier_bots", sa.Column("used_at", sa.Float, server_default=sa.text("0"), nullable=False))
    _add("notifier_chats", sa.Column("failures", sa.Integer, server_default=sa.text("0"), nullable=False))
    _add("notifier_chats", sa.Column("retry_at", sa.Float, server_default=sa.text("0"), nullable=False))
    _add("notifier_bots", sa.Column("probe_at", sa.Float, server_default=sa.text("0"), nullable=False))
    _add("notifier_operations", sa.Column("request_id", sa.BigInteger, nullable=True))
    op.create_index("ux_notifier_operations_request", "notifier_operations", ["request_id"], unique=True)
    op.create_index("ix_telegram_users_chat", "telegram_users", ["tg_id"])
    op.create_index("ix_notifier_facts_at", "notifier_facts", ["at"])
    op.drop_index("ix_notifier_events_unfolded", "notifier_events")
    _partial("ix_notifier_events_unfolded", "notifier_events", ["enterprise", "id"], "folded = 0", "NOT folded")
    op.drop_index("ix_notifier_messages_due", "notifier_messages")
    due = ["bot", "chat_id", "wish_at", "next_at"]
    _partial("ix_notifier_messages_due", "notifier_messages", due, "next_at IS NOT NULL")
    _partial("ix_notifier_messages_intent", "notifier_messages", ["bot", "chat_id"], "intent IS NOT NULL")
    _partial("ix_notifier_messages_ids", "notifier_messages", ["bot", "shown_id"], "shown_id IS NOT NULL")


def downgrade() -> None:
    """Remove them."""
    for index in ("ix_notifier_messages_ids", "ix_notifier_messages_intent", "ix_notifier_messages_due"):
        op.drop_index(index, "notifier_messages")
    _partial("ix_notifier_messages_due", "notifier_messages", ["bot", "chat_id", "next_at"], "next_at IS NOT NULL")
    op.drop_index("ix_notifier_events_unfolded", "notifier_events")
    _partial("ix_notifier_events_unfolded", "notifier_events", ["enterprise", "id"], "NOT folded")
    op.drop_index("ix_notifier_facts_at", "notifier_facts")
    op.drop_index("ix_telegram_users_chat", "telegram_users")
    op.drop_index("ux_notifier_operations_request", "notifier_operations")
    op.drop_column("notifier_operations", "request_id")
    for column in ("probe_at", "used_at"):
        op.drop_column("notifier_bots", column)
    for column in ("retry_at", "failures", "turn_paid", "turn_at"):
        op.drop_column("notifier_chats", column)
    op.drop_column("notifier_chores", "doubts")
    op.drop_column("notifier_messages", "doubts")


def _add(table: str, column: sa.Column[object]) -> None:
    op.add_column(table, column)


def _partial(name: str, table: str, columns: list[str], where: str, where_postgresql: str = "") -> None:
    on_postgresql = sa.text(where_postgresql or where)
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=on_postgresql)
