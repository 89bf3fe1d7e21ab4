"""The call log's repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, tuple_

from voxbot.domain.errors import StoreError
from voxbot.store.models import LoggedCall
from voxbot.store.times import local_text, parse_local
from voxbot.store.transcript import TranscriptTurn, dump_turns, load_turns
from voxbot.store.unanswered import UNKNOWN_MARK, unanswered_turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from voxbot.domain.events import CallStatus
    from voxbot.domain.ids import CallId
    from voxbot.store.database import Database
    from voxbot.store.unanswered import UnansweredTurn

_CALLS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One row of the log. Times are local text (store/times.py); `end_time` is None while the call lasts."""

    id: str
    caller_id: str
    start_time: str
    end_time: str | None
    status: str
    transcript_json: str


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; what is None does not limit."""

    q: str | None = None
    """Part of the caller's number, of what was said, or the call's whole id; letter case does not matter."""
    start_from: datetime | None = None
    """Local time without a zone; calls that began then or later."""
    start_before: datetime | None = None
    """Local time without a zone; calls that began earlier."""
    status: str | None = None


class CallLogRepository:
    """Reads and writes the table `logs`. Every method raises StoreError. `at` is seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, call_id: CallId, caller: str, at: float) -> None:
        """Write a new active call. One that is already there becomes active again and keeps its dialogue."""
        async with self._database.write() as session:
            call = await session.get(LoggedCall, call_id)
            if call is not None:
                call.status, call.end_time = "Active", None
                return
            session.add(
                LoggedCall(
                    id=call_id,
                    caller_id=caller,
                    start_time=local_text(at),
                    end_time=None,
                    status="Active",
                    transcript_json="[]",
                )
            )

    async def append_turn(self, call_id: CallId, turn: TranscriptTurn) -> None:
        """Add one turn to the call's dialogue."""
        async with self._database.write() as session:
            call = await self._existing(session, call_id)
            call.transcript_json = dump_turns([*load_turns(call.transcript_json), turn])

    async def finish(self, call_id: CallId, status: CallStatus, at: float) -> None:
        """Close a call."""
        async with self._database.write() as session:
            call = await self._existing(session, call_id)
            call.status, call.end_time = status, local_text(at)

    async def close_stale(self) -> int:
        """Close as Failed what a bot that died left Active; return how many. For the start of the only bot.

        Such a call ends where its dialogue ends, for nobody saw its real end.
        """
        async with self._database.write() as session:
            stale = (await session.scalars(select(LoggedCall).where(LoggedCall.status == "Active"))).all()
            for call in stale:
                call.status, call.end_time = "Failed", _last_seen(call)
            return len(stale)

    async def list_calls(self, wanted: CallFilter, limit: int, offset: int = 0) -> Sequence[CallRecord]:
        """Read calls, newest first."""
        query = _matching(wanted).order_by(LoggedCall.start_time.desc(), LoggedCall.id.desc())
        async with self._database.read() as session:
            calls = await session.scalars(query.limit(limit).offset(offset))
            return [_record(call) for call in calls]

    async def by_ids(self, ids: Sequence[str]) -> Sequence[CallRecord]:
        """Read the calls that have one of these ids, oldest first."""
        query = select(LoggedCall).where(LoggedCall.id.in_(ids)).order_by(LoggedCall.start_time, LoggedCall.id)
        async with self._database.read() as session:
            return [_record(call) for call in await session.scalars(query)]

    async def unanswered(self, since: datetime | None = None) -> AsyncGenerator[UnansweredTurn, None]:
        """Stream what callers were not told, oldest call first; `since` as CallFilter.start_from.

        Reads some calls at a time, each time in a transaction of its own: a log of any length neither fills the
        memory nor keeps SQLite from shortening its write-ahead log.
        """
        wanted = _matching(CallFilter(start_from=since)).where(LoggedCall.transcript_json.contains(UNKNOWN_MARK))
        wanted = wanted.order_by(LoggedCall.start_time, LoggedCall.id).limit(_CALLS_AT_ONCE)
        place = tuple_(LoggedCall.start_time, LoggedCall.id)
        page = wanted
        while True:
            async with self._database.read() as session:
                calls = (await session.scalars(page)).all()
            for call in calls:
                for turn in unanswered_turns(call.id, call.start_time, call.transcript_json):
                    yield turn
            if len(calls) < _CALLS_AT_ONCE:
                return
            page = wanted.where(place > (calls[-1].start_time, calls[-1].id))

    @staticmethod
    async def _existing(session: AsyncSession, call_id: CallId) -> LoggedCall:
        call = await session.get(LoggedCall, call_id)
        if call is None:
            raise StoreError(f"звонка {call_id} нет в журнале звонков: не удалось записать его начало, см. ошибки выше")
        return call


def _matching(wanted: CallFilter) -> Select[LoggedCall]:
    query = select(LoggedCall)
    if wanted.q:
        q = wanted.q.lower()
        query = query.where(
            or_(
                LoggedCall.id == wanted.q,
                func.lower(LoggedCall.caller_id).contains(q, autoescape=True),
                func.said(LoggedCall.transcript_json, q),
            )
        )
    if wanted.start_from is not None:
        query = query.where(LoggedCall.start_time >= wanted.start_from.isoformat(timespec="seconds"))
    if wanted.start_before is not None:
        query = query.where(LoggedCall.start_time < wanted.start_before.isoformat(timespec="seconds"))
    if wanted.status:
        query = query.where(func.lower(LoggedCall.status) == wanted.status.lower())
    return query


def _last_seen(call: LoggedCall) -> str:
    turns = load_turns(call.transcript_json)
    moment = parse_local(str(turns[-1].get("timestamp"))) if turns else None
    return moment.isoformat(timespec="seconds") if moment else call.start_time


def _record(call: LoggedCall) -> CallRecord:
    return CallRecord(
        id=call.id,
        caller_id=call.caller_id,
        start_time=call.start_time,
        end_time=call.end_time,
        status=call.status,
        transcript_json=call.transcript_json,
    )
