"""The call log in numbers."""

from __future__ import annotations

from pydantic import Field

from voxbot.admin.views import View
from voxbot.domain.dialogue import KbName


class Totals(View, title="Итоги за период"):
    """Sums over a period."""

    calls: int = Field(examples=[128])
    minutes: float = Field(examples=[304.5])
    mean_s: float | None = Field(description="Средняя длительность, с", examples=[142.7])
    p95_s: float | None = Field(description="95-й процентиль длительности, с", examples=[371.0])
    active: int = Field(examples=[1])
    completed: int = Field(examples=[110])
    transferred: int = Field(examples=[14])
    failed: int = Field(examples=[3])
    questions: int = Field(description="Реплик звонящих", examples=[512])
    answered_general: int = Field(description="Ответов из общей базы", examples=[240])
    answered_tech: int = Field(description="Ответов из технической базы", examples=[201])
    unanswered: int = Field(description="Ответов «не знаю»", examples=[31])
    barge_ins: int = Field(description="Сколько раз бота перебили", examples=[44])


class DayView(View, title="Один день"):
    """One day."""

    day: str = Field(examples=["2026-03-01"])
    calls: int = Field(examples=[42])
    minutes: float = Field(examples=[98.2])
    transferred: int = Field(examples=[5])
    failed: int = Field(examples=[0])
    unanswered: int = Field(examples=[9])


class HourView(View, title="Час суток, по всем дням периода"):
    """One hour of the day."""

    hour: int = Field(ge=0, le=23, examples=[14])
    calls: int = Field(examples=[19])
    minutes: float = Field(examples=[40.1])


class StageView(View, title="Этап ответа: процентили времени"):
    """Latency of one stage."""

    stage: str = Field(examples=["response"])
    label: str = Field(examples=["От конца речи до начала ответа"])
    count: int = Field(examples=[480])
    p50_ms: float = Field(examples=[620.0])
    p95_ms: float = Field(examples=[1180.0])
    p99_ms: float = Field(examples=[1650.0])


class StageDay(View, title="Этап ответа за один день"):
    """Latency of one stage on one day."""

    day: str = Field(examples=["2026-03-01"])
    stage: str = Field(examples=["response"])
    count: int = Field(examples=[48])
    p50_ms: float = Field(examples=[600.0])
    p95_ms: float = Field(examples=[1100.0])


class CauseView(View, title="Причина, по которой звонки кончились"):
    """Why calls ended."""

    reason: str = Field(examples=["error"])
    label: str = Field(examples=["Сбой"])
    detail: str = Field(description="У сбоев: что сломалось", examples=["asr"])
    calls: int = Field(examples=[2])


class Analytics(View, title="Журнал звонков в числах"):
    """A period in numbers."""

    date_from: str = Field(description="Первый день периода", examples=["2026-02-01"])
    date_to: str = Field(description="Последний день периода", examples=["2026-03-01"])
    totals: Totals
    by_day: list[DayView] = Field(description="Каждый день периода, и без звонков тоже")
    by_hour: list[HourView] = Field(description="Все 24 часа")
    stages: list[StageView]
    stage_trend: list[StageDay]
    stage_calls: int = Field(
        description="По скольким звонкам посчитаны этапы; за долгий период это выборка", examples=[127]
    )
    endings: list[CauseView] = Field(description="Чем кончились звонки")
    failures: list[CauseView] = Field(description="Только сбои, частые сверху")


class TopicView(View, title="Вопросы одного смысла"):
    """Questions of one meaning."""

    count: int = Field(examples=[17])
    last_at: str = Field(description="Когда спросили в последний раз", examples=["2026-03-01T14:05:12.300"])
    examples: list[str] = Field(description="Как спрашивали, частое сверху", examples=[["сколько стоит поверка"]])
    unanswered: int = Field(description="Сколько раз бот не знал ответа", examples=[2])
    kb: KbName | None = Field(description="Ближайшая база знаний", examples=["general"])
    title: str | None = Field(description="Ближайший раздел", examples=["Поверка"])
    score: float | None = Field(description="Сходство с ним от 0 до 1", examples=[0.81])


class Topics(View, title="О чём спрашивают"):
    """What callers ask."""

    questions: int = Field(description="Сколько вопросов учтено", examples=[480])
    calls: int = Field(examples=[120])
    complete: bool = Field(description="false: учтены только последние вопросы периода", examples=[True])
    groups: int = Field(description="Сколько всего тем", examples=[63])
    top: list[TopicView] = Field(description="Самые частые темы")
    unanswered: list[TopicView] = Field(description="Темы, в которых бот чаще всего не знал ответа")
