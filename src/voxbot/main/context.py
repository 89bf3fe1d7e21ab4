"""What every command gets: the settings, and one way to run, to print JSON and to fail."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop

from voxbot.domain.errors import AriAuthError, ConfigError, KnowledgeError, StoreError, VoxbotError
from voxbot.main.lifecycle import end_with_supervisor, supervised
from voxbot.main.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from voxbot.settings.schema import Settings
    from voxbot.settings.snapshot import SettingsSource

T = TypeVar("T")

EXIT_FAILED = 1
EXIT_BAD_SETUP = 2


@dataclass(frozen=True, slots=True)
class Context:
    """The `ctx.obj` of every Typer command."""

    source: SettingsSource
    env_file: Path | None
    warnings: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings that the command started with."""
        return self.source.current


def start_logging(context: Context, unit: str) -> None:
    """Log as a unit does, and tell what looks wrong in the settings."""
    end_with_supervisor()
    configure_logging(context.settings, unit)
    if not supervised():  # `voxbot up` has said it already
        for warning in context.warnings:
            print(f"voxbot: {warning}", file=sys.stderr)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def print_json(document: object) -> None:
    """Print one JSON document, or one line of a `--batch`, on stdout."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


def exit_code(error: VoxbotError) -> int:
    """2 where the operator must put something right first, 1 for everything else."""
    bad_setup = ConfigError | KnowledgeError | StoreError | AriAuthError
    must_act = isinstance(error, bad_setup) and not error.retryable
    return EXIT_BAD_SETUP if must_act else EXIT_FAILED


def report(error: VoxbotError) -> int:
    """Print what an error is to an operator, a line for each mistake; return the exit status."""
    for line in str(error).splitlines():
        print(f"voxbot: {line}", file=sys.stderr, flush=True)
    return exit_code(error)
