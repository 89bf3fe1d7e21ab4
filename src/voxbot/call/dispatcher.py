"""StasisStart makes a call's task, StasisEnd ends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.call.recovery import live_channels, release_orphans
from voxbot.call.session import CallSession
from voxbot.domain.errors import AriError
from voxbot.telephony.channels import MEDIA_PREFIX
from voxbot.telephony.events import AriEvent, ChannelDestroyed, DtmfReceived, StasisEnd, StasisStart

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.services import Services
    from voxbot.domain.ids import ChannelId
    from voxbot.telephony.ari import AriClient
    from voxbot.telephony.events import Channel

log = structlog.get_logger(__name__)


class Dispatcher:
    """All calls of this process. The map below is the only thing in VoxBot that is keyed by call."""

    def __init__(self, ari: AriClient, services: Services, on_ready: Callable[[], None]) -> None:
        self._ari = ari
        self._services = services
        self._on_ready = on_ready
        self._sessions: dict[ChannelId, tuple[CallSession, asyncio.Task[None]]] = {}
        self._reconciling: asyncio.Task[None] | None = None

    @property
    def live(self) -> int:
        """Calls under way."""
        return len(self._sessions)

    async def run(self) -> None:
        """Take calls until cancelled; then hand the live ones over and wait until they are gone.

        Raises AriAuthError.
        """
        try:
            await self._ari.run(self._on_event, self._on_connected)
        finally:
            tasks = [task for _, task in self._sessions.values()]
            for session, _ in tuple(self._sessions.values()):
                session.stop()
            if self._reconciling:
                self._reconciling.cancel()
                tasks.append(self._reconciling)
            if tasks:
                await asyncio.wait(tasks)

    def _on_event(self, event: AriEvent) -> None:
        match event:
            case StasisStart(channel) if not channel.id.startswith(MEDIA_PREFIX):
                self._start(channel)
            case StasisEnd(channel):
                if found := self._sessions.get(channel.id):
                    found[0].caller_gone()
            case StasisStart() | ChannelDestroyed() | DtmfReceived():
                pass

    def _start(self, channel: Channel) -> None:
        log.info(f"📞 Новый звонок: {channel.id}")
        session = CallSession(self._ari, channel, self._services)
        task = asyncio.create_task(session.run(), name=f"call {channel.id}")
        self._sessions[channel.id] = (session, task)
        task.add_done_callback(lambda _: self._sessions.pop(channel.id, None))

    def _on_connected(self) -> None:
        # The reference keeps the task alive; a second connection while one is under way makes it pointless.
        if self._reconciling:
            self._reconciling.cancel()
        self._reconciling = asyncio.create_task(self._reconcile())

    async def _reconcile(self) -> None:
        """Compare our calls with Asterisk's: events of a lost connection are never repeated."""
        known = set(self._sessions)
        try:
            live = await live_channels(self._ari)
            for gone in known - live:
                if found := self._sessions.get(gone):
                    found[0].caller_gone()
            if orphans := live - known - set(self._sessions):
                await release_orphans(self._ari, self._services.settings().ari, orphans)
        except AriError as error:
            log.warning("Не удалось сверить звонки с Asterisk", error=str(error))
        self._on_ready()
