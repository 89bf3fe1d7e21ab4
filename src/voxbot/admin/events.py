"""Server-sent events (WHATWG HTML, section 9.2): one text stream that a page's EventSource reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from starlette.types import Message, Send

log = structlog.get_logger(__name__)

NOT_READ_S = 30.0
"""A page that is asleep is told nothing for so long; then it has to ask again."""
KEEP_ALIVE = ": still here\n\n"
MEDIA_TYPE = "text/event-stream"
EVENT_STREAM: dict[str, Any] = {
    "description": "Поток событий",
    "content": {MEDIA_TYPE: {}},
}
"""Of a response in the OpenAPI schema."""


def event(name: str, document: object) -> str:
    """Write one event."""
    return f"event: {name}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"


def event_stream(events: AsyncGenerator[str, None]) -> StreamingResponse:
    """Answer with events as they come. No proxy may keep them back."""
    return _EventStream(events, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


class _EventStream(StreamingResponse):
    """A stream that ends when its client does not read: it would hold what it follows for ever."""

    def __init__(self, events: AsyncGenerator[str, None], **options: Any) -> None:
        super().__init__(events, **options)
        self._events = events

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(NOT_READ_S):
                await send(message)

        async with aclosing(self._events):
            try:
                await super().stream_response(send_in_time)
            except TimeoutError:
                log.info("Поток событий закрыт: клиент его не читает", seconds=NOT_READ_S)
