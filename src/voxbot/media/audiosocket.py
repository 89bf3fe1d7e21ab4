"""AudioSocket: Asterisk connects to us by TCP, one connection a call, signed linear 8 kHz.

Facts this file is built on:

- A message is a byte of kind, two bytes of length (big-endian), and the payload; the first one holds the 16-byte
  uuid that we gave with the channel (Asterisk, include/asterisk/res_audiosocket.h; FINDINGS, section 1).
- Samples are little-endian: chan_audiosocket sends its own memory, and a telephone call through the lab is
  intelligible that way only.
- Asterisk has no queue and no clock here: a frame goes on to the telephone as it comes. And it can hang, with all
  calls, while it waits for our sound (FINDINGS, section 1): a frame every 20 ms from the first moment.
- Digits come by ARI as for every transport, so those of kind 0x03 are left alone.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, cast
from uuid import UUID

import numpy as np
import structlog

from voxbot.domain.audio import FRAME_SAMPLES, Samples
from voxbot.domain.errors import MediaError, PortBusyError
from voxbot.media.clock import MAX_BURST_FRAMES, PacedQueue, Ticker

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from voxbot.media.transport import MediaSink

log = structlog.get_logger(__name__)

HANGUP, ANNOUNCEMENT, DIGIT, SOUND, ERROR = 0x00, 0x01, 0x03, 0x10, 0xFF

_HEADER = struct.Struct("!BH")
_UUID_BYTES = 16
_FRAME_BYTES = 2 * FRAME_SAMPLES
_MAX_PAYLOAD_BYTES = 10 * _FRAME_BYTES
"""Asterisk sends single frames of 20 ms; longer ones than 200 ms are not its."""
_ANNOUNCE_S = 1.0
_NOT_READ_S = 5.0
"""Asterisk reads at any load; one that has not for so long is hung, and its connection is given up."""
_EARLY_FRAMES = 50
"""The caller's sound that may come before anybody receives it: 1 s."""


def frame(kind: int, payload: bytes) -> bytes:
    """One message."""
    return _HEADER.pack(kind, len(payload)) + payload


_SILENCE = frame(SOUND, bytes(_FRAME_BYTES))


def parse(data: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the complete messages off `data`: kind and payload. Raises ValueError for one that is too long."""
    while len(data) >= _HEADER.size:
        kind, length = cast("tuple[int, int]", _HEADER.unpack_from(data))
        if length > _MAX_PAYLOAD_BYTES:
            raise ValueError(f"сообщение вида {kind:#x} в {length} байт")
        end = _HEADER.size + length
        if len(data) < end:
            return
        payload = bytes(data[_HEADER.size : end])
        del data[:end]
        yield kind, payload


class AudioSocketMedia:
    """One call's connection, from its announcement on."""

    def __init__(self, transport: asyncio.Transport, ticker: Ticker) -> None:
        self._transport = transport
        self._ticker = ticker
        self._queue = PacedQueue(_SILENCE)
        self._sink: MediaSink | None = None
        self._context = copy_context()
        self._early: deque[Samples] = deque(maxlen=_EARLY_FRAMES)
        self._closed = asyncio.Event()
        self._reason = ""
        self._not_read_since_s: float | None = None
        transport.write(_SILENCE)  # at once: Asterisk may be waiting already
        ticker.add(self._tick)

    @property
    def live(self) -> bool:
        """Sound comes as the caller makes it."""
        return True

    async def receive(self, sink: MediaSink) -> None:
        """Deliver audio and marks; a connection that closes is a MediaError."""
        self._sink = sink
        self._context = copy_context()  # what comes is handled, and logged, as part of the call
        while self._early:
            sink.on_audio(self._early.popleft())
        await self._closed.wait()
        raise MediaError(self._reason)

    async def send(self, samples: Samples) -> None:
        """Queue whole frames, played at our 20 ms pace."""
        if len(samples) % FRAME_SAMPLES:
            raise ValueError(f"{len(samples)} samples are not whole frames of {FRAME_SAMPLES}")
        self._check_open()
        data = samples.astype("<i2", copy=False).tobytes()
        pieces = (data[start : start + _FRAME_BYTES] for start in range(0, len(data), _FRAME_BYTES))
        if not self._queue.put(frame(SOUND, piece) for piece in pieces):
            log.warning("Очередь звука полна, конец фразы отброшен", frames=self._queue.frames)

    async def mark(self, mark: int) -> None:
        """Have `on_mark` called when the audio sent so far has been played."""
        self._check_open()
        self._queue.mark(mark)

    async def flush(self) -> None:
        """Silence with the next frame."""
        self._check_open()
        self._queue.clear()

    def close(self, reason: str = "медиасоединение закрыто") -> None:
        """Close the connection; Asterisk hangs the media channel up. Once is enough."""
        if self._closed.is_set():
            return
        self._ticker.discard(self._tick)
        self._reason = reason
        self._closed.set()
        # Not `close()`, which would first send what waits to an Asterisk that may not be reading.
        self._transport.abort()

    def on_message(self, kind: int, payload: bytes) -> None:
        """Take a message of Asterisk's."""
        if kind == SOUND:
            # Half a sample at the end is no sound; an empty message neither.
            samples = np.frombuffer(payload, "<i2", len(payload) // 2).astype(np.int16, copy=False)
            if len(samples) and not self._closed.is_set():
                self._deliver(samples)
        elif kind == HANGUP:
            self.close("Asterisk завершил медиаканал")
        elif kind == ERROR:
            log.warning("AudioSocket: Asterisk сообщает об ошибке", code=payload.hex())
        elif kind != DIGIT:
            log.debug("AudioSocket: сообщение незнакомого вида", kind=kind)

    def _deliver(self, samples: Samples) -> None:
        if self._sink:
            self._context.run(self._sink.on_audio, samples)
        else:
            self._early.append(samples)

    def _tick(self, now_s: float) -> None:
        # What the kernel does not take is not under way to the telephone: our clock waits for Asterisk to read.
        if self._transport.get_write_buffer_size() > MAX_BURST_FRAMES * len(_SILENCE):
            self._queue.hold(now_s)
            self._not_read_since_s = self._not_read_since_s or now_s
            if now_s - self._not_read_since_s > _NOT_READ_S:
                self.close(f"Asterisk не читает звук уже {_NOT_READ_S:g} с")
            return
        self._not_read_since_s = None
        if frames := self._queue.take(now_s):
            self._transport.write(b"".join(frames))
        for mark in self._queue.heard(now_s):
            if self._sink:
                self._context.run(self._sink.on_mark, mark)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise MediaError(self._reason)


class AudioSocketServer:
    """Where Asterisk brings the calls' sound: one listening socket a process, connections told apart by uuid."""

    def __init__(self, host: str, port: int, advertised_host: str = "") -> None:
        self._host, self._port = host, port
        self._advertised_host = advertised_host or host
        self._server: asyncio.Server | None = None
        self._ticker: Ticker | None = None
        self._expected: dict[UUID, asyncio.Future[AudioSocketMedia]] = {}
        self._connections: set[_Connection] = set()

    @property
    def address(self) -> str:
        """`host:port` for Asterisk to connect to."""
        host = f"[{self._advertised_host}]" if ":" in self._advertised_host else self._advertised_host
        return f"{host}:{self._port}"

    async def open(self) -> None:
        """Listen; once open, again is nothing. Raises PortBusyError."""
        if self._server:
            return
        self._ticker = Ticker()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Connection(self), self._host, self._port
            )
        except OSError as error:
            raise PortBusyError(
                f"AudioSocket не может слушать {self._host}:{self._port}: {error.strerror}; "
                "проверьте AUDIOSOCKET_HOST и AUDIOSOCKET_PORT"
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more and close what is connected."""
        if self._server:
            self._server.close()
            for connection in tuple(self._connections):
                connection.drop("сервер AudioSocket остановлен")
            self._server = None

    @contextmanager
    def expecting(self, connection_id: UUID) -> Generator[asyncio.Future[AudioSocketMedia], None, None]:
        """Accept one connection that announces this id; it is closed on the way out."""
        future: asyncio.Future[AudioSocketMedia] = asyncio.get_running_loop().create_future()
        self._expected[connection_id] = future
        try:
            yield future
        finally:
            del self._expected[connection_id]
            if future.done() and not future.cancelled():
                future.result().close()

    def on_opened(self, connection: _Connection) -> None:
        """Take note of a connection that has not said yet whose it is."""
        self._connections.add(connection)

    def on_closed(self, connection: _Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def on_announced(self, connection_id: UUID, transport: asyncio.Transport) -> AudioSocketMedia | None:
        """Give the media of the call that waits for this id; None if no call does."""
        future = self._expected.get(connection_id)
        if future is None or future.done() or self._ticker is None:
            return None
        media = AudioSocketMedia(transport, self._ticker)
        future.set_result(media)
        return media


class _Connection(asyncio.Protocol):
    """One TCP connection: framing, and the announcement that must come first."""

    def __init__(self, server: AudioSocketServer) -> None:
        self._server = server
        self._data = bytearray()
        self._media: AudioSocketMedia | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.on_opened(self)
        self._deadline = asyncio.get_running_loop().call_later(
            _ANNOUNCE_S, self.drop, f"соединение не назвало звонок за {_ANNOUNCE_S:g} с"
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            for kind, payload in parse(self._data):
                self._on_message(kind, payload)
        except ValueError as error:
            self.drop(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        self._server.on_closed(self)
        if self._media:
            self._media.close(f"медиасоединение закрыто{f': {exc}' if exc else ''}")

    def drop(self, reason: str) -> None:
        """Close a connection that cannot be used."""
        if self._transport.is_closing():
            return
        log.warning("AudioSocket: соединение закрыто", reason=reason, peer=self._transport.get_extra_info("peername"))
        if self._media:
            self._media.close(reason)
        self._transport.abort()

    def _on_message(self, kind: int, payload: bytes) -> None:
        if self._media:
            self._media.on_message(kind, payload)
            return
        if kind != ANNOUNCEMENT or len(payload) != _UUID_BYTES:
            raise ValueError(f"вместо номера звонка пришло сообщение вида {kind:#x} в {len(payload)} байт")
        self._deadline.cancel()
        self._media = self._server.on_announced(UUID(bytes=payload), self._transport)
        if self._media is None:
            raise ValueError("такого звонка никто не ждёт")
