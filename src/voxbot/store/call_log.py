"""The call log's repository: writes calls with all that is made from them. Reading: store/call_lists.py."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, text

from voxbot.domain.errors import StoreError
from voxbot.domain.ids import BROWSER_PREFIX, CHAT_PREFIX
from voxbot.store.call_figures import CallFigures
from voxbot.store.call_filter import CallFilter, CallOrder, Place
from voxbot.store.call_lists import CallLists, CallRecord, ListedCall
from voxbot.store.derived import FORGET_ALL
from voxbot.store.facts import STATEMENTS, derive
from voxbot.store.keys import key_from
from voxbot.store.models import CallFacts, LoggedCall
from voxbot.store.times import local_text, parse_local
from voxbot.store.transcript import TranscriptTurn, dump_turns, load_turns
from voxbot.store.unanswered import UNKNOWN_MARK, asked_turns, unanswered_turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from voxbot.domain.events import CallStatus, EndReason
    from voxbot.domain.ids import CallId
    from voxbot.store.database import Database
    from voxbot.store.unanswered import AskedTurn, UnansweredTurn

__all__ = ["CallFilter", "CallLogRepository", "CallOrder", "CallRecord", "ListedCall", "Place"]

_CALLS_AT_ONCE = 200
_MAY_LACK = or_(CallFacts.unanswered > 0, and_(text("pending"), LoggedCall.transcript_json.contains(UNKNOWN_MARK)))
"""Of calls that are still pending nothing is counted yet."""


class CallLogRepository:
    """Reads and writes calls. Every method raises StoreError. `at` is seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lists = CallLists(database)
        self.figures = CallFigures(database)
        self.list_calls = self.lists.records
        self.by_ids = self.lists.by_ids
        self._begun: dict[str, tuple[str, float]] = {}
        """Caller and start of the calls under way here: the log may be emptied while they last."""

    async def start(self, call_id: CallId, caller: str, at: float) -> None:
        """Write a new active call. One that is already there becomes active again and keeps its dialogue."""
        self._begun[call_id] = (caller, at)
        async with self._database.write() as session:
            call = await session.get(LoggedCall, call_id)
            if call is not None:
                call.status, call.end_time = "Active", None
            else:
                call = _new(call_id, caller, at)
                session.add(call)
            await _follow(session, call)

    async def append_turn(self, call_id: CallId, turn: TranscriptTurn) -> None:
        """Add one turn to the call's dialogue."""
        async with self._database.write() as session:
            call = await self._existing(session, call_id)
            call.transcript_json = dump_turns([*load_turns(call.transcript_json), turn])
            await _follow(session, call)

    async def finish(
        self,
        call_id: CallId,
        status: CallStatus,
        at: float,
        *,
        reason: EndReason | None = None,
        detail: str = "",
        longest_dead_air_ms: float | None = None,
    ) -> None:
        """Close a call; `reason` and what follows are as in domain/events.CallEnded."""
        async with self._database.write() as session:
            call = await self._existing(session, call_id)
            call.status, call.end_time = status, local_text(at)
            ending = {"reason": reason, "detail": detail, "dead_air_ms": longest_dead_air_ms}
            await _follow(session, call, ending=ending)
        self._begun.pop(call_id, None)

    async def close_stale(self, *, chats: bool = False) -> int:
        """Close as Failed what a bot that died left Active; return how many. For the start of the only bot.

        Conversations by text are the API's: they may be under way when a bot starts. With `chats` just they are closed.
        Such a call ends where its dialogue ends, for nobody saw its real end.
        """
        async with self._database.write() as session:
            is_chat = LoggedCall.id.startswith(CHAT_PREFIX)
            active = select(LoggedCall).where(LoggedCall.status == "Active", is_chat if chats else ~is_chat)
            stale = (await session.scalars(active)).all()
            for call in stale:
                call.status, call.end_time = "Failed", _last_seen(call)
            if stale:
                await _follow(session, *stale)
            return len(stale)

    async def delete_all(self) -> int:
        """Delete every call; return how many there were."""
        async with self._database.write() as session:
            calls = (await session.execute(select(func.count()).select_from(LoggedCall))).scalar_one()
            for statement in FORGET_ALL:
                await session.execute(text(statement))
            return calls

    async def follow_pending(self, limit: int = _CALLS_AT_ONCE) -> int:
        """Make what search and figures need of calls that another program wrote, newest first; return how many."""
        pending = select(LoggedCall).join(CallFacts, CallFacts.call_id == LoggedCall.id).where(text("pending"))
        async with self._database.read() as session:  # most often there are none, and then nobody is kept from writing
            if (await session.execute(pending.with_only_columns(CallFacts.key).limit(1))).first() is None:
                return 0
        async with self._database.write() as session:
            calls = (await session.scalars(pending.order_by(CallFacts.key.desc()).limit(limit))).all()
            await _follow(session, *calls)
            return len(calls)

    async def count_pending(self) -> tuple[int, int]:
        """Count the calls that `follow_pending` has still to do, and all calls."""
        async with self._database.read() as session:
            pending = await session.execute(select(func.count()).select_from(CallFacts).where(text("pending")))
            total = await session.execute(select(func.count()).select_from(CallFacts))
            return pending.scalar_one(), total.scalar_one()

    async def unanswered(
        self, since: datetime | None = None, before: datetime | None = None, *, newest_first: bool = False
    ) -> AsyncGenerator[UnansweredTurn, None]:
        """Stream what callers were not told, oldest call first.

        `since` as CallFilter.start_from, `before` as start_before.

        Staff who try the bot from the panel are no callers, here as in the figures.
        Reads some calls at a time, each time in a transaction of its own: a log of any length neither fills the
        memory nor keeps SQLite from shortening its write-ahead log.
        """
        wanted = select(LoggedCall, CallFacts.key).join(CallFacts, CallFacts.call_id == LoggedCall.id)
        wanted = wanted.where(_MAY_LACK, ~LoggedCall.id.startswith(BROWSER_PREFIX))
        if since is not None:
            wanted = wanted.where(CallFacts.key >= key_from(since))
        if before is not None:
            wanted = wanted.where(CallFacts.key < key_from(before))
        key = CallFacts.key
        wanted = wanted.order_by(key.desc() if newest_first else key).limit(_CALLS_AT_ONCE)
        page = wanted
        while True:
            async with self._database.read() as session:
                calls = (await session.execute(page)).all()
            for call, _ in calls:
                for turn in unanswered_turns(call.id, call.start_time, call.transcript_json):
                    yield turn
            if len(calls) < _CALLS_AT_ONCE:
                return
            last: int = calls[-1][1]
            page = wanted.where(key < last if newest_first else key > last)

    async def asked(self, wanted: CallFilter, limit: int) -> AsyncGenerator[AskedTurn, None]:
        """Stream what callers asked, newest call first, the turns of a call together, at most about `limit` turns.

        Staff who try the bot from the panel are no callers.
        """
        taken = 0
        async with aclosing(self.lists.stream(wanted)) as pages:
            async for records in pages:
                for record in records:
                    if record.id.startswith(BROWSER_PREFIX):
                        continue
                    for turn in asked_turns(record.id, record.start_time, record.transcript_json):
                        taken += 1
                        yield turn
                    if taken >= limit:
                        return

    async def _existing(self, session: AsyncSession, call_id: CallId) -> LoggedCall:
        call = await session.get(LoggedCall, call_id)
        if call is None and call_id in self._begun:  # the log was emptied meanwhile: what is said from now on is kept
            call = _new(call_id, *self._begun[call_id])
            session.add(call)
        if call is None:
            raise StoreError(f"звонка {call_id} нет в журнале звонков: не удалось записать его начало, см. ошибки выше")
        return call


def _new(call_id: str, caller: str, at: float) -> LoggedCall:
    return LoggedCall(
        id=call_id, caller_id=caller, start_time=local_text(at), end_time=None, status="Active", transcript_json="[]"
    )


async def _follow(session: AsyncSession, *calls: LoggedCall, ending: dict[str, Any] | None = None) -> None:
    """Bring what is made from calls in step with them, in the same transaction."""
    await session.flush()
    of_id = select(CallFacts.call_id, CallFacts.key).where(CallFacts.call_id.in_([call.id for call in calls]))
    keys: dict[str, int] = {row[0]: row[1] for row in await session.execute(of_id)}
    # In a thread: a new word form takes 0.1 ms, the dictionary 0.2 s once.
    derived = await asyncio.to_thread(lambda: [derive(keys[call.id], call, ending) for call in calls])
    for statement in STATEMENTS:
        if rows := [row for row in map(statement.rows, derived) if row]:
            await session.execute(text(statement.sql), rows)
    words = json.dumps(sorted({word for call in derived for word in call.vocabulary}))
    await session.execute(
        text("INSERT OR IGNORE INTO search_words SELECT value FROM json_each(:words)"), {"words": words}
    )


def _last_seen(call: LoggedCall) -> str:
    turns = load_turns(call.transcript_json)
    moment = parse_local(str(turns[-1].get("timestamp"))) if turns else None
    return moment.isoformat(timespec="seconds") if moment else call.start_time
