"""Speech engines that do exactly what they are told, step by step; for the wrappers of speech/fallback*.py."""

import asyncio

import numpy as np

from voxbot.domain.audio import AudioChunk
from voxbot.speech.asr import AsrCapabilities, Transcript
from voxbot.speech.tts import TtsCapabilities

HANG = object()


def sound(seconds, value=1, rate_hz=8000):
    """A chunk whose every sample is `value`: tells whose it is."""
    return AudioChunk(np.full(round(seconds * rate_hz), value, np.int16), rate_hz)


async def _do(step):
    """Sleep a number of seconds, raise an error, hang, or give anything else back."""
    if step is HANG:
        await asyncio.Event().wait()
    if isinstance(step, BaseException):
        raise step
    if isinstance(step, int | float):
        await asyncio.sleep(step)
        return None
    return step


class ScriptedTts:
    """`steps`: seconds to wait, chunks to give, an error to raise, HANG. Later scripts: `scripts.append(steps)`."""

    def __init__(self, name, *steps, local=False, voice_id="", warm_up_error=None):
        self.name = name
        self.scripts = [steps]
        self.capabilities = TtsCapabilities(streaming=True, local=local, voice_id=voice_id)
        self.warm_up_error = warm_up_error
        self.texts = []
        self.stopped = 0
        self.closed = False

    async def synthesize(self, text):
        self.texts.append(text)
        steps = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for step in steps:
                if (chunk := await _do(step)) is not None:
                    yield chunk
        finally:
            self.stopped += 1

    async def warm_up(self):
        if self.warm_up_error:
            raise self.warm_up_error

    async def close(self):
        self.closed = True


class ScriptedAsr:
    """`steps` as above, the last one the text that was heard. `lengths` are the samples it was given."""

    def __init__(self, name, *steps, max_ms=30_000, local=False):
        self.name = name
        self.steps = steps
        self.capabilities = AsrCapabilities(max_ms=max_ms, local=local)
        self.lengths = []
        self.stopped = 0

    async def transcribe(self, audio, hints):
        self.lengths.append(len(audio.samples))
        try:
            return await self._play()
        finally:
            self.stopped += 1

    async def _play(self):
        text = ""
        for step in self.steps:
            text = await _do(step) or text
        return Transcript(text, 1.0)

    async def warm_up(self):
        pass

    async def close(self):
        pass


class ScriptedStreamingAsr(ScriptedAsr):
    """Hears "stream <samples>"; `steps` are what `settle` does first. `open_streams` are those not closed yet."""

    def __init__(self, name, *steps):
        super().__init__(name, *steps)
        self.capabilities = AsrCapabilities(streaming=True)
        self.opened = 0
        self.open_streams = 0

    def open(self, hints, listener):
        self.opened += 1
        self.open_streams += 1
        return _Stream(self, listener)


class _Stream:
    def __init__(self, asr, listener):
        self._asr = asr
        self._listener = listener
        self._samples = 0
        self._closed = False

    def push(self, samples):
        assert not self._closed, "pushed into a closed stream"
        self._samples += len(samples)
        self._listener.on_partial(f"partial {self._samples}")

    async def settle(self):
        for step in self._asr.steps:
            await _do(step)
        return Transcript(f"stream {self._samples}", 1.0)

    def close(self):
        self._asr.open_streams -= not self._closed
        self._closed = True
