"""`voxbot kb`: build the index, and look into it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxbot.main.commands import gaps
from voxbot.main.commands.batch import read_questions
from voxbot.main.context import print_json, run
from voxbot.main.progress import index_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.knowledge.search import SearchResult
    from voxbot.settings.schema import Settings

app = typer.Typer(help="База знаний: построить индекс, проверить поиск, найти пробелы.", no_args_is_help=True)
app.command()(gaps.gaps)


class Base(StrEnum):
    """A knowledge base, on the command line."""

    general = "general"
    tech = "tech"


class BaseOrAuto(StrEnum):
    """The same, or whichever the router chooses."""

    general = "general"
    tech = "tech"
    auto = "auto"


AsJson = Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")]


@app.command()
def build(
    ctx: typer.Context,
    kb: Annotated[Base | None, typer.Option("--kb", help="Только эта база; другая берётся из прежнего индекса")] = None,
    as_json: AsJson = False,
) -> None:
    """Построить индекс рядом с действующим и переключиться на него."""
    from voxbot.main.knowledge import build_index

    with index_progress(shown=not as_json) as progress:
        report = run(build_index(ctx.obj.settings, progress, only=kb.value if kb else None))
    if as_json:
        seconds = round(report.seconds, 2)
        print_json({"documents": dict(report.documents), "seconds": seconds, "version": report.version})
    else:
        print(
            f"Индекс построен: general {report.documents['general']}, tech {report.documents['tech']} фрагментов, "
            f"новых векторов {report.embedded} из {report.passages}, {report.seconds:.1f} с"
        )


@app.command()
def search(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(help="Вопрос, как его произносят")] = None,
    batch: Annotated[Path | None, typer.Option("--batch", help='Файл со строками {"q": ...}')] = None,
    kb: Annotated[BaseOrAuto, typer.Option("--kb", help="Где искать")] = BaseOrAuto.auto,
    k: Annotated[int | None, typer.Option("--k", min=1, max=20, help="Сколько фрагментов")] = None,
    as_json: AsJson = False,
) -> None:
    """Найти фрагменты, отвечающие на вопрос."""
    if (question is None) == (batch is None):
        raise typer.BadParameter("нужен либо вопрос, либо --batch ФАЙЛ")
    questions = [question] if question is not None else read_questions(batch or Path())
    run(_search(ctx.obj.settings, questions, kb, k, _show_json if as_json else _show_text))


async def _search(
    settings: Settings, questions: list[str], kb: BaseOrAuto, k: int | None, show: Callable[[SearchResult], None]
) -> None:
    from voxbot.main.knowledge import open_retriever

    retriever = await open_retriever(settings)
    try:
        for question in questions:
            show(await retriever.search(question, kb=kb.value, k=k))
    finally:
        await retriever.close()


def _show_json(result: SearchResult) -> None:
    document = asdict(result)
    del document["unknown"]  # not in the contract of `kb search`
    document["ms"] = {stage: round(value, 2) for stage, value in document["ms"].items()}
    for hit in document["hits"]:
        hit["score"] = round(hit["score"], 4)
        del hit["above"]  # not in the contract of `kb search`
    print_json(document)


def _show_text(result: SearchResult) -> None:
    other = " (по запасной базе)" if result.used != result.route else ""
    words = ", только по словам: модель эмбеддингов не ответила" if result.embedding == "none" else ""
    print(f"База: {result.used}{other}, {result.ms.total:.0f} мс{words}")
    for hit in result.hits:
        print(f"\n[{hit.score:.2f}] {hit.title}\n{hit.whole}")
