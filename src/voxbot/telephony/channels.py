"""Verbs on live channels and bridges, and the context managers that own what a call creates.

Whatever is created here is named beforehand and deleted by that name on the way out, whether or not the answer
to its creation was ever read: a call cancelled in the middle of its setup leaves nothing in Asterisk.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

from voxbot.domain.errors import AriError, ChannelGoneError, MediaError
from voxbot.domain.ids import BridgeId, ChannelId
from voxbot.telephony.events import AriEvent, ChannelDestroyed, StasisEnd, StasisStart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from voxbot.telephony.ari import AriClient

MEDIA_PREFIX = "voxbot-media-"
BRIDGE_PREFIX = "voxbot-bridge-"
_MEDIA_START_S = 5.0


@dataclass(frozen=True, slots=True)
class CallerChannel:
    """The caller's side of a call."""

    ari: AriClient
    id: ChannelId

    async def answer(self) -> None:
        """Pick up."""
        await self.ari.request("POST", f"/channels/{self.id}/answer")

    async def hang_up(self) -> None:
        """Hang up; a channel that is gone already is fine."""
        await self.ari.delete_quietly(f"/channels/{self.id}")

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable for the dialplan to read."""
        await self.ari.request("POST", f"/channels/{self.id}/variable", variable=name, value=value)

    async def reaches(self, context: str, extension: str) -> bool:
        """Whether the dialplan has an extension; what is not known for certain is taken to be there.

        Asterisk hangs up a channel that is sent on to one that is not. DIALPLAN_EXISTS is of func_dialplan, which need
        not be loaded. Raises ChannelGoneError.
        """
        function = f"DIALPLAN_EXISTS({context},{extension},1)"
        try:
            answer = await self.ari.request("GET", f"/channels/{self.id}/variable", variable=function)
        except ChannelGoneError:
            raise
        except AriError:
            return True
        return not isinstance(answer, dict) or cast("dict[str, Any]", answer).get("value") != "0"

    async def continue_at(self, context: str, extension: str) -> None:
        """Send the caller on into the dialplan; the call is not ours any more. Raises ChannelGoneError."""
        await self.ari.request(
            "POST", f"/channels/{self.id}/continue", context=context, extension=extension, priority=1
        )

    async def redirect(self, endpoint: str) -> None:
        """Ask the caller's side to call `endpoint` instead; whether it obeys shows only when the channel leaves.

        An answered SIP call gets a REFER (FINDINGS, section 6). Raises ChannelGoneError.
        """
        await self.ari.request("POST", f"/channels/{self.id}/redirect", endpoint=endpoint)


@dataclass(slots=True)
class Bridge:
    """A two-party mixing bridge; with two channels Asterisk makes it a simple one, which costs nothing.

    One that is `kept` outlives its owner: two people are talking in it.
    """

    ari: AriClient
    id: BridgeId
    kept: bool = False

    async def add(self, *channels: ChannelId) -> None:
        """Join channels. Each must have had its StasisStart (else 422, FINDINGS, section 1)."""
        await self.ari.request("POST", f"/bridges/{self.id}/addChannel", channel=",".join(channels))

    async def remove(self, channel: ChannelId) -> None:
        """Take a channel out; it stays alive in our application."""
        await self.ari.request("POST", f"/bridges/{self.id}/removeChannel", channel=channel)


@asynccontextmanager
async def mixing_bridge(ari: AriClient, name: str) -> AsyncGenerator[Bridge, None]:
    """Own a bridge. It is named after the caller's channel, so that a later process can find it."""
    bridge = Bridge(ari, BridgeId(f"{BRIDGE_PREFIX}{ari.app}@{uuid4()}"))
    try:
        await ari.request("POST", f"/bridges/{bridge.id}", type="mixing", name=name)
        yield bridge
    finally:
        if not bridge.kept:
            await ari.delete_quietly(f"/bridges/{bridge.id}")


WEBSOCKET: Mapping[str, str] = {
    "external_host": "INCOMING",
    "connection_type": "server",
    "transport": "websocket",
    "encapsulation": "none",
    "format": "alaw",
    # Control messages in JSON whatever chan_websocket.conf says; needs Asterisk 20.18, 22.8 or 23.2
    # (FINDINGS, sections 3 and 10).
    "transport_data": "f(json)",
}
"""How a chan_websocket channel is asked for, to which we connect."""


def audiosocket(address: str, connection_id: UUID) -> Mapping[str, str]:
    """How a channel is asked for that connects to us at `host:port` and announces `connection_id`."""
    return {
        "external_host": address,
        "transport": "tcp",
        "encapsulation": "audiosocket",
        "format": "slin",
        "data": str(connection_id),
    }


class MediaChannel:
    """A channel that carries a call's audio between a bridge and this process.

    The id is a fresh UUID every time: a WebSocket externalMedia request with an id in use crashes Asterisk up to
    22.10.1 (FINDINGS, section 1).
    """

    def __init__(self, ari: AriClient) -> None:
        self.id = ChannelId(f"{MEDIA_PREFIX}{uuid4()}")
        self._ari = ari
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        self._answer: dict[str, Any] = {}

    async def create(self, how: Mapping[str, str]) -> None:
        """Ask Asterisk for the channel."""
        parameters: dict[str, str | int] = {"app": self._ari.app, "channelId": self.id, **how}
        self._answer = await self._ari.request("POST", "/channels/externalMedia", **parameters)

    async def snoop(self, caller: ChannelId) -> None:
        """Ask for a channel that hears what comes from the caller, whatever is played to him."""
        await self._ari.request("POST", f"/channels/{caller}/snoop/{self.id}", spy="in", app=self._ari.app)

    @property
    def url(self) -> str:
        """Where the audio of a chan_websocket channel waits. Raises MediaError if Asterisk did not say."""
        try:
            return self._ari.media_url(self._answer["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"])
        except (KeyError, TypeError) as error:
            raise MediaError(f"медиаканал {self.id}: Asterisk не назвал адреса звука") from error

    async def started(self) -> None:
        """Wait for the channel's own StasisStart: before it the channel cannot be bridged. Raises MediaError."""
        try:
            async with asyncio.timeout(_MEDIA_START_S):
                await self._started
        except TimeoutError as error:
            raise MediaError(f"медиаканал {self.id} не появился за {_MEDIA_START_S:g} с") from error

    def on_event(self, event: AriEvent) -> None:
        """Take an ARI event of this channel."""
        if self._started.done():
            return
        if isinstance(event, StasisStart):
            self._started.set_result(None)
        elif isinstance(event, StasisEnd | ChannelDestroyed):
            self._started.set_exception(MediaError(f"медиаканал {self.id} закрыт, не начавшись"))


@asynccontextmanager
async def media_channel(
    ari: AriClient, how: Mapping[str, str] = WEBSOCKET, *, snooping_on: ChannelId | None = None
) -> AsyncGenerator[MediaChannel, None]:
    """Own a media channel, asked for; `started` tells when it may be used.

    With `snooping_on` it is a snoop channel on that caller instead, named so that a later process finds it too.
    """
    media = MediaChannel(ari)
    with ari.listening(media.id, media.on_event):
        try:
            await (media.snoop(snooping_on) if snooping_on else media.create(how))
            yield media
        finally:
            await ari.delete_quietly(f"/channels/{media.id}")
