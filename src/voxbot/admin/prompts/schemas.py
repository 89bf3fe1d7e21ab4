"""Prompts as clients get and send them. Existing clients rely on the three names of PromptTexts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxbot.admin.pagination import Page
from voxbot.admin.views import Payload, View

_MAX_CHARS = 100_000
_GREETING = "Здравствуйте! | Чем могу помочь?"
_CONTEXTUALIZE = "Перепиши вопрос так, чтобы он был понятен без разговора."
_QA = "Отвечай только по справке.\n\n{context}"


class PromptTexts(View, title="Приветствие и промпты"):
    """The three texts."""

    greeting: str = Field(examples=[_GREETING])
    contextualize_q_system_prompt: str = Field(examples=[_CONTEXTUALIZE])
    qa_system_prompt: str = Field(description="Содержит {context}: место найденной справки", examples=[_QA])


class PromptsChange(Payload, extra="ignore", title="Новые тексты; пропущенные остаются прежними"):
    """Texts to save; those left out stay."""

    greeting: str | None = Field(default=None, max_length=_MAX_CHARS, examples=[_GREETING])
    contextualize_q_system_prompt: str | None = Field(default=None, max_length=_MAX_CHARS, examples=[_CONTEXTUALIZE])
    qa_system_prompt: str | None = Field(default=None, max_length=_MAX_CHARS, examples=[_QA])


class PromptProblem(View, title="Что не так с одним из текстов"):
    """What is wrong with one text."""

    field: str = Field(examples=["qa_system_prompt"])
    severity: Literal["error", "warning"] = Field(description="error: такой текст не сохранится", examples=["error"])
    text: str = Field(examples=["Нет {context}: впишите его туда, где место найденной справке."])


class PromptsCheck(View, title="Проверка текстов без сохранения"):
    """What a check found."""

    ok: bool = Field(description="Тексты можно сохранить", examples=[False])
    problems: list[PromptProblem]


class PromptVersion(View, title="Сохранённая версия промптов"):
    """One version of the history."""

    id: str = Field(examples=["20260301-140509-123456"])
    saved_at: str = Field(description="Местное время", examples=["2026-03-01T14:05:09"])
    current: bool = Field(description="Совпадает с действующими промптами", examples=[False])
    changed: list[str] = Field(description="Какие тексты отличаются от предыдущей версии", examples=[["greeting"]])


class PromptHistory(Page[PromptVersion], title="Сохранённые версии промптов, новые сверху"):
    """The history, newest first."""


class DiffLine(View, title="Строка сравнения"):
    """One line of a comparison."""

    op: Literal["same", "added", "removed"] = Field(examples=["added"])
    text: str = Field(examples=["Отвечай коротко."])


class PromptDiff(View, title="Сравнение одного текста с действующим"):
    """How one text of an old version differs from the one in force."""

    field: str = Field(examples=["qa_system_prompt"])
    lines: list[DiffLine] = Field(description="removed: есть только в действующем, added: только в этой версии")


class PromptVersionDetails(PromptVersion, title="Версия промптов целиком"):
    """One version with its texts."""

    texts: PromptTexts
    diff: list[PromptDiff] = Field(description="Только тексты, которые отличаются от действующих")
