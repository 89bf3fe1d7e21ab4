"""`voxbot models`: local models, put together from installed packages and checked."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from voxbot.main.context import print_json
from voxbot.providers.models import CATALOGUE, Model, fetch, find_model, inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

app = typer.Typer(help="Локальные модели: собрать, проверить.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")]

_STATES = {"ready": "готова", "missing": "нет", "damaged": "повреждена"}
_MEGABYTE = 1_000_000


@app.command("fetch")
def fetch_models(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Модель; без имени все")] = None,
    force: Annotated[bool, typer.Option("--force", help="Собрать заново, даже если она цела")] = False,
    as_json: AsJson = False,
) -> None:
    """Собрать модели из установленных пакетов и сверить контрольные суммы."""
    models_dir: Path = ctx.obj.settings.paths.models_dir
    wanted = [find_model(name)] if name else list(CATALOGUE.values())
    with _progress(wanted) as on_bytes:
        fetched = {model.name: fetch(model, models_dir, force=force, on_bytes=on_bytes) for model in wanted}
    if as_json:
        print_json([_described(model, models_dir) | {"fetched": fetched[model.name]} for model in wanted])
        return
    for model in wanted:
        done = "собрана" if fetched[model.name] else "уже была"
        print(f"{model.name}: {done}, контрольные суммы верны, {model.folder(models_dir)}")


@app.command("list")
def list_models(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Показать модели и целы ли их файлы."""
    models_dir: Path = ctx.obj.settings.paths.models_dir
    rows = [_described(model, models_dir) for model in CATALOGUE.values()]
    if as_json:
        print_json(rows)
        return
    for model, row in zip(CATALOGUE.values(), rows, strict=True):
        size_mb = model.size_bytes / _MEGABYTE
        print(f"{model.name}: {_STATES[str(row['state'])]}, {size_mb:.0f} МБ, {model.purpose}\n  {row['folder']}")


def _described(model: Model, models_dir: Path) -> dict[str, object]:
    return {
        "name": model.name,
        "purpose": model.purpose,
        "origin": model.origin,
        "state": inspect(model, models_dir),
        "folder": str(model.folder(models_dir)),
        "size_bytes": model.size_bytes,
        "files": {file.name: file.sha256 for file in model.files},
    }


@contextmanager
def _progress(models: list[Model]) -> Generator[Callable[[int], None]]:
    """Show a bar of bytes with the time left on stderr."""
    columns = (TextColumn("Модели"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=sum(model.size_bytes for model in models))
        yield lambda count: bar.advance(task, count)
