"""Unit `api`: serves the HTTP API."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from voxbot.admin.app import create_app
from voxbot.main.api_parts import open_parts
from voxbot.main.lifecycle import until_stopped
from voxbot.main.serving import Server, listen

if TYPE_CHECKING:
    from voxbot.settings.snapshot import SettingsSource


async def run(source: SettingsSource) -> None:
    """Serve until SIGTERM, SIGINT or cancellation.

    Prints `ready api <address>` on stdout once connections are accepted. Raises PortBusyError, ConfigError for
    an address that cannot be listened on, StoreError.
    """
    api = source.current.api
    with contextlib.closing(listen("API", api.host, api.port)) as listening:
        async with open_parts(source) as parts:
            server = Server(create_app(parts), "api", listening, stopping=parts.stopping)
            await until_stopped(server.serve_until_cancelled())
