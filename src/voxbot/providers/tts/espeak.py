"""espeak-ng: the voice that is always there. A robot's, but clear, and 2.5 ms per sentence."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.tts.espeak_library import espeak_library
from voxbot.speech.clauses import split_clauses
from voxbot.speech.level import even_level
from voxbot.speech.tts import TtsCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.settings.schema import Settings
    from voxbot.speech.tts import Tts

_VOICE = "ru"
_WORDS_PER_MINUTE = 150


def create(settings: Settings) -> Tts:  # noqa: ARG001 - every factory of the registry takes the settings
    """Make the voice; the library is loaded by `warm_up` or the first text."""
    return EspeakTts()


def available(settings: Settings) -> bool:  # noqa: ARG001 - the same for every voice of the registry
    """Whether it can be used: always, the library comes with the package."""
    return True


class EspeakTts:
    """The voice. One worker thread, as the library does one thing at a time."""

    name = "espeak"
    capabilities = TtsCapabilities(streaming=True, local=True, voice_id=f"{_VOICE} {_WORDS_PER_MINUTE}")

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak clause by clause, so that calls take turns. Raises ProviderUnavailableError."""
        for clause in split_clauses(text):
            if any(char.isalnum() for char in clause):
                yield await self._say(clause)

    async def warm_up(self) -> None:
        """Load the library and speak once."""
        await self._say("раз")

    async def close(self) -> None:
        """Stop the worker; the library stays loaded, it may serve others."""
        await asyncio.to_thread(self._worker.shutdown)

    async def _say(self, clause: str) -> AudioChunk:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, _speak, clause)
        except RuntimeError as error:
            raise ProviderUnavailableError(self.name, f"синтез не удался ({error})") from error


def _speak(clause: str) -> AudioChunk:
    chunk = espeak_library().synthesize(clause, _VOICE, _WORDS_PER_MINUTE)
    return AudioChunk(even_level(chunk.samples), chunk.rate_hz)
