"""`WS /ws`: text in, streamed text out, greeting first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, WebSocket

from voxbot.admin import sockets
from voxbot.admin.chat.service import Chat
from voxbot.admin.parts import GivenParts

router = APIRouter(tags=["chat"])

MAX_CHATS = 200
_MAX_CALLER_CHARS = 64


class _Open:
    """How many chats this process holds."""

    count = 0


@router.websocket("/ws")
async def chat(
    socket: WebSocket,
    parts: GivenParts,
    caller: Annotated[str, Query(alias="callerId")] = "",
    form: Annotated[str, Query(alias="format")] = "",
) -> None:
    """Hold a chat. With `format=json` come objects: greeting, text, answered (sources, times), error."""
    if not sockets.is_allowed(socket, parts.api):
        await sockets.close(socket, sockets.POLICY_VIOLATION)
        return
    await sockets.accept(socket)
    if _Open.count >= MAX_CHATS:
        await sockets.close(socket, sockets.TRY_LATER)
        return
    _Open.count += 1
    try:
        await Chat(socket, parts, caller[:_MAX_CALLER_CHARS] or "chat", as_json=form == "json").hold()
    finally:
        _Open.count -= 1
