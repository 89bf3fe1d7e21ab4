"""What a bot that went down has left in Asterisk: callers in silence, media channels, bridges, people talking.

Asterisk says nothing about live calls to a new connection; they are found by asking (FINDINGS, section 4).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from voxbot.domain.errors import AriError
from voxbot.domain.ids import BridgeId, ChannelId
from voxbot.telephony.channels import BRIDGE_PREFIX, MEDIA_PREFIX, CallerChannel
from voxbot.telephony.events import AriEvent, ChannelDestroyed, StasisEnd
from voxbot.telephony.operator import OPERATOR_PREFIX, whole_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from voxbot.settings.schema import OperatorSettings
    from voxbot.telephony.ari import AriClient

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """A caller and an operator who talk in a bridge of ours without a bot."""

    bridge: BridgeId
    caller: ChannelId
    operator: ChannelId


async def live_channels(ari: AriClient) -> set[ChannelId]:
    """Ids of all channels that are in our application now."""
    application = await ari.request("GET", f"/applications/{ari.app}")
    return {ChannelId(channel_id) for channel_id in application["channel_ids"]}


async def release_orphans(
    ari: AriClient, settings: OperatorSettings, channels: Collection[ChannelId], calls: Collection[ChannelId]
) -> list[Pair]:
    """Send callers without a bot to the operator and delete what dead calls have left.

    `calls` are the callers whom this process serves: their bridges, named after them, stay. People who talk to
    each other are not touched; they are returned, because somebody must `attend` to their parting.
    """
    bridges = await _own_bridges(ari)
    pairs = [pair for bridge in bridges if (pair := _pair(bridge)) and pair.operator in channels]
    talking = {channel for pair in pairs for channel in (pair.caller, pair.operator)}
    for channel_id in channels:
        if whole_of(channel_id) in talking:
            continue
        if channel_id.startswith((MEDIA_PREFIX, OPERATOR_PREFIX)):
            await ari.delete_quietly(f"/channels/{channel_id}")
            continue
        log.warning("Звонок остался без бота, передаю оператору", channel=channel_id)
        try:
            await CallerChannel(ari, channel_id).continue_at(settings.context, settings.extension)
        except AriError as error:
            log.warning("Не удалось передать звонок оператору", channel=channel_id, error=str(error))
    let_go = set(channels) - talking
    for bridge in bridges:
        if bridge["name"] not in calls and let_go.issuperset(bridge["channels"]):
            await ari.delete_quietly(f"/bridges/{bridge['id']}")
    return pairs


async def attend(ari: AriClient, pair: Pair) -> None:
    """Wait until one of the two hangs up, then let go of the other. Cancelled, it leaves them as they are."""
    log.info("Звонящий и оператор говорят без бота, слежу за концом разговора", channel=pair.caller)
    people = {pair.caller, pair.operator}
    left: set[ChannelId] = set()
    parted = asyncio.Event()

    def on_event(event: AriEvent) -> None:
        if isinstance(event, StasisEnd | ChannelDestroyed):
            left.add(event.channel.id)
            parted.set()

    with ari.listening(pair.caller, on_event), ari.listening(pair.operator, on_event):
        try:
            left |= people - await live_channels(ari)  # between the finding and the listening
        except AriError as error:
            log.warning("Не удалось проверить разговор с оператором", error=str(error))
        if not left:
            await parted.wait()
        for channel_id in people - left:
            await ari.delete_quietly(f"/channels/{channel_id}")
        await ari.delete_quietly(f"/bridges/{pair.bridge}")


async def _own_bridges(ari: AriClient) -> list[dict[str, Any]]:
    prefix = f"{BRIDGE_PREFIX}{ari.app}@"
    return [bridge for bridge in await ari.request("GET", "/bridges") if bridge["id"].startswith(prefix)]


def _pair(bridge: dict[str, Any]) -> Pair | None:
    """Tell who talks in a bridge, if a caller and an operator do."""
    people = [ChannelId(name) for name in bridge["channels"] if not name.startswith(MEDIA_PREFIX)]
    operators = [channel for channel in people if channel.startswith(OPERATOR_PREFIX)]
    callers = [channel for channel in people if channel not in operators]
    return Pair(BridgeId(bridge["id"]), callers[0], operators[0]) if operators and callers else None
