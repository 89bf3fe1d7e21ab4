"""End-of-turn hints from sound: whether the melody of the last words says that the caller has finished.

A hint beside the words and the silence (turns/completeness.py), never the only judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voxbot.domain.audio import AudioChunk


class EndOfTurn(Protocol):
    """One engine for all calls of the process."""

    name: str

    async def probability(self, audio: AudioChunk) -> float:
        """How likely the turn is over, 0-1. `audio`: the utterance up to and with the pause; any rate and length.

        Raises ProviderError; the caller then decides without the hint.
        """
        ...

    async def warm_up(self) -> None:
        """Load and run once. Raises ConfigError if it cannot work on this machine, ProviderError otherwise."""
        ...

    async def close(self) -> None:
        """Free what is held."""
        ...
