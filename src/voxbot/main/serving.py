"""How a unit serves HTTP: the port taken first, one line when it is ready, requests under way finished at the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from voxbot.domain.errors import ConfigError, PortBusyError

if TYPE_CHECKING:
    from collections.abc import Generator

_GRACE_S = 5
"""How long requests under way may go on after the stop signal."""
_KEEP_ALIVE_S = 75
"""A connection closed just as a host posts its next event loses that event: hosts do not repeat."""
_BACKLOG = 2048
"""Connections that may wait to be accepted: what an enterprise's host posts must not be refused in a burst."""
_WS_MAX_BYTES = 256 * 1024
"""Of a websocket: sound comes in a tenth of that, a question in a hundredth."""


class Server(uvicorn.Server):
    """Uvicorn that leaves the process's signals alone and says when it is ready."""

    def __init__(
        self,
        app: Any,
        unit: str,
        listening: socket.socket,
        *,
        stopping: asyncio.Event | None = None,
        ws_max_bytes: int = _WS_MAX_BYTES,
    ) -> None:
        """Serve the ASGI application `app` on `listening`, which stays the caller's to close.

        `stopping` is set when the server begins to go down: streams without an end of their own must end by it, or
        the server waits for them. A websocket message above `ws_max_bytes` closes its websocket.
        """
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            ws="websockets-sansio",
            ws_max_size=ws_max_bytes,
        )
        super().__init__(config)
        self._stopping = stopping
        self._unit = unit
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
        """Begin to accept connections and print `ready <unit> <address>`."""
        await super().startup(sockets)
        if self.started:
            print(f"ready {self._unit} {address(self._listening)}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams end, then what is under way."""
        if self._stopping:
            self._stopping.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the unit."""
        yield


def listen(prefix: str, host: str, port: int) -> socket.socket:
    """Take the port before anything else is opened; the settings are `prefix`_HOST and `prefix`_PORT.

    Raises PortBusyError, and ConfigError for an address that is not this machine's.
    """
    where = f"{prefix}_HOST={host} {prefix}_PORT={port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: no host name at all, such as `a..b`
        raise ConfigError(f"{where}: узел не найден; укажите в {prefix}_HOST адрес этой машины") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Linux lets several sockets bind with SO_REUSEADDR: only listening really takes the port.
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusyError(
                f"{where}: порт занят другой программой; остановите её (`ss -ltnp 'sport = :{port}'` "
                f"покажет какую) или укажите другой {prefix}_PORT"
            ) from error
        raise ConfigError(
            f"{where}: не удалось открыть порт ({error.strerror}); укажите в {prefix}_HOST адрес этой машины, "
            f"а в {prefix}_PORT порт от 1024"
        ) from error
    return listening


def address(listening: socket.socket) -> str:
    """The address of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
