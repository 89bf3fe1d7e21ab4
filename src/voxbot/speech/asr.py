"""Automatic speech recognition: a caller's turn to text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voxbot.domain.audio import AudioChunk


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. An empty `text` means: no words in it."""

    text: str
    confidence: float
    """0–1; how sure the engine is. Comparable within one engine only."""


@dataclass(frozen=True, slots=True)
class AsrHints:
    """What the engine may be told beforehand."""

    terms: str = ""
    """Words of the trade as one sentence, about 200 tokens, the most telling last: where an engine must cut, it
    cuts the beginning."""


@dataclass(frozen=True, slots=True)
class AsrCapabilities:
    """What an engine can do, so that nobody has to ask for its name."""

    streaming: bool = False
    max_ms: float = 30_000
    """Longest utterance taken in one piece."""
    least_silence_ms: float = 0
    """So much silence a recognition should wait for: one begun in vain keeps later ones waiting."""


class Asr(Protocol):
    """A recogniser shared by all calls of the process."""

    name: str
    capabilities: AsrCapabilities

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:
        """Recognise one utterance. Any rate; the engine resamples. Raises ProviderError."""
        ...

    async def warm_up(self) -> None:
        """Load and run once. Raises ConfigError if it cannot work on this machine, ProviderError otherwise."""
        ...

    async def close(self) -> None:
        """Free what is held."""
        ...
