"""The key is asked for before a body is read: a stranger's upload fills neither memory nor disk.

FastAPI reads and parses the body before it comes to the dependencies of an endpoint; these of the key need no body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from starlette.requests import Request

from voxbot.admin.problems import ApiError, refusal
from voxbot.admin.security import allow_read, require_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import APIRouter
    from starlette.types import ASGIApp, Receive, Scope, Send

    from voxbot.admin.parts import Parts

_CHECKS = (require_key, allow_read)


class KeyFirst:
    """ASGI middleware: asks who calls an endpoint that takes a body for what its dependencies will ask for."""

    def __init__(self, app: ASGIApp, parts: Parts, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._parts = parts
        self._guarded = [
            (route, check)
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute) and route.body_field
            for check in _CHECKS
            if any(depends.dependency is check for depends in (*router.dependencies, *route.dependencies))
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may come in."""
        if scope["type"] == "http":
            for route, check in self._guarded:
                if scope["method"] not in route.methods or not route.path_regex.match(scope["path"]):
                    continue
                try:
                    check(self._parts, Request(scope).headers.get("x-api-key") or None)
                except ApiError as error:
                    await _pass_over(receive)
                    await refusal(error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _pass_over(receive: Receive) -> None:
    """Let the client send its body to the end: a browser that is cut off shows no answer. BodyLimit counts it."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
