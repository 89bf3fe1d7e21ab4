"""Speech engines and an agent with scripted behaviour, for calls in virtual time."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from voxbot.call.services import Services
from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.tts import TtsCapabilities

CHAR_MS = 60


def speech(duration_ms, level=8000):
    """A sound that EnergyVad takes for speech: each level is one speaker to ScriptedAsr."""
    samples = np.zeros(int(duration_ms * 8), np.int16)
    samples[::2] = level
    return samples


class EnergyVad:
    """Loud is speech."""

    name = "energy"
    window_samples = 256

    def open(self, on_probability):
        return _EnergyStream(on_probability)

    def warm_up(self):
        pass


class _EnergyStream:
    def __init__(self, on_probability):
        self._on_probability = on_probability
        self._rest = np.zeros(0, np.int16)
        self._closed = False

    def push(self, samples):
        self._rest = np.concatenate((self._rest, samples))
        while len(self._rest) >= EnergyVad.window_samples:
            window, self._rest = np.split(self._rest, [EnergyVad.window_samples])
            probability = 0.95 if np.abs(window.astype(int)).mean() > 500 else 0.01
            asyncio.get_running_loop().call_soon(self._report, probability)

    def _report(self, probability):
        if not self._closed:
            self._on_probability(probability)

    def close(self):
        self._closed = True


@dataclass
class ScriptedAsr:
    """Hears `words[level]` in a sound whose loudest sample is `level`."""

    words: dict[int, str]
    delay_s: float = 0.2
    failing: bool = False
    name: str = "scripted"
    capabilities: AsrCapabilities = field(default_factory=AsrCapabilities)
    runs: int = 0

    async def transcribe(self, audio, hints):
        self.runs += 1
        await asyncio.sleep(self.delay_s)
        if self.failing:
            raise ProviderUnavailableError(self.name, "scripted failure")
        level = int(np.abs(audio.samples).max()) if len(audio.samples) else 0
        return Transcript(self.words.get(level, ""), 0.9)

    async def warm_up(self):
        pass

    async def close(self):
        pass


@dataclass
class ToneTts:
    """Every character sounds for 60 ms."""

    delay_s: float = 0.1
    failing: bool = False
    name: str = "tone"
    capabilities: TtsCapabilities = field(default_factory=TtsCapabilities)
    said: list[str] = field(default_factory=list)

    async def synthesize(self, text):
        await asyncio.sleep(self.delay_s)
        if self.failing:
            raise ProviderUnavailableError(self.name, "scripted failure")
        self.said.append(text)
        yield AudioChunk(speech(len(text) * CHAR_MS, level=5000), TELEPHONE_RATE_HZ)

    async def warm_up(self):
        pass

    async def close(self):
        pass


@dataclass
class ScriptedAnswerer:
    """Answers from a dictionary; a callable value may hang or fail."""

    answers: dict[str, tuple[str, AnswerInfo]]
    delay_s: float = 0.05
    asked: list = field(default_factory=list)

    async def reply(self, question, history):
        self.asked.append((question, tuple(history)))
        await asyncio.sleep(self.delay_s)
        text, info = self.answers.get(question, ("Не знаю.", AnswerInfo(known=False)))
        yield info
        for word in text.split(" "):
            yield word + " "


def services(asr, answerer, *, tts=None, published=None, environ=None):
    """Everything a pipeline needs, scripted."""
    settings = load_settings(environ=environ or {})
    published = published if published is not None else []
    return Services(
        vad=EnergyVad(),
        asr=asr,
        tts=tts or ToneTts(),
        answerer=answerer,
        settings=lambda: settings,
        greeting=lambda: "Здравствуйте, слушаю вас.",
        asr_hints=AsrHints,
        normalize=lambda text: text,
        verbalize=lambda text: text,
        publish=published.append,
    )
