"""The bot's own small HTTP server, for the API beside it: `/live`, its controls, and what `main` adds.

It is for programs of this system, not for browsers: a page that a member of staff happens to have open must not get
at it. So a request is refused that a browser sends for a page (`Origin`, `Sec-Fetch-Site`), or that names the
machine by a foreign name (DNS rebinding) and has no key: no such page has it.

Whoever watches shares the loop with the calls' sound: pictures are sent a few at a time, the loop goes round between.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from contextlib import suppress
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from voxbot.observers.live import now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from voxbot.domain.ids import CallId
    from voxbot.observers.live import Follower, LiveCalls, LiveEnd
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_COALESCE_S = 0.1
"""Pictures come at most so often: staff do not read faster."""
_KEEP_ALIVE_S = 10.0
_NOT_READ_S = 10.0
_AT_ONCE = 8
"""Pictures in one piece: 5 KB and about 20 us of the loop each."""
_MAX_STREAMS = 20
"""The API has one, whoever watches it."""
_KEY_HEADER = "X-API-Key"


class Controls(Protocol):
    """What staff can do to a live call."""

    def hang_up(self, call_id: str) -> bool:
        """End the call; False if there is no such call."""
        ...

    async def transfer(self, call_id: str) -> Literal["begun", "not_now", "no_operator", "no_call"]:
        """Begin to pass the caller on to a person."""
        ...


def live_app(live: LiveCalls, controls: Controls, started: Settings) -> web.Application:
    """Make the application; its caller serves it at the address of `started`, the settings at the start."""
    app = web.Application(middlewares=[_guard(started)])
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
        if len(self._streams) >= _MAX_STREAMS:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "too_many")
        if task := asyncio.current_task():
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        with self._live.following() as follower, suppress(ConnectionError):
            await answer.prepare(request)
            try:
                await self._send(answer, self._snapshot())
                while not _is_gone(request):
                    await self._send(answer, await self._news(follower))
                    await asyncio.sleep(_COALESCE_S)
            except TimeoutError:  # the client does not read
                if request.transport:
                    request.transport.abort()
        return answer

    async def _send(self, answer: web.StreamResponse, pieces: Iterable[bytes]) -> None:
        """Send pieces, a few in one go. Raises TimeoutError when the client does not read."""
        async with asyncio.timeout(_NOT_READ_S):
            for some in _batches(pieces, _AT_ONCE):
                await answer.write(b"".join(some))
                await asyncio.sleep(0)  # `write` does not wait while the client reads

    def _snapshot(self) -> Iterator[bytes]:
        yield b'event: snapshot\ndata: {"calls": ['
        comma = b""
        for call_id in self._live.under_way:
            if picture := self._live.picture(call_id):
                yield comma + picture
                comma = b", "
        yield b'], "now": %.3f}\n\n' % now()

    async def _news(self, follower: Follower) -> Iterator[bytes]:
        try:
            async with asyncio.timeout(_KEEP_ALIVE_S):
                changed = await follower.changes()
        except TimeoutError:
            return iter((b": still here\n\n",))
        return self._told(changed)

    def _told(self, changed: Mapping[CallId, LiveEnd | None]) -> Iterator[bytes]:
        for call_id, end in changed.items():
            if end:
                ended = json.dumps({"id": end.id, "status": end.status, "reason": end.reason, "now": now()})
                yield f"event: ended\ndata: {ended}\n\n".encode()
            elif picture := self._live.picture(call_id):
                yield b'event: call\ndata: {"call": %b, "now": %.3f}\n\n' % (picture, now())

    async def stop(self, _app: web.Application) -> None:
        """End the streams: a server that goes down would wait for them."""
        for task in tuple(self._streams):
            task.cancel()

    async def hang_up(self, request: web.Request) -> web.Response:
        """End a call."""
        return _done() if self._controls.hang_up(request.match_info["call_id"]) else _no_call()

    async def transfer(self, request: web.Request) -> web.Response:
        """Pass a caller on."""
        outcome = await self._controls.transfer(request.match_info["call_id"])
        if outcome == "no_call":
            return _no_call()
        return _done() if outcome == "begun" else _problem(HTTPStatus.CONFLICT, outcome)


def _guard(started: Settings) -> Any:
    """Let in who may. The socket is that of the start, so are the address and the key that it was opened with."""
    key, is_loopback = started.api.secret_key, started.bot.is_loopback
    expected = key.get_secret_value().encode() if key else None

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get(_KEY_HEADER, "").encode(errors="replace")
        if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
            return _problem(HTTPStatus.FORBIDDEN, "browser")
        if expected and hmac.compare_digest(given, expected):
            return await handler(request)
        if not _is_named_rightly(request, started.bot.host):
            # A bot that is asked by name has to be asked with the key; one that is wrong is told so.
            return _refused(expected) if given else _problem(HTTPStatus.FORBIDDEN, "browser")
        # Reading tells what callers say: on an open address it takes the key, too.
        return await handler(request) if request.method == "GET" and is_loopback else _refused(expected)

    return guard


def _refused(expected: bytes | None) -> web.Response:
    if expected is None:
        return _problem(HTTPStatus.FORBIDDEN, "key_not_configured")
    return _problem(HTTPStatus.UNAUTHORIZED, "key_wrong")


def _is_named_rightly(request: web.Request, own_host: str) -> bool:
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        if host in ("localhost", own_host):
            return True
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _batches(pieces: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Like itertools.batched, which Python 3.11 has not."""
    rest = iter(pieces)
    while batch := list(islice(rest, size)):
        yield batch


def _done() -> web.Response:
    return web.json_response({"ok": True})


def _no_call() -> web.Response:
    return _problem(HTTPStatus.NOT_FOUND, "no_call")


def _problem(status: HTTPStatus, code: str) -> web.Response:
    return web.json_response({"code": code}, status=status)
