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

_SECOND_LOOK_S = 1.0


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
        task = session.start()
        self._sessions[channel.id] = (session, task)
        task.add_done_callback(lambda done: self._forget(channel.id, done))

    def _forget(self, channel_id: ChannelId, done: asyncio.Task[None]) -> None:
        # The caller may be back under the same id already, in a session of its own.
        if (found := self._sessions.get(channel_id)) and found[1] is done:
            del self._sessions[channel_id]

    def _on_connected(self) -> None:
        # The reference keeps the task alive; a second connection while one is under way makes it pointless.
        if self._reconciling:
            self._reconciling.cancel()
        self._reconciling = asyncio.create_task(self._reconcile())

    async def _reconcile(self) -> None:
        """Compare our calls with Asterisk's: events of a lost connection are never repeated."""
        known = set(self._sessions)
        live = await self._live_channels()
        for gone in known - live:
            if found := self._sessions.get(gone):
                found[0].caller_gone()
        self._on_ready()
        # A channel that is new this very moment has its StasisStart under way: only one that is still nobody's
        # after a second look was left behind by a bot that died.
        if orphans := live - self._own_channels():
            await asyncio.sleep(_SECOND_LOOK_S)
            orphans &= await self._live_channels() - self._own_channels()
            try:
                await release_orphans(self._ari, self._services.settings().ari, orphans, set(self._sessions))
            except AriError as error:
                log.warning("Не удалось убрать за прежним ботом", error=str(error))

    def _own_channels(self) -> set[ChannelId]:
        """Callers and the media channels of their calls."""
        return set(self._sessions) | self._ari.listened_channels

    async def _live_channels(self) -> set[ChannelId]:
        while True:
            try:
                return await live_channels(self._ari)
            except AriError as error:
                log.warning("Не удалось сверить звонки с Asterisk, повторяю", error=str(error))
                await asyncio.sleep(_SECOND_LOOK_S)
