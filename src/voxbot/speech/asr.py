"""Automatic speech recognition: a caller's turn to text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from voxbot.domain.audio import AudioChunk, Samples


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
    """It is a StreamingAsr too."""
    max_ms: float = 30_000
    """Longest utterance taken in one piece."""
    least_silence_ms: float = 0
    """So much silence a recognition should wait for: one begun in vain keeps later ones waiting."""
    local: bool = False
    """It computes on this machine: another computation beside it makes both later."""


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


class AsrListener(Protocol):
    """Who is told what a stream hears: in the event loop, never from inside a call of the stream, until its close."""

    def on_partial(self, text: str) -> None:
        """`text` is all that the stream has heard of the utterance so far; it may still change."""
        ...

    def on_end_of_utterance(self) -> None:
        """The engine believes that the caller has finished."""
        ...


class AsrStream(Protocol):
    """One utterance, recognised while it is said. Several may be open at once, of one call or of many."""

    def push(self, samples: Samples) -> None:
        """Take the next sound, 8 kHz, silence included. Never waits, never raises: a failure shows in `settle`."""
        ...

    async def settle(self) -> Transcript:
        """Return the transcript of all that was pushed so far, now: the caller seems to have finished.

        The caller may go on: more may be pushed and `settle` asked again; it then covers the whole utterance.
        Raises ProviderError, also when the engine does not answer in its own time; it may be cancelled.
        """
        ...

    def close(self) -> None:
        """Give the utterance up; may be called twice."""
        ...


class StreamingAsr(Asr, Protocol):
    """A recogniser that also takes an utterance while it is said."""

    def open(self, hints: AsrHints, listener: AsrListener) -> AsrStream:
        """Begin an utterance. Never waits, never raises: connecting goes on beside the call."""
        ...


def as_streaming(asr: Asr) -> StreamingAsr | None:
    """The same recogniser as one that takes streams, None if it does not."""
    return cast("StreamingAsr", asr) if asr.capabilities.streaming else None
