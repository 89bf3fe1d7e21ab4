"""Unit `api`: serves the HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING

import uvicorn

from voxbot.admin.app import create_app
from voxbot.domain.errors import ConfigError, PortBusyError
from voxbot.main.api_parts import open_parts
from voxbot.main.lifecycle import until_stopped

if TYPE_CHECKING:
    from collections.abc import Generator

    from voxbot.admin.parts import Parts
    from voxbot.settings.schema import ApiSettings
    from voxbot.settings.snapshot import SettingsSource

_GRACE_S = 5
"""How long requests under way may go on after the stop signal."""
_MAX_MESSAGE_BYTES = 256 * 1024
"""Of a websocket: a longer one closes it. Sound comes in a tenth of that, a question in a hundredth."""


async def run(source: SettingsSource) -> None:
    """Serve until SIGTERM, SIGINT or cancellation.

    Prints `ready api <address>` on stdout once connections are accepted. Raises PortBusyError, ConfigError for
    an address that cannot be listened on, StoreError.
    """
    settings = source.current
    with contextlib.closing(listen(settings.api)) as listening:
        async with open_parts(source) as parts:
            await until_stopped(Server(parts, listening).serve_until_cancelled())


class Server(uvicorn.Server):
    """Uvicorn that leaves the process's signals alone and says when it is ready."""

    def __init__(self, parts: Parts, listening: socket.socket) -> None:
        """Serve on a socket that listens already."""
        config = uvicorn.Config(
            create_app(parts),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            ws="websockets-sansio",
            ws_max_size=_MAX_MESSAGE_BYTES,
        )
        super().__init__(config)
        self._stopping = parts.stopping
        self._listening = listening

    async def serve_until_cancelled(self) -> None:
        """Serve; on cancellation finish the requests under way, then raise CancelledError."""
        serving = asyncio.create_task(self.serve([self._listening]))
        try:
            await asyncio.wait({serving})
        finally:
            self.should_exit = True
            await asyncio.wait({serving})
        serving.result()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        if self.started:
            print(f"ready api {_address(self._listening)}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams end, then what is under way."""
        self._stopping.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to whoever runs the unit."""
        yield


def listen(api: ApiSettings) -> socket.socket:
    """Take the port before anything else is opened."""
    where = f"API_HOST={api.host} API_PORT={api.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            api.host, api.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: no host name at all, such as `a..b`
        raise ConfigError(f"{where}: узел не найден; укажите в API_HOST адрес этой машины") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Linux lets several sockets bind with SO_REUSEADDR: only listening really takes the port.
        listening.listen()
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusyError(
                f"{where}: порт занят другой программой; остановите её (`ss -ltnp 'sport = :{api.port}'` "
                "покажет какую) или укажите другой API_PORT"
            ) from error
        raise ConfigError(
            f"{where}: не удалось открыть порт ({error.strerror}); укажите в API_HOST адрес этой машины, "
            "а в API_PORT порт от 1024"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
