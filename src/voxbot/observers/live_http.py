"""The bot's own small HTTP server, for the API beside it: `/live`, its controls, and what `main` adds.

It is for programs of this system, not for browsers: a page that a member of staff happens to have open must not get
at it. So a request is refused that a browser sends for a page (`Origin`, `Sec-Fetch-Site`), or that names the
machine by a foreign name (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from voxbot.observers.live import now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voxbot.observers.live import LiveCalls
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_COALESCE_S = 0.1
"""Pictures come at most so often: staff do not read faster."""
_KEEP_ALIVE_S = 10.0
_KEY_HEADER = "X-API-Key"


class Controls(Protocol):
    """What staff can do to a live call."""

    def hang_up(self, call_id: str) -> bool:
        """End the call; False if there is no such call."""
        ...

    def transfer(self, call_id: str) -> bool | None:
        """Pass the caller on to a person; False if that cannot be done now, None if there is no such call."""
        ...


def live_app(live: LiveCalls, controls: Controls, settings: Callable[[], Settings]) -> web.Application:
    """Make the application; its caller serves it."""
    app = web.Application(middlewares=[_guard(settings)])
    routes = _Routes(live, controls)
    app.router.add_get("/live", routes.live)
    app.router.add_post("/live/{call_id}/hangup", routes.hang_up)
    app.router.add_post("/live/{call_id}/transfer", routes.transfer)
    app.on_shutdown.append(routes.stop)
    return app


class _Routes:
    def __init__(self, live: LiveCalls, controls: Controls) -> None:
        self._live = live
        self._controls = controls
        self._streams: set[asyncio.Task[Any]] = set()

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Send the picture, then each call that has changed, until the client goes away."""
        if task := asyncio.current_task():
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        with self._live.following() as follower, suppress(ConnectionError):
            await answer.prepare(request)
            await answer.write(_event("snapshot", {"calls": self._live.snapshot()}))
            while not _is_gone(request):
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        changed = await follower.changes()
                except TimeoutError:
                    await answer.write(b": still here\n\n")
                    continue
                for call_id, end in changed.items():
                    picture = None if end else self._live.picture(call_id)
                    if picture:
                        await answer.write(_event("call", {"call": picture}))
                    elif end:
                        ended = {"id": end.id, "status": end.status, "reason": end.reason}
                        await answer.write(_event("ended", ended))
                await asyncio.sleep(_COALESCE_S)
        return answer

    async def stop(self, _app: web.Application) -> None:
        """End the streams: a server that goes down would wait for them."""
        for task in tuple(self._streams):
            task.cancel()

    async def hang_up(self, request: web.Request) -> web.Response:
        """End a call."""
        return _done() if self._controls.hang_up(request.match_info["call_id"]) else _no_call()

    async def transfer(self, request: web.Request) -> web.Response:
        """Pass a caller on."""
        begun = self._controls.transfer(request.match_info["call_id"])
        if begun is None:
            return _no_call()
        return _done() if begun else _problem(HTTPStatus.CONFLICT, "not_now")


def _guard(settings: Callable[[], Settings]) -> Any:
    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        current = settings()
        if _is_from_a_page(request, current.bot.host):
            return _problem(HTTPStatus.FORBIDDEN, "browser")
        # Reading tells what callers say: on an open address it takes the key, too.
        if request.method != "GET" or not current.bot.is_loopback:
            expected = current.api.secret_key
            if expected is None:
                return _problem(HTTPStatus.FORBIDDEN, "key_not_configured")
            given = request.headers.get(_KEY_HEADER, "")
            if not hmac.compare_digest(given.encode(errors="replace"), expected.get_secret_value().encode()):
                return _problem(HTTPStatus.UNAUTHORIZED, "key_wrong")
        return await handler(request)

    return guard


def _is_from_a_page(request: web.Request, own_host: str) -> bool:
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        return True
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        if host in ("localhost", own_host):
            return False
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _event(name: str, document: dict[str, Any]) -> bytes:
    data = json.dumps({**document, "now": now()}, ensure_ascii=False)
    return f"event: {name}\ndata: {data}\n\n".encode()


def _done() -> web.Response:
    return web.json_response({"ok": True})


def _no_call() -> web.Response:
    return _problem(HTTPStatus.NOT_FOUND, "no_call")


def _problem(status: HTTPStatus, code: str) -> web.Response:
    return web.json_response({"code": code}, status=status)
