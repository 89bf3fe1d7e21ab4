"""ARI events that VoxBot acts on, typed.

Source of the shapes: Asterisk 22, rest-api/api-docs/events.json. Asterisk sends many more types; they are
left out here rather than carried as bare dicts, and a new one gets its class when something acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from voxbot.domain.ids import ChannelId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Channel:
    """An Asterisk channel as an event shows it."""

    id: ChannelId
    name: str
    caller: str


@dataclass(frozen=True, slots=True)
class StasisStart:
    """A channel entered our application: a caller, or a channel that we created."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class StasisEnd:
    """A channel left our application: hung up, or sent on into the dialplan.

    For an incoming channel this is the last event; no ChannelDestroyed follows (FINDINGS, section 5).
    """

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelDestroyed:
    """A channel that we created is gone; `cause` is the Q.850 cause."""

    channel: Channel
    cause: int
    cause_text: str


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """A key was pressed and released."""

    channel: Channel
    digit: str


@dataclass(frozen=True, slots=True)
class ApplicationReplaced:
    """Another program has connected with our application's name: from now on it gets the events, we get none."""


AriEvent: TypeAlias = StasisStart | StasisEnd | ChannelDestroyed | DtmfReceived


def _channel(raw: Mapping[str, Any]) -> Channel:
    channel = raw["channel"]
    return Channel(ChannelId(channel["id"]), channel.get("name", ""), channel.get("caller", {}).get("number", ""))


_PARSERS: dict[str, Callable[[Mapping[str, Any]], AriEvent]] = {
    "StasisStart": lambda raw: StasisStart(_channel(raw)),
    "StasisEnd": lambda raw: StasisEnd(_channel(raw)),
    "ChannelDestroyed": lambda raw: ChannelDestroyed(_channel(raw), raw.get("cause", 0), raw.get("cause_txt", "")),
    "ChannelDtmfReceived": lambda raw: DtmfReceived(_channel(raw), raw["digit"]),
}


def parse_event(raw: Mapping[str, Any]) -> AriEvent | ApplicationReplaced | None:
    """Make the typed event, or None for a type that nothing acts on. Raises KeyError for a broken one."""
    if raw.get("type") == "ApplicationReplaced":
        return ApplicationReplaced()
    parser = _PARSERS.get(str(raw.get("type")))
    return parser(raw) if parser else None
