"""Tables. The columns of `logs` keep the names that other programs read (DESIGN, section 4)."""

from __future__ import annotations

from sqlalchemy import Index, Text
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
