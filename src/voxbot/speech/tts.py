"""Text to speech: a segment of an answer to sound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.domain.audio import AudioChunk


_PRONOUNCED = re.compile(r"[0-9a-zа-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TtsCapabilities:
    """What an engine can do, so that nobody has to ask for its name."""

    streaming: bool = False
    """First sound may come before the whole segment is synthesised."""
    max_chars: int = 1000
    """Longest text taken in one request."""
    local: bool = False
    """It computes on this machine: another computation beside it makes both later."""
    voice_id: str = ""
    """Everything beside the text that its sound depends on: engine, voice, role, speed, rate, format. Sound is kept on
    disk under it; of a voice without one nothing is."""


class VoiceKey(NamedTuple):
    """Whose sound it is: the engine's name and its `voice_id`."""

    engine: str
    voice_id: str


class Tts(Protocol):
    """A voice shared by all calls of the process."""

    name: str
    capabilities: TtsCapabilities

    def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak `text` (plain, already verbalised): one or more chunks, all of one rate.

        Raises ProviderError. Closing the generator stops the synthesis. No chunk at all is right only for a text that
        is not `is_speakable`.
        """
        ...

    async def warm_up(self) -> None:
        """Start and speak once. Raises ConfigError if it cannot work on this machine, ProviderError otherwise."""
        ...

    async def close(self) -> None:
        """Free what is held, processes included."""
        ...


def is_speakable(text: str) -> bool:
    """Whether every voice must give a sound for it. Silence for such a text is a failure, though nobody says so."""
    return _PRONOUNCED.search(text) is not None


def voice_key(tts: Tts) -> VoiceKey:
    """Name an engine's sound."""
    return VoiceKey(tts.name, tts.capabilities.voice_id)
