"""No request may fill the memory: its body is counted as it comes."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from voxbot.admin.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Far more than prompts and settings take."""
_UPLOADS = ("/kb/upload", "/kb2/upload", "/api/kb/")
"""These take files; what the form puts around a file comes on top of its size."""
_MEGABYTE = 1024 * 1024


class _TooLargeError(Exception):
    pass


class BodyLimit:
    """ASGI middleware: answers 413 to a body beyond the limit, whether it says its length or not."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, *, upload_mb: Callable[[], int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._upload_mb = upload_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request as long as its body is small enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes, refusal = (
            self._max_bytes,
            _refusal(f"Запрос слишком велик: можно не больше {self._max_bytes // 1024} КБ."),
        )
        if scope["path"].startswith(_UPLOADS):
            max_bytes += self._upload_mb() * _MEGABYTE
            refusal = _refusal(f"Файл слишком велик: можно не больше {self._upload_mb()} МБ (KB_UPLOAD_MAX_MB).")
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said[:20]) > max_bytes:
            await refusal(scope, receive, send)
            return
        taken = 0
        answered = False

        def is_too_large() -> bool:
            return taken > max_bytes

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
            await refusal(scope, receive, send)


def _refusal(detail: str) -> ASGIApp:
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
