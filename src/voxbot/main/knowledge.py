"""Wiring of the knowledge side: which files, which embedder, which folder."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import KnowledgeError, ProviderError, VoxbotError
from voxbot.knowledge import index
from voxbot.knowledge.cache import QuestionEmbedder
from voxbot.knowledge.opening import open_versions
from voxbot.knowledge.retriever import Retriever
from voxbot.knowledge.server import ChromaServer
from voxbot.knowledge.shared_cache import SharedEmbeddingCache
from voxbot.providers import registry
from voxbot.store.embedding_cache import EmbeddingFile

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.documents import Chunk
    from voxbot.knowledge.embedder import Embedder
    from voxbot.knowledge.index import BuildReport, Swap
    from voxbot.knowledge.shared_cache import ByteStore
    from voxbot.knowledge.versions import Manifest
    from voxbot.settings.schema import Settings
    from voxbot.speech.switches import Switches

_PREWARMED = 64
_PREWARM_PAUSE_S = 0.1
_DAY_S = 86_400
_PROBE = "адрес"

log = structlog.get_logger(__name__)


async def open_retriever(
    settings: Settings, *, current: Callable[[], Settings] | None = None, switches: Switches | None = None
) -> Retriever:
    """Open the index for searching; who opens it closes it. Raises ConfigError, KnowledgeError if it cannot be used.

    An embedder that is out of reach now is a warning: words are searched until it is back. `current` gives the
    settings in force at each question; without it KB_TOP_K and the threshold never change. `switches` counts the
    questions that the embedder did not answer.
    """
    in_force = current or (lambda: settings)
    embedder = registry.create_embedder(settings, switches)
    cache = SharedEmbeddingCache(_byte_store(settings))
    retriever = Retriever(
        settings.paths.persist_directory,
        QuestionEmbedder(embedder, cache),
        lambda: in_force().knowledge,
        _server(settings),
    )
    async with AsyncExitStack() as opened:
        opened.push_async_callback(retriever.close)
        await asyncio.gather(cache.open(), retriever.open())
        await retriever.warm_up()
        await _warn_if_stale(settings, embedder)
        opened.pop_all()
    return retriever


async def prewarm(retriever: Retriever, settings: Settings) -> None:
    """Embed what callers are likely to ask first, beside the calls; a failure only makes such a question slower."""
    choice = settings.cache.prewarm
    if choice == "never" or (choice == "local" and not retriever.is_local):
        return
    started = time.perf_counter()
    try:
        questions = await retriever.prewarm(_PREWARMED, pause_s=_PREWARM_PAUSE_S)
    except VoxbotError as error:
        log.warning("Вопросы по заголовкам не посчитаны заранее", error=str(error))
        return
    log.info("Вопросы по заголовкам посчитаны", questions=questions, seconds=round(time.perf_counter() - started, 1))


async def build_index(
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    *,
    only: KbName | None = None,
    sources: Mapping[KbName, Path] | None = None,
    swap: Swap = nullcontext,
) -> BuildReport:
    """Build the index and switch to it within `swap`, of the files of the settings or `sources`.

    Raises KnowledgeError, ProviderError.
    """
    async with _embedder(settings) as embedder:
        return await index.build_index(
            settings.paths.persist_directory,
            sources or _sources(settings),
            embedder,
            only=only,
            progress=progress,
            server=_server(settings),
            swap=swap,
        )


async def ensure_index(settings: Settings, progress: Callable[[int, int], None] | None = None) -> None:
    """Build the index unless the one in use was made of these very files. Raises KnowledgeError, ProviderError.

    An index that cannot be compared with its files, because they or its server are out of reach, or that cannot be
    renewed, because the embedder is, is used as it is: the telephone is answered.
    """
    async with _embedder(settings) as embedder:
        root, server = settings.paths.persist_directory, _server(settings)
        usable = await asyncio.to_thread(index.is_usable, root, embedder, server)
        try:
            if await _is_fresh(settings, embedder):
                return
        except KnowledgeError as error:
            if not usable:
                raise
            log.warning("Работаю с прежним индексом: обновить его не из чего", reason=str(error))
            return
        try:
            if usable and not embedder.is_local:
                await embedder.embed_query(_PROBE)  # a build would try for minutes, and nobody answer calls meanwhile
            await build_index(settings, progress)
        except ProviderError as error:
            if not usable:
                raise
            log.warning(
                "Работаю с прежним индексом: модель эмбеддингов не отвечает; потом выполните voxbot kb build",
                reason=str(error),
            )


@asynccontextmanager
async def _embedder(settings: Settings) -> AsyncGenerator[Embedder, None]:
    """Make the embedder for one piece of work. Raises ConfigError."""
    embedder = registry.create_embedder(settings)
    try:
        yield embedder
    finally:
        await embedder.close()


async def _warn_if_stale(settings: Settings, embedder: Embedder) -> None:
    """Tell staff of a base that was edited; a unit that has an index needs neither the files nor this check."""
    try:
        fresh = await _is_fresh(settings, embedder)
    except KnowledgeError as error:
        log.warning("Не видно, менялась ли база знаний после построения индекса", reason=str(error))
        return
    if not fresh:
        log.warning("База знаний изменилась после построения индекса: выполните voxbot kb build")


async def _is_fresh(settings: Settings, embedder: Embedder) -> bool:
    root = settings.paths.persist_directory
    return await asyncio.to_thread(index.is_fresh, root, _sources(settings), embedder, _server(settings))


def _server(settings: Settings) -> ChromaServer | None:
    url = settings.knowledge.chroma_url
    return ChromaServer(str(url), settings.knowledge.chroma_prefix) if url else None


def _byte_store(settings: Settings) -> ByteStore:
    """Where vectors outlive this process. Raises ConfigError."""
    cache = settings.cache
    if cache.redis_url:
        from voxbot.knowledge.redis_cache import RedisVectors

        return RedisVectors(cache.redis_url, ttl_s=cache.redis_ttl_days * _DAY_S)
    return EmbeddingFile(settings.paths.data_dir / "embeddings.sqlite", cache.file_entries)


def _sources(settings: Settings) -> Mapping[KbName, Path]:
    return {"general": settings.paths.general_kb, "tech": settings.paths.tech_kb}


class Chunks:
    """Chunks of the index in use by their ids; neither an embedder nor a search is loaded for them."""

    def __init__(self, settings: Settings) -> None:
        self._versions = open_versions(settings.paths.persist_directory, _server(settings))
        self._version = ""
        self._chunks: Mapping[str, Chunk] = {}
        self._reading = asyncio.Lock()

    async def manifest(self) -> Manifest | None:
        """Tell of the index in use, None if there is none. Raises KnowledgeError while its server is out of reach."""
        return await asyncio.to_thread(self._versions.manifest)

    async def digest(self, kb: KbName) -> str:
        """Give the digest of the file that the index in use was made of; empty while that cannot be told."""
        try:
            manifest = await self.manifest()
        except KnowledgeError:
            return ""
        return manifest.bases[kb].content_hash if manifest and kb in manifest.bases else ""

    async def find(self, ids: Collection[str]) -> Mapping[str, Chunk]:
        """Return those of the chunks that there are; none while the index cannot be read."""
        async with self._reading:
            try:
                await asyncio.to_thread(self._refresh)
            except KnowledgeError as error:
                log.info("Источники ответов не показаны: индекс не читается", reason=str(error))
        return {chunk_id: self._chunks[chunk_id] for chunk_id in ids if chunk_id in self._chunks}

    def _refresh(self) -> None:
        manifest = self._versions.manifest()
        if manifest is not None and manifest.version != self._version:
            space = self._versions.open(manifest.version)
            self._chunks = {chunk.chunk_id: chunk for chunk in space.records.chunks}
            self._version = manifest.version
