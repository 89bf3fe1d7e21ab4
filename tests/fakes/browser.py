"""A browser that calls: it says what it is given, plays what it gets at its own pace, and keeps what it is told."""

import asyncio
import json

import numpy as np
from aiohttp import WSMessage, WSMsgType

from voxbot.domain.audio import TELEPHONE_RATE_HZ
from voxbot.media.simulated import SimulatedMedia


class Browser:
    """The page's side of media/browser.py; `put(bytes | str)` sends to the bot."""

    def __init__(self, utterances=(), *, rate_hz=TELEPHONE_RATE_HZ, put=None):
        self.rate_hz = rate_hz
        self.line = SimulatedMedia(list(utterances))
        self.told = []
        self.put = put

    async def call(self):
        """Talk until there is nothing left to say and the bot is silent; then hang up."""
        await self.line.receive(self)
        await self._put({"type": "hangup"})

    async def got(self, data):
        """Take a message of the bot's."""
        if isinstance(data, bytes):
            assert len(data) % 320 == 0, "whole frames of 20 ms"
            await self.line.send(np.frombuffer(data, "<i2"))
            return
        message = json.loads(data)
        match message["type"]:
            case "mark":
                await self.line.mark(message["mark"])
            case "flush":
                await self.line.flush()
            case _:
                self.told.append(message)

    def of(self, kind):
        return [message for message in self.told if message["type"] == kind]

    # --- a MediaSink: what the page would send --------------------------------------------------

    def on_audio(self, samples):
        self._send(np.repeat(samples, self.rate_hz // TELEPHONE_RATE_HZ).astype("<i2").tobytes())

    def on_mark(self, mark):
        self._send(json.dumps({"type": "mark", "mark": mark}))

    def _send(self, data):
        asyncio.ensure_future(self.put(data))  # noqa: RUF006 - the test ends with the call

    async def _put(self, document):
        await self.put(json.dumps(document))


class BrowserSocket:
    """The bot's side of the connection, without a network: as much of aiohttp's websocket as is used."""

    def __init__(self):
        self._coming = asyncio.Queue()
        self.browser = None
        self.stalled = False
        self.closed = False

    def joined_with(self, browser):
        self.browser = browser
        browser.put = self.take
        return self

    async def take(self, data):
        kind = WSMsgType.BINARY if isinstance(data, bytes) else WSMsgType.TEXT
        self._coming.put_nowait(WSMessage(kind, data, None))

    def vanish(self):
        """The page is closed."""
        self.closed = True
        self._coming.put_nowait(None)

    def __aiter__(self):
        return self

    async def __anext__(self):
        message = await self._coming.get()
        if message is None:
            raise StopAsyncIteration
        return message

    async def send_bytes(self, data):
        await self._deliver(data)

    async def send_str(self, data):
        await self._deliver(data)

    async def send_json(self, document):
        await self._deliver(json.dumps(document))

    async def _deliver(self, data):
        if self.stalled:
            await asyncio.Event().wait()
        if self.closed:
            raise ConnectionResetError("closed")
        if self.browser:
            await self.browser.got(data)
