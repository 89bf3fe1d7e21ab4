"""The notifier's tables; those that a database of the operator has already keep their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create what is missing."""
    _shared()
    _calls()
    _messages()


def downgrade() -> None:
    """Refuse: what was shown in Telegram cannot be taken back."""
    raise NotImplementedError("restore the database from a backup instead")


def _shared() -> None:
    """Tables that other programs of the operator may have made already, and read."""
    _create(
        "enterprises",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, server_default="", nullable=False),
        sa.Column("name2", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=True),
        sa.Column("bot_token", sa.Text, nullable=True),
        sa.Column("invitation_code", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_enterprises_name2", "enterprises", ["name2"], if_not_exists=True)
    _create(
        "telegram_users",
        sa.Column("bot_token", sa.Text, nullable=False),
        sa.Column("tg_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("added_at", sa.Float, nullable=True),
        sa.Column("blocked_at", sa.Float, nullable=True),
        sa.PrimaryKeyConstraint("bot_token", "tg_id"),
    )
    _create(
        "users",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("enterprise_number", sa.Text, nullable=True),
        sa.Column("last_name", sa.Text, nullable=True),
        sa.Column("first_name", sa.Text, nullable=True),
        sa.Column("patronymic", sa.Text, nullable=True),
        sa.Column("personal_phone", sa.Text, nullable=True),
        sa.Column("follow_me_number", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    _create(
        "user_internal_phones",
        sa.Column("enterprise_number", sa.Text, nullable=False),
        sa.Column("phone_number", sa.Text, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("enterprise_number", "phone_number"),
    )
    _create(
        "gsm_lines",
        sa.Column("enterprise_number", sa.Text, nullable=False),
        sa.Column("line_id", sa.Text, nullable=False),
        sa.Column("line_name", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("enterprise_number", "line_id"),
    )


def _calls() -> None:
    """Events, and what is known of calls."""
    _create(
        "notifier_events",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("unique_id", sa.Text, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("folded", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifier_events_call", "notifier_events", ["call_id"])
    op.create_index("ix_notifier_events_received", "notifier_events", ["received_at"])
    op.create_index(
        "ix_notifier_events_unfolded",
        "notifier_events",
        ["enterprise", "id"],
        sqlite_where=sa.text("NOT folded"),
        postgresql_where=sa.text("NOT folded"),
    )
    op.create_index("ux_notifier_events_digest", "notifier_events", ["digest", "enterprise"], unique=True)
    _create(
        "notifier_calls",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("parent_id", sa.BigInteger, nullable=True),
        sa.Column("main_id", sa.Text, server_default="", nullable=False),
        sa.Column("closed", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("first_at", sa.Float, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifier_calls_due", "notifier_calls", ["due_at"], sqlite_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_notifier_calls_last", "notifier_calls", ["last_at"])
    op.create_index(
        "ix_notifier_calls_parent", "notifier_calls", ["parent_id"], sqlite_where=sa.text("parent_id IS NOT NULL")
    )
    _create(
        "notifier_links",
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("enterprise", "kind", "key"),
    )
    op.create_index("ix_notifier_links_call", "notifier_links", ["call_id"])
    op.create_index("ix_notifier_links_key", "notifier_links", ["key"])
    _create(
        "notifier_numbers",
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("enterprise", "number", "call_id"),
    )
    op.create_index("ix_notifier_numbers_call", "notifier_numbers", ["call_id"])
    op.create_index("ix_notifier_numbers_recent", "notifier_numbers", ["enterprise", "number", "last_at"])
    _create(
        "notifier_facts",
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("enterprise", "kind", "key"),
    )


def _messages() -> None:
    """What chats should show and do show."""
    _create(
        "notifier_messages",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("wish_stage", sa.Text, nullable=False),
        sa.Column("wish_moment", sa.Text, nullable=False),
        sa.Column("wish_text", sa.Text, nullable=True),
        sa.Column("wish_revision", sa.Integer, nullable=False),
        sa.Column("wish_at", sa.Float, nullable=False),
        sa.Column("event_at", sa.Float, nullable=False),
        sa.Column("done_revision", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("shown_id", sa.BigInteger, nullable=True),
        sa.Column("shown_stage", sa.Text, nullable=True),
        sa.Column("shown_moment", sa.Text, nullable=True),
        sa.Column("shown_text", sa.Text, nullable=True),
        sa.Column("intent", sa.Text, nullable=True),
        sa.Column("intent_floor", sa.BigInteger, nullable=True),
        sa.Column("doubt_floor", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.Float, nullable=True),
        sa.Column("dead", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_notifier_messages_due",
        "notifier_messages",
        ["bot", "chat_id", "next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_notifier_messages_shown", "notifier_messages", ["bot", "chat_id", "shown_id"])
    op.create_index("ux_notifier_messages", "notifier_messages", ["call_id", "bot", "chat_id"], unique=True)
    _create(
        "notifier_chores",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("until_id", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, server_default="", nullable=False),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.Float, nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifier_chores_due", "notifier_chores", ["bot", "chat_id", "next_at"])
    _create(
        "notifier_chats",
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.Float, nullable=True),
        sa.Column("lease_owner", sa.Text, nullable=True),
        sa.Column("lease_until", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("full_at", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("paused_until", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("last_id", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("bot", "chat_id"),
    )
    op.create_index(
        "ix_notifier_chats_due",
        "notifier_chats",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    _create(
        "notifier_bots",
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("full_at", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("paused_until", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("refused_at", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("poller", sa.Text),
        sa.Column("poller_until", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("last_id", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("bot"),
    )
    _create(
        "notifier_operations",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=True),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("delay_ms", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifier_operations_at", "notifier_operations", ["at"])
    op.create_index("ix_notifier_operations_call", "notifier_operations", ["call_id"])


def _create(name: str, *parts: sa.Column[object] | sa.PrimaryKeyConstraint) -> None:
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table(name):
        op.create_table(name, *parts)
        return
    there = {column["name"] for column in inspector.get_columns(name)}
    for part in parts:
        if isinstance(part, sa.Column) and part.name not in there:
            part.nullable = True
            op.add_column(name, part)
