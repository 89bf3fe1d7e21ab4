"""Reading the call log: pages, counts, one call, all of them in a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from voxbot.store.call_filter import NEWEST_FIRST, Place, begun_words, keys_query
from voxbot.store.models import as_text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from voxbot.store.call_filter import CallFilter, CallOrder
    from voxbot.store.database import Database

_BATCH = 2000
_RECORD = 'l.id, l."callerId", l."startTime", l."endTime", l.status, l.transcript_json'
_FACTS = "f.key, f.duration_s, f.kb, f.questions, f.unanswered, f.barge_ins, f.reason, f.detail, f.longest_dead_air_ms"
_ROWS = text(
    f"SELECT {_RECORD} FROM call_facts f JOIN logs l ON l.id = f.call_id WHERE f.key IN :keys ORDER BY f.key DESC"
).bindparams(bindparam("keys", expanding=True))
_OF_IDS = text(f'SELECT {_RECORD} FROM logs l WHERE l.id IN :ids ORDER BY l."startTime", l.id').bindparams(
    bindparam("ids", expanding=True)
)
_LISTED = f"SELECT {_RECORD}, {_FACTS} FROM call_facts f JOIN logs l ON l.id = f.call_id WHERE "
_LISTED_KEYS = text(_LISTED + "f.key IN :keys").bindparams(bindparam("keys", expanding=True))
_LISTED_ID = text(_LISTED + "f.call_id = :id")


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
class ListedCall:
    """One call with what was counted of its dialogue; `duration_s` is None while it lasts."""

    record: CallRecord
    key: int
    duration_s: float | None
    kb: str
    questions: int
    unanswered: int
    barge_ins: int
    reason: str | None
    detail: str
    longest_dead_air_ms: float | None


class CallLists:
    """Reads calls. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def records(self, wanted: CallFilter, limit: int, offset: int = 0) -> Sequence[CallRecord]:
        """Read rows, newest first."""
        async with self._database.read() as session:
            keys = await _keys(session, wanted, NEWEST_FIRST, limit, offset=offset)
            return await _records(session, keys)

    async def by_ids(self, ids: Sequence[str]) -> Sequence[CallRecord]:
        """Read the calls that have one of these ids, oldest first."""
        async with self._database.read() as session:
            rows = await session.execute(_OF_IDS, {"ids": list(ids)})
            return [_record(row) for row in rows]

    async def stream(self, wanted: CallFilter) -> AsyncGenerator[Sequence[CallRecord], None]:
        """Read all rows, newest first, some at a time.

        Each time is a transaction of its own: a log of any length neither fills the memory nor keeps SQLite from
        shortening its write-ahead log.
        """
        after: Place | None = None
        while True:
            async with self._database.read() as session:
                keys = await _keys(session, wanted, NEWEST_FIRST, _BATCH, after=after)
                records = await _records(session, keys)
            if records:
                yield records
            if len(keys) < _BATCH:
                return
            after = Place(None, keys[-1])

    async def page(
        self, wanted: CallFilter, order: CallOrder, limit: int, after: Place | None = None
    ) -> Sequence[ListedCall]:
        """Read a page of calls in the order asked for."""
        async with self._database.read() as session:
            keys = await _keys(session, wanted, order, limit, after=after)
            rows = await session.execute(_LISTED_KEYS, {"keys": keys})
            calls = {row[6]: _listed(row) for row in rows}
        return [calls[key] for key in keys if key in calls]

    async def count(self, wanted: CallFilter, up_to: int) -> int:
        """Count calls, but not beyond `up_to`."""
        async with self._database.read() as session:
            query = keys_query(wanted, NEWEST_FIRST, up_to, begun=await begun_words(session, wanted))
            counted = await session.execute(text(f"SELECT COUNT(*) FROM ({query.sql})"), query.values)
            return int(counted.scalar_one())

    async def get(self, call_id: str) -> ListedCall | None:
        """Read one call, None if there is no such."""
        async with self._database.read() as session:
            row = (await session.execute(_LISTED_ID, {"id": call_id})).one_or_none()
        return None if row is None else _listed(row)


async def _keys(
    session: AsyncSession,
    wanted: CallFilter,
    order: CallOrder,
    limit: int,
    *,
    offset: int = 0,
    after: Place | None = None,
) -> list[int]:
    begun = await begun_words(session, wanted)
    query = keys_query(wanted, order, limit, offset=offset, after=after, begun=begun)
    return [row[0] for row in await session.execute(text(query.sql), query.values)]


async def _records(session: AsyncSession, keys: list[int]) -> Sequence[CallRecord]:
    rows = await session.execute(_ROWS, {"keys": keys})
    return [_record(row) for row in rows]


def _record(row: Any) -> CallRecord:
    call_id, caller, start, end, status, transcript = row
    return CallRecord(
        id=as_text(call_id),
        caller_id=as_text(caller),
        start_time=as_text(start),
        end_time=None if end is None else as_text(end),
        status=as_text(status),
        transcript_json="[]" if transcript is None else as_text(transcript),
    )


def _listed(row: Any) -> ListedCall:
    record, (key, duration_s, *counted) = _record(row[:6]), row[6:]
    return ListedCall(record, key, None if duration_s < 0 else float(duration_s), *counted)
