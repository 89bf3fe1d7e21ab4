"""Wiring of the unit `api`: what its endpoints work with, and which files it follows."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from voxbot.admin.jobs.runner import JobRunner
from voxbot.admin.knowledge.publishing import KnowledgeWork
from voxbot.admin.knowledge.service import base_files, drafts_of
from voxbot.admin.live.bots import Bots
from voxbot.admin.parts import Parts
from voxbot.domain.errors import ConfigError, StoreError
from voxbot.main.agent import load_normalizer, load_prompts
from voxbot.main.call_index import catch_up, follow_log
from voxbot.main.knowledge import Chunks
from voxbot.main.notifier_parts import bot_call_links
from voxbot.main.reload import on_change, reload_prompts, reload_settings
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.settings.catalog import in_force
from voxbot.settings.reloads import ReloadJournal
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.jobs import JobRepository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from pathlib import Path

    from voxbot.agent.agent import Agent, Answerer, Searcher
    from voxbot.agent.prompts import PromptsSource
    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.index import BuildReport, Swap
    from voxbot.knowledge.retriever import Retriever
    from voxbot.main.reload import Reload
    from voxbot.settings.schema import Settings
    from voxbot.settings.snapshot import SettingsSource

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_parts(source: SettingsSource) -> AsyncGenerator[Parts, None]:
    """Open what the API works with, for a `with`. Raises ConfigError, StoreError."""
    settings = source.current
    prompts = load_prompts(settings)
    reloads = ReloadJournal()
    knowledge, chunks = Knowledge(source, prompts), Chunks(settings)
    async with AsyncExitStack() as owned:
        database = await owned.enter_async_context(open_database(settings.paths.db_path))
        calls, jobs, normalize = (
            CallLogRepository(database),
            JobRepository(database),
            load_normalizer(settings).normalize,
        )
        bus = await owned.enter_async_context(EventBus([CallLog(calls)]))
        owned.push_async_callback(knowledge.close)
        await calls.close_stale(chats=True)
        await catch_up(calls)
        owned.push_async_callback(_stop, asyncio.create_task(follow_log(calls)))
        bots = Bots(source.current)
        owned.push_async_callback(bots.close)
        work = KnowledgeWork(
            files=lambda: base_files(settings.paths),
            drafts=drafts_of(settings.paths),
            build=knowledge.build,
            indexed=chunks.digest,
            retriever=knowledge.retriever,
            agent_over=knowledge.agent_over,
            normalize=normalize,
        )
        runner = JobRunner(jobs, work.handlers())
        owned.push_async_callback(_stop, asyncio.create_task(runner.run()))
        if settings.reload.enabled:
            following = asyncio.create_task(_follow_files(source, prompts, reloads, knowledge))
            owned.push_async_callback(_stop, following)
        yield Parts(
            source=source,
            started=settings,
            started_at=time.time(),
            database=database,
            calls=calls,
            prompts=prompts,
            reloads=reloads,
            normalize=normalize,
            manifest=chunks.manifest,
            chunks=chunks.find,
            retriever=knowledge.retriever,
            answerer=knowledge.answerer,
            agent_over=knowledge.agent_over,
            jobs=jobs,
            runner=runner,
            bots=bots,
            publish=bus.publish,
            trace_link=lambda call_id, caller: _trace_link(settings, call_id, caller),
        )


class Knowledge:
    """The index and the agent, opened when first asked for: a unit that only shows calls does without the embedder."""

    def __init__(
        self, source: SettingsSource, prompts: PromptsSource, open_agent: Callable[[], Awaitable[Agent]] | None = None
    ) -> None:
        """Read the settings of `source` whenever they are needed; `open_agent` makes another agent than theirs."""
        self._open_agent = open_agent or self._over_retriever
        self._source = source
        self._started = source.current
        self._prompts = prompts
        self._retriever: Retriever | None = None
        self._agent: Agent | None = None
        self._models = source.current.llm.model_identity
        self._opening = asyncio.Lock()

    async def retriever(self) -> Retriever:
        """Return the open retriever. Raises KnowledgeError, ProviderError, ConfigError."""
        async with self._opening:
            return await self._opened()

    async def answerer(self) -> Answerer:
        """Return the agent. Raises KnowledgeError, ProviderError, ConfigError."""
        async with self._opening:
            if self._agent is None:
                self._models = self._in_force().llm.model_identity
                agent = await self._open_agent()
                await agent.warm_up()
                self._agent = agent
            await self._follow_models()
            return self._agent

    @asynccontextmanager
    async def agent_over(self, searcher: Searcher) -> AsyncGenerator[Answerer, None]:
        """Make an agent that searches elsewhere. Raises ConfigError."""
        agent = self._made(searcher)
        try:
            await agent.warm_up()
            yield agent
        finally:
            await agent.close()

    async def build(
        self, sources: Mapping[KbName, Path], kb: KbName, progress: Callable[[int, int], None], swap: Swap
    ) -> BuildReport:
        """Build the index of other files than those of the settings. Raises KnowledgeError, ProviderError."""
        from voxbot.main.knowledge import build_index

        return await build_index(self._in_force(), progress, only=kb, sources=sources, swap=swap)

    async def settings_changed(self) -> None:
        """Let the agent answer with other models, if other ones are wanted."""
        async with self._opening:
            await self._follow_models()

    async def _follow_models(self) -> None:
        """Compare with what the agent has: settings are read anew in more places than one."""
        from voxbot.main.agent import language_models

        after = self._in_force()
        if self._agent and self._models != after.llm.model_identity:
            await self._agent.use(language_models(after))
            self._models = after.llm.model_identity

    async def close(self) -> None:
        """Close what was opened."""
        if self._agent:
            await self._agent.close()
        if self._retriever:
            await self._retriever.close()

    async def _opened(self) -> Retriever:
        if self._retriever is None:
            from voxbot.main.knowledge import open_retriever

            self._retriever = await open_retriever(self._in_force(), current=self._in_force)
        return self._retriever

    def _in_force(self) -> Settings:
        """The settings of now, but for those that wait for a restart: the other units still have these, too."""
        return in_force(self._started, self._source.current)

    async def _over_retriever(self) -> Agent:
        return self._made(await self._opened())

    def _made(self, searcher: Searcher) -> Agent:
        from voxbot.main.agent import build_agent

        return build_agent(self._in_force(), searcher, self._prompts, current=self._in_force)


async def _follow_files(
    source: SettingsSource, prompts: PromptsSource, reloads: ReloadJournal, knowledge: Knowledge
) -> None:
    """Take over what changes in `.env` and in the prompts. The index is followed by whoever searches it."""

    async def settings_changed() -> None:
        if reload_settings(source, reloads):
            await knowledge.settings_changed()

    async def prompts_changed() -> None:
        await asyncio.to_thread(reload_prompts, prompts, reloads)

    paths, reload = source.current.paths, source.current.reload
    files: dict[Path, Reload] = {paths.prompts: prompts_changed}
    if source.file:
        files[source.file] = settings_changed
    log.info(f"🔥 Горячая перезагрузка промптов включена (интервал: {reload.interval_s}с)")
    log.info(f"🔍 Запущен мониторинг файла промптов: {paths.prompts}")
    await on_change(files, reload.interval_s, reloads)


async def _trace_link(settings: Settings, call_id: str, caller: str) -> str | None:
    """Find the notifier's page of a call; without the notifier the rest of the call is shown as ever."""
    try:
        links = await asyncio.to_thread(bot_call_links, settings)
        return await links.of(call_id, caller) if links else None
    except (StoreError, ConfigError) as error:
        log.warning("Ссылки на ход звонка в АТС нет: база notifier или ключ ссылок не читаются", reason=str(error))
        return None


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
