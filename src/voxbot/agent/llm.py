"""The language model protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.domain.dialogue import Utterance


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: `system` carries the instructions and the context found, `question` the caller's words."""

    system: str
    history: Sequence[Utterance]
    question: str
    temperature: float


class Llm(Protocol):
    """A chat model."""

    name: str
    model: str

    def stream(self, request: ChatRequest) -> AsyncGenerator[str, None]:
        """Stream the answer's text in pieces of any size. Raises ProviderError, also in mid-answer."""
        ...

    async def close(self) -> None:
        """Free what is held."""
        ...
