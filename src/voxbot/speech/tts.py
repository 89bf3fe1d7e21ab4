"""Text to speech: a segment of an answer to sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.domain.audio import AudioChunk


@dataclass(frozen=True, slots=True)
class TtsCapabilities:
    """What an engine can do, so that nobody has to ask for its name."""

    streaming: bool = False
    """First sound may come before the whole segment is synthesised."""
    max_chars: int = 1000
    """Longest text taken in one request."""


class Tts(Protocol):
    """A voice shared by all calls of the process."""

    name: str
    capabilities: TtsCapabilities

    def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak `text` (plain, already verbalised): one or more chunks, all of one rate.

        Raises ProviderError. Closing the generator stops the synthesis.
        """
        ...

    async def warm_up(self) -> None:
        """Start and speak once. Raises ConfigError if it cannot work on this machine, ProviderError otherwise."""
        ...

    async def close(self) -> None:
        """Free what is held, processes included."""
        ...
