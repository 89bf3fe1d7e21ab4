"""An embedder as callers need it: soon, or not at all.

An index has one model, so nobody else can answer a question for it; but the words of a question find nearly as much
(knowledge/scoring.py). So a question is repeated once, and given up after EMBEDDINGS_TIMEOUT; a model that keeps
failing is not asked at all for a while (speech/breaker.py). Each question that goes on by words counts as a switch to
`words`. A model of this machine has nothing to wait for but its processor: it gets all the time that it needs.

Builds of the index pass through: they are patient in their own way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxbot.domain.errors import ProviderError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.speech.guard import Guard, loop_time
from voxbot.speech.switches import OPEN, Switches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.knowledge.embedder import Embedder, Vectors

WORDS = "words"
"""What goes on instead: see Retriever.search."""

_FIRST_S = 5.0
"""For the first question of the process, asked before any call: libraries are loaded, the connection is made."""
_ACCIDENT_PAUSE_S = 0.05
_REFUSAL_PAUSE_S = 0.3
"""A quota of 10 requests a second has room again."""
_SAME_QUESTION_S = 5.0
"""One turn may search for the same question again, in the other base: it need not wait twice."""


class GuardedEmbedder:
    """An Embedder around another one, which it owns."""

    def __init__(self, embedder: Embedder, *, question_s: float, switches: Switches | None = None) -> None:
        """`question_s`: how long a question may take, repeating included."""
        self.name = embedder.name
        self.model = embedder.model
        self.is_local = embedder.is_local
        self.documents_at_once = embedder.documents_at_once
        self._embedder = embedder
        self._question_s = question_s
        self._switches = switches or Switches()
        self._guard = Guard("embedding", embedder.name, self._switches, local=embedder.is_local)
        self._is_first = True
        self._failed: dict[str, tuple[float, ProviderError]] = {}
        """Questions that failed lately: until when they are not asked again, and why."""

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (dimension,). Raises ProviderError within the time that a question may take."""
        self._refuse_if_hopeless(text)
        attempt = self._guard.begin()
        try:
            vector = await self._asked(text)
        except ProviderError as error:
            attempt.failed(error)
            self._failed[text] = loop_time() + _SAME_QUESTION_S, error
            self._switches.switched("embedding", self.name, WORDS, error.code, str(error))
            raise
        else:
            attempt.first_result()
            attempt.succeeded()
            return vector
        finally:
            attempt.left()

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), dimension). Raises ProviderError."""
        return await self._embedder.embed_documents(texts)

    async def close(self) -> None:
        """Close the embedder."""
        await self._embedder.close()

    def _refuse_if_hopeless(self, text: str) -> None:
        now_s = loop_time()
        self._failed = {text: failure for text, failure in self._failed.items() if failure[0] > now_s}
        if text in self._failed:
            raise self._failed[text][1]
        breaker = self._guard.breaker
        if not breaker.admits:
            self._switches.switched("embedding", self.name, WORDS, OPEN)
            raise ProviderUnavailableError(
                self.name, f"эмбеддинги после отказов не спрашиваются ещё {breaker.opens_for_s:.0f} с"
            )

    async def _asked(self, text: str) -> Vectors:
        if self.is_local:
            return await self._embedder.embed_query(text)
        limit_s = max(_FIRST_S, self._question_s) if self._is_first else self._question_s
        self._is_first = False
        ends_s = loop_time() + limit_s
        try:
            async with asyncio.timeout_at(ends_s):
                try:
                    return await self._embedder.embed_query(text)
                except ProviderError as error:
                    pause_s = _pause_s(error)
                    if pause_s is None or loop_time() + pause_s >= ends_s:
                        raise
                await asyncio.sleep(pause_s)
                return await self._embedder.embed_query(text)
        except TimeoutError as error:
            raise ProviderUnavailableError(self.name, f"нет эмбеддинга вопроса за {limit_s:g} с") from error


def _pause_s(error: ProviderError) -> float | None:
    """How long to wait before the question is repeated; None where that is no use."""
    match error:
        case ProviderRateLimitError(retry_after_s=asked_s):
            return max(asked_s or 0.0, _REFUSAL_PAUSE_S)
        case _ if error.retryable:
            return _ACCIDENT_PAUSE_S
        case _:
            return None
