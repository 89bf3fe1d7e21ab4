"""The notifier's tables.

Everything a manager sees is derived from `notifier_events`. Times are seconds since the epoch. A `bot` is the numeric
id in front of a bot token's colon, which is no secret. `enterprises`, `telegram_users`, `users`,
`user_internal_phones` and `gsm_lines` have the names and columns that other programs of the operator read.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, Text, false
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_BIG_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""


class NotifierBase(DeclarativeBase):
    """Root of the notifier's tables."""


class EnterpriseRow(NotifierBase):
    """An enterprise with its own Asterisk host and bot. `name2` is the token of its events."""

    __tablename__ = "enterprises"

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, server_default="")
    name2: Mapped[str] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(Text)
    bot_token: Mapped[str | None] = mapped_column(Text)
    invitation_code: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_enterprises_name2", "name2"),)


class TelegramUserRow(NotifierBase):
    """A chat that gets the calls of a bot. `blocked_at`: when it last refused a message."""

    __tablename__ = "telegram_users"

    bot_token: Mapped[str] = mapped_column(Text, primary_key=True)
    tg_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    added_at: Mapped[float | None] = mapped_column(Float)
    blocked_at: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (Index("ix_telegram_users_chat", "tg_id"),)


class UserRow(NotifierBase):
    """A manager."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    enterprise_number: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str | None] = mapped_column(Text)
    first_name: Mapped[str | None] = mapped_column(Text)
    patronymic: Mapped[str | None] = mapped_column(Text)
    personal_phone: Mapped[str | None] = mapped_column(Text)
    follow_me_number: Mapped[str | None] = mapped_column(Text)


class UserPhoneRow(NotifierBase):
    """An extension of a manager."""

    __tablename__ = "user_internal_phones"

    enterprise_number: Mapped[str] = mapped_column(Text, primary_key=True)
    phone_number: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(_BIG_ID)


class LineRow(NotifierBase):
    """A line's name."""

    __tablename__ = "gsm_lines"

    enterprise_number: Mapped[str] = mapped_column(Text, primary_key=True)
    line_id: Mapped[str] = mapped_column(Text, primary_key=True)
    line_name: Mapped[str | None] = mapped_column(Text)


class FactRow(NotifierBase):
    """What became known beside the events. `kind` customer, manager, line (`key` a number), recording (a unique id)."""

    __tablename__ = "notifier_facts"

    enterprise: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Float)

    __table_args__ = (Index("ix_notifier_facts_at", "at"),)


class EventRow(NotifierBase):
    """A posted event, as it came. `call_id` is set when it is folded (None: it belongs to no call)."""

    __tablename__ = "notifier_events"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    enterprise: Mapped[str] = mapped_column(Text)
    token: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    unique_id: Mapped[str] = mapped_column(Text)
    received_at: Mapped[float] = mapped_column(Float)
    body: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    folded: Mapped[bool] = mapped_column(Boolean, server_default=false())
    call_id: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ux_notifier_events_digest", "digest", "enterprise", unique=True),
        Index(
            "ix_notifier_events_unfolded",
            "enterprise",
            "id",
            # SQLAlchemy writes `folded = 0`, and SQLite uses an index only for the condition as it is written.
            sqlite_where=sql("folded = 0"),
            postgresql_where=sql("NOT folded"),
        ),
        Index("ix_notifier_events_call", "call_id"),
        Index("ix_notifier_events_received", "received_at"),
    )


class InboxRow(NotifierBase):
    """How far the events of an inbox (store/notifier_inbox.py) have been moved into `notifier_events`."""

    __tablename__ = "notifier_inbox"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    moved_id: Mapped[int] = mapped_column(BigInteger)


class CallRow(NotifierBase):
    """A set of events tied by keys. `parent_id`: the call that this one is a leg of.

    `due_at`: when it must be looked at again though no event came. `last_at`: arrival of its last event.
    """

    __tablename__ = "notifier_calls"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    enterprise: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    main_id: Mapped[str] = mapped_column(Text, server_default="")
    closed: Mapped[bool] = mapped_column(Boolean, server_default=false())
    first_at: Mapped[float] = mapped_column(Float)
    last_at: Mapped[float] = mapped_column(Float)
    due_at: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (
        Index("ix_notifier_calls_due", "due_at", sqlite_where=sql("due_at IS NOT NULL")),
        Index("ix_notifier_calls_parent", "parent_id", sqlite_where=sql("parent_id IS NOT NULL")),
        Index("ix_notifier_calls_last", "last_at"),
    )


class LinkRow(NotifierBase):
    """An identity that ties events to a call: a channel, a bridge, a Local pair."""

    __tablename__ = "notifier_links"

    enterprise: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    call_id: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_notifier_links_call", "call_id"), Index("ix_notifier_links_key", "key"))


class NumberRow(NotifierBase):
    """A number that occurs in a call, by which legs and names find it. `last_at`: when it last did."""

    __tablename__ = "notifier_numbers"

    enterprise: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[str] = mapped_column(Text, primary_key=True)
    call_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_at: Mapped[float] = mapped_column(Float)

    __table_args__ = (
        Index("ix_notifier_numbers_call", "call_id"),
        Index("ix_notifier_numbers_recent", "enterprise", "number", "last_at"),
    )


class MessageRow(NotifierBase):
    """What a chat should show of a call (`wish_*`), and what it shows (`shown_*`).

    `wish_text` None: nothing. `next_at` None: nothing to do. `intent`: a request that was about to be sent; found
    after a crash it may have been. `intent_floor`, `doubt_floor`: a message that nobody knows of has a greater id;
    there are `doubts` of them at most.
    `dead`: the chat refuses this call's message. `event_at`: arrival of the event behind the wish.
    """

    __tablename__ = "notifier_messages"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    call_id: Mapped[int] = mapped_column(BigInteger)
    enterprise: Mapped[str] = mapped_column(Text)
    bot: Mapped[str] = mapped_column(Text)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    wish_stage: Mapped[str] = mapped_column(Text)
    wish_moment: Mapped[str] = mapped_column(Text)
    wish_text: Mapped[str | None] = mapped_column(Text)
    wish_revision: Mapped[int] = mapped_column(Integer)
    wish_at: Mapped[float] = mapped_column(Float)
    event_at: Mapped[float] = mapped_column(Float)
    done_revision: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    shown_id: Mapped[int | None] = mapped_column(BigInteger)
    shown_stage: Mapped[str | None] = mapped_column(Text)
    shown_moment: Mapped[str | None] = mapped_column(Text)
    shown_text: Mapped[str | None] = mapped_column(Text)
    intent: Mapped[str | None] = mapped_column(Text)
    intent_floor: Mapped[int | None] = mapped_column(BigInteger)
    doubt_floor: Mapped[int | None] = mapped_column(BigInteger)
    doubts: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    next_at: Mapped[float | None] = mapped_column(Float)
    dead: Mapped[bool] = mapped_column(Boolean, server_default=false())

    __table_args__ = (
        Index("ux_notifier_messages", "call_id", "bot", "chat_id", unique=True),
        Index(
            "ix_notifier_messages_due",
            "bot",
            "chat_id",
            "wish_at",
            "next_at",
            sqlite_where=sql("next_at IS NOT NULL"),
            postgresql_where=sql("next_at IS NOT NULL"),
        ),
        Index(
            "ix_notifier_messages_intent",
            "bot",
            "chat_id",
            sqlite_where=sql("intent IS NOT NULL"),
            postgresql_where=sql("intent IS NOT NULL"),
        ),
        Index(
            "ix_notifier_messages_ids",
            "bot",
            "shown_id",
            sqlite_where=sql("shown_id IS NOT NULL"),
            postgresql_where=sql("shown_id IS NOT NULL"),
        ),
        Index("ix_notifier_messages_shown", "bot", "chat_id", "shown_id"),
    )


class ChoreRow(NotifierBase):
    """Cleaning up in a chat: delete a message, or probe the ids up to `until_id` for messages that nobody knows of.

    `doubts`: how many of these there are at most.
    """

    __tablename__ = "notifier_chores"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(Text)
    bot: Mapped[str] = mapped_column(Text)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    enterprise: Mapped[str] = mapped_column(Text)
    call_id: Mapped[int] = mapped_column(BigInteger)
    stage: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int] = mapped_column(BigInteger)
    until_id: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text, server_default="")
    doubts: Mapped[int] = mapped_column(Integer, server_default=sql("1"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    next_at: Mapped[float] = mapped_column(Float)
    made_at: Mapped[float] = mapped_column(Float)

    __table_args__ = (Index("ix_notifier_chores_due", "bot", "chat_id", "next_at"),)


class ChatRow(NotifierBase):
    """A chat of a bot. Who holds its lease alone sends to it. `due_at` None: nothing to do.

    `full_at`: the time to which its share of Telegram's limit is used up. `turn_at`: its place among the requests of
    the bot, reached and counted when it is `turn_paid`. `paused_until`: Telegram said to wait. `retry_at`: pause after
    `failures` in a row. `last_id`: the greatest message id seen.
    """

    __tablename__ = "notifier_chats"

    bot: Mapped[str] = mapped_column(Text, primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    due_at: Mapped[float | None] = mapped_column(Float)
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    full_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    paused_until: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    turn_at: Mapped[float | None] = mapped_column(Float)
    turn_paid: Mapped[bool] = mapped_column(Boolean, server_default=false())
    failures: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    retry_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    last_id: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))

    __table_args__ = (
        Index(
            "ix_notifier_chats_due",
            "due_at",
            sqlite_where=sql("due_at IS NOT NULL"),
            postgresql_where=sql("due_at IS NOT NULL"),
        ),
    )


class BotRow(NotifierBase):
    """A bot's limits: the end of its chats' queue (`full_at`), its requests (`used_at`).

    `last_id` counts private chats alone: they share one sequence of ids.
    `poller`: the process that alone asks Telegram for what users write to the bot, until `poller_until`. `probe_at`:
    when the next probe may go.
    """

    __tablename__ = "notifier_bots"

    bot: Mapped[str] = mapped_column(Text, primary_key=True)
    full_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    used_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    paused_until: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    refused_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    poller: Mapped[str | None] = mapped_column(Text)
    poller_until: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    probe_at: Mapped[float] = mapped_column(Float, server_default=sql("0"))
    last_id: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))


class OperationRow(NotifierBase):
    """A request to Telegram and what came of it. `result` "ok" or the reason. `text` on one line, cut.

    `request_id` tells a result that is kept a second time, after the first answer of the database was lost.
    """

    __tablename__ = "notifier_operations"

    id: Mapped[int] = mapped_column(_BIG_ID, primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float)
    enterprise: Mapped[str] = mapped_column(Text)
    call_id: Mapped[int] = mapped_column(BigInteger)
    bot: Mapped[str] = mapped_column(Text)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    result: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    delay_ms: Mapped[int | None] = mapped_column(Integer)
    request_id: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ux_notifier_operations_request", "request_id", unique=True),
        Index("ix_notifier_operations_call", "call_id"),
        Index("ix_notifier_operations_at", "at"),
    )
