"""What a bot that died has left in Asterisk: callers in silence, media channels, bridges.

Asterisk says nothing about live calls to a new connection; they are found by asking (FINDINGS, section 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import AriError
from voxbot.domain.ids import ChannelId
from voxbot.telephony.channels import BRIDGE_PREFIX, MEDIA_PREFIX, CallerChannel

if TYPE_CHECKING:
    from collections.abc import Collection

    from voxbot.settings.schema import AriSettings
    from voxbot.telephony.ari import AriClient

log = structlog.get_logger(__name__)


async def live_channels(ari: AriClient) -> set[ChannelId]:
    """Ids of all channels that are in our application now."""
    application = await ari.request("GET", f"/applications/{ari.app}")
    return {ChannelId(channel_id) for channel_id in application["channel_ids"]}


async def release_orphans(
    ari: AriClient, settings: AriSettings, channels: Collection[ChannelId], calls: Collection[ChannelId]
) -> None:
    """Send callers without a bot to the operator and delete the media channels and bridges of dead calls.

    `calls` are the callers whom this process serves: their bridges, named after them, stay.
    """
    for channel_id in channels:
        if channel_id.startswith(MEDIA_PREFIX):
            await ari.delete_quietly(f"/channels/{channel_id}")
            continue
        log.warning("Звонок остался без бота, передаю оператору", channel=channel_id)
        try:
            await CallerChannel(ari, channel_id).continue_at(settings.operator_context, settings.operator_extension)
        except AriError as error:
            log.warning("Не удалось передать звонок оператору", channel=channel_id, error=str(error))
    for bridge in await ari.request("GET", "/bridges"):
        ours = bridge["id"].startswith(f"{BRIDGE_PREFIX}{ari.app}-")
        if ours and not bridge["channels"] and bridge["name"] not in calls:
            await ari.delete_quietly(f"/bridges/{bridge['id']}")
