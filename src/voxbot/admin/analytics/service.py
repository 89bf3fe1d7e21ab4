"""Figures of a period, put together for drawing."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import numpy as np

from voxbot.admin.analytics.schemas import (
    Analytics,
    CauseView,
    DayView,
    HourView,
    StageDay,
    StageView,
    Topics,
    TopicView,
    Totals,
)
from voxbot.admin.problems import ApiError
from voxbot.admin.text import readable, shortened
from voxbot.agent.topics import find_topics
from voxbot.store.call_log import CallFilter
from voxbot.store.times import parse_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxbot.admin.parts import Parts
    from voxbot.agent.topics import Topic
    from voxbot.store.call_figures import Ending, HourSums, StageTimes

_USUAL_DAYS = 30
_MOST_DAYS = 3660
_EPOCH = date(1970, 1, 1)
_MOST_QUESTIONS = 3000
_BUDGET_S = 8.0

STAGES = {
    "response": "От конца речи до начала ответа",
    "endpoint": "Пауза, по которой ясно, что звонящий договорил",
    "asr": "Распознавание",
    "asr_wait": "Ожидание распознавания после паузы",
    "embed": "Эмбеддинг вопроса",
    "search": "Поиск по базам знаний",
    "first_token": "Первое слово языковой модели",
    "total": "Ответ целиком",
    "tts_first_audio": "Первый звук синтеза",
}
_REASONS = {
    "caller_hangup": "Звонящий положил трубку",
    "goodbye": "Попрощались",
    "silence": "Звонящий молчал",
    "operator": "Перевод на оператора",
    "staff": "Завершён из панели",
    "unanswered": "Оператор не ответил",
    "too_long": "Предел длины звонка",
    "stopped": "Бот остановлен",
    "error": "Сбой",
}
_STATUSES = {"completed": "Завершён", "transferred": "Переведён", "failed": "Сбой"}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both inclusive."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime(self.first.year, self.first.month, self.first.day)  # noqa: DTZ001 - the log holds local time

    @property
    def end(self) -> datetime | None:
        """The first moment after it; None at the end of time."""
        if self.last == date.max:
            return None
        after = self.last + timedelta(days=1)
        return datetime(after.year, after.month, after.day)  # noqa: DTZ001

    @property
    def days(self) -> Sequence[date]:
        """Every day, in order."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


def period(date_from: str, date_to: str, today: date) -> Period:
    """Understand a period; without a beginning it has 30 days, without an end it ends today. Raises ApiError (422)."""
    last = _day("date_to", date_to) or max(today, _day("date_from", date_from) or today)
    first = _day("date_from", date_from) or last - min(timedelta(days=_USUAL_DAYS - 1), last - date.min)
    if first > last:
        raise _refused("date_from: позже, чем date_to")
    if (last - first).days >= _MOST_DAYS:
        raise _refused("период не может быть длиннее десяти лет")
    return Period(first, last)


async def analytics(parts: Parts, asked: Period) -> Analytics:
    """Put the figures of a period together."""
    figures, start, end = parts.calls.figures, asked.start, asked.end
    hours, durations, ends, stages = await asyncio.gather(
        figures.hours(start, end),
        figures.durations(start, end),
        figures.endings(start, end),
        figures.stages(start, end),
    )
    endings = [_cause(ending) for ending in ends]
    return Analytics(
        date_from=asked.first.isoformat(),
        date_to=asked.last.isoformat(),
        totals=_totals(hours, durations),
        by_day=_days(hours, asked),
        by_hour=_hours(hours),
        stages=_stages(stages),
        stage_trend=_trend(stages),
        stage_calls=stages.calls,
        endings=_summed(endings),
        failures=[_cause(ending) for ending in ends if ending.status.lower() == "failed"],
    )


async def topics(parts: Parts, asked: Period, limit: int) -> Topics:
    """Group what callers asked in a period by meaning. Raises KnowledgeError, ProviderError."""
    retriever = await parts.retriever()
    wanted = CallFilter(start_from=asked.start, start_before=asked.end)
    turns = parts.calls.asked(wanted, _MOST_QUESTIONS)
    found = await find_topics(turns, retriever, limit=limit, budget_s=_BUDGET_S)
    return Topics(
        questions=found.questions,
        calls=found.calls,
        complete=found.complete and found.questions < _MOST_QUESTIONS,
        groups=found.groups,
        top=[_topic(topic) for topic in found.top],
        unanswered=[_topic(topic) for topic in found.unanswered],
    )


def _totals(hours: Sequence[HourSums], durations: Sequence[tuple[int, int]]) -> Totals:
    seconds = sum(hour.seconds for hour in hours)
    ended = sum(count for _, count in durations)
    return Totals(
        calls=sum(hour.calls for hour in hours),
        minutes=round(seconds / 60, 1),
        mean_s=round(seconds / ended, 1) if ended else None,
        p95_s=_percentile_of(durations, ended * 95 / 100) if ended else None,
        active=sum(hour.active for hour in hours),
        completed=sum(hour.completed for hour in hours),
        transferred=sum(hour.transferred for hour in hours),
        failed=sum(hour.failed for hour in hours),
        questions=sum(hour.questions for hour in hours),
        answered_general=sum(hour.answered_general for hour in hours),
        answered_tech=sum(hour.answered_tech for hour in hours),
        unanswered=sum(hour.unanswered for hour in hours),
        barge_ins=sum(hour.barge_ins for hour in hours),
    )


def _percentile_of(counted: Sequence[tuple[int, int]], rank: float) -> float:
    """Take the value at a rank (the nearest above) of values that are counted, least first."""
    passed = 0
    for value, count in counted:
        passed += count
        if passed >= rank:
            return float(value)
    return float(counted[-1][0])


def _days(hours: Sequence[HourSums], asked: Period) -> list[DayView]:
    by_day: dict[date, list[HourSums]] = {day: [] for day in asked.days}
    for hour in hours:
        by_day[_EPOCH + timedelta(days=hour.hour // 24)].append(hour)
    return [
        DayView(
            day=day.isoformat(),
            calls=sum(hour.calls for hour in own),
            minutes=round(sum(hour.seconds for hour in own) / 60, 1),
            transferred=sum(hour.transferred for hour in own),
            failed=sum(hour.failed for hour in own),
            unanswered=sum(hour.unanswered for hour in own),
        )
        for day, own in by_day.items()
    ]


def _hours(hours: Sequence[HourSums]) -> list[HourView]:
    calls, seconds = Counter[int](), Counter[int]()
    for hour in hours:
        calls[hour.hour % 24] += hour.calls
        seconds[hour.hour % 24] += hour.seconds
    return [HourView(hour=hour, calls=calls[hour], minutes=round(seconds[hour] / 60, 1)) for hour in range(24)]


def _stages(times: StageTimes) -> list[StageView]:
    found: list[StageView] = []
    for stage, label in STAGES.items():
        values = [value for day in times.by_day.values() for value in day.get(stage, ())]
        if values:
            p50, p95, p99 = _percentiles(values, (50, 95, 99))
            found.append(StageView(stage=stage, label=label, count=len(values), p50_ms=p50, p95_ms=p95, p99_ms=p99))
    return found


def _trend(times: StageTimes) -> list[StageDay]:
    found: list[StageDay] = []
    for number in sorted(times.by_day):
        for stage in STAGES:
            if values := times.by_day[number].get(stage):
                p50, p95 = _percentiles(values, (50, 95))
                day = (_EPOCH + timedelta(days=number)).isoformat()
                found.append(StageDay(day=day, stage=stage, count=len(values), p50_ms=p50, p95_ms=p95))
    return found


def _percentiles(values: Sequence[float], wanted: Iterable[int]) -> list[float]:
    return [round(float(value), 1) for value in np.percentile(values, list(wanted))]


def _cause(ending: Ending) -> CauseView:
    status = ending.status.lower()
    reason = ending.reason or ("error" if status == "failed" else status)
    label = _REASONS.get(reason) or _STATUSES.get(reason) or readable(ending.status)
    return CauseView(
        reason=readable(reason), label=label, detail=shortened(readable(ending.detail), 200), calls=ending.calls
    )


def _summed(causes: Sequence[CauseView]) -> list[CauseView]:
    """Count by reason alone."""
    calls = Counter[tuple[str, str]]()
    for cause in causes:
        calls[cause.reason, cause.label] += cause.calls
    return [
        CauseView(reason=reason, label=label, detail="", calls=count) for (reason, label), count in calls.most_common()
    ]


def _topic(topic: Topic) -> TopicView:
    nearest = topic.nearest
    return TopicView(
        count=topic.count,
        last_at=readable(topic.last_at),
        examples=[readable(example) for example in topic.examples],
        unanswered=topic.unanswered,
        kb=nearest.kb if nearest else None,
        title=nearest.title if nearest else None,
        score=nearest.score if nearest else None,
    )


def _day(name: str, text: str) -> date | None:
    if not text.strip():
        return None
    moment = parse_local(text)
    if moment is None:
        raise _refused(f"{name}: «{shortened(text, 50)}» не похоже на дату; напишите 2026-03-01")
    return moment.date()


def _refused(reason: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_period", f"{reason[0].upper()}{reason[1:]}.")
