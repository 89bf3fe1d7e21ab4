"""Knowledge bases as clients get them. Existing clients rely on KbText and Accepted's `message`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from voxbot.admin.views import Payload, View
from voxbot.domain.dialogue import KbName

MAX_QUESTIONS = 50
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class KbText(View, title="Текст базы знаний"):
    """The file as it is."""

    text: str = Field(description="Markdown", examples=["# Доставка\nДоставка\nВезём по всей России.\n"])


class Accepted(View, title="Задача принята"):
    """A job was added."""

    message: str = Field(
        examples=["Файл принят. Начался процесс обновления базы знаний. Это может занять несколько минут."]
    )
    job_id: str = Field(description="За ней можно следить", examples=["5f1c2b0e-6c1e-4f0a-9d0e-0b7d4b7f1a11"])
    job_url: str = Field(examples=["/api/jobs/5f1c2b0e-6c1e-4f0a-9d0e-0b7d4b7f1a11"])


class ChunkView(View, title="Фрагмент базы знаний"):
    """A chunk."""

    chunk_id: str = Field(examples=["9f2c51d0a7b3"])
    kb: KbName = Field(examples=["tech"])
    title: str = Field(examples=["РЭМ-100"])
    headings: list[str] = Field(description="Заголовки над ним, от общего к частному", examples=[["Машины", "РЭМ-100"]])
    text: str = Field(examples=["Наибольшая нагрузка 100 кН."])


class EmptyHeadingView(View, title="Заголовок, под которым нет текста"):
    """A heading without text."""

    line: int = Field(description="Номер строки, с 1", examples=[12])
    level: int = Field(examples=[2])
    title: str = Field(examples=["Сервис"])


class DuplicateView(View, title="Фрагменты, которые говорят почти одно и то же"):
    """Two chunks that are nearly the same."""

    first: ChunkView
    second: ChunkView
    likeness: float = Field(description="От 0.5 до 1", examples=[0.86])


class ReviewView(View, title="Что получится из текста"):
    """What a text would be as a base."""

    chunks: list[ChunkView]
    chunks_total: int = Field(examples=[48])
    added: int = Field(description="Фрагментов, которых в действующей базе нет", examples=[3])
    removed: int = Field(description="Фрагментов действующей базы, которых здесь нет", examples=[1])
    empty_headings: list[EmptyHeadingView]
    duplicates: list[DuplicateView]


class DraftView(View, title="Черновик базы знаний"):
    """A draft in a list."""

    id: str = Field(examples=["0b7d4b7f1a114f0a9d0e5f1c2b0e6c1e"])
    kb: KbName = Field(examples=["tech"])
    name: str = Field(description="Из какого файла", examples=["каталог.pdf"])
    created_at: str = Field(description="Местное время", examples=["2026-03-01T14:05:09"])


class DraftDetails(DraftView, title="Черновик базы знаний с текстом"):
    """A draft with its text."""

    text: str = Field(description="Markdown", examples=["# Доставка\nДоставка\nВезём по всей России.\n"])
    base: str | None = Field(
        description="Метка базы, поверх которой написан текст; null: ни к какой не привязан", examples=["9f2c51d0a7b3"]
    )
    base_changed: bool = Field(description="База с тех пор изменилась", examples=[False])
    review: ReviewView


class DraftText(Payload, title="Текст черновика"):
    """A text to keep."""

    text: str = Field(max_length=8_000_000, examples=["# Доставка\nВезём по всей России.\n"])


class DraftChange(DraftText, title="Новый текст черновика"):
    """A text in a draft's place."""

    base: str | None = Field(
        default=None,
        max_length=100,
        description="base прочитанного черновика: метка базы, поверх которой писалась правка; null: та же, что была",
        examples=["9f2c51d0a7b3"],
    )


class NewDraft(DraftText, title="Новый черновик"):
    """A draft to make."""

    kb: KbName = Field(examples=["tech"])
    name: str = Field(default="Правка в панели", max_length=200, examples=["Правка в панели"])


class NewSection(Payload, title="Новый раздел в конец базы знаний"):
    """A section to add."""

    kb: KbName = Field(examples=["general"])
    title: str = Field(min_length=1, max_length=200, examples=["Рассрочка"])
    text: str = Field(min_length=1, max_length=100_000, examples=["Рассрочка даётся на шесть месяцев."])


class Questions(Payload, title="Вопросы, которые надо задать черновику"):
    """Questions of a trial."""

    questions: list[Question] = Field(
        min_length=1, max_length=MAX_QUESTIONS, examples=[["сколько стоит доставка", "какая гарантия"]]
    )


class DiffView(View, title="Разница двух текстов"):
    """A unified diff."""

    diff: str = Field(description="Построчная разница в формате unified diff; пусто: тексты одинаковы", examples=[""])
    added: int = Field(description="Строк добавлено", examples=[4])
    removed: int = Field(description="Строк убрано", examples=[2])


class MeanwhileView(DiffView, title="Что изменилось в базе, пока писался черновик"):
    """What others did to the base, and the draft with that taken in."""

    merged: str = Field(
        description="Текст черновика, в который внесены эти изменения", examples=["# Доставка\nВезём.\n"]
    )
    both: int = Field(description="Мест, где изменены одни и те же строки: там стоят оба текста", examples=[0])
    base: str = Field(description="Метка нынешней базы: с ней сохраняют merged", examples=["9f2c51d0a7b3"])


class BackupView(View, title="Прежний текст базы знаний"):
    """A backup."""

    kb: KbName = Field(examples=["tech"])
    name: str = Field(examples=["knowledge_base2_2026-03-01_14-05-09.md.bak"])
    at: str = Field(description="Когда он перестал действовать, местное время", examples=["2026-03-01T14:05:09"])
    size_bytes: int = Field(examples=[48213])


class HitView(View, title="Найденный фрагмент"):
    """A hit of a search."""

    kb: KbName = Field(examples=["tech"])
    title: str = Field(examples=["РЭМ-100"])
    score: float = Field(description="Сходство от 0 до 1", examples=[0.83])
    text: str = Field(examples=["Наибольшая нагрузка 100 кН."])
    chunk_id: str = Field(examples=["9f2c51d0a7b3"])


class SearchMsView(View, title="Время поиска, мс"):
    """Milliseconds of a search."""

    embed: float = Field(examples=[9.1])
    search: float = Field(examples=[0.8])
    total: float = Field(examples=[9.9])


class SearchView(View, title="Что находит поиск"):
    """A try-out of the search."""

    question: str = Field(description="Вопрос после нормализации", examples=["машина на 100 кН"])
    route: KbName = Field(description="Какая база выбрана", examples=["tech"])
    used: KbName = Field(description="Из какой базы фрагменты", examples=["tech"])
    fallback: bool = Field(description="Спрошена и другая база: в выбранной сходство ниже порога", examples=[False])
    threshold: float = Field(description="KB_FALLBACK_THRESHOLD", examples=[0.5])
    embedding: Literal["cached", "computed", "none"] = Field(examples=["computed"])
    unknown: list[str] = Field(description="Слова вопроса, которых нет ни в одной базе", examples=[[]])
    hits: list[HitView]
    ms: SearchMsView


class NearestView(View, title="Ближайший раздел"):
    """The section nearest to a question."""

    kb: KbName = Field(examples=["general"])
    title: str = Field(examples=["Оплата"])
    score: float = Field(examples=[0.31])


class GapView(View, title="Вопросы одного смысла без ответа"):
    """A gap."""

    count: int = Field(description="Сколько раз спросили", examples=[7])
    last_at: str = Field(description="Когда в последний раз, местное время", examples=["2026-03-01T14:05:09.300"])
    examples: list[str] = Field(description="До трёх формулировок, обычная первой", examples=[["есть ли рассрочка"]])
    nearest: NearestView | None = Field(description="null: базы пусты")


class GapsView(View, title="Чего не хватает в базах знаний"):
    """Unanswered questions by meaning."""

    questions: int = Field(description="Вопросов без ответа", examples=[31])
    calls: int = Field(description="Звонков с ними", examples=[24])
    unclear: int = Field(description="Из них неразборчивых, ни к какой теме не отнесённых", examples=[2])
    groups: int = Field(description="Тем", examples=[12])
    complete: bool = Field(
        description="false: вопросов больше, чем просматривается за раз; сосчитаны последние", examples=[True]
    )
    gaps: list[GapView] = Field(description="Темы с самых частых")
