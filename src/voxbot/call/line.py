"""A caller's sound: answered, and joined with this process by the transport that Asterisk has."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never
from uuid import uuid4

import structlog

from voxbot.call.carrier import Carrier, choose_carrier
from voxbot.domain.errors import AriError, ConfigError, MediaError
from voxbot.media.audiosocket import AudioSocketServer
from voxbot.media.files import FilesMedia
from voxbot.media.sound_folder import SoundFolder
from voxbot.media.websocket import WebSocketMedia
from voxbot.telephony.abilities import ask_abilities
from voxbot.telephony.channels import audiosocket, media_channel, mixing_bridge
from voxbot.telephony.deck import channel_deck, discard_recordings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from voxbot.domain.ids import ChannelId
    from voxbot.media.transport import MediaTransport
    from voxbot.settings.schema import Settings
    from voxbot.telephony.ari import AriClient
    from voxbot.telephony.channels import Bridge, CallerChannel

log = structlog.get_logger(__name__)

_CONNECT_S = 5.0
_STORING_S = 1.0
"""Asterisk stores a recording some 20 ms after its channel has gone."""


@dataclass(frozen=True, slots=True)
class Line:
    """An answered caller with sound both ways.

    The caller stands in `bridge` together with the media channel `media_id`; with the transport `files`, which has
    no media channel, the bridge is empty and the caller joins it when somebody else is to be heard. `release` gives
    up the sound before its time, and leaves the bridge: people talk on in it.
    """

    transport: MediaTransport
    bridge: Bridge
    media_id: ChannelId | None
    release: Callable[[], Awaitable[None]]


class Lines:
    """Makes the lines of this process, all by one transport. One object for all calls."""

    def __init__(self, ari: AriClient, settings: Callable[[], Settings]) -> None:
        self._ari = ari
        self._settings = settings
        media = settings().media
        self._audiosocket = AudioSocketServer(
            media.audiosocket_host, media.audiosocket_port, media.audiosocket_advertised_host
        )
        self._folder = SoundFolder(media.sounds_dir, media.sounds_language)
        self._choosing = asyncio.Lock()
        self._carrier: Carrier | None = None
        self._refusal = ""

    async def choose(self) -> None:
        """Ask Asterisk what it has and choose by it, at every new connection to it."""
        async with self._choosing:
            try:
                await self._choose()
            except AriError as error:
                log.warning("Не удалось спросить Asterisk, что он умеет; спрошу при звонке", error=str(error))

    async def tidy(self) -> None:
        """Remove recordings that have ended with the channels of a dead bot."""
        if self._carrier == "files":
            await asyncio.sleep(_STORING_S)
            await self._discard_recordings()

    async def close(self) -> None:
        """Give up what listens."""
        await self._audiosocket.close()

    @asynccontextmanager
    async def open(self, caller: CallerChannel) -> AsyncGenerator[Line, None]:
        """Answer, make the bridge and the media (all at once), join them. Raises MediaError, AriError."""
        carrier = await self._chosen()
        async with AsyncExitStack() as owned, AsyncExitStack() as sound:
            async with asyncio.TaskGroup() as setup:
                setup.create_task(caller.answer())
                bridging = setup.create_task(owned.enter_async_context(mixing_bridge(self._ari, caller.id)))
                connecting = setup.create_task(self._connect(carrier, caller.id, sound))
            (media, media_id), bridge = connecting.result(), bridging.result()
            if media_id:
                await bridge.add(caller.id, media_id)
            yield Line(media, bridge, media_id, sound.aclose)

    async def _connect(
        self, carrier: Carrier, caller: ChannelId, owned: AsyncExitStack
    ) -> tuple[MediaTransport, ChannelId | None]:
        match carrier:
            case "websocket":
                return await self._by_websocket(owned)
            case "audiosocket":
                return await self._by_audiosocket(owned)
            case "files":
                return await self._by_files(caller, owned), None
            case _:
                assert_never(carrier)

    async def _by_websocket(self, owned: AsyncExitStack) -> tuple[MediaTransport, ChannelId]:
        channel = await owned.enter_async_context(media_channel(self._ari))
        media = await WebSocketMedia.connect(self._ari.http, channel.url)
        owned.push_async_callback(media.close)
        await channel.started()
        return media, channel.id

    async def _by_audiosocket(self, owned: AsyncExitStack) -> tuple[MediaTransport, ChannelId]:
        connection_id = uuid4()
        connecting = owned.enter_context(self._audiosocket.expecting(connection_id))
        how = audiosocket(self._audiosocket.address, connection_id)
        channel = await owned.enter_async_context(media_channel(self._ari, how))
        try:
            async with asyncio.timeout(_CONNECT_S):
                media = await connecting
        except TimeoutError as error:
            raise MediaError(
                f"Asterisk не соединился с {self._audiosocket.address} за {_CONNECT_S:g} с; "
                "проверьте AUDIOSOCKET_HOST и AUDIOSOCKET_ADVERTISED_HOST"
            ) from error
        await channel.started()
        return media, channel.id

    async def _by_files(self, caller: ChannelId, owned: AsyncExitStack) -> MediaTransport:
        settings = self._settings().media
        deck = await owned.enter_async_context(
            channel_deck(self._ari, caller, threshold=settings.talk_threshold, silence_ms=settings.talk_silence_ms)
        )
        media = FilesMedia(deck, self._folder, retries=settings.playback_retries)
        deck.tell_talk_to(media.on_talk)
        return media

    async def _chosen(self) -> Carrier:
        async with self._choosing:
            if self._carrier is None:  # a call before the first choice, or after a refusal that may have been healed
                await self._choose()
        if self._carrier is None:
            raise MediaError(self._refusal)
        return self._carrier

    async def _choose(self) -> None:
        abilities = await ask_abilities(self._ari)
        before, self._carrier, self._refusal = self._carrier, None, ""
        try:
            carrier = choose_carrier(self._settings().media, abilities, self._ari.base_url)
            await self._prepare(carrier)
        except ConfigError as error:
            self._refusal = str(error)
            log.error("Звук: звонки уходят оператору, потому что бот не может их слышать", error=self._refusal)
            return
        self._carrier = carrier
        if before == carrier:
            return
        log.info(f"Звук: {carrier}, Asterisk {abilities.version or 'без версии'}")
        if carrier == "files":
            log.warning(
                "Звук идёт файлами: ответ начинается позже, чем при websocket и audiosocket; "
                "для быстрых ответов нужен Asterisk с chan_websocket (20.18, 22.8, 23.2) или chan_audiosocket"
            )

    async def _prepare(self, carrier: Carrier) -> None:
        if carrier == "audiosocket":
            await self._audiosocket.open()
        elif carrier == "files":
            self._folder.prepare()
            await self._discard_recordings()

    async def _discard_recordings(self) -> None:
        try:
            await discard_recordings(self._ari)
        except AriError as error:
            log.warning("Не удалось убрать записи прежнего бота", error=str(error))
