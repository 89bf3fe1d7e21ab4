"""`voxbot test-agent`: cases in, pass or fail with the reason out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxbot.domain.errors import ConfigError
from voxbot.main.commands.agent import open_agent
from voxbot.main.context import EXIT_FAILED, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.agent.agent import Searcher
    from voxbot.ops.agent_tests.cases import Case
    from voxbot.ops.agent_tests.judge import LlmJudge
    from voxbot.ops.agent_tests.running import Result
    from voxbot.settings.schema import Settings

app = typer.Typer()

_MARKS = {"passed": "✓", "failed": "✗", "xfailed": "~", "xpassed": "!"}


@app.command("test-agent")
def check_agent(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Файлы или папки с проверками; без них tests/agent/cases/*.yaml")
    ] = None,
    judged: Annotated[
        bool, typer.Option("--judge", help="Прошедшие ответы оценивает ещё и языковая модель (нужен OPENAI_API_KEY)")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")] = False,
) -> None:
    """Проверить ответы агента: что прошло, что нет и почему."""
    from voxbot.ops.agent_tests.cases import find_files, read_cases

    cases = read_cases(find_files(files or []))
    started = time.perf_counter()
    results = run(_run(ctx.obj.settings, cases, judged=judged, shown=not as_json))
    seconds = time.perf_counter() - started
    if as_json:
        print_json(_document(results, seconds))
    else:
        _show_summary(results, seconds)
    if any(result.outcome == "failed" for result in results):
        raise typer.Exit(EXIT_FAILED)


async def _run(settings: Settings, cases: Sequence[Case], *, judged: bool, shown: bool) -> list[Result]:
    from voxbot.ops.agent_tests.running import run_case

    results: list[Result] = []
    async with open_agent(settings) as opened:
        judge = _judge(settings, opened.searcher) if judged else None
        for number, case in enumerate(cases, 1):
            result = await run_case(opened.agent, case, judge, opened.normalize)
            results.append(result)
            if shown:
                _show(result, f"[{number}/{len(cases)}]")
    return results


def _judge(settings: Settings, searcher: Searcher) -> LlmJudge:
    from voxbot.main.agent import language_models
    from voxbot.ops.agent_tests.judge import LlmJudge

    models = language_models(settings)
    if not models:
        raise ConfigError("--judge: языковая модель не настроена; задайте OPENAI_API_KEY или OPENAI_BASE_URL")
    return LlmJudge(models[0], searcher)


def _show(result: Result, number: str) -> None:
    case = result.case
    print(f"{number} {_MARKS[result.outcome]} {case.name}", flush=True)
    if result.outcome == "xpassed":
        print(f"      проходит, уберите xfail: {case.file}:{case.line}", flush=True)
    if result.outcome != "failed":
        return
    print(f"      {case.file}:{case.line}", flush=True)
    for failure in result.failures:
        print(f"      {failure}", flush=True)
    for turn in result.turns:
        print(f"      — {turn.q}\n      — {turn.answer}", flush=True)


def _show_summary(results: Sequence[Result], seconds: float) -> None:
    counts = _counts(results)
    known = f", известных неудач {counts['xfailed']}" if counts["xfailed"] else ""
    fixed = f", лишних xfail {counts['xpassed']}" if counts["xpassed"] else ""
    print(
        f"\nПроверок {len(results)}: прошло {counts['passed'] + counts['xpassed']}, "
        f"не прошло {counts['failed']}{known}{fixed}; {seconds:.1f} с"
    )


def _counts(results: Sequence[Result]) -> dict[str, int]:
    return {outcome: sum(result.outcome == outcome for result in results) for outcome in _MARKS}


def _document(results: Sequence[Result], seconds: float) -> dict[str, Any]:
    return {
        "total": len(results),
        **_counts(results),
        "seconds": round(seconds, 2),
        "cases": [
            {
                "name": result.case.name,
                "file": result.case.file,
                "line": result.case.line,
                "outcome": result.outcome,
                "xfail": result.case.xfail or None,
                "failures": list(result.failures),
                "turns": [
                    {
                        "q": turn.q,
                        "answer": turn.answer,
                        "kb": turn.info.kb,
                        "known": turn.info.known,
                        "intent": turn.info.intent,
                        "model": turn.info.model,
                        "ms": dict(turn.info.ms),
                    }
                    for turn in result.turns
                ],
            }
            for result in results
        ],
    }
