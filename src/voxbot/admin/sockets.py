"""Who may open a websocket, and sending on one to a client that may not read.

A page cannot give a websocket a header: it offers the key as a subprotocol, `key.` and the key in base64url, beside
`voxbot`, which is the one that is agreed on. Which pages may open one at all: admin/hosts.py.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from fastapi import WebSocket

    from voxbot.settings.schema import ApiSettings

SUBPROTOCOL = "voxbot"
POLICY_VIOLATION, TOO_BIG, TRY_LATER = 1008, 1009, 1013
NOT_READ_S = 10.0
_KEY_PREFIX = "key."


def is_allowed(socket: WebSocket, api: ApiSettings) -> bool:
    """Whether the client may read, as security.allow_read decides it for requests."""
    if api.is_loopback or api.open_reads:
        return True
    if api.secret_key is None:
        return False
    expected = api.secret_key.get_secret_value().encode()
    return any(hmac.compare_digest(given, expected) for given in _given(socket))


async def accept(socket: WebSocket) -> None:
    """Accept the connection with our subprotocol, if the client knows it."""
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in _offered(socket) else None)


async def send(socket: WebSocket, data: str | bytes) -> None:
    """Send a message. Raises WebSocketDisconnect when the client is gone or has not read for long."""
    try:
        async with asyncio.timeout(NOT_READ_S):
            await (socket.send_text(data) if isinstance(data, str) else socket.send_bytes(data))
    except TimeoutError:
        raise WebSocketDisconnect(POLICY_VIOLATION, "the client does not read") from None
    except (RuntimeError, OSError) as error:  # RuntimeError: Starlette's, for a connection that is closed
        raise WebSocketDisconnect(reason=str(error)) from error


async def close(socket: WebSocket, code: int = 1000) -> None:
    """Close the connection, if it still is one, without waiting for a client that does not read."""
    try:
        async with asyncio.timeout(NOT_READ_S):
            await socket.close(code)
    except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
        pass


def _offered(socket: WebSocket) -> list[str]:
    return [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",")]


def _given(socket: WebSocket) -> list[bytes]:
    given = [socket.headers.get("x-api-key", "").encode("latin-1")]
    for name in _offered(socket):
        if name.startswith(_KEY_PREFIX):
            text = name.removeprefix(_KEY_PREFIX)
            try:
                given.append(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            except (ValueError, binascii.Error):
                continue
    return given
