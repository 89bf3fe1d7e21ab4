"""A call from a browser: a websocket with 16-bit little-endian mono sound both ways, and JSON beside it.

The browser plays Asterisk's part of the transport contract (`media.transport`): it has the playout queue and its
clock. Binary messages are sound: from the browser at its own rate, in pieces of any length up to MAX_MESSAGE_BYTES; to
the browser at 8 kHz, whole 20 ms frames. Text messages are one JSON object each:

    to the browser    {"type": "mark", "mark": n}   answer with the same when all sound before it has been played
                      {"type": "flush"}             forget the sound that waits, and the marks in it
    from the browser  {"type": "mark", "mark": n}
                      {"type": "digit", "digit": "5"}
                      {"type": "hangup"}

Further objects to the browser (`tell`) say what happens in the call; they are dropped when it does not read.

Calls share the loop with all others. A browser sends at most 375 pieces of sound a second (128 samples, the Web Audio
API's render quantum, at 48 kHz); one that sends much more, or small messages without a pause, is cut off.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import structlog
from aiohttp import WSMsgType

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ
from voxbot.domain.errors import MediaError
from voxbot.speech.resampler import Resampler

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aiohttp.web import WebSocketResponse

    from voxbot.domain.audio import Samples
    from voxbot.media.transport import MediaSink

log = structlog.get_logger(__name__)

RATES_HZ = (8000, 16_000, 24_000, 44_100, 48_000)
MAX_MESSAGE_BYTES = 64 * 1024
_AHEAD_S = 2.0
"""A browser that stalled may catch up by so much; sound beyond it is dropped: it belongs to a turn that is over."""
_STALL_S = 15.0
"""What a connection may bring at once: a longer stall is found by the heartbeat and ends it."""
_SOUNDS_PER_S, _CONTROLS_PER_S = 400, 50
_AT_ONCE = 16
"""Messages in one piece of the loop."""
_NOT_READ_S = 5.0
_MAX_TOLD = 200


class MessageBudget:
    """How many messages a browser may send: so many a second, and what a stall has kept back at once."""

    def __init__(self, now_s: float) -> None:
        self._sounds = self._controls = now_s - _STALL_S
        self._taken = 0

    def takes(self, now_s: float, *, is_sound: bool) -> bool:
        """Count one message; False if there were too many."""
        self._taken += 1
        begun_s = now_s - _STALL_S
        if is_sound:
            self._sounds = max(self._sounds, begun_s) + 1 / _SOUNDS_PER_S
            return self._sounds <= now_s
        self._controls = max(self._controls, begun_s) + 1 / _CONTROLS_PER_S
        return self._controls <= now_s

    async def breathe(self) -> None:
        """Let the loop go round now and then: who reads messages that are there already does not wait."""
        if self._taken % _AT_ONCE == 0:
            await asyncio.sleep(0)


class BrowserMedia:
    """One call's websocket, open already. `on_digit` gets the keys that the caller presses."""

    def __init__(self, socket: WebSocketResponse, rate_hz: int, on_digit: Callable[[str], None]) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"{rate_hz} Hz is none of {RATES_HZ}")
        self._socket = socket
        self._rate_hz = rate_hz
        self._resampler = Resampler(rate_hz, TELEPHONE_RATE_HZ)
        self._on_digit = on_digit
        self._loop = asyncio.get_running_loop()
        self._began_s: float | None = None
        self._taken = 0.0
        self._dropped = False
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MAX_TOLD)
        self.flooded = False
        """The browser has sent more than one does: what waits in its connection is not worth reading."""

    @property
    def live(self) -> bool:
        """Sound comes as the caller makes it."""
        return True

    async def receive(self, sink: MediaSink) -> None:
        """Deliver audio and marks until the browser hangs up or its connection closes; MediaError for a flood."""
        telling = asyncio.create_task(self._tell())
        budget = MessageBudget(self._loop.time())
        try:
            async for message in self._socket:
                if not budget.takes(self._loop.time(), is_sound=message.type is WSMsgType.BINARY):
                    self.flooded = True
                    raise MediaError("браузер шлёт сообщения чаще, чем может микрофон")
                await budget.breathe()
                if message.type is WSMsgType.BINARY:
                    self._sound(cast("bytes", message.data), sink)
                elif message.type is WSMsgType.TEXT and not self._control(cast("str", message.data), sink):
                    return
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def send(self, samples: Samples) -> None:
        """Queue whole frames in the browser."""
        if len(samples) % FRAME_SAMPLES:
            raise ValueError(f"{len(samples)} samples are not whole frames of {FRAME_SAMPLES}")
        async with self._sending():
            await self._socket.send_bytes(samples.astype("<i2", copy=False).tobytes())

    async def mark(self, mark: int) -> None:
        """Have `on_mark` called when the sound sent so far has been played."""
        await self._command({"type": "mark", "mark": mark})

    async def flush(self) -> None:
        """Empty the browser's queue."""
        await self._command({"type": "flush"})

    def tell(self, document: dict[str, Any]) -> None:
        """Send an object beside the sound as soon as that can be done; dropped if too many wait."""
        if not self._told.full():
            self._told.put_nowait(document)

    async def tell_last(self, document: dict[str, Any]) -> None:
        """Send what is told last, whether or not anybody still reads."""
        try:
            while not self._told.empty():
                await self._command(self._told.get_nowait())
            await self._command(document)
        except MediaError:
            pass

    async def _tell(self) -> None:
        try:
            while True:
                await self._command(await self._told.get())
        except MediaError:  # who sends the sound notices it, too
            pass

    def _sound(self, data: bytes, sink: MediaSink) -> None:
        samples = np.frombuffer(data, "<i2", len(data) // 2).astype(np.int16, copy=False)
        now_s = self._loop.time()
        if self._began_s is None:
            self._began_s = now_s
        elapsed = (now_s - self._began_s) * self._rate_hz
        self._taken = max(self._taken, elapsed) + len(samples)
        if self._taken > elapsed + _AHEAD_S * self._rate_hz:
            self._taken -= len(samples)
            if not self._dropped:
                self._dropped = True
                log.warning("Звук из браузера идёт быстрее времени, лишнее пропущено")
        elif len(narrow := self._resampler.push(samples)):
            sink.on_audio(narrow)

    def _control(self, data: str, sink: MediaSink) -> bool:
        """Do what a message says; False when the caller hangs up. What is not understood is left alone."""
        try:
            message = json.loads(data)
            match message:
                case {"type": "mark", "mark": int(mark)}:
                    sink.on_mark(mark)
                case {"type": "digit", "digit": str(digit)} if len(digit) == 1 and digit in "0123456789*#":
                    self._on_digit(digit)
                case {"type": "hangup"}:
                    return False
                case _:
                    log.debug("Непонятное сообщение браузера")
        except (ValueError, RecursionError):
            log.debug("Непонятное сообщение браузера")
        return True

    async def _command(self, document: dict[str, Any]) -> None:
        async with self._sending():
            await self._socket.send_str(json.dumps(document, ensure_ascii=False))

    @asynccontextmanager
    async def _sending(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(_NOT_READ_S):
                yield
        except TimeoutError as error:
            raise MediaError(f"браузер не читает звук уже {_NOT_READ_S:g} с") from error
        except (ConnectionError, RuntimeError) as error:  # RuntimeError: aiohttp's, for a socket that is closed
            raise MediaError(f"соединение с браузером закрыто: {error}") from error
