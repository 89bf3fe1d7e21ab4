"""The command line: `voxbot --help`.

Modules that load engines are imported by the command that needs them: `voxbot --help` stays instant.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from voxbot import __version__
from voxbot.domain.errors import VoxbotError, first_error
from voxbot.domain.events import BotTurn, CallerTurn, CallEvent
from voxbot.main.commands import agent, agent_tests, dev, kb, models, notifier
from voxbot.main.context import Context, print_json, report, run, start_logging
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import DEFAULT_ENV_FILE, load_settings
from voxbot.settings.snapshot import SettingsSource

app = typer.Typer(
    name="voxbot",
    help="VoxBot: телефонный помощник для Asterisk, отвечает по вашей базе знаний.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(agent.app)
app.add_typer(agent_tests.app)
app.add_typer(kb.app, name="kb")
app.add_typer(models.app, name="models")
app.add_typer(dev.app, name="dev")
app.add_typer(notifier.app, name="notifier")


def _show_version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback()
def setup(
    ctx: typer.Context,
    env: Annotated[Path | None, typer.Option("--env", help="Файл с переменными вместо ./.env")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Показать версию и выйти")
    ] = False,
) -> None:
    """Read the settings that every command starts with."""
    warnings: list[str] = []
    source = SettingsSource(lambda: load_settings(env, warnings=warnings), env or DEFAULT_ENV_FILE)
    ctx.obj = Context(source, env, tuple(warnings))
    configure_logging(source.current, "cli")
    # A command prints its result; beside it only what went wrong. Units log everything, see start_logging.
    logging.getLogger().setLevel(max(logging.WARNING, logging.getLogger().level))


@app.command()
def bot(ctx: typer.Context) -> None:
    """Отвечать на звонки (процесс metrotech-bot)."""
    from voxbot.main import voice

    start_logging(ctx.obj, "bot")
    run(voice.run(ctx.obj.source))


@app.command()
def api(ctx: typer.Context) -> None:
    """Журнал звонков и HTTP API (процесс metrotech-fastapi)."""
    from voxbot.main import admin

    start_logging(ctx.obj, "fastapi")
    run(admin.run(ctx.obj.source))


@app.command()
def up(ctx: typer.Context) -> None:
    """Запустить всё сразу на одной машине."""
    from voxbot.main import up as supervisor

    start_logging(ctx.obj, "up")
    raise typer.Exit(run(supervisor.run(ctx.obj.settings, ctx.obj.env_file)))


@app.command()
def simulate(
    ctx: typer.Context,
    wav: Annotated[list[Path], typer.Option("--wav", help="Что говорит звонящий; можно несколько раз, по порядку")],
    out: Annotated[Path | None, typer.Option("--out", help="Запись разговора: слева звонящий, справа бот")] = None,
    caller: Annotated[str, typer.Option("--caller", help="Номер звонящего для журнала")] = "simulated",
    as_json: Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")] = False,
) -> None:
    """Звонок без Asterisk через тот же конвейер: что бот услышал, что сказал и когда."""
    from voxbot.main.simulate import simulate as run_simulation

    start_logging(ctx.obj, "simulate")
    tell = _ignore_event if as_json else _print_event
    result = run(run_simulation(ctx.obj.source, wav, out, caller=caller, tell=tell))
    if as_json:
        print_json(result)
    elif out:
        print(f"Запись: {out}")


def _ignore_event(_event: CallEvent) -> None:
    pass


def _print_event(event: CallEvent) -> None:
    match event:
        case CallerTurn():
            print(f"  Звонящий: {event.text}", flush=True)
        case BotTurn():
            response = f"   [{event.ms['response']:.0f} мс]" if "response" in event.ms else ""
            print(f"  Бот: {event.text}{'…' if event.cut else ''}{response}", flush=True)
        case _:
            pass


def main() -> None:
    """Run the command; an error of ours is one line and a status, never a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BaseException as error:
        ours = first_error(error)
        if not isinstance(ours, VoxbotError):
            raise
        sys.exit(report(ours))
