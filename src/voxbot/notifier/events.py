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

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxbot.domain.errors import EventError
from voxbot.notifier.fields import (
    CallType,
    Count,
    Identity,
    IdentityOrEmpty,
    Line,
    Moment,
    Name,
    Number,
    Numbers,
    Text,
    Token,
)

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
    form = _FORMS.get(path.strip("/"))
    if form is None:
        raise EventError("", f"путь {path!r} не из известных: {', '.join(_FORMS)}")
    if not isinstance(body, dict):
        raise EventError("", "нужен объект JSON")
    try:
        read = form.model_validate(body)
    except ValidationError as error:
        raise _explained(error) from None
    extra = dict(read.model_extra or {})
    values = {name: getattr(read, name) for name in form.model_fields}
    return form.makes(
        **values,
        external_initiated=_is_set(extra.get("ExternalInitiated")),
        recovered=_is_set(extra.get("Recovered")),
        extra=extra,
    )


def _explained(error: ValidationError) -> EventError:
    first = error.errors(include_url=False)[0]
    field_name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return EventError(field_name, "нет в теле запроса")
    reason = first.get("ctx", {}).get("error")
    return EventError(field_name, str(reason) if reason else "недопустимое значение")


def _is_set(value: object) -> bool:
    return value is True or str(value).lower() in {"1", "true", "yes"}


class _Form(BaseModel):
    """A body as it is posted; the fields are named as those of what it makes."""

    model_config = ConfigDict(extra="allow")
    makes: ClassVar[type[Any]]

    token: Token = Field(alias="Token")
    unique_id: Identity = Field(alias="UniqueId")


class _StartForm(_Form):
    makes = Start
    phone: Number = Field(None, alias="Phone")
    line: Line = Field(None, alias="Trunk")


class _DialForm(_Form):
    makes = Dial
    phone: Number = Field(None, alias="Phone")
    extensions: Numbers = Field(alias="Extensions")
    call_type: CallType = Field(alias="CallType")
    line: Line = Field(None, alias="Trunk")


class _ChannelForm(_Form):
    channel: Text = Field("", alias="Channel")
    caller: Number = Field(None, alias="CallerIDNum")
    caller_name: Name = Field(None, alias="CallerIDName")
    connected: Number = Field(None, alias="ConnectedLineNum")
    connected_name: Name = Field(None, alias="ConnectedLineName")


class _NewCallerIdForm(_ChannelForm):
    makes = NewCallerId
    exten: Text = Field("", alias="Exten")
    context: Text = Field("", alias="Context")


class _BridgeForm(_ChannelForm):
    makes = Bridge
    bridge_id: Identity = Field(alias="BridgeUniqueid")
    exten: Text = Field("", alias="Exten")


class _BridgeLeaveForm(_ChannelForm):
    makes = BridgeLeave
    bridge_id: Identity = Field(alias="BridgeUniqueid")
    channels_left: Count = Field(None, alias="BridgeNumChannels")


class _BridgeCreateForm(_Form):
    makes = BridgeCreate
    unique_id: IdentityOrEmpty = Field("", alias="UniqueId")
    bridge_id: Identity = Field(alias="BridgeUniqueid")


class _BridgeDestroyForm(_BridgeCreateForm):
    makes = BridgeDestroy


class _HangupForm(_Form):
    makes = Hangup
    phone: Number = Field(None, alias="Phone")
    extensions: Numbers = Field((), alias="Extensions")
    call_type: CallType = Field(alias="CallType")
    status: Text = Field("", alias="CallStatus")
    line: Line = Field(None, alias="Trunk")
    received_at: Moment = Field(None, alias="DateReceived")
    started_at: Moment = Field(None, alias="StartTime")
    ended_at: Moment = Field(None, alias="EndTime")


_FORMS: dict[str, type[_Form]] = {
    form.makes.path: form
    for form in (
        _StartForm,
        _DialForm,
        _NewCallerIdForm,
        _BridgeForm,
        _BridgeLeaveForm,
        _BridgeCreateForm,
        _BridgeDestroyForm,
        _HangupForm,
    )
}
