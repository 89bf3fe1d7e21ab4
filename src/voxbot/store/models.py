"""Tables. The columns of `logs` keep the names that other programs read (DESIGN, section 4).

Beside `logs` stand tables made from it, of which search and figures are read: see store/derived.py.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Float, Index, Integer, Text, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of all tables."""


def as_text(value: object) -> str:
    """Read a value of `logs`, whatever another program wrote there: nothing is "", bytes are UTF-8."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


class AnyText(TypeDecorator[str]):
    """A column of text into which other programs write what they like."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: object) -> str:  # noqa: ARG002 - SQLAlchemy's interface
        """Read a value."""
        return as_text(value)


class LoggedCall(Base):
    """One call. Times are local, `2026-03-01T14:05:09` (see store/times.py), so that they sort as text.

    Every column may be NULL and reads as "" then: an older bot, put back, goes on writing as it did. Triggers name a
    call without an id.
    """

    __tablename__ = "logs"

    id: Mapped[str] = mapped_column(Text, primary_key=True, nullable=True)
    caller_id: Mapped[str] = mapped_column("callerId", AnyText, nullable=True)
    start_time: Mapped[str] = mapped_column("startTime", AnyText, nullable=True)
    end_time: Mapped[str | None] = mapped_column("endTime", Text)
    status: Mapped[str] = mapped_column(AnyText, nullable=True)
    transcript_json: Mapped[str] = mapped_column(AnyText, nullable=True)

    __table_args__ = (Index("ix_logs_startTime", "startTime"),)


class CallFacts(Base):
    """What lists and figures ask of a call; a row for every row of `logs`, made and removed by triggers.

    `key` orders calls by their start (store/keys.py). While `pending`, what follows `duration_s` is not made yet.
    """

    __tablename__ = "call_facts"

    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[str] = mapped_column(Text, unique=True)
    pending: Mapped[bool] = mapped_column(Boolean, server_default="1")
    status: Mapped[str] = mapped_column(Text(collation="NOCASE"))
    caller: Mapped[str] = mapped_column(Text)
    duration_s: Mapped[int] = mapped_column(Integer)
    """-1 while the call lasts, so that calls can be ordered by it."""
    kb: Mapped[str] = mapped_column(Text, server_default="none")
    questions: Mapped[int] = mapped_column(Integer, server_default="0")
    answered_general: Mapped[int] = mapped_column(Integer, server_default="0")
    answered_tech: Mapped[int] = mapped_column(Integer, server_default="0")
    unanswered: Mapped[int] = mapped_column(Integer, server_default="0")
    barge_ins: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, server_default="")
    longest_dead_air_ms: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (
        Index("ix_call_facts_status", "status", "key"),
        Index("ix_call_facts_kb", "kb", "key"),
        Index("ix_call_facts_duration", "duration_s", "key"),
        Index("ix_call_facts_caller", "caller", "key"),
        Index("ix_call_facts_pending", "key", sqlite_where=text("pending")),
    )


class CallText(Base):
    """What a call is found by; the full-text tables `call_words` and `call_numbers` follow it by triggers."""

    __tablename__ = "call_texts"

    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    caller: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)


class CallStages(Base):
    """Milliseconds of the stages of a call's answers: a JSON object, stage to its values in order."""

    __tablename__ = "call_stages"

    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    stages: Mapped[str] = mapped_column(Text)


class SearchWord(Base):
    """Every word of `call_texts`, so that a word that is only begun can be completed before the full-text search."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(Text, primary_key=True)

    __table_args__ = ({"sqlite_with_rowid": False},)


class StoredJob(Base):
    """One piece of work; times are seconds since the epoch. See store/jobs.py."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    done: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    payload: Mapped[str] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[float] = mapped_column(Float)
    not_before: Mapped[float] = mapped_column(Float)
    finished_at: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (Index("ix_jobs_state", "state", "not_before"),)
