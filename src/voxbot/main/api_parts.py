"""Wiring of the unit `api`: what its endpoints work with, and which files it follows."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from voxbot.admin.parts import Parts
from voxbot.domain.errors import StoreError
from voxbot.main.agent import load_normalizer, load_prompts
from voxbot.main.knowledge import Chunks
from voxbot.main.reload import on_change, reload_prompts, reload_settings
from voxbot.settings.reloads import ReloadJournal
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from voxbot.agent.prompts import PromptsSource
    from voxbot.knowledge.retriever import Retriever
    from voxbot.main.reload import Reload
    from voxbot.settings.snapshot import SettingsSource

log = structlog.get_logger(__name__)

_CATCH_UP_S = 2.0
_BREATH_S = 0.02
"""Between two batches, so that the bot, which writes its calls to the same file, is not kept waiting."""
_IDLE_S = 5.0
_TELL_EVERY = 10_000


@asynccontextmanager
async def open_parts(source: SettingsSource) -> AsyncGenerator[Parts, None]:
    """Open what the API works with, for a `with`. Raises ConfigError, StoreError."""
    settings = source.current
    prompts = load_prompts(settings)
    reloads = ReloadJournal()
    knowledge, chunks = _Knowledge(source), Chunks(settings)
    async with AsyncExitStack() as owned:
        database = await owned.enter_async_context(open_database(settings.paths.db_path))
        owned.push_async_callback(knowledge.close)
        calls = CallLogRepository(database)
        await _catch_up(calls)
        indexing = asyncio.create_task(_follow_log(calls))
        owned.push_async_callback(_stop, indexing)
        if settings.reload.enabled:
            following = asyncio.create_task(_follow_files(source, prompts, reloads))
            owned.push_async_callback(_stop, following)
        yield Parts(
            source=source,
            started=settings,
            started_at=time.time(),
            database=database,
            calls=calls,
            prompts=prompts,
            reloads=reloads,
            normalize=load_normalizer(settings).normalize,
            manifest=chunks.manifest,
            chunks=chunks.find,
            retriever=knowledge.retriever,
        )


class _Knowledge:
    """The index, opened when it is first asked for: a unit that only shows calls does without the embedder."""

    def __init__(self, source: SettingsSource) -> None:
        self._source = source
        self._retriever: Retriever | None = None
        self._opening = asyncio.Lock()

    async def retriever(self) -> Retriever:
        """Return the open retriever. Raises KnowledgeError, ProviderError, ConfigError."""
        async with self._opening:
            if self._retriever is None:
                from voxbot.main.knowledge import open_retriever

                self._retriever = await open_retriever(self._source.current, current=lambda: self._source.current)
            return self._retriever

    async def close(self) -> None:
        """Close what was opened."""
        if self._retriever:
            await self._retriever.close()


async def _follow_files(source: SettingsSource, prompts: PromptsSource, reloads: ReloadJournal) -> None:
    """Take over what changes in `.env` and in the prompts. The index is followed by whoever searches it."""

    async def settings_changed() -> None:
        reload_settings(source, reloads)

    async def prompts_changed() -> None:
        await asyncio.to_thread(reload_prompts, prompts, reloads)

    paths, reload = source.current.paths, source.current.reload
    files: dict[Path, Reload] = {paths.prompts: prompts_changed}
    if source.file:
        files[source.file] = settings_changed
    log.info(f"🔥 Горячая перезагрузка промптов включена (интервал: {reload.interval_s}с)")
    log.info(f"🔍 Запущен мониторинг файла промптов: {paths.prompts}")
    await on_change(files, reload.interval_s)


async def _catch_up(calls: CallLogRepository) -> None:
    """Make calls of another program searchable before the first request, as far as that is quick."""
    ends = time.monotonic() + _CATCH_UP_S
    while time.monotonic() < ends and await calls.follow_pending():
        pass


async def _follow_log(calls: CallLogRepository) -> None:
    """Make calls searchable that an older bot left, or that another program writes; runs until it is cancelled."""
    done = 0
    while True:
        try:
            made = await calls.follow_pending()
        except StoreError as error:
            log.warning("Поиск по звонкам пока не обновляется", reason=str(error))
            made = 0
        if made and done % _TELL_EVERY + made >= _TELL_EVERY:
            left, total = await calls.count_pending()
            log.info("Старые звонки становятся доступны поиску", done=total - left, total=total)
        done += made
        await asyncio.sleep(_BREATH_S if made else _IDLE_S)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
