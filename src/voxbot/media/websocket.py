"""chan_websocket in server mode: we connect to Asterisk's /media/<id>; A-law, JSON control messages.

Facts this file is built on (FINDINGS, section 3; Asterisk 22.10.1):

- A binary message counts in whole frames only, the rest of it is dropped: `send` takes whole frames.
- A binary message over 65,535 bytes closes the socket (1009) and the channel: larger ones are split.
- The queue holds 1000 frames (20 s) and drops what exceeds them silently: `media.playout` stays far below.
- FLUSH_MEDIA discards pending marks: after a flush nobody may wait for one; `media.playout` forgets them.
- While the queue is empty no RTP goes to the caller.

What Asterisk says about itself (MEDIA_START, STATUS, queue lengths) is not relied on: it may come late or wrong, and
sound is taken and given from the moment the socket is open. Frames that do not come leave nothing: who needs the time
keeps it by the clock.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.domain.errors import MediaError
from voxbot.media.g711 import decode_alaw, encode_alaw

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.domain.audio import Samples
    from voxbot.media.transport import MediaSink

log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 65_535 // FRAME_SAMPLES * FRAME_SAMPLES
_LONGEST_FRAME_BYTES = 10 * FRAME_SAMPLES
"""Asterisk sends single frames of 20 ms (FINDINGS, section 3); longer ones than 200 ms are not its."""
_NOT_READ_S = 5.0
"""Asterisk reads at any load; one that has not for so long is hung, and its connection is given up."""


class WebSocketMedia:
    """One call's media websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @classmethod
    async def connect(cls, http: aiohttp.ClientSession, url: str) -> WebSocketMedia:
        """Connect to the media channel's address. Raises MediaError."""
        try:
            socket = await http.ws_connect(url, protocols=["media"])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise MediaError(f"нет соединения с медиаканалом {url}: {error}") from error
        return cls(socket)

    @property
    def live(self) -> bool:
        """Sound comes as the caller makes it."""
        return True

    async def close(self) -> None:
        """Close the connection; Asterisk hangs the media channel up."""
        await self._socket.close()

    async def receive(self, sink: MediaSink) -> None:
        """Deliver audio and marks; a connection that closes while somebody receives is a MediaError."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._sound(message.data, sink)
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._control(message.data, sink)
        error = self._socket.exception()
        raise MediaError(f"медиасоединение закрыто, код {self._socket.close_code}") from error

    def _sound(self, data: bytes, sink: MediaSink) -> None:
        if len(data) > _LONGEST_FRAME_BYTES:
            log.warning("Слишком длинный кадр звука пропущен", frame_bytes=len(data))
        elif data:
            sink.on_audio(decode_alaw(data))

    def _control(self, data: str, sink: MediaSink) -> None:
        try:
            event = json.loads(data)
            kind = event["event"]
            if kind == "MEDIA_MARK_PROCESSED":
                sink.on_mark(int(event["correlation_id"]))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("Непонятное сообщение медиаканала", error=repr(error))
            return
        if kind in {"MEDIA_XOFF", "ERROR"}:
            log.warning("Медиаканал сообщает", media_event=kind)

    async def send(self, samples: Samples) -> None:
        """Queue whole frames in Asterisk, which plays them at its own 20 ms pace."""
        if len(samples) % FRAME_SAMPLES:
            raise ValueError(f"{len(samples)} samples are not whole frames of {FRAME_SAMPLES}")
        data = encode_alaw(samples)
        async with self._sending():
            for start in range(0, len(data), MAX_MESSAGE_BYTES):
                await self._socket.send_bytes(data[start : start + MAX_MESSAGE_BYTES])

    async def mark(self, mark: int) -> None:
        """Have `on_mark` called when the audio sent so far has been played."""
        await self._command("MARK_MEDIA", correlation_id=str(mark))

    async def flush(self) -> None:
        """Silence within 20 ms."""
        await self._command("FLUSH_MEDIA")

    async def _command(self, command: str, **arguments: Any) -> None:
        # Asterisk ignores a control message over 128 bytes; the longest of ours has about 60.
        async with self._sending():
            await self._socket.send_str(json.dumps({"command": command, **arguments}))

    @asynccontextmanager
    async def _sending(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(_NOT_READ_S):
                yield
        except TimeoutError as error:
            raise MediaError(f"Asterisk не читает звук уже {_NOT_READ_S:g} с") from error
        except (ConnectionError, aiohttp.ClientError) as error:
            raise MediaError(f"медиасоединение закрыто: {error}") from error
