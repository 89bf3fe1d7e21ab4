"""Calls as clients get them. Existing clients rely on every name in CallRow and Deleted."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from voxbot.admin.pagination import Page
from voxbot.admin.views import View
from voxbot.domain.dialogue import Intent, KbName, Speaker

_TRANSCRIPT = '[{"speaker": "user", "text": "где вы находитесь", "timestamp": "2026-03-01T14:05:12.300"}]'

Sort: TypeAlias = Literal["start", "-start", "duration", "-duration", "caller", "-caller"]
"""`-` in front: largest first."""
CallKb: TypeAlias = Literal["general", "tech", "both", "none"]
"""Which bases a call was answered from."""


class CallRow(View, title="Один звонок"):
    """One call."""

    id: str = Field(examples=["1772362800.42"])
    caller_id: str = Field(alias="callerId", examples=["+79161234567"])
    start_time: str = Field(alias="startTime", description="Местное время", examples=["2026-03-01T14:05:09"])
    end_time: str | None = Field(
        alias="endTime", description="null, пока звонок идёт", examples=["2026-03-01T14:07:30"]
    )
    status: str = Field(description="Active, Completed, Transferred или Failed", examples=["Completed"])
    transcript_json: str = Field(description="Реплики по порядку: массив JSON в строке", examples=[_TRANSCRIPT])


class Ticket(View, title="Пропуск для одного скачивания"):
    """A ticket."""

    ticket: str = Field(description="Параметр ticket ссылки", examples=["kq3X0c9b6uQ1rV2mZ8sYt5nB7eLw4aGd"])
    valid_s: int = Field(description="Сколько он годен, с", examples=[60])


class Deleted(View, title="Журнал очищен"):
    """The log was emptied."""

    status: Literal["ok"] = "ok"
    deleted: int = Field(description="Сколько звонков удалено", examples=[128])


class CallSummary(View, title="Звонок в списке"):
    """One call in a list."""

    id: str = Field(examples=["1772362800.42"])
    caller: str = Field(description="Номер звонящего", examples=["+79161234567"])
    start_time: str = Field(description="Местное время", examples=["2026-03-01T14:05:09"])
    end_time: str | None = Field(description="null, пока звонок идёт", examples=["2026-03-01T14:07:30"])
    duration_s: float | None = Field(description="Секунды; null, пока звонок идёт", examples=[141.0])
    status: str = Field(description="Active, Completed, Transferred или Failed", examples=["Completed"])
    kb: CallKb = Field(description="Из каких баз знаний были ответы", examples=["tech"])
    questions: int = Field(description="Реплик звонящего", examples=[4])
    unanswered: int = Field(description="На сколько из них бот ответил «не знаю»", examples=[1])
    barge_ins: int = Field(description="Сколько раз звонящий перебил бота", examples=[0])
    excerpt: str = Field(
        description="Первые слова звонящего, а при поиске — найденное место", examples=["сколько стоит пресс на 100 кН"]
    )


class CallPage(Page[CallSummary], title="Страница звонков"):
    """Calls in the order asked for."""

    total: int = Field(
        description="Сколько звонков подходит; дальше 10 000, а при поиске 1000, не считается", examples=[128]
    )
    total_is_exact: bool = Field(description="false: звонков больше, чем в total", examples=[True])


class SourceView(View, title="Фрагмент базы знаний, на который опирался ответ"):
    """A passage that an answer came from."""

    chunk_id: str = Field(examples=["9f2c51d0a7b3"])
    score: float | None = Field(description="Сходство от 0 до 1; null у звонков прежних версий", examples=[0.83])
    kb: KbName | None = Field(description="null, если фрагмента в базах больше нет", examples=["tech"])
    title: str | None = Field(description="Заголовок фрагмента", examples=["Разрывная машина РЭМ-100"])
    text: str | None = Field(description="Текст фрагмента", examples=["Наибольшая нагрузка 100 кН."])


class TurnView(View, title="Реплика"):
    """One turn of a call."""

    speaker: Speaker = Field(examples=["bot"])
    text: str = Field(description="Что услышано: слова звонящего или часть ответа", examples=["Мы на Ленина"])
    at: str = Field(description="Местное время с миллисекундами", examples=["2026-03-01T14:05:12.300"])
    offset_s: float | None = Field(description="Секунды от начала звонка", examples=[3.3])
    raw: str | None = Field(default=None, description="Звонящий: до нормализации", examples=["сто килоньютон"])
    planned: str | None = Field(
        default=None, description="Бот: весь ответ, если прозвучал не весь", examples=["Мы на Ленина, пять."]
    )
    cut: bool = Field(default=False, description="Бот: звонящий его перебил", examples=[True])
    kb: KbName | None = Field(default=None, description="Бот: из какой базы ответ", examples=["general"])
    known: bool | None = Field(default=None, description="Бот: false, если он сказал, что не знает", examples=[True])
    intent: Intent | None = Field(default=None, description="Бот: просьба, которую он выполнил", examples=[None])
    model: str | None = Field(default=None, description="Бот: чем составлен ответ", examples=["gpt-4o-mini"])
    sources: list[SourceView] = Field(default_factory=list[SourceView])
    ms: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="Миллисекунды этапов: endpoint, asr, asr_wait, embed, search, first_token, total, tts_first_audio, "
        "response",
        examples=[{"embed": 12.3, "search": 1.4, "first_token": 310.0, "tts_first_audio": 90.0, "response": 640.0}],
    )


class RecordingView(View, title="Запись разговора"):
    """Where the sound of a call is."""

    url: str = Field(examples=["/api/calls/1772362800.42/recording"])
    peaks_url: str = Field(examples=["/api/calls/1772362800.42/recording/peaks"])
    duration_s: float = Field(examples=[141.2])
    bytes: int = Field(examples=[4518444])


class CallDetails(CallSummary, title="Звонок целиком"):
    """Everything known of a call."""

    reason: str | None = Field(
        description="Чем кончился: caller_hangup, goodbye, silence, operator, unanswered, too_long, staff (завершён в "
        "панели), stopped, error",
        examples=["caller_hangup"],
    )
    detail: str = Field(description="Подробность сбоя, если он был", examples=[""])
    longest_dead_air_ms: float | None = Field(
        description="Дольше всего звонящий ждал бота в тишине, мс", examples=[410.0]
    )
    turns: list[TurnView]
    recording: RecordingView | None = Field(description="null, если разговор не записан")


class TraceLink(View, title="Где ход звонка через АТС"):
    """Where the exchange's side of a call is told."""

    url: str | None = Field(
        description="Страница «Детали звонка» с подписью; null: notifier об этом звонке не знает",
        examples=["http://127.0.0.1:8000/call/details/1772362800.42?e=0367&until=1773619200&sig=5c1f"],
    )


class Peaks(View, title="Огибающая записи для рисования"):
    """Peaks of both sides, each point the largest deviation within its stretch."""

    duration_s: float = Field(examples=[141.2])
    caller: list[float] = Field(description="От 0 до 1", examples=[[0.0, 0.41, 0.38]])
    bot: list[float] = Field(description="От 0 до 1", examples=[[0.62, 0.0, 0.1]])


class IndexingState(View, title="Готовность поиска по старым звонкам"):
    """How far the calls of an older log can be searched."""

    done: int = Field(description="Сколько звонков уже находится по словам", examples=[120000])
    total: int = Field(examples=[120000])
