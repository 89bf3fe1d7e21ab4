"""The bot's own HTTP server: the live picture with its controls, and calls from the panel's browser."""

from __future__ import annotations

from contextlib import asynccontextmanager
from socket import SO_RCVBUF, SOL_SOCKET
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from voxbot.call.browser import BrowserCalls
from voxbot.media.browser import MAX_MESSAGE_BYTES, RATES_HZ
from voxbot.observers.live_http import live_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from voxbot.call.dispatcher import Dispatcher
    from voxbot.call.services import Services
    from voxbot.call.transfer import TransferStart
    from voxbot.observers.live import LiveCalls
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_HEARTBEAT_S = 10.0
_DEFAULT_RATE_HZ = 16_000
_MAX_CALLER_CHARS = 64
_STOP_S = 1.0
_RECEIVE_BYTES = 16 * 1024
"""A sixth of a second of sound at 48 kHz."""


class AllCalls:
    """`Controls` over the telephone's calls, which are there while a dispatcher is, and the browser's."""

    def __init__(self, browser: BrowserCalls) -> None:
        self._browser = browser
        self.dispatcher: Dispatcher | None = None
        self.addresses: tuple[str, ...] = ()
        """Where the server listens; none if it could not."""

    def hang_up(self, call_id: str) -> bool:
        """See Controls.hang_up."""
        return self._browser.hang_up(call_id) or (self.dispatcher is not None and self.dispatcher.hang_up(call_id))

    async def transfer(self, call_id: str) -> TransferStart:
        """See Controls.transfer."""
        begun = self._browser.transfer(call_id)
        if begun is not None:
            return "begun" if begun else "not_now"
        return await self.dispatcher.transfer(call_id) if self.dispatcher else "no_call"


@asynccontextmanager
async def serve_bot_http(
    services: Services, live: LiveCalls, settings: Callable[[], Settings]
) -> AsyncGenerator[AllCalls, None]:
    """Serve on BOT_HTTP_HOST and BOT_HTTP_PORT; a bot that cannot have them answers the telephone without.

    Gives the calls, which want the dispatcher when there is one.
    """
    started = settings()
    browser = BrowserCalls(services, lambda: settings().bot.browser_calls)
    calls = AllCalls(browser)
    app = live_app(live, calls, started)

    async def talk(request: web.Request) -> web.StreamResponse:
        return await _talk(request, browser)

    app.router.add_get("/talk", talk)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)
    await runner.setup()
    host, port = started.bot.host, started.bot.port
    try:
        await web.TCPSite(runner, host, port).start()
        calls.addresses = _addresses(runner)
        log.info("Панель видит живые звонки", address=", ".join(calls.addresses))
    except OSError as error:
        log.error(
            f"BOT_HTTP_HOST={host} BOT_HTTP_PORT={port}: порт не открыт, панель не увидит живых звонков; "
            "освободите его или укажите другой",
            reason=error.strerror,
        )
    try:
        yield calls
    finally:
        await browser.close()
        await runner.cleanup()


async def _talk(request: web.Request, browser: BrowserCalls) -> web.StreamResponse:
    rate = request.query.get("rate", str(_DEFAULT_RATE_HZ))
    if rate not in map(str, RATES_HZ):
        return web.json_response({"code": "bad_rate"}, status=422)
    if refusal := browser.refusal:  # before it is a websocket: the API then asks the next bot
        return web.json_response({"code": refusal}, status=503 if refusal == "full" else 409)
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES + 1, compress=False)
    await socket.prepare(request)
    _take_little_at_once(request)
    caller = request.query.get("caller", "")[:_MAX_CALLER_CHARS] or "browser"
    if not await browser.take(socket, caller=caller, rate_hz=int(rate)) and request.transport:
        request.transport.abort()  # closing in good order would read all that waits
    await socket.close()
    return socket


def _take_little_at_once(request: web.Request) -> None:
    """Bound what the system hands over in one piece: the loop reads 256 KB, which is 40 000 small messages."""
    connection = request.transport.get_extra_info("socket") if request.transport else None
    if connection is not None:
        connection.setsockopt(SOL_SOCKET, SO_RCVBUF, _RECEIVE_BYTES)


def _addresses(runner: web.AppRunner) -> tuple[str, ...]:
    return tuple(_url(*address[:2]) for address in runner.addresses)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
