"""Tables. The columns of `logs` keep the names that other programs read (DESIGN, section 4)."""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of all tables."""


class LoggedCall(Base):
    """One call. Times are local, `2026-03-01T14:05:09` (see store/times.py), so that they sort as text."""

    __tablename__ = "logs"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    caller_id: Mapped[str] = mapped_column("callerId", Text)
    start_time: Mapped[str] = mapped_column("startTime", Text)
    end_time: Mapped[str | None] = mapped_column("endTime", Text)
    status: Mapped[str] = mapped_column(Text)
    transcript_json: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_logs_startTime", "startTime"),)


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
