"""What the endpoints work with. The unit makes it at its start (main/admin.py), a test as it needs it."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from voxbot.admin.one_at_a_time import OneAtATime
from voxbot.admin.tickets import Tickets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from pathlib import Path

    from voxbot.admin.jobs.runner import JobRunner
    from voxbot.admin.knowledge.publishing import AgentOver
    from voxbot.admin.live.bots import Bots
    from voxbot.agent.agent import Answerer
    from voxbot.agent.prompts import PromptsSource
    from voxbot.domain.events import CallEvent
    from voxbot.knowledge.documents import Chunk
    from voxbot.knowledge.retriever import Retriever
    from voxbot.knowledge.versions import Manifest
    from voxbot.settings.reloads import ReloadJournal
    from voxbot.settings.schema import ApiSettings, Settings
    from voxbot.settings.snapshot import SettingsSource
    from voxbot.store.call_log import CallLogRepository
    from voxbot.store.database import Database
    from voxbot.store.jobs import JobRepository


def free_bytes(path: Path) -> int:
    """Tell what is free on the disk of a path, be it there or not yet. Blocking; raises OSError."""
    return shutil.disk_usage(next(folder for folder in (path, *path.parents) if folder.exists())).free


@dataclass(frozen=True, slots=True)
class Parts:
    """The collaborators of the API. It owns none of them: who opened one closes it.

    `started` are the settings at the start; the address and the key of a running unit are always those, whatever the
    file says later. `started_at`: seconds since the epoch. `manifest` tells of the index in use, None without one.
    `chunks` gives those of the chunks asked for that the index in use holds, without opening it for search.
    `retriever` opens the index at its first use (seconds); it raises KnowledgeError, ProviderError. So does
    `answerer`, the agent that chats and replays; `agent_over` makes one that searches elsewhere. `publish` tells the
    call log. `trace_link` finds the notifier's page of a call by its id and caller, None if there is none.
    """

    source: SettingsSource
    started: Settings
    started_at: float
    database: Database
    calls: CallLogRepository
    prompts: PromptsSource
    reloads: ReloadJournal
    normalize: Callable[[str], str]
    manifest: Callable[[], Awaitable[Manifest | None]]
    chunks: Callable[[Collection[str]], Awaitable[Mapping[str, Chunk]]]
    retriever: Callable[[], Awaitable[Retriever]]
    answerer: Callable[[], Awaitable[Answerer]]
    agent_over: AgentOver
    jobs: JobRepository
    runner: JobRunner
    bots: Bots
    publish: Callable[[CallEvent], None]
    trace_link: Callable[[str, str], Awaitable[str | None]]
    free_bytes: Callable[[Path], int] = free_bytes
    """How much can be written where a path is."""
    tickets: Tickets = field(default_factory=Tickets)
    heavy: OneAtATime = field(default_factory=OneAtATime)
    """What groups questions by meaning."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server goes down: streams of events then end, or it would wait for them."""

    @property
    def api(self) -> ApiSettings:
        """Address and key."""
        return self.started.api

    @property
    def settings(self) -> Settings:
        """The settings in force now."""
        return self.source.current


def _parts(connection: HTTPConnection) -> Parts:
    return cast("Parts", connection.app.state.parts)


GivenParts = Annotated[Parts, Depends(_parts)]
