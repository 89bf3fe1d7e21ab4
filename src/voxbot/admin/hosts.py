"""Which names of this machine the API answers to, and which web pages may open its websockets.

A web page that an operator visits can point a name of its own at 127.0.0.1 (DNS rebinding) and then read what is
free on the machine itself; its requests carry that name in `Host`. Browsers let any page open a websocket, but name
the page in `Origin` (RFC 6455, section 10.2). A page of another site can also send requests whose answers it never
reads, and so keep the processor busy; browsers tell of it in `Sec-Fetch-Site` (W3C, Fetch Metadata Request Headers).
A link from elsewhere to one of our pages (`Sec-Fetch-Mode: navigate`) is welcome.
"""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from voxbot.admin.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from voxbot.settings.schema import ApiSettings

_POLICY_VIOLATION = 1008
_PAGES = ("/", "/docs", "/logs-ui")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class HostGuard:
    """ASGI middleware: refuses what was meant for another host."""

    def __init__(self, app: ASGIApp, api: ApiSettings) -> None:
        self._app = app
        self._any = "*" in api.allowed_host_names
        self._given = frozenset(api.allowed_host_names)
        self._names = {"localhost", api.host.lower(), *api.allowed_host_names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is meant for us."""
        if scope["type"] not in ("http", "websocket") or self._any:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin") if scope["type"] == "websocket" else None
        name = _name(f"//{host}")
        if self._is_ours(name) and (origin is None or self._is_own_page(origin, host)):
            if scope["type"] == "http" and self._is_foreign(scope, headers, host):
                await _foreign(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await _refusal(host)(scope, receive, send)

    def _is_ours(self, name: str | None) -> bool:
        """Whether a name is ours. An address is nobody's name: a page cannot point one elsewhere."""
        if name is None:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _is_foreign(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Whether a page of another site sends this, and the operator has not given us its name."""
        if headers.get("sec-fetch-site") != "cross-site":
            return False
        is_link = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in ("GET", "HEAD")
        if is_link and (scope["path"] in _PAGES or scope["path"].startswith("/logs-ui/")):
            return False
        origin = headers.get("origin")
        return origin is None or not self._is_own_page(origin, host)

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Whether a page is this server's: of the same host and port, or of a name that the operator gave us.

        The scheme is not ours to know: a proxy may have taken the encryption off.
        """
        page = urlsplit(origin) if _name(origin) else None
        if page is None or page.scheme not in _DEFAULT_PORTS:
            return False
        port = _DEFAULT_PORTS[page.scheme]
        return _with_port(page.netloc, port) == _with_port(host, port) or page.hostname in self._given


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _with_port(netloc: str, port: int) -> str:
    return netloc.lower() if re.search(r":\d+$", netloc) else f"{netloc.lower()}:{port}"


def _refusal(host: str) -> Response:
    return problem(
        HTTPStatus.FORBIDDEN,
        "unknown_host",
        f"Запрос адресован узлу «{host[:100]}», а этот сервер так не называется. Если это его имя, впишите его в "
        "API_ALLOWED_HOSTS и перезапустите сервис.",
    )


_foreign = problem(
    HTTPStatus.FORBIDDEN,
    "cross_site",
    "Запрос прислала страница другого сайта. Если это ваша страница, впишите её узел в API_ALLOWED_HOSTS и "
    "перезапустите сервис.",
)
