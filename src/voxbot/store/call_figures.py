"""The call log in numbers: sums and percentiles over a period, read from what is kept beside `logs`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from voxbot.domain.ids import BROWSER_PREFIX
from voxbot.store.keys import MAX_KEY, NUMBER_BITS, key_from, second_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voxbot.store.database import Database

_HOUR_S = 3600
SAMPLED_CALLS = 20_000
"""Stages of more calls are read of an even sample: their percentiles differ by less than calls do."""
_CAUSES = 50

_CALLERS = f"substr(call_id, 1, {len(BROWSER_PREFIX)}) <> '{BROWSER_PREFIX}'"
"""Staff who try the bot from the panel are no callers."""

_HOURS = text(
    f"""
    SELECT (key >> {NUMBER_BITS}) / {_HOUR_S} AS hour, COUNT(*), SUM(MAX(duration_s, 0)),
        SUM(status = 'Active'), SUM(status = 'Completed'), SUM(status = 'Transferred'), SUM(status = 'Failed'),
        SUM(questions), SUM(answered_general), SUM(answered_tech), SUM(unanswered), SUM(barge_ins)
    FROM call_facts WHERE key >= :start AND key < :end AND {_CALLERS} GROUP BY hour ORDER BY hour
    """
)
_DURATIONS = text(
    f"""
    SELECT duration_s, COUNT(*) FROM call_facts
    WHERE key >= :start AND key < :end AND duration_s >= 0 AND {_CALLERS} GROUP BY duration_s ORDER BY duration_s
    """
)
_ENDINGS = text(
    f"""
    SELECT reason, CASE WHEN reason = 'error' THEN detail ELSE '' END AS why, status, COUNT(*) AS calls
    FROM call_facts WHERE key >= :start AND key < :end AND status <> 'Active' AND {_CALLERS}
    GROUP BY reason, why, status ORDER BY calls DESC LIMIT {_CAUSES}
    """
)
_STAFF = f"SELECT key FROM call_facts WHERE call_id >= '{BROWSER_PREFIX}' AND call_id < '{BROWSER_PREFIX[:-1]}.'"
_COUNT_STAGES = text(f"SELECT COUNT(*) FROM call_stages WHERE key >= :start AND key < :end AND key NOT IN ({_STAFF})")
_STAGES = text(
    f"""
    SELECT key, stages FROM call_stages
    WHERE key >= :start AND key < :end AND (((key >> {NUMBER_BITS}) * 2654435761 + key) >> 8) % :every = 0
        AND key NOT IN ({_STAFF})
    """
)


@dataclass(frozen=True, slots=True)
class HourSums:
    """Sums over the calls that began within one hour; `hour` counts from 1970, local as if UTC."""

    hour: int
    calls: int
    seconds: int
    active: int
    completed: int
    transferred: int
    failed: int
    questions: int
    answered_general: int
    answered_tech: int
    unanswered: int
    barge_ins: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How many calls ended so; `reason` is None for calls that an older bot logged."""

    reason: str | None
    detail: str
    status: str
    calls: int


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Milliseconds by day (local days since 1970) and stage, of `calls` calls."""

    calls: int
    by_day: Mapping[int, Mapping[str, Sequence[float]]]


class CallFigures:
    """Sums over a period: from `start` until before `end`, naive local times, None at the end of time.

    Every method raises StoreError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hours(self, start: datetime, end: datetime | None) -> Sequence[HourSums]:
        """Sum up every hour that had a call, in order."""
        async with self._database.read() as session:
            return [HourSums(*row) for row in await session.execute(_HOURS, _keys(start, end))]

    async def durations(self, start: datetime, end: datetime | None) -> Sequence[tuple[int, int]]:
        """Count calls by their seconds, shortest first; those that last are not counted."""
        async with self._database.read() as session:
            return [(row[0], row[1]) for row in await session.execute(_DURATIONS, _keys(start, end))]

    async def endings(self, start: datetime, end: datetime | None) -> Sequence[Ending]:
        """Count calls by how they ended, most first."""
        async with self._database.read() as session:
            return [Ending(*row) for row in await session.execute(_ENDINGS, _keys(start, end))]

    async def stages(self, start: datetime, end: datetime | None, sample: int = SAMPLED_CALLS) -> StageTimes:
        """Collect the times of stages, of about `sample` calls if there are more."""
        keys = _keys(start, end)
        async with self._database.read() as session:
            calls = (await session.execute(_COUNT_STAGES, keys)).scalar_one()
            every = max(1, calls // sample)
            rows = (await session.execute(_STAGES, {**keys, "every": every})).all()
        return await asyncio.to_thread(_stage_times, [(row[0], row[1]) for row in rows])


def _keys(start: datetime, end: datetime | None) -> dict[str, int]:
    return {"start": key_from(start), "end": MAX_KEY if end is None else key_from(end)}


def _stage_times(rows: Sequence[tuple[int, str]]) -> StageTimes:
    by_day: dict[int, dict[str, list[float]]] = {}
    for key, stages in rows:
        day = by_day.setdefault(second_of(key) // (24 * _HOUR_S), {})
        for stage, times in json.loads(stages).items():
            day.setdefault(stage, []).extend(times)
    return StageTimes(len(rows), by_day)
