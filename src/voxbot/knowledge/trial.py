"""Searching a text that is not a knowledge base yet, beside the other base as it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxbot.knowledge.index import chunk_vectors
from voxbot.knowledge.records import make_records
from voxbot.knowledge.space import make_space

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.documents import Chunk
    from voxbot.knowledge.retriever import KbChoice, Retriever
    from voxbot.knowledge.search import SearchResult
    from voxbot.knowledge.space import SearchSpace


class TrialSearch:
    """Searches as `retriever` does, in a space of its own."""

    def __init__(self, retriever: Retriever, space: SearchSpace) -> None:
        self._retriever = retriever
        self._space = space

    async def search(self, question: str, *, kb: KbChoice = "auto", k: int | None = None) -> SearchResult:
        """See Retriever.search."""
        return await self._retriever.search_in(self._space, question, kb=kb, k=k)


async def open_trial(
    retriever: Retriever,
    kb: KbName,
    chunks: Sequence[Chunk],
    progress: Callable[[int, int], None] | None = None,
) -> TrialSearch:
    """Prepare a trial of `chunks` in place of base `kb`; `progress(done, total)` counts passages to embed.

    Passages that the version in use has are not embedded again, nor those of a trial by the build after it. Raises
    ProviderError.
    """
    records = retriever.space.records
    every = [*chunks, *(chunk for chunk in records.chunks if chunk.kb != kb)]
    vectors, _ = await chunk_vectors(every, records, retriever.embedder, retriever.paid_vectors(), progress)
    space = await asyncio.to_thread(make_space, "trial", make_records(every, vectors))
    return TrialSearch(retriever, space)
