"""Unit `notifier`: takes call events by HTTP and keeps Telegram messages right."""

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
from voxbot.main.serving import Server, address, listen
from voxbot.notifier import details_page
from voxbot.notifier.api import ApiPorts, create_app
from voxbot.notifier.calls import CallRules
from voxbot.notifier.delivery import Delivery
from voxbot.notifier.details import Details, DetailsPorts
from voxbot.notifier.details_links import DetailsLinks, load_key
from voxbot.notifier.directory import Directory
from voxbot.notifier.enrichment import Enrichment
from voxbot.notifier.folding import Folder
from voxbot.notifier.gathering import FoldOptions
from voxbot.notifier.intake import Intake, IntakePorts
from voxbot.notifier.messages import Texts
from voxbot.notifier.metrics import NotifierMetrics
from voxbot.notifier.observer import DeliveryObserver
from voxbot.notifier.phones import Masking
from voxbot.notifier.retention import forget_old_calls
from voxbot.notifier.subscribers import PollOptions, Subscribers
from voxbot.notifier.trace_log import TraceLog
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.notifier_database import open_notifier_database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from voxbot.settings.schema import Settings
    from voxbot.store.call_log import CallRecord
    from voxbot.store.notifier_database import NotifierDatabase

_SWITCH_S = 0.001
"""How long a thread that folds events may keep the one that answers hosts waiting; Python's own is five times that."""

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or cancellation.

    Prints `ready notifier <address>` on stdout once connections are accepted. Raises PortBusyError, StoreError, and
    ConfigError for what the operator must put right.
    """
    sys.setswitchinterval(_SWITCH_S)
    # A collection that walks through all that was imported stops every thread for 0.2 s.
    gc.collect()
    gc.freeze()
    with contextlib.closing(listen("NOTIFIER", settings.notifier.host, settings.notifier.port)) as listening:
        links = _links(settings, listening)
        async with open_notifier_database(settings.notifier_database) as database:
            await until_stopped(_Unit(settings, database, links).serve(listening))


class _Unit:
    """The parts of the notifier, wired."""

    def __init__(self, settings: Settings, database: NotifierDatabase, links: DetailsLinks) -> None:
        notifier = settings.notifier
        rules = CallRules(
            ring_timeout_s=notifier.ring_timeout_s,
            talk_timeout_s=notifier.call_timeout_s,
            left_timeout_s=notifier.left_timeout_s,
            start_delay_s=notifier.start_delay_s,
            utc_offset_h=notifier.utc_offset_h,
        )
        self._settings = settings
        self._database = database
        self._rules = rules
        self._links = links
        self._metrics = NotifierMetrics()
        self._trace = TraceLog(settings.paths.trace_dir, notifier.trace_days)
        self._directory = Directory(database)
        api_base = str(notifier.telegram_base)
        observer = DeliveryObserver(self._trace, self._metrics)
        self._delivery = Delivery(database, api_base=api_base, observer=observer)
        options = FoldOptions(
            rules=rules,
            superuser_id=notifier.superuser_chat,
            masking=Masking(notifier.mask_numbers),
            details_url=links.url,
        )
        self._folder = Folder(database, Texts(notifier.templates_dir), options, self._delivery.wake)
        self._subscribers = Subscribers(database, PollOptions(api_base=api_base))

    async def serve(self, listening: socket.socket) -> None:
        """Run all parts until cancelled, or until one fails."""
        self._trace.start()
        try:
            async with _bot_log(self._settings.paths.db_path) as bot_log, asyncio.TaskGroup() as parts:
                parts.create_task(self._folder.run())
                parts.create_task(self._delivery.run())
                parts.create_task(self._subscribers.run())
                parts.create_task(forget_old_calls(self._database, self._settings.notifier.trace_days))
                parts.create_task(Server(self._app(bot_log), "notifier", listening).serve_until_cancelled())
        finally:
            await self._directory.close()
            await asyncio.to_thread(self._trace.stop)

    def _app(self, bot_log: _BotLog) -> FastAPI:
        intake = IntakePorts(
            database=self._database,
            directory=self._directory,
            trace=self._trace,
            metrics=self._metrics,
            stored=self._folder.wake,
        )
        key = self._settings.api.secret_key
        ports = ApiPorts(
            intake=Intake(intake),
            enrichment=Enrichment(self._database, self._directory),
            database=self._database,
            metrics=self._metrics,
            trace=self._trace,
            key=key.get_secret_value() if key else None,
            open_reads=self._settings.notifier.is_loopback or self._settings.api.open_reads,
        )
        app = create_app(ports)
        details = DetailsPorts(
            database=self._database,
            bot_calls=bot_log.calls,
            rules=self._rules,
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


def _links(settings: Settings, listening: socket.socket) -> DetailsLinks:
    notifier = settings.notifier
    secret = notifier.link_key.get_secret_value() if notifier.link_key else ""
    key = secret.encode() or load_key(settings.paths.data_dir / "notifier.key")
    public_url = str(notifier.public_url or "") or _own_url(listening)
    return DetailsLinks(key, public_url, notifier.link_days)


def _own_url(listening: socket.socket) -> str:
    """The unit's address as others may reach it: one that listens everywhere is called by the name of this machine."""
    host = ipaddress.ip_address(listening.getsockname()[0])
    return (
        address(listening) if not host.is_unspecified else f"http://{socket.gethostname()}:{listening.getsockname()[1]}"
    )
