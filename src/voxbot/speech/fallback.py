"""Several engines of one kind used as one: the next is asked when one fails or says nothing in time.

Retry and fallback live here and nowhere else in speech; engines themselves just raise ProviderError.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.speech.asr import AsrCapabilities
from voxbot.speech.tts import TtsCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.domain.audio import AudioChunk
    from voxbot.speech.asr import Asr, AsrHints, Transcript
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_TRANSCRIPT_S = 5.0
_FIRST_AUDIO_S = 5.0


class FallbackAsr:
    """Recognisers in order of preference. An Asr itself."""

    def __init__(self, engines: Sequence[Asr], *, transcript_s: float = _TRANSCRIPT_S) -> None:
        self._engines = engines
        self._transcript_s = transcript_s
        self.name = _joint_name(engines)
        self.capabilities = AsrCapabilities(max_ms=min(engine.capabilities.max_ms for engine in engines))

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:
        """Give the first transcript that comes. Raises the last engine's ProviderError if none does."""
        failure: ProviderError | None = None
        for engine in self._engines:
            try:
                async with asyncio.timeout(self._transcript_s):
                    return await engine.transcribe(audio, hints)
            except (ProviderError, TimeoutError) as error:
                failure = _noted(engine, error, self._transcript_s)
        assert failure is not None
        raise failure

    async def warm_up(self) -> None:
        """Warm all engines up; one that is out of reach now may come back, so it stays."""
        await _warm_up(self._engines)

    async def close(self) -> None:
        """Close all engines."""
        await _close(self._engines)


class FallbackTts:
    """Voices in order of preference. A Tts itself.

    Once the first sound is out the voice stays: a failure after it is raised, as the text cannot be begun again.
    """

    def __init__(self, engines: Sequence[Tts], *, first_audio_s: float = _FIRST_AUDIO_S) -> None:
        self._engines = engines
        self._first_audio_s = first_audio_s
        self.name = _joint_name(engines)
        self.capabilities = TtsCapabilities(
            streaming=engines[0].capabilities.streaming,
            max_chars=min(engine.capabilities.max_chars for engine in engines),
        )

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak with the first voice that gives a sound. Raises the last one's ProviderError if none does."""
        failure: ProviderError | None = None
        for engine in self._engines:
            async with aclosing(engine.synthesize(text)) as chunks:
                try:
                    async with asyncio.timeout(self._first_audio_s):
                        first = await anext(chunks, None)
                except (ProviderError, TimeoutError) as error:
                    failure = _noted(engine, error, self._first_audio_s)
                    continue
                if first is not None:
                    yield first
                async for chunk in chunks:
                    yield chunk
                return
        assert failure is not None
        raise failure

    async def warm_up(self) -> None:
        """Warm all engines up; one that is out of reach now may come back, so it stays."""
        await _warm_up(self._engines)

    async def close(self) -> None:
        """Close all engines."""
        await _close(self._engines)


def _joint_name(engines: Sequence[Asr] | Sequence[Tts]) -> str:
    return ",".join(engine.name for engine in engines)


def _noted(engine: Asr | Tts, error: ProviderError | TimeoutError, limit_s: float) -> ProviderError:
    """Log the failure and give it as the one to raise if nobody else succeeds."""
    failure = error if isinstance(error, ProviderError) else None
    failure = failure or ProviderUnavailableError(engine.name, f"нет ответа {limit_s:g} с")
    log.warning("Движок не справился, пробую следующий", engine=engine.name, error=str(failure), code=failure.code)
    return failure


async def _warm_up(engines: Sequence[Asr] | Sequence[Tts]) -> None:
    """Raises ConfigError of any engine, since the operator asked for it; ProviderError only if all fail."""
    results = await asyncio.gather(*(engine.warm_up() for engine in engines), return_exceptions=True)
    failures = [result for result in results if result is not None]
    for failure in failures:
        if not isinstance(failure, ProviderError):
            raise failure
        log.warning("Запасной или основной движок пока недоступен", error=str(failure), code=failure.code)
    if len(failures) == len(engines):
        raise failures[-1]


async def _close(engines: Sequence[Asr] | Sequence[Tts]) -> None:
    results = await asyncio.gather(*(engine.close() for engine in engines), return_exceptions=True)
    for result in results:
        if result is not None:
            log.warning("Движок не закрылся чисто", error=repr(result))
