"""StasisStart makes a call's task, StasisEnd ends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.call.line import Lines
from voxbot.call.recovery import attend, live_channels, release_orphans
from voxbot.call.session import CallSession
from voxbot.domain.errors import AriError
from voxbot.domain.ids import ChannelId
from voxbot.telephony.channels import MEDIA_PREFIX
from voxbot.telephony.events import AriEvent, ChannelDestroyed, DialStatus, DtmfReceived, StasisEnd, StasisStart
from voxbot.telephony.operator import OPERATOR_PREFIX, whole_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.services import Services
    from voxbot.call.transfer import TransferStart
    from voxbot.telephony.ari import AriClient
    from voxbot.telephony.events import Channel

log = structlog.get_logger(__name__)

_SECOND_LOOK_S = 1.0
_OUR_OWN = (MEDIA_PREFIX, OPERATOR_PREFIX)
"""Channels that we have created: none of them is a caller."""


class Dispatcher:
    """All calls of this process. The map below is the only thing in VoxBot that is keyed by call."""

    def __init__(self, ari: AriClient, services: Services, on_ready: Callable[[], None]) -> None:
        self._ari = ari
        self._services = services
        self._lines = Lines(ari, services.settings)
        self._on_ready = on_ready
        self._sessions: dict[ChannelId, tuple[CallSession, asyncio.Task[None]]] = {}
        self._reconciling: asyncio.Task[None] | None = None
        self._attending: set[asyncio.Task[None]] = set()  # conversations of people that a former bot has joined

    @property
    def live(self) -> int:
        """Calls under way."""
        return len(self._sessions)

    def hang_up(self, call_id: str) -> bool:
        """End a call because staff want it; False if there is no such call."""
        found = self._sessions.get(ChannelId(call_id))
        if found:
            found[0].hang_up()
        return found is not None

    async def transfer(self, call_id: str) -> TransferStart:
        """Get a caller to a person because staff want it."""
        found = self._sessions.get(ChannelId(call_id))
        return await found[0].transfer() if found else "no_call"

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
            for task in (*self._attending, self._reconciling):
                if task:
                    task.cancel()
                    tasks.append(task)
            if tasks:
                await asyncio.wait(tasks)
            await self._lines.close()

    def _on_event(self, event: AriEvent) -> None:
        match event:
            case StasisStart(channel, args) if not channel.id.startswith(_OUR_OWN):
                self._start(channel, args)
            case StasisEnd(channel):
                if found := self._sessions.get(channel.id):
                    found[0].caller_gone()
            case DtmfReceived(channel, digit):
                if found := self._sessions.get(channel.id):
                    found[0].on_digit(digit)
            case StasisStart() | ChannelDestroyed() | DialStatus():
                pass

    def _start(self, channel: Channel, arguments: tuple[str, ...]) -> None:
        log.info(f"📞 Новый звонок: {channel.id}")
        session = CallSession(self._ari, self._lines, channel, self._services, arguments)
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
        known = tuple(self._sessions.values())
        await self._stop_attending()  # what they watch is looked at anew below
        live = await self._live_channels()
        for session, _ in known:
            await session.compare(live)
        await self._lines.choose()
        self._on_ready()
        # A channel that is new this very moment has its StasisStart under way: only one that is still nobody's
        # after a second look was left behind by a bot that died.
        if orphans := self._not_ours(live):
            await asyncio.sleep(_SECOND_LOOK_S)
            orphans &= self._not_ours(await self._live_channels())
            try:
                pairs = await release_orphans(
                    self._ari, self._services.settings().operator, orphans, set(self._sessions)
                )
            except AriError as error:
                log.warning("Не удалось убрать за прежним ботом", error=str(error))
            else:
                self._attending = {asyncio.create_task(attend(self._ari, pair)) for pair in pairs}
            await self._lines.tidy()

    async def _stop_attending(self) -> None:
        tasks, self._attending = self._attending, set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _not_ours(self, channels: set[ChannelId]) -> set[ChannelId]:
        """Leave out callers, and the channels that their calls have created."""
        own = set(self._sessions) | self._ari.listened_channels
        return {channel for channel in channels if whole_of(channel) not in own}

    async def _live_channels(self) -> set[ChannelId]:
        while True:
            try:
                return await live_channels(self._ari)
            except AriError as error:
                log.warning("Не удалось сверить звонки с Asterisk, повторяю", error=str(error))
                await asyncio.sleep(_SECOND_LOOK_S)
