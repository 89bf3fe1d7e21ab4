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
    """A channel entered our application: a caller, or a channel that we created.

    `args` are what the dialplan wrote behind the application's name: `Stasis(app,ARG,ARG)`.
    """

    channel: Channel
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StasisEnd:
    """A channel left our application: hung up, or sent on into the dialplan.

    For an incoming channel this is the last event; no ChannelDestroyed follows (FINDINGS, section 5).
    """

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelDestroyed:
    """A channel that we created is gone.

    `cause` is the Q.850 cause, `tech_cause` the far side's own code (SIP: the status of its answer; 0: unknown).
    """

    channel: Channel
    cause: int
    cause_text: str
    tech_cause: int = 0


@dataclass(frozen=True, slots=True)
class DialStatus:
    """How dialling a channel that we created stands; `status` is as in the dialplan's DIALSTATUS, or RINGING."""

    channel: Channel
    status: str


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """A key was pressed and released."""

    channel: Channel
    digit: str


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """A playback has ended: `played` to its end or until it was stopped, or it failed (no such file)."""

    about: str
    played: bool


@dataclass(frozen=True, slots=True)
class RecordingFinished:
    """A recording has ended and, if it was `stored`, can be fetched."""

    about: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Talking:
    """TALK_DETECT noticed that somebody has begun or ceased to talk on a channel."""

    about: str
    talking: bool


@dataclass(frozen=True, slots=True)
class ApplicationReplaced:
    """Another program has connected with our application's name: from now on it gets the events, we get none."""


AriEvent: TypeAlias = StasisStart | StasisEnd | ChannelDestroyed | DialStatus | DtmfReceived


SoundEvent: TypeAlias = PlaybackFinished | RecordingFinished | Talking
"""What happens to sounds rather than to channels; `about` names the playback, the recording or the channel."""


def _channel(raw: Mapping[str, Any], key: str = "channel") -> Channel:
    channel = raw[key]
    return Channel(ChannelId(channel["id"]), channel.get("name", ""), channel.get("caller", {}).get("number", ""))


_PARSERS: dict[str, Callable[[Mapping[str, Any]], AriEvent]] = {
    "StasisStart": lambda raw: StasisStart(_channel(raw), tuple(map(str, raw.get("args", ())))),
    "StasisEnd": lambda raw: StasisEnd(_channel(raw)),
    "ChannelDestroyed": lambda raw: ChannelDestroyed(
        _channel(raw), raw.get("cause", 0), raw.get("cause_txt", ""), raw.get("tech_cause", 0)
    ),
    "Dial": lambda raw: DialStatus(_channel(raw, "peer"), raw.get("dialstatus", "")),
    "ChannelDtmfReceived": lambda raw: DtmfReceived(_channel(raw), raw["digit"]),
}


_SOUND_PARSERS: dict[str, Callable[[Mapping[str, Any]], SoundEvent]] = {
    "PlaybackFinished": lambda raw: PlaybackFinished(raw["playback"]["id"], raw["playback"].get("state") != "failed"),
    "RecordingFinished": lambda raw: RecordingFinished(raw["recording"]["name"], stored=True),
    "RecordingFailed": lambda raw: RecordingFinished(raw["recording"]["name"], stored=False),
    "ChannelTalkingStarted": lambda raw: Talking(raw["channel"]["id"], talking=True),
    "ChannelTalkingFinished": lambda raw: Talking(raw["channel"]["id"], talking=False),
}


def parse_sound_event(raw: Mapping[str, Any]) -> SoundEvent | None:
    """Make the typed event of a playback, a recording or talk. Raises KeyError for a broken one."""
    parser = _SOUND_PARSERS.get(str(raw.get("type")))
    return parser(raw) if parser else None


def parse_event(raw: Mapping[str, Any]) -> AriEvent | ApplicationReplaced | None:
    """Make the typed event, or None for a type that nothing acts on. Raises KeyError for a broken one."""
    if raw.get("type") == "ApplicationReplaced":
        return ApplicationReplaced()
    parser = _PARSERS.get(str(raw.get("type")))
    return parser(raw) if parser else None
