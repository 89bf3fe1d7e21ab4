"""Several voices used as one: the next speaks when one fails or is late, and goes on when one breaks off."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.speech.budget import Budget
from voxbot.speech.fallback import close, joint_name, warm_up
from voxbot.speech.guard import Guard
from voxbot.speech.hedging import Entrant, HedgeSlots, Race
from voxbot.speech.one_voice import OneVoice
from voxbot.speech.resampler import Resampler
from voxbot.speech.resumption import SpeakingRate, rest_of
from voxbot.speech.switches import Switches
from voxbot.speech.tts import VoiceKey, is_speakable, voice_key

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.speech.tts import Tts


@dataclass(slots=True, eq=False)
class _Voice:
    engine: Tts
    guard: Guard
    rate: SpeakingRate = field(default_factory=SpeakingRate)


@dataclass(slots=True)
class Authors:
    """Who was heard saying a text: `voices` in their order, a voice that was asked again once more."""

    voices: list[VoiceKey] = field(default_factory=list[VoiceKey])
    broken: bool = False
    """One has broken off, so the sound may lack words: how much of a text was said is only estimated."""

    def note(self, voice: VoiceKey, *, broken: bool) -> None:
        """Add a voice that is through with its part."""
        self.voices.append(voice)
        self.broken = self.broken or broken

    @property
    def only(self) -> VoiceKey | None:
        """Whose sound it is, if one voice has said the text from its beginning to its end."""
        return self.voices[0] if len(self.voices) == 1 and not self.broken else None


class FallbackTts:
    """Voices in order of preference. A Tts itself.

    A voice that breaks off in mid-text is followed by the next one from the word where it stopped
    (`speech/resumption.py` says how exactly), one that ends without a sound from the beginning; a single voice is
    asked once more. All of it at the first one's rate.
    """

    def __init__(
        self, engines: Sequence[Tts], *, budget: Budget | None = None, switches: Switches | None = None
    ) -> None:
        switches = switches or Switches()
        self._voices = [
            _Voice(engine, Guard("tts", engine.name, switches, local=engine.capabilities.local)) for engine in engines
        ]
        self._budget = budget or Budget()
        self._slots = HedgeSlots()
        self._switches = switches
        self.name = joint_name(engines)
        self.capabilities = replace(
            engines[0].capabilities,
            max_chars=min(engine.capabilities.max_chars for engine in engines),
            voice_id=engines[0].capabilities.voice_id if len(engines) == 1 else "",
        )

    @property
    def fitting(self) -> list[VoiceKey]:
        """Whose sound may be played now: the first voice's, and the next ones' while it is shunned."""
        keys: list[VoiceKey] = []
        for voice in self._voices:
            keys.append(voice_key(voice.engine))
            if voice.guard.breaker.state == "closed":
                break
        return keys

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak with the first voice that gives a sound. Raises the last one's ProviderError if none does."""
        async with aclosing(self.speak(text, Authors())) as chunks:
            async for chunk in chunks:
                yield chunk

    async def speak(self, text: str, authors: Authors) -> AsyncGenerator[AudioChunk, None]:
        """Do as `synthesize` does, noting in `authors` who was heard once its part is over."""
        left = text
        candidates: list[_Voice] = list(self._voices)
        rate = _OneRate()
        retried = len(candidates) > 1
        broken: tuple[_Voice, ProviderError] | None = None
        while True:
            entrants = [Entrant(voice.guard, partial(voice.engine.synthesize, left)) for voice in candidates]
            async with Race(entrants, self._budget, self._slots) as race:
                winner = await race.first()
                voice: _Voice = next(each for each in candidates if each.guard is winner.guard)
                if broken:
                    self._note_switch(broken, voice)
                said = OneVoice(winner, self._budget)
                while (chunk := await said.next()) is not None:
                    yield rate.convert(chunk)
                failure = _failure(said, voice, left)
                if failure is None:
                    authors.note(voice_key(voice.engine), broken=False)
                    winner.attempt.succeeded()
                    voice.rate.learn(left, said.sound_s)
                    if (chunk := rate.flush()) is not None:
                        yield chunk
                    return
                if said.sound_s > 0:
                    authors.note(voice_key(voice.engine), broken=True)
                winner.attempt.failed(failure)
            broken = voice, failure
            left = rest_of(left, said.sound_s, voice.rate.chars_per_s)
            if not left:
                return
            candidates = [each for each in candidates if each is not voice]
            if not candidates:
                if retried or not failure.retryable:
                    raise failure
                candidates, retried = [voice], True

    def use(self, budget: Budget) -> None:
        """Take other limits from the next request on."""
        self._budget = budget

    async def warm_up(self) -> None:
        """Warm all voices up; one that is out of reach now may come back, so it stays."""
        await warm_up([voice.engine for voice in self._voices])

    async def close(self) -> None:
        """Close all voices."""
        await close([voice.engine for voice in self._voices])

    def _note_switch(self, broken: tuple[_Voice, ProviderError], to: _Voice) -> None:
        voice, error = broken
        self._switches.switched("tts", voice.engine.name, to.engine.name, error.code, str(error))


def _failure(said: OneVoice, voice: _Voice, text: str) -> ProviderError | None:
    """Why the voice is not through with the text, though it gives nothing more."""
    if said.error is None and said.sound_s <= 0 and is_speakable(text):
        return ProviderUnavailableError(voice.engine.name, "ответ без звука")
    return said.error


class _OneRate:
    """Brings all sound to the rate of the first chunk."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._from_hz = 0
        self._resampler: Resampler | None = None

    def convert(self, chunk: AudioChunk) -> AudioChunk:
        """Give the chunk at the first one's rate."""
        self._rate_hz = self._rate_hz or chunk.rate_hz
        if chunk.rate_hz == self._rate_hz:
            return chunk
        if self._resampler is None or self._from_hz != chunk.rate_hz:
            self._from_hz = chunk.rate_hz
            self._resampler = Resampler(chunk.rate_hz, self._rate_hz)
        return AudioChunk(self._resampler.push(chunk.samples), self._rate_hz)

    def flush(self) -> AudioChunk | None:
        """Give the last few samples, None if nothing was converted."""
        return AudioChunk(self._resampler.flush(), self._rate_hz) if self._resampler else None
