"""Which transport carries the sound: what the operator asks for, measured against what Asterisk has."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from voxbot.settings.schema import MediaSettings
    from voxbot.telephony.abilities import Abilities

Carrier: TypeAlias = Literal["websocket", "audiosocket", "files"]

_ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


def choose_carrier(settings: MediaSettings, abilities: Abilities, ari_url: str) -> Carrier:
    """Choose the best there is, or confirm what is asked for. Raises ConfigError if that is not there."""
    obstacles: dict[Carrier, tuple[str, ...]] = {
        "websocket": abilities.no_websocket,
        "audiosocket": (*abilities.no_audiosocket, *_unreachable(settings, ari_url)),
        "files": abilities.no_files,
    }
    asked = settings.transport
    if asked != "auto":
        if not obstacles[asked]:
            return asked
        raise ConfigError(
            f"MEDIA_TRANSPORT={asked}: Asterisk {abilities.version} этого не может ({', '.join(obstacles[asked])}); "
            "загрузите модули или задайте MEDIA_TRANSPORT=auto"
        )
    for carrier, missing in obstacles.items():
        if not missing:
            return carrier
    lacking = "; ".join(f"{carrier}: {', '.join(missing)}" for carrier, missing in obstacles.items())
    raise ConfigError(f"MEDIA_TRANSPORT=auto: Asterisk {abilities.version} не может передавать звук ({lacking})")


def _unreachable(settings: MediaSettings, ari_url: str) -> tuple[str, ...]:
    """Why Asterisk could not connect to us although it knows AudioSocket."""
    address = settings.audiosocket_advertised_host or settings.audiosocket_host
    if address in _ANY_ADDRESS:
        return ("задайте AUDIOSOCKET_ADVERTISED_HOST",)
    if _is_loopback(address) and not _is_loopback(urlsplit(ari_url).hostname or ""):
        return ("Asterisk на другой машине: задайте AUDIOSOCKET_HOST",)
    return ()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
