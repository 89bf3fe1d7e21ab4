"""Wiring of the knowledge side: which files, which embedder, which folder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.knowledge import index
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.retriever import Retriever
from voxbot.knowledge.server import ChromaServer
from voxbot.providers import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.embedder import Embedder
    from voxbot.knowledge.index import BuildReport
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)


async def open_retriever(settings: Settings, *, current: Callable[[], Settings] | None = None) -> Retriever:
    """Open the index for searching. Raises KnowledgeError if there is none that can be used, ProviderError.

    `current` gives the settings in force at each question; without it KB_TOP_K and the threshold never change.
    """
    in_force = current or (lambda: settings)
    embedder = registry.create_embedder(settings)
    retriever = Retriever(
        settings.paths.persist_directory,
        QuestionEmbedder(embedder, MemoryEmbeddingCache()),
        lambda: in_force().knowledge,
        _server(settings),
    )
    await retriever.open()
    await retriever.warm_up()
    if not await _is_fresh(settings, embedder):
        log.warning("База знаний изменилась после построения индекса: выполните voxbot kb build")
    return retriever


async def build_index(
    settings: Settings, progress: Callable[[int, int], None] | None = None, *, only: KbName | None = None
) -> BuildReport:
    """Build the index and switch to it. Raises KnowledgeError, ProviderError."""
    embedder = registry.create_embedder(settings)
    return await index.build_index(
        settings.paths.persist_directory,
        _sources(settings),
        embedder,
        only=only,
        progress=progress,
        server=_server(settings),
    )


async def ensure_index(settings: Settings, progress: Callable[[int, int], None] | None = None) -> None:
    """Build the index unless the one in use was made of these very files. Raises KnowledgeError, ProviderError."""
    embedder = registry.create_embedder(settings)
    if not await _is_fresh(settings, embedder):
        await build_index(settings, progress)


async def _is_fresh(settings: Settings, embedder: Embedder) -> bool:
    root = settings.paths.persist_directory
    return await asyncio.to_thread(index.is_fresh, root, _sources(settings), embedder, _server(settings))


def _server(settings: Settings) -> ChromaServer | None:
    url = settings.knowledge.chroma_url
    return ChromaServer(str(url), settings.knowledge.chroma_prefix) if url else None


def _sources(settings: Settings) -> Mapping[KbName, Path]:
    return {"general": settings.paths.general_kb, "tech": settings.paths.tech_kb}
