"""Server-sent events (WHATWG HTML, section 9.2): one text stream that a page's EventSource reads."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi.responses import StreamingResponse

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
    return StreamingResponse(
        events, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
