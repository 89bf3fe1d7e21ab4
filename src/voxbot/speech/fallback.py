"""Several recognisers used as one: the next is asked when one fails, or is slower than it usually is.

Retry and fallback live in `speech/fallback*.py` and `agent/llm.py` and nowhere else; engines just raise
ProviderError. How long each engine may take is in `speech/budget.py`, who is asked at all in `speech/breaker.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import structlog

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.domain.errors import ProviderError
from voxbot.speech.budget import Budget
from voxbot.speech.guard import Guard
from voxbot.speech.hedging import Entrant, HedgeSlots, Race
from voxbot.speech.switches import Switches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from voxbot.domain.audio import Samples
    from voxbot.speech.asr import Asr, AsrHints, AsrListener, AsrStream, StreamingAsr, Transcript
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_NO_SOUND = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class _Recogniser:
    engine: Asr
    guard: Guard


class FallbackAsr:
    """Recognisers in order of preference. An Asr itself, and a StreamingAsr if the first is one."""

    def __init__(
        self, engines: Sequence[Asr], *, budget: Budget | None = None, switches: Switches | None = None
    ) -> None:
        switches = switches or Switches()
        self._recognisers = [
            _Recogniser(engine, Guard("asr", engine.name, switches, local=engine.capabilities.local))
            for engine in engines
        ]
        self._budget = budget or Budget()
        self._slots = HedgeSlots()
        self.name = joint_name(engines)
        longest_ms = min(engine.capabilities.max_ms for engine in engines)
        self.capabilities = replace(engines[0].capabilities, max_ms=longest_ms)

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:
        """Give the first transcript that comes. Raises the last engine's ProviderError if none does."""
        return await self._ask([_by_whole(each, audio, hints) for each in self._recognisers])

    def open(self, hints: AsrHints, listener: AsrListener) -> AsrStream:
        """Begin an utterance: the first engine hears it while it is said, the others only if they must."""
        return _FallbackStream(self._recognisers, hints, listener, self._ask)

    def use(self, budget: Budget) -> None:
        """Take other limits from the next request on."""
        self._budget = budget

    async def warm_up(self) -> None:
        """Warm all engines up; one that is out of reach now may come back, so it stays."""
        await warm_up([each.engine for each in self._recognisers])

    async def close(self) -> None:
        """Close all engines."""
        await close([each.engine for each in self._recognisers])

    async def _ask(self, entrants: Sequence[Entrant[Transcript]]) -> Transcript:
        async with Race(entrants, self._budget, self._slots) as race:
            winner = await race.first()
            transcript = await winner.pump.next()
            winner.attempt.succeeded()
            return transcript


class _FallbackStream:
    """One utterance. It keeps the sound, so that another engine can hear all of it when the stream fails."""

    def __init__(
        self,
        recognisers: Sequence[_Recogniser],
        hints: AsrHints,
        listener: AsrListener,
        ask: Callable[[Sequence[Entrant[Transcript]]], Awaitable[Transcript]],
    ) -> None:
        self._recognisers = recognisers
        self._hints = hints
        self._ask = ask
        self._sound: list[Samples] = []
        self._broken = False
        first = recognisers[0]
        streams = first.engine.capabilities.streaming and first.guard.breaker.admits
        self._stream = cast("StreamingAsr", first.engine).open(hints, listener) if streams else None

    def push(self, samples: Samples) -> None:
        """See AsrStream.push."""
        self._sound.append(samples)
        if self._stream:
            self._stream.push(samples)

    async def settle(self) -> Transcript:
        """Return the first transcript of all that was pushed: the stream's, or else one of the whole.

        Raises the last engine's ProviderError when every one has heard the whole in vain: asking again is of no use.
        """
        return await self._ask(self._entrants())

    def close(self) -> None:
        """See AsrStream.close."""
        stream, self._stream = self._stream, None
        if stream:
            stream.close()

    def _entrants(self) -> list[Entrant[Transcript]]:
        audio = AudioChunk(np.concatenate(self._sound) if self._sound else _NO_SOUND, TELEPHONE_RATE_HZ)
        first, *others = (_by_whole(each, audio, self._hints) for each in self._recognisers)
        if self._stream:
            # A stream that breaks off loses the words, the engine that it belongs to may be well: heard whole, as last.
            return [Entrant(first.guard, partial(_once, partial(self._settle, self._stream))), *others, first]
        return [*others, first] if self._broken else [first, *others]

    async def _settle(self, stream: AsrStream) -> Transcript:
        try:
            return await stream.settle()
        except ProviderError as error:
            log.warning("Поток распознавания отказал, реплика распознаётся целиком", error=str(error), code=error.code)
            self._broken = True
            self.close()
            raise


def _by_whole(recogniser: _Recogniser, audio: AudioChunk, hints: AsrHints) -> Entrant[Transcript]:
    return Entrant(recogniser.guard, partial(_once, partial(recogniser.engine.transcribe, audio, hints)))


async def _once(ask: Callable[[], Awaitable[Transcript]]) -> AsyncGenerator[Transcript, None]:
    yield await ask()


def joint_name(engines: Sequence[Asr] | Sequence[Tts]) -> str:
    """Name a list of engines."""
    return ",".join(engine.name for engine in engines)


async def warm_up(engines: Sequence[Asr] | Sequence[Tts]) -> None:
    """Raises ConfigError of any engine, since the operator asked for it; ProviderError only if all fail."""
    results = await asyncio.gather(*(engine.warm_up() for engine in engines), return_exceptions=True)
    failures = [result for result in results if result is not None]
    for failure in failures:
        if not isinstance(failure, ProviderError):
            raise failure
        log.warning("Запасной или основной движок пока недоступен", error=str(failure), code=failure.code)
    if len(failures) == len(engines):
        raise failures[-1]


async def close(engines: Sequence[Asr] | Sequence[Tts]) -> None:
    """Close all, whatever one of them raises."""
    results = await asyncio.gather(*(engine.close() for engine in engines), return_exceptions=True)
    for result in results:
        if result is not None:
            log.warning("Движок не закрылся чисто", error=repr(result))
