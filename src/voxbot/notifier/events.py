"""The eight events a host posts, as values.

`parse_event` is the boundary: what passes it is well-formed, and numbers are digits or None. What each field means
is said where it is not plain; the facts are those of the hosts' listeners: they send strings, write a missing value
as "" or "<unknown>", and add keys of their own, which are kept in `extra`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """`token` names the enterprise; `unique_id` the channel, "" where the event is about a bridge alone.

    `external_initiated` is a switch that sticks on the host and leaks into later calls: a hint, never a proof.
    """

    token: str
    unique_id: str
    external_initiated: bool = False
    recovered: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(_Common):
    """An incoming call entered the exchange. `phone` None: hidden, or not known yet."""

    path: ClassVar[str] = "start"
    phone: str | None
    line: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial(_Common):
    """Phones ring (call_type 0: `phone` calls, all `extensions` ring) or a line is tried (1: `phone` is called)."""

    path: ClassVar[str] = "dial"
    phone: str | None
    extensions: tuple[str, ...]
    call_type: int
    line: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnChannel(_Common):
    """`caller` is the number of this channel's side, `connected` of the other one."""

    channel: str
    caller: str | None
    caller_name: str | None
    connected: str | None
    connected_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCallerId(_OnChannel):
    """A channel got or changed its numbers."""

    path: ClassVar[str] = "new_callerid"
    exten: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge(_OnChannel):
    """A channel entered a bridge. `exten`: what it had dialled, or the line it came over; "" for who was called."""

    path: ClassVar[str] = "bridge"
    bridge_id: str
    exten: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLeave(_OnChannel):
    """A channel left a bridge, in which `channels_left` are still."""

    path: ClassVar[str] = "bridge_leave"
    bridge_id: str
    channels_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeCreate(_Common):
    """A bridge came into being, empty."""

    path: ClassVar[str] = "bridge_create"
    bridge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeDestroy(_Common):
    """A bridge is gone."""

    path: ClassVar[str] = "bridge_destroy"
    bridge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(_Common):
    """A call, or a leg of one, ended. Times are the host's wall clock, without a zone.

    `call_type` is 0 incoming, 1 outgoing, 2 internal, and wrong after transfers. `status` "2" alone is success.
    """

    path: ClassVar[str] = "hangup"
    phone: str | None
    extensions: tuple[str, ...]
    call_type: int
    status: str
    line: str | None
    received_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


Event = Start | Dial | NewCallerId | Bridge | BridgeLeave | BridgeCreate | BridgeDestroy | Hangup


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was received: `id` grows in the order of arrival, `at` is seconds since the epoch."""

    id: int
    at: float
    event: Event


def digest(path: str, body: Mapping[str, Any]) -> str:
    """Name the content of a posted event: equal for repeated ones, whatever the order of their keys. 64 hex digits."""
    text = json.dumps([path.strip("/"), body], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_event(path: str, body: object) -> Event:
    """Read a posted JSON body; `path` with or without its slash. Raises EventError that names field and reason."""
    raise NotImplementedError
