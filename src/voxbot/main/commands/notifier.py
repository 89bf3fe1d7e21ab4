"""`voxbot notifier`: the unit, and the commands that say who gets which calls."""

from __future__ import annotations

import typer

from voxbot.main.commands import notifier_roster
from voxbot.main.context import run, start_logging

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
        run(unit.run(ctx.obj.settings))
