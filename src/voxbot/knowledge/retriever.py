"""A question to the passages that answer it: one embedding, both bases, no language model."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

import structlog

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.router import route
from voxbot.knowledge.scoring import chunk_logits, probability
from voxbot.knowledge.search import Hit, SearchMs, SearchResult
from voxbot.knowledge.space import SearchSpace, open_space
from voxbot.knowledge.terms import make_terms
from voxbot.knowledge.versions import VersionStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.cache import QuestionEmbedder
    from voxbot.knowledge.embedder import Vectors
    from voxbot.knowledge.scoring import ChunkScores
    from voxbot.settings.schema import KnowledgeSettings

KbChoice: TypeAlias = Literal["general", "tech", "auto"]

log = structlog.get_logger(__name__)


class Retriever:
    """Searches the version of the index in use, and moves on to a new one when it is published."""

    def __init__(self, root: Path, embedder: QuestionEmbedder, settings: Callable[[], KnowledgeSettings]) -> None:
        """Search the index in `root`; `settings` gives what is in force at each question."""
        self._settings = settings
        self._embedder = embedder
        self._store = VersionStore(root)
        self._space: SearchSpace | None = None
        self._stamp = self._store.stamp()
        self._reload: asyncio.Task[bool] | None = None

    @property
    def space(self) -> SearchSpace:
        """The version searched now. Raises KnowledgeError before `open`."""
        if self._space is None:
            raise KnowledgeError("the index is not open: call open() first")
        return self._space

    async def open(self) -> None:
        """Read the index. Raises KnowledgeError that says what to do."""
        self._stamp = self._store.stamp()
        self._space = await asyncio.to_thread(open_space, self._store, self._embedder_id)

    async def warm_up(self) -> None:
        """Search once, so that the first caller does not pay for lazy loading. Raises ProviderError."""
        await self.search("сколько стоит доставка")

    def speech_terms(self) -> str:
        """Return the knowledge bases' own words in the form that recognition is biased with (AsrHints.terms)."""
        return make_terms(self.space.records.chunks)

    async def maybe_reload(self) -> bool:
        """Move to the version in use if it has changed; one `stat` if not. Keeps the old one if the new is unusable."""
        stamp = self._store.stamp()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._space = await asyncio.to_thread(open_space, self._store, self._embedder_id)
        except KnowledgeError as error:
            log.error("Новый индекс непригоден, работаю со старым", reason=str(error))
            return False
        log.info("Агент успешно перезагружен", version=self._space.version)
        return True

    async def close(self) -> None:
        """Wait for a new version that is being read, if any."""
        if self._reload:
            await self._reload

    async def embed(self, question: str) -> Vectors:
        """Return the vector that `search` compares with those of passages, shape (dimension,). Raises ProviderError."""
        vector, _ = await self._embedder.embed(self.space.lexical.rewrite(question))
        return vector

    async def search(self, question: str, *, kb: KbChoice = "auto", k: int | None = None) -> SearchResult:
        """Find the passages that answer `question`; hits are of one base, best first. Raises ProviderError."""
        self._reload_beside()
        space = self.space
        started = time.perf_counter()
        vector, origin = await self._embedder.embed(space.lexical.rewrite(question))
        embedded = time.perf_counter()
        logits = chunk_logits(space, question, vector)
        primary: KbName = route(space, logits) if kb == "auto" else kb
        used, asked_both = self._choose(space, logits, primary, only=kb != "auto")
        hits = _hits(space, logits, used, k or self._settings().top_k)
        ended = time.perf_counter()
        ms = SearchMs(
            embed=(embedded - started) * 1000, search=(ended - embedded) * 1000, total=(ended - started) * 1000
        )
        return SearchResult(primary, used, asked_both, origin, hits, ms)

    @property
    def _embedder_id(self) -> str:
        return f"{self._embedder.embedder.name}/{self._embedder.embedder.model}"

    def _choose(self, space: SearchSpace, logits: ChunkScores, primary: KbName, *, only: bool) -> tuple[KbName, bool]:
        """Return the base to answer from, and whether the other one was asked too."""
        best = _best(space, logits, primary)
        if only or best >= self._settings().fallback_threshold:
            return primary, False
        other: KbName = "tech" if primary == "general" else "general"
        return (other if _best(space, logits, other) > best else primary), True

    def _reload_beside(self) -> None:
        """Begin to read a new version without making this question wait."""
        if self._stamp != self._store.stamp() and (self._reload is None or self._reload.done()):
            self._reload = asyncio.create_task(self.maybe_reload())


def _best(space: SearchSpace, logits: ChunkScores, kb: KbName) -> float:
    own = logits[space.chunks_of[kb]]
    return probability(float(own.max())) if len(own) else 0.0


def _hits(space: SearchSpace, logits: ChunkScores, kb: KbName, k: int) -> tuple[Hit, ...]:
    order: list[int] = sorted(space.chunks_of[kb].tolist(), key=lambda index: (-logits[index], index))
    hits: list[Hit] = []
    for index in order[:k]:
        chunk = space.records.chunks[index]
        hits.append(Hit(kb, chunk.title, probability(float(logits[index])), chunk.text, chunk.chunk_id))
    return tuple(hits)
