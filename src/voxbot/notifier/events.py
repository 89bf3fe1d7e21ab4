"""The eight events a host posts, as values.

`parse_event` is the boundary: what passes it is well-formed, and numbers are digits or None. What each field means
is said where it is not plain; the facts are those of the hosts' listeners: they send strings, write a missing value
as "" or "<unknown>", and add keys of their own, which are kept in `extra`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from voxbot.domain.errors import EventError
from voxbot.notifier.numbering import UNKNOWN, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_IDENTITY = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")


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


def _text(value: object) -> str:
    """Take a string, or a number for one; what no database and no encoding holds is dropped."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("нужна строка")  # noqa: TRY004 - Pydantic makes a complaint of a ValueError alone
    return str(value).encode("utf-8", "replace").decode().replace("\0", "").strip()


def _identity(value: object) -> str:
    text = _text(value)
    if not _IDENTITY.fullmatch(text):
        raise ValueError("нужна непустая строка без пробелов, не длиннее 128 знаков")
    return text


def _identity_or_empty(value: object) -> str:
    return _identity(value) if _text(value) else ""


def _number(value: object) -> str | None:
    return number_of(_text(value))


def _name(value: object) -> str | None:
    """Hosts write "-" and the number for the name of an incoming caller: that is no name."""
    text = _text(value).lstrip("-").strip()
    return None if number_of(text) is None or text.lstrip("+").isdigit() else text


def _numbers(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError("нужен список строк")  # noqa: TRY004 - as above
    return tuple(dict.fromkeys(number for item in cast("list[object]", value) if (number := _number(item))))


def _line(value: object) -> str | None:
    return None if _text(value).lower() in UNKNOWN else _text(value)


def _call_type(value: object) -> int:
    text = _text(value)
    if text not in {"0", "1", "2"}:
        raise ValueError("нужно 0 (входящий), 1 (исходящий) или 2 (внутренний)")
    return int(text)


def _count(value: object) -> int | None:
    text = _text(value)
    return int(text) if text.isdecimal() else None


def _moment(value: object) -> datetime | None:
    text = _text(value)
    if text.lower() in UNKNOWN:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ValueError("нужно время вида 2026-11-16 09:12:56") from None


_Identity = Annotated[str, BeforeValidator(_identity)]
_Text = Annotated[str, BeforeValidator(_text)]
_Number = Annotated[str | None, BeforeValidator(_number)]
_Name = Annotated[str | None, BeforeValidator(_name)]
_Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers)]
_Line = Annotated[str | None, BeforeValidator(_line)]
_CallType = Annotated[int, BeforeValidator(_call_type)]
_Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class _Form(BaseModel):
    """A body as it is posted; the fields are named as those of what it makes."""

    model_config = ConfigDict(extra="allow")
    makes: ClassVar[type[Any]]

    token: _Identity = Field(alias="Token")
    unique_id: _Identity = Field(alias="UniqueId")


class _StartForm(_Form):
    makes = Start
    phone: _Number = Field(None, alias="Phone")
    line: _Line = Field(None, alias="Trunk")


class _DialForm(_Form):
    makes = Dial
    phone: _Number = Field(None, alias="Phone")
    extensions: _Numbers = Field(alias="Extensions")
    call_type: _CallType = Field(alias="CallType")
    line: _Line = Field(None, alias="Trunk")


class _ChannelForm(_Form):
    channel: _Text = Field("", alias="Channel")
    caller: _Number = Field(None, alias="CallerIDNum")
    caller_name: _Name = Field(None, alias="CallerIDName")
    connected: _Number = Field(None, alias="ConnectedLineNum")
    connected_name: _Name = Field(None, alias="ConnectedLineName")


class _NewCallerIdForm(_ChannelForm):
    makes = NewCallerId
    exten: _Text = Field("", alias="Exten")
    context: _Text = Field("", alias="Context")


class _BridgeForm(_ChannelForm):
    makes = Bridge
    bridge_id: _Identity = Field(alias="BridgeUniqueid")
    exten: _Text = Field("", alias="Exten")


class _BridgeLeaveForm(_ChannelForm):
    makes = BridgeLeave
    bridge_id: _Identity = Field(alias="BridgeUniqueid")
    channels_left: Annotated[int | None, BeforeValidator(_count)] = Field(None, alias="BridgeNumChannels")


class _BridgeCreateForm(_Form):
    makes = BridgeCreate
    unique_id: Annotated[str, BeforeValidator(_identity_or_empty)] = Field("", alias="UniqueId")
    bridge_id: _Identity = Field(alias="BridgeUniqueid")


class _BridgeDestroyForm(_BridgeCreateForm):
    makes = BridgeDestroy


class _HangupForm(_Form):
    makes = Hangup
    phone: _Number = Field(None, alias="Phone")
    extensions: _Numbers = Field((), alias="Extensions")
    call_type: _CallType = Field(alias="CallType")
    status: _Text = Field("", alias="CallStatus")
    line: _Line = Field(None, alias="Trunk")
    received_at: _Moment = Field(None, alias="DateReceived")
    started_at: _Moment = Field(None, alias="StartTime")
    ended_at: _Moment = Field(None, alias="EndTime")


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
