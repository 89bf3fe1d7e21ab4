"""`voxbot notifier`: the unit, and the commands that say who gets which calls."""

from __future__ import annotations

from typing import Annotated

import typer

from voxbot.main.commands import notifier_roster
from voxbot.main.context import run, start_logging
from voxbot.main.lifecycle import die_with_parent
from voxbot.main.logs import configure_logging

app = typer.Typer(
    help="Звонки АТС в Telegram: без команды — процесс metrotech-notifier, с командой — кто что получает.",
    invoke_without_command=True,
)
app.add_typer(notifier_roster.enterprises, name="enterprises")
app.add_typer(notifier_roster.users, name="users")


@app.callback()
def notifier(ctx: typer.Context) -> None:
    """Run the unit, unless a command follows."""
    if ctx.invoked_subcommand is None:
        from voxbot.main import notifier as unit

        start_logging(ctx.obj, "notifier")
        run(unit.run(ctx.obj.settings, ctx.obj.env_file))


@app.command(hidden=True)
def worker(
    ctx: typer.Context, own_url: Annotated[str, typer.Option("--own-url", help="Адрес, на котором слушает служба")]
) -> None:
    """Второй процесс службы; она запускает его сама."""
    die_with_parent()

    from voxbot.main import notifier_worker

    configure_logging(ctx.obj.settings, "notifier")
    run(notifier_worker.run(ctx.obj.settings, own_url))
