"""Who receives a call's sound in tests of transports."""

import asyncio

import numpy as np


class Sink:
    """Keeps what comes, in order: ("audio", samples), ("mark", number), ("talk", talking)."""

    def __init__(self):
        self.came = []
        self._something = asyncio.Event()

    def _note(self, kind, value):
        self.came.append((kind, value))
        self._something.set()

    def on_audio(self, samples):
        self._note("audio", samples)

    def on_mark(self, mark):
        self._note("mark", mark)

    def on_talk(self, talking):
        self._note("talk", talking)

    @property
    def audio(self):
        frames = [value for kind, value in self.came if kind == "audio"]
        return np.concatenate(frames) if frames else np.zeros(0, np.int16)

    @property
    def marks(self):
        return [value for kind, value in self.came if kind == "mark"]

    async def until(self, condition, timeout_s=5):
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._something.clear()
                await self._something.wait()
