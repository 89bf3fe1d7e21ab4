"""Unit `api`: serves the HTTP API."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from voxbot.admin.app import create_app
from voxbot.main.lifecycle import until_stopped
from voxbot.main.serving import Server, listen
from voxbot.store.database import open_database

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings


async def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or cancellation.

    Prints `ready api <address>` on stdout once connections are accepted. Raises PortBusyError, ConfigError for
    an address that cannot be listened on, StoreError.
    """
    with contextlib.closing(listen("API", settings.api.host, settings.api.port)) as listening:
        async with open_database(settings.paths.db_path) as database:
            server = Server(create_app(settings, database), "api", listening)
            await until_stopped(server.serve_until_cancelled())
