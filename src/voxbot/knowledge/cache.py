"""Embeddings of questions, kept: a question asked twice costs one embedding."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from voxbot.knowledge.embedder import Embedder, Vectors

Origin: TypeAlias = Literal["cached", "computed"]


class EmbeddingCache(Protocol):
    """Where vectors are kept. A cache that fails behaves as an empty one: it never raises."""

    async def get(self, key: str) -> Vectors | None:
        """Return the vector kept under `key`."""
        ...

    async def put(self, key: str, vector: Vectors) -> None:
        """Keep a vector; older ones may go."""
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


class QuestionEmbedder:
    """An embedder behind a cache, keyed by provider, model and normalised text."""

    def __init__(self, embedder: Embedder, cache: EmbeddingCache) -> None:
        self.embedder = embedder
        self._cache = cache

    async def embed(self, question: str) -> tuple[Vectors, Origin]:
        """Return the question's vector, shape (dimension,). Raises ProviderError."""
        text = normalized(question)
        key = f"{self.embedder.name}/{self.embedder.model}/{text}"
        vector = await self._cache.get(key)
        if vector is not None:
            return vector, "cached"
        vector = await self.embedder.embed_query(text)
        await self._cache.put(key, vector)
        return vector, "computed"


def normalized(question: str) -> str:
    """Lower case, single spaces, no punctuation around: recognisers differ in these, questions do not."""
    return " ".join(question.lower().split()).strip(" .,!?…;:-–—")
