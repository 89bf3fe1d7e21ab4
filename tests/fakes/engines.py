"""Speech engines and an agent that behave as a scenario says, faults included."""

import asyncio
from dataclasses import dataclass

import numpy as np

from fakes.sounds import frames_of, murmur, spread
from voxbot.agent import phrases
from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, AudioChunk
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderAuthError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.speech.asr import AsrCapabilities, Transcript
from voxbot.speech.tts import TtsCapabilities
from voxbot.speech.wav import read_wav

BOT_CHAR_MS = 70
SLOW_S = 5.0
_STAMPS = 4096
_LEVEL = 2 * _STAMPS


async def misbehave(fault, name):
    """Do what a fault says, at the beginning or in the middle."""
    match fault:
        case "hang":
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(SLOW_S)
        case "fail" | "break":
            raise ProviderUnavailableError(name, "scripted failure")
        case "limit":
            raise ProviderRateLimitError(name, "scripted failure", retry_after_s=30)
        case "auth":
            raise ProviderAuthError(name, "scripted failure")


class BookAsr:
    """Reads the words of a sound out of a SoundBook; every recognition takes the same time."""

    name = "book"
    capabilities = AsrCapabilities()

    def __init__(self, book, engine):
        self._book = book
        self._engine = engine
        self.calls = 0

    async def transcribe(self, audio, hints):
        self.calls += 1
        fault = self._engine.fault(self.calls)
        await asyncio.sleep(self._engine.delay_ms / 1000)
        await misbehave(fault, self.name)
        return Transcript(self._book.hear(audio.samples), 0.9)

    async def warm_up(self):
        pass

    async def close(self):
        pass


class StreamingBookAsr(BookAsr):
    """The same recogniser, fed while the caller speaks: words so far every 300 ms of sound, the rest when asked.

    `streams` are all that were opened; a test may look at what they got and whether they were closed.
    """

    capabilities = AsrCapabilities(streaming=True)

    def __init__(self, book, engine):
        super().__init__(book, engine)
        self.streams = []

    def open(self, hints, listener):
        stream = _BookStream(self, listener)
        self.streams.append(stream)
        return stream


class _BookStream:
    partial_ms = 300
    settle_limit_s = 2.5

    def __init__(self, asr, listener):
        self._asr = asr
        self._listener = listener
        self._pieces = []
        self._unread = 0
        self.closed = 0

    @property
    def heard(self):
        return self._asr._book.hear(np.concatenate(self._pieces)) if self._pieces else ""

    def push(self, samples):
        assert not self.closed, "sound after the end of the utterance"
        self._pieces.append(samples)
        self._unread += len(samples)
        if self._unread >= self.partial_ms * TELEPHONE_RATE_HZ // 1000:
            self._unread = 0
            if words := self.heard:
                asyncio.get_running_loop().call_later(self._asr._engine.delay_ms / 1000, self._tell, words)

    def _tell(self, words):
        if not self.closed:
            self._listener.on_partial(words)

    async def settle(self):
        assert not self.closed
        self._asr.calls += 1
        fault, heard = self._asr._engine.fault(self._asr.calls), self.heard
        await asyncio.sleep(self._asr._engine.delay_ms / 1000)
        if fault == "hang":
            await asyncio.sleep(self.settle_limit_s)
        if fault:
            raise ProviderUnavailableError(self._asr.name, "scripted failure of a stream")
        return Transcript(heard, 0.9)

    def close(self):
        self.closed += 1


@dataclass(frozen=True)
class Stamp:
    """A word of the bot, as the ear finds it: word `index` of `segment`."""

    segment: str
    index: int
    word: str


class StampedTts:
    """70 ms a letter; every sample tells in its low bits which word it belongs to."""

    name = "stamped"
    capabilities = TtsCapabilities()

    def __init__(self, engine):
        self._engine = engine
        self._stamps = [None]
        self.calls = 0

    def begin(self):
        """Count calls from here on: what was prepared before the call does not."""
        self.calls = 0

    async def synthesize(self, text):
        self.calls += 1
        fault = self._engine.fault(self.calls)
        await asyncio.sleep(self._engine.delay_ms / 1000)
        sound = self.sound(text)
        if fault in ("stall", "break"):
            yield AudioChunk(sound[: len(sound) // 2], TELEPHONE_RATE_HZ)
        await misbehave("hang" if fault == "stall" else fault, self.name)
        yield AudioChunk(sound, TELEPHONE_RATE_HZ)

    def sound(self, text):
        """The sound of a text, 8 kHz."""
        frames = frames_of(len(text) * BOT_CHAR_MS)
        carrier = murmur(frames, len(text), _LEVEL)
        numbers, last = [], None
        for word in spread(text, frames):
            if word is not last:
                index = 0 if last is None else self._stamps[-1].index + 1
                self._stamps.append(Stamp(text, index, word.text))
                last = word
            numbers.append(len(self._stamps) - 1)
        assert len(self._stamps) < _STAMPS, "a scenario with too many words"
        return carrier + np.repeat(numbers, FRAME_SAMPLES).astype(np.int16)

    def stamp_of(self, frame):
        """The number on most samples of a frame; 0: silence."""
        loud = frame[np.abs(frame.astype(np.int32)) >= _LEVEL // 2]
        return int(np.bincount(loud % _STAMPS).argmax()) if len(loud) * 2 >= len(frame) else 0

    def stamp(self, number):
        """What a number stands for."""
        return self._stamps[number]

    async def warm_up(self):
        pass

    async def close(self):
        pass


class RecordedTts:
    """A human voice without sense, 70 ms a letter: who listens for speech or for echo takes it for what it is."""

    name = "recorded"
    capabilities = TtsCapabilities()

    def __init__(self, recording, delay_ms):
        self._voice = read_wav(recording)
        self._delay_ms = delay_ms

    async def synthesize(self, text):
        await asyncio.sleep(self._delay_ms / 1000)
        samples = len(text) * BOT_CHAR_MS * TELEPHONE_RATE_HZ // 1000
        yield AudioChunk(np.resize(self._voice, samples), TELEPHONE_RATE_HZ)

    async def warm_up(self):
        pass

    async def close(self):
        pass


class ScenarioAgent:
    """An Answerer by the scenario's list; it keeps every question and never raises for a model's failure."""

    def __init__(self, answers):
        self._answers = answers
        self.asked = []

    async def reply(self, question, history):
        self.asked.append(question)
        answer = self._answers.get(question)
        if answer is None:
            await asyncio.sleep(0.05)
            yield AnswerInfo(known=False)
            yield phrases.UNKNOWN[0]
            return
        await asyncio.sleep(answer.delay_ms / 1000)
        yield AnswerInfo(kb="general", intent=answer.intent or None)
        for number, word in enumerate(answer.say.split(" ")):
            if number == answer.hangs_after:
                await asyncio.Event().wait()
            if number == answer.fails_after:
                yield "|" + phrases.CUT_SHORT if number else phrases.FAILED[0]
                return
            await asyncio.sleep(answer.word_ms / 1000)
            yield word + " "
