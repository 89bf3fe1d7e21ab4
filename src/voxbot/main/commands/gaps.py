"""`voxbot kb gaps`: what callers asked and were not told."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from voxbot.main.context import print_json, run
from voxbot.main.progress import counting

if TYPE_CHECKING:
    from datetime import datetime

    from voxbot.agent.gaps import Gap, GapReport
    from voxbot.settings.schema import Settings


def gaps(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", help="Только звонки с этой даты: 2026-03-01 или 01.03.2026")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Сколько тем показать, с самых частых")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")] = False,
) -> None:
    """Чего не хватает в базах знаний: вопросы из журнала звонков, оставшиеся без ответа, по темам."""
    start = _date(since) if since is not None else None
    report = run(_find(ctx.obj.settings, start, limit, shown=not as_json))
    if as_json:
        print_json({"since": start.isoformat() if start else None, **asdict(report)})
    else:
        _show(report, ctx.obj.settings.knowledge.fallback_threshold)


async def _find(settings: Settings, since: datetime | None, limit: int, *, shown: bool) -> GapReport:
    from voxbot.agent.gaps import find_gaps
    from voxbot.main.knowledge import open_retriever
    from voxbot.store.call_log import CallLogRepository
    from voxbot.store.database import open_database

    retriever = await open_retriever(settings)
    try:
        async with open_database(settings.paths.db_path) as database:
            with counting("Вопросы без ответа", shown=shown) as progress:
                turns = CallLogRepository(database).unanswered(since)
                return await find_gaps(turns, retriever, limit=limit, progress=progress)
    finally:
        await retriever.close()


def _date(text: str) -> datetime:
    from voxbot.store.times import parse_local

    moment = parse_local(text)
    if moment is None:
        raise typer.BadParameter(f"«{text}» не дата; нужно 2026-03-01 или 01.03.2026", param_hint="--since")
    return moment


def _show(report: GapReport, threshold: float) -> None:
    if not report.questions:
        print("Вопросов без ответа в журнале звонков нет.")
        return
    print(f"Вопросов без ответа {report.questions}, звонков с ними {report.calls}, тем {report.groups}.")
    if report.unclear:
        print(f"Из них неразборчивых {report.unclear}: они ни к какой теме не отнесены.")
    for number, gap in enumerate(report.gaps, 1):
        print(f"\n{number}. Спросили {_times(gap.count)}, последний — {_moment(gap.last_at)}")
        for example in gap.examples:
            print(f"   «{example}»")
        print(f"   {_advice(gap, threshold)}")
    if report.groups > len(report.gaps):
        print(f"\nПоказаны {len(report.gaps)} самых частых; остальные: --limit {min(report.groups, 1000)}")


def _advice(gap: Gap, threshold: float) -> str:
    if gap.nearest is None:
        return "Базы знаний пусты."
    section = f"«{gap.nearest.title}» ({gap.nearest.kb}, сходство {gap.nearest.score:.2f})"
    if gap.nearest.score >= threshold:
        return f"Похоже, ответа не хватает в разделе {section}"
    return f"Подходящего раздела нет, ближе всего {section}"


def _times(count: int) -> str:
    from voxbot.text.numbers import plural_case

    return f"{count} {'раза' if plural_case(count, 'nomn') == ('gent', False) else 'раз'}"


def _moment(at: str) -> str:
    from voxbot.store.times import parse_local

    moment = parse_local(at)
    return f"{moment:%d.%m.%Y %H:%M}" if moment else at
