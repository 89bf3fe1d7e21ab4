"""Live calls as clients get them."""

from __future__ import annotations

from pydantic import Field

from voxbot.admin.views import View
from voxbot.domain.dialogue import KbName, Speaker
from voxbot.domain.events import CallKind, CallPhase, Stage


class LiveTurnView(View, title="Реплика идущего звонка"):
    """A turn."""

    speaker: Speaker = Field(examples=["user"])
    text: str = Field(examples=["сколько стоит доставка"])
    at: float = Field(description="Секунды от 1970 года", examples=[1772362812.3])
    kb: KbName | None = Field(examples=[None])
    known: bool | None = Field(description="Бот: false, если он сказал, что не знает", examples=[None])
    cut: bool = Field(description="Бот: звонящий его перебил", examples=[False])
    ms: dict[str, float] = Field(description="Миллисекунды этапов", examples=[{"endpoint": 736.0, "asr": 210.0}])


class LiveCallView(View, title="Идущий звонок"):
    """A call under way."""

    id: str = Field(examples=["1772362800.42"])
    caller: str = Field(examples=["+79161234567"])
    kind: CallKind = Field(description="phone, browser или simulated", examples=["phone"])
    started_at: float = Field(description="Секунды от 1970 года", examples=[1772362809.0])
    phase: CallPhase = Field(
        description="greeting, listening, endpointing (пауза), thinking, speaking или ending", examples=["thinking"]
    )
    phase_since: float = Field(description="Секунды от 1970 года", examples=[1772362812.3])
    caller_speaks: bool = Field(examples=[False])
    bot_speaks: bool = Field(examples=[False])
    partial: str = Field(description="Что расслышано из реплики, которая ещё не закончена", examples=["сколько стоит"])
    stage: Stage | None = Field(
        description="Чего ждёт ответ: endpoint, asr, search, answer или tts; null: ответ не готовится",
        examples=["answer"],
    )
    stage_since: float = Field(description="Секунды от 1970 года", examples=[1772362812.4])
    stages: dict[str, float] = Field(
        description="Миллисекунды пройденных этапов", examples=[{"endpoint": 736.0, "asr": 210.0, "search": 11.0}]
    )
    turns: list[LiveTurnView] = Field(description="Последние 12 реплик")


class BotState(View, title="Бот"):
    """A bot and whether it answers."""

    bot: str = Field(examples=["http://127.0.0.1:9464"])
    ok: bool = Field(examples=[True])
    detail: str = Field(examples=[""])


class LiveState(View, title="Идущие звонки"):
    """All calls under way."""

    calls: list[LiveCallView]
    bots: list[BotState]
    now: float = Field(description="Часы сервера: с ними сравниваются времена", examples=[1772362812.9])


class Done(View, title="Сделано"):
    """It is done."""

    message: str = Field(examples=["Звонок завершён."])
