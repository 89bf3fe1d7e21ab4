"""Unit `notifier`: takes call events by HTTP and keeps Telegram messages right."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI

from voxbot.main.lifecycle import until_stopped
from voxbot.main.serving import Server, listen

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings


async def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or cancellation.

    Prints `ready notifier <address>` on stdout once connections are accepted. Raises PortBusyError, ConfigError for
    an address that cannot be listened on, StoreError.
    """
    with contextlib.closing(listen("NOTIFIER", settings.notifier.host, settings.notifier.port)) as listening:
        await until_stopped(Server(FastAPI(), "notifier", listening).serve_until_cancelled())
