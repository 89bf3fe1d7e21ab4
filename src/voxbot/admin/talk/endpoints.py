"""`WS /api/talk`: a call from the browser. The messages are those of media/browser.py, handed through as they are."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Annotated

import aiohttp
import structlog
from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from voxbot.admin import sockets
from voxbot.admin.live.bots import BotUnreachableError
from voxbot.admin.parts import GivenParts
from voxbot.media.browser import MAX_MESSAGE_BYTES, RATES_HZ, MessageBudget

router = APIRouter(tags=["talk"])
log = structlog.get_logger(__name__)

_MAX_CALLER_CHARS = 64
_CLOSE_S = 2.0
_BAD_RATE = "rate: нужно 8000, 16000, 24000, 44100 или 48000."


@router.websocket("/api/talk")
async def talk(
    socket: WebSocket,
    parts: GivenParts,
    caller: Annotated[str, Query(alias="callerId")] = "",
    rate: Annotated[str, Query()] = "16000",
) -> None:
    """Call a bot. Sound in: 16-bit little-endian mono of `rate` Hz; sound out: the same at 8000 Hz."""
    if not sockets.is_allowed(socket, parts.api):
        await sockets.close(socket, sockets.POLICY_VIOLATION)
        return
    await sockets.accept(socket)
    if not rate.isdecimal() or int(rate[:9]) not in RATES_HZ:
        await _refuse(socket, _BAD_RATE)
        return
    try:
        bot = await parts.bots.talk(int(rate), caller[:_MAX_CALLER_CHARS] or "browser")
    except BotUnreachableError as error:
        await _refuse(socket, str(error))
        return
    try:
        await _hand_through(socket, bot)
    finally:
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(_CLOSE_S):
                await bot.close()
        await sockets.close(socket)


async def _hand_through(socket: WebSocket, bot: aiohttp.ClientWebSocketResponse) -> None:
    """Carry messages both ways until one side ends the call."""
    ways = [asyncio.create_task(_to_bot(socket, bot)), asyncio.create_task(_to_browser(bot, socket))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
    for way in ways:
        if not way.cancelled() and (error := way.exception()):
            log.info("Звонок из браузера прерван", reason=type(error).__name__)


async def _to_bot(socket: WebSocket, bot: aiohttp.ClientWebSocketResponse) -> None:
    loop = asyncio.get_running_loop()
    budget = MessageBudget(loop.time())
    while True:
        message = await socket.receive()
        if message["type"] != "websocket.receive":
            return
        if not budget.takes(loop.time(), is_sound=message.get("bytes") is not None):
            log.info("Страница шлёт сообщения чаще, чем может микрофон: её звонок закончен")
            return
        await budget.breathe()
        if (sound := message.get("bytes")) is not None:
            # What a bot would close the connection for; no microphone makes a second of sound at once.
            if len(sound) <= MAX_MESSAGE_BYTES:
                await bot.send_bytes(sound)
        elif (text := message.get("text")) is not None and len(text.encode(errors="replace")) <= MAX_MESSAGE_BYTES:
            await bot.send_str(text)


async def _to_browser(bot: aiohttp.ClientWebSocketResponse, socket: WebSocket) -> None:
    async for message in bot:
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            try:
                await sockets.send(socket, message.data)
            except WebSocketDisconnect:
                return


async def _refuse(socket: WebSocket, detail: str) -> None:
    with suppress(WebSocketDisconnect):
        await sockets.send(socket, json.dumps({"type": "error", "detail": detail}, ensure_ascii=False))
    await sockets.close(socket, sockets.TRY_LATER)
