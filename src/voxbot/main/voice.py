"""Unit `bot`: answers calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.call.dispatcher import Dispatcher
from voxbot.main.bot_http import serve_bot_http
from voxbot.main.lifecycle import until_stopped
from voxbot.main.services import open_services
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.observers.live import LiveCalls
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.telephony.ari import AriClient

if TYPE_CHECKING:
    from voxbot.settings.snapshot import SettingsSource


async def run(source: SettingsSource) -> None:
    """Take calls until SIGTERM or SIGINT. Raises VoxbotError for what the operator must put right."""
    settings = source.current
    async with open_database(settings.paths.db_path) as database:
        repository = CallLogRepository(database)
        await repository.close_stale()
        live = LiveCalls()
        async with (
            EventBus([CallLog(repository)], live=[live]) as bus,
            open_services(source, bus.publish, bus.publish_live) as services,
            serve_bot_http(services, live, lambda: source.current) as calls,
            AriClient(settings.ari) as ari,
        ):
            dispatcher = calls.dispatcher = Dispatcher(ari, services, on_ready=lambda: _say_ready(ari))
            await until_stopped(dispatcher.run())


def _say_ready(ari: AriClient) -> None:
    print(f"ready bot {ari.base_url}/ari?app={ari.app}", flush=True)
