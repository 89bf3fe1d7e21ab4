"""Embeddings of questions, kept: a question asked twice costs one embedding.

QuestionEmbedder
├── MemoryEmbeddingCache                                      this process
└── SharedEmbeddingCache (shared_cache.py): memory in front of one of these
    ├── EmbeddingFile (store/embedding_cache.py)              all processes of this machine, and their restarts
    └── RedisVectors (redis_cache.py)                         all machines
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from voxbot.knowledge.embedder import Embedder, Vectors

Origin: TypeAlias = Literal["cached", "computed"]

_Flight: TypeAlias = "asyncio.Task[tuple[Vectors, Origin]]"


class EmbeddingCache(Protocol):
    """Where vectors are kept. A cache that fails behaves as an empty one: it never raises."""

    async def get(self, key: str) -> Vectors | None:
        """Return the vector kept under `key`."""
        ...

    async def put(self, key: str, vector: Vectors) -> None:
        """Keep a vector; older ones may go."""
        ...

    async def close(self) -> None:
        """Finish what is under way; nothing may be asked afterwards."""
        ...


class MemoryEmbeddingCache:
    """The most recently used vectors of this process: about 1.7 KB each with 384 dimensions."""

    def __init__(self, max_entries: int = 4096) -> None:
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._max_entries = max_entries

    async def get(self, key: str) -> Vectors | None:
        """Return the vector kept under `key`."""
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector

    async def put(self, key: str, vector: Vectors) -> None:
        """Keep a vector, in place of the least recently used one if there are too many."""
        self._vectors[key] = vector
        self._vectors.move_to_end(key)
        while len(self._vectors) > self._max_entries:
            self._vectors.popitem(last=False)

    async def close(self) -> None:
        """Nothing is under way."""


class QuestionEmbedder:
    """An embedder behind a cache, keyed by provider, model and normalised text."""

    def __init__(self, embedder: Embedder, cache: EmbeddingCache) -> None:
        self.embedder = embedder
        self._cache = cache
        self._flights: dict[str, _Flight] = {}

    async def embed(self, question: str, *, dimension: int | None = None) -> tuple[Vectors, Origin]:
        """Return the question's vector, shape (dimension,). Raises ProviderError.

        A cached vector that does not have `dimension` counts as none. Those who ask the same at the same time share
        one embedding; one of them that is cancelled does not disturb the others, and what it began is still cached.
        """
        text = normalized(question)
        key = f"{self.embedder.name}/{self.embedder.model}/{text}"
        flight = self._flights.get(key)
        if flight is not None:
            vector, _ = await asyncio.shield(flight)
            return vector, "cached"
        flight = asyncio.create_task(self._fetch(key, text, dimension))
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Stop the embeddings that nobody may be waiting for any more, close the cache and the embedder."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)
        await self._cache.close()
        await self.embedder.close()

    async def _fetch(self, key: str, text: str, dimension: int | None) -> tuple[Vectors, Origin]:
        vector = await self._cache.get(key)
        if vector is not None and dimension in (None, len(vector)):
            return vector, "cached"
        vector = await self.embedder.embed_query(text)
        await self._cache.put(key, vector)
        return vector, "computed"

    def _landed(self, key: str, flight: _Flight) -> None:
        del self._flights[key]
        # If all who waited were cancelled, nobody else takes the failure, and asyncio would complain.
        _ = flight.cancelled() or flight.exception()


def normalized(question: str) -> str:
    """Lower case, single spaces, no punctuation around: recognisers differ in these, questions do not."""
    return " ".join(question.lower().split()).strip(" .,!?…;:-–—")
