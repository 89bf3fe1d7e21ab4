"""No request may fill the memory: its body is counted as it comes."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from voxbot.admin.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Far more than prompts and settings take."""
_OWN_LIMIT = ("/kb/upload", "/kb2/upload", "/api/kb/")
"""These take files and count for themselves."""


class _TooLargeError(Exception):
    pass


class BodyLimit:
    """ASGI middleware: answers 413 to a body beyond the limit, whether it says its length or not."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request as long as its body is small enough."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said[:20]) > self._max_bytes:
            await self._refusal()(scope, receive, send)
            return
        taken = 0
        answered = False

        def is_too_large() -> bool:
            return taken > self._max_bytes

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if is_too_large():
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            if is_too_large() and not answered:  # the framework takes the broken reading for a bad request
                return
            answered = True
            await send(message)

        with contextlib.suppress(_TooLargeError):
            await self._app(scope, counted, noted)
        if is_too_large() and not answered:
            await self._refusal()(scope, receive, send)

    def _refusal(self) -> ASGIApp:
        detail = f"Запрос слишком велик: можно не больше {self._max_bytes // 1024} КБ."
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
