"""Unit `notifier`: takes call events by HTTP and keeps Telegram messages right.

This process answers hosts and shows calls; the one beside it (main/notifier_worker.py) does what takes time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import socket
import sys
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import StoreError
from voxbot.main.lifecycle import until_stopped
from voxbot.main.notifier_link import Worker
from voxbot.main.notifier_parts import call_rules, details_links
from voxbot.main.serving import Server, address, listen
from voxbot.notifier import details_page
from voxbot.notifier.api import ApiPorts, create_app
from voxbot.notifier.details import Details, DetailsPorts
from voxbot.notifier.directory import Directory
from voxbot.notifier.enrichment import Enrichment
from voxbot.notifier.intake import Intake, IntakePorts
from voxbot.notifier.messages import Texts
from voxbot.notifier.metrics import NotifierMetrics
from voxbot.notifier.phones import Masking
from voxbot.notifier.trace_log import TraceLog
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.notifier_database import open_notifier_database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from voxbot.notifier.details_links import DetailsLinks
    from voxbot.settings.schema import Settings
    from voxbot.store.call_log import CallRecord
    from voxbot.store.notifier_database import NotifierDatabase

_SWITCH_S = 0.0005
"""How long another thread may keep the one that answers hosts waiting; Python's own is ten times that."""

log = structlog.get_logger(__name__)


async def run(settings: Settings, env_file: Path | None = None) -> None:
    """Serve until SIGTERM, SIGINT or cancellation. `env_file`: the `--env` of the second process.

    Prints `ready notifier <address>` on stdout once connections are accepted. Raises PortBusyError, StoreError, and
    ConfigError for what the operator must put right.
    """
    sys.setswitchinterval(_SWITCH_S)
    # A collection that walks through all that was imported stops every thread for 0.2 s.
    gc.collect()
    gc.freeze()
    with contextlib.closing(listen("NOTIFIER", settings.notifier.host, settings.notifier.port)) as listening:
        own_url = _own_url(listening)
        links = details_links(settings, own_url)
        Texts(settings.notifier.templates_dir)  # what is wrong with a template is told now
        async with open_notifier_database(settings.notifier_database) as database:
            unit = _Unit(settings, database, links)
            await until_stopped(unit.serve(listening, env_file, own_url))


class _Unit:
    """The parts of the notifier, wired."""

    def __init__(self, settings: Settings, database: NotifierDatabase, links: DetailsLinks) -> None:
        self._settings = settings
        self._database = database
        self._links = links
        self._metrics = NotifierMetrics()
        self._trace = TraceLog(settings.paths.trace_dir, settings.notifier.trace_days)
        self._directory = Directory(database)

    async def serve(self, listening: socket.socket, env_file: Path | None, own_url: str) -> None:
        """Run all parts until cancelled, or until one fails."""
        worker = Worker(env_file, own_url, self._metrics)
        self._trace.start()
        try:
            async with _bot_log(self._settings.paths.db_path) as bot_log, asyncio.TaskGroup() as parts:
                parts.create_task(worker.run())
                app = self._app(bot_log, worker)
                parts.create_task(Server(app, "notifier", listening).serve_until_cancelled())
        finally:
            await self._directory.close()
            await asyncio.to_thread(self._trace.stop)

    def _app(self, bot_log: _BotLog, worker: Worker) -> FastAPI:
        intake = IntakePorts(
            database=self._database,
            directory=self._directory,
            trace=self._trace,
            metrics=self._metrics,
            stored=worker.wake,
        )
        key = self._settings.api.secret_key
        ports = ApiPorts(
            intake=Intake(intake),
            enrichment=Enrichment(self._database, self._directory),
            database=self._database,
            metrics=self._metrics,
            trace=self._trace,
            delivering=lambda: worker.ready,
            key=key.get_secret_value() if key else None,
            open_reads=self._settings.notifier.is_loopback or self._settings.api.open_reads,
        )
        app = create_app(ports)
        details = DetailsPorts(
            database=self._database,
            bot_calls=bot_log.calls,
            rules=call_rules(self._settings),
            masking=Masking(self._settings.notifier.mask_numbers),
        )
        details_page.install(app, details_page.PagePorts(Details(details), self._links, ports.key))
        return app


class _BotLog:
    """The bot's call log: on another machine, or not there yet, or broken, it has no calls to show."""

    def __init__(self, path: Path, stack: contextlib.AsyncExitStack) -> None:
        self._path = path
        self._stack = stack
        self._opening = asyncio.Lock()
        self._log: CallLogRepository | None = None

    async def calls(self, ids: Sequence[str]) -> Sequence[CallRecord]:
        """Read the calls with these ids."""
        try:
            async with self._opening:
                if self._log is None:
                    if not self._path.exists():
                        return []
                    self._log = CallLogRepository(await self._stack.enter_async_context(open_database(self._path)))
            return await self._log.by_ids(ids)
        except StoreError as error:
            log.warning("Журнал бота не читается, звонок показан без реплик", error=str(error))
            return []


@contextlib.asynccontextmanager
async def _bot_log(path: Path) -> AsyncGenerator[_BotLog, None]:
    async with contextlib.AsyncExitStack() as stack:
        yield _BotLog(path, stack)


def _own_url(listening: socket.socket) -> str:
    """The unit's address as others may reach it: one that listens everywhere is called by the name of this machine."""
    host = ipaddress.ip_address(listening.getsockname()[0])
    return (
        address(listening) if not host.is_unspecified else f"http://{socket.gethostname()}:{listening.getsockname()[1]}"
    )
