"""The agent's face to a call. (Skeleton of the contract; see the class.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.domain.dialogue import AnswerInfo, Utterance


class Answerer(Protocol):
    """Route → retrieve → answer."""

    def reply(self, question: str, history: Sequence[Utterance]) -> AsyncGenerator[str | AnswerInfo, None]:
        """Answer `question` (normalised text of the caller's turn) given what was said and heard before.

        Yields text in pieces of any size, `|` between segments, and AnswerInfo as soon as the sources are
        known and again at the end; the latest AnswerInfo holds. Never raises for a provider's failure: it says
        an honest sentence instead. Closing the generator stops the work.
        """
        ...
