"""A question to the passages that answer it: one embedding, both bases, no language model.

Where the embedder fails, words alone are searched: a caller gets nearly as good an answer instead of none. The
embedder, or what is around it, says so in the log (providers/embedding/guarded.py).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import structlog

from voxbot.domain.errors import KnowledgeError, ProviderError
from voxbot.knowledge.embedding import PaidVectors
from voxbot.knowledge.likely import likely_questions
from voxbot.knowledge.opening import open_space, open_versions
from voxbot.knowledge.router import route
from voxbot.knowledge.scoring import chunk_logits, probability
from voxbot.knowledge.search import Hit, SearchMs, SearchResult
from voxbot.knowledge.terms import make_terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.cache import Origin, QuestionEmbedder
    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.knowledge.scoring import ChunkScores
    from voxbot.knowledge.server import ChromaServer
    from voxbot.knowledge.space import SearchSpace
    from voxbot.knowledge.versions import Stamp
    from voxbot.settings.schema import KnowledgeSettings

KbChoice: TypeAlias = Literal["general", "tech", "auto"]

_AT_ONCE = 3000
"""Passages that are searched in a millisecond or two; more are searched in a thread, for the sake of other calls."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    primary: KbName
    used: KbName
    asked_both: bool
    hits: tuple[Hit, ...]
    unknown: tuple[str, ...]


class Retriever:
    """Searches the version of the index in use, and moves on to a new one when it is published."""

    def __init__(
        self,
        root: Path,
        embedder: QuestionEmbedder,
        settings: Callable[[], KnowledgeSettings],
        server: ChromaServer | None = None,
    ) -> None:
        """Search the index in `root`, or on `server`; `settings` gives what is in force at each question."""
        self._root = root
        self._settings = settings
        self._embedder = embedder
        self._versions = open_versions(root, server)
        self._space: SearchSpace | None = None
        self._stamp: Stamp = None
        self._checked_s = time.monotonic()
        self._lost = False
        self._exchanged = False
        self._refused = ""
        self._reload: asyncio.Task[bool] | None = None

    @property
    def embedder(self) -> Embedder:
        """What makes the vectors."""
        return self._embedder.embedder

    def paid_vectors(self) -> PaidVectors:
        """Return what was computed for an index that is not there yet."""
        return PaidVectors(self._root, self._embedder_id)

    @property
    def space(self) -> SearchSpace:
        """The version searched now. Raises KnowledgeError before `open`."""
        if self._space is None:
            raise KnowledgeError("the index is not open: call open() first")
        return self._space

    async def open(self) -> None:
        """Read the index. Raises KnowledgeError that says what to do.

        While its server is out of reach, the version that was fetched before is searched, and a newer one later.
        """
        try:
            self._stamp = await asyncio.to_thread(self._versions.stamp)
        except KnowledgeError as error:
            if not await self._open_at_hand():
                raise
            log.warning("Сервер индекса недоступен, ищу в версии, полученной раньше", reason=str(error))
            self._lost = True
        else:
            self._space = await asyncio.to_thread(open_space, self._versions, self._embedder_id)

    async def warm_up(self) -> None:
        """Search once, so that the first caller does not pay for lazy loading.

        Raises ProviderError of a model on this machine; one elsewhere that is out of reach now may come back.
        """
        found = await self.search("сколько стоит доставка")
        if found.embedding == "cached" and self.is_local:
            await self._embedder.embedder.embed_query("сколько стоит доставка")  # loads the model

    async def prewarm(self, limit: int, *, pause_s: float) -> int:
        """Have the questions that follow from the headings in the cache; return how many there are.

        One by one, with a pause after each embedding, so that calls keep the processor. Raises ProviderError.
        """
        questions = likely_questions(self.space.records.chunks, limit)
        for question in questions:
            _, origin = await self._embed(self.space, question)
            await asyncio.sleep(pause_s if origin == "computed" else 0)
        return len(questions)

    def speech_terms(self) -> str:
        """Return the knowledge bases' own words in the form that recognition is biased with (AsrHints.terms)."""
        return make_terms(self.space.records.chunks)

    async def maybe_reload(self) -> bool:
        """Move to the version in use if it has changed. Keeps the old one if the new is unusable or out of reach."""
        before, stamp = self._stamp, await self._ask_stamp()
        if stamp == before:
            return False
        self._stamp = stamp
        try:
            self._space = await asyncio.to_thread(open_space, self._versions, self._embedder_id)
        except KnowledgeError as error:
            if str(error) != self._refused:
                log.error("Новый индекс непригоден, работаю со старым", reason=str(error))
            self._refused = str(error)
            if self._versions.check_s:  # it may be the server that failed: the version is tried again
                self._stamp = before
            return False
        self._refused = ""
        log.info("Агент успешно перезагружен", version=self._space.version)
        return True

    async def close(self) -> None:
        """Wait for a new version that is being read, if any, and let go of the cache of questions."""
        if self._reload:
            await self._reload
        await self._embedder.close()

    async def embed(self, question: str) -> Vectors:
        """Return the vector that `search` compares with those of passages, shape (dimension,). Raises ProviderError."""
        vector, _ = await self._embed(self.space, question)
        return vector

    async def search(self, question: str, *, kb: KbChoice = "auto", k: int | None = None) -> SearchResult:
        """Find the passages that answer `question`; hits are of one base, best first.

        While the embedder is out of reach, or answers otherwise than the one that the index is of, words are searched.
        """
        self._reload_beside()
        return await self.search_in(self.space, question, kb=kb, k=k)

    async def search_in(
        self, space: SearchSpace, question: str, *, kb: KbChoice = "auto", k: int | None = None
    ) -> SearchResult:
        """Search a version that need not be the one in use, as `search` does. Raises ProviderError."""
        started = time.perf_counter()
        vector, origin = await self._embed_if_possible(space, question)
        embedded = time.perf_counter()
        rank = partial(self._rank, space, question, vector, kb, k or self._settings().top_k)
        found = rank() if len(space.records.passages) <= _AT_ONCE else await asyncio.to_thread(rank)
        ended = time.perf_counter()
        ms = SearchMs(
            embed=(embedded - started) * 1000, search=(ended - embedded) * 1000, total=(ended - started) * 1000
        )
        return SearchResult(found.primary, found.used, found.asked_both, origin, found.hits, ms, found.unknown)

    async def _open_at_hand(self) -> bool:
        manifest = await asyncio.to_thread(self._versions.at_hand)
        if manifest is None or manifest.embedder != self._embedder_id:
            return False
        self._space = await asyncio.to_thread(self._versions.open, manifest.version)
        self._stamp = manifest.version
        return True

    def _rank(self, space: SearchSpace, question: str, vector: Vectors | None, kb: KbChoice, k: int) -> _Found:
        concepts = space.lexical.understand(question)
        logits = chunk_logits(space, concepts, vector)
        primary: KbName = route(space, logits) if kb == "auto" else kb
        used, asked_both = self._choose(space, logits, primary, only=kb != "auto")
        unknown = tuple(concept.form for concept in concepts if concept.noun and not concept.terms)
        return _Found(primary, used, asked_both, _hits(space, logits, used, k), unknown)

    async def _embed_if_possible(
        self, space: SearchSpace, question: str
    ) -> tuple[Vectors, Origin] | tuple[None, Literal["none"]]:
        try:
            vector, origin = await self._embed(space, question)
        except ProviderError:
            return None, "none"
        except KnowledgeError as error:  # callers are answered, and the operator told what to do
            if not self._exchanged:
                log.error("Ищу только по словам", reason=str(error))
            self._exchanged = True
            return None, "none"
        self._exchanged = False
        return vector, origin

    async def _embed(self, space: SearchSpace, question: str) -> tuple[Vectors, Origin]:
        dimension = space.records.vectors.shape[1]
        vector, origin = await self._embedder.embed(space.lexical.rewrite(question), dimension=dimension)
        if len(vector) != dimension:  # a model may be exchanged for another one of the same name
            raise KnowledgeError(
                f"{self._versions.where}: в индексе векторы по {dimension} чисел, а модель {self._embedder_id} "
                f"отвечает по {len(vector)}; выполните voxbot kb build"
            )
        return vector, origin

    @property
    def is_local(self) -> bool:
        """Whether embedding costs no money (Embedder.is_local)."""
        return self._embedder.embedder.is_local

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
        if self._reload and not self._reload.done():
            return
        if self._versions.check_s:
            due = time.monotonic() >= self._checked_s + self._versions.check_s
        else:
            due = self._stamp != self._versions.stamp()
        if due:
            self._checked_s = time.monotonic()
            self._reload = asyncio.create_task(self.maybe_reload())

    async def _ask_stamp(self) -> Stamp:
        """Ask which version is in use; while that cannot be found out it is the one at hand, said once."""
        try:
            stamp = await asyncio.to_thread(self._versions.stamp)
        except KnowledgeError as error:
            if not self._lost:
                log.warning("Сервер индекса недоступен, ищу в загруженной версии", reason=str(error))
            self._lost = True
            return self._stamp
        if self._lost:
            log.info("Сервер индекса снова доступен")
        self._lost = False
        return stamp


def _best(space: SearchSpace, logits: ChunkScores, kb: KbName) -> float:
    own = logits[space.chunks_of[kb]]
    return probability(float(own.max())) if len(own) else 0.0


def _hits(space: SearchSpace, logits: ChunkScores, kb: KbName, k: int) -> tuple[Hit, ...]:
    own = space.chunks_of[kb]
    near = own[logits[own] >= np.partition(logits[own], -k)[-k]] if k < len(own) else own
    order: list[int] = near[np.argsort(-logits[near], kind="stable")[:k]].tolist()
    hits: list[Hit] = []
    for index in order:
        chunk = space.records.chunks[index]
        hits.append(Hit(kb, chunk.title, probability(float(logits[index])), chunk.text, chunk.chunk_id, chunk.above))
    return tuple(hits)
