"""The fields of a posted body, as Pydantic reads them; complaints are Russian: the host's operator reads them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, cast

from pydantic import BeforeValidator

from voxbot.notifier.numbering import UNKNOWN, number_of

_IDENTITY = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")


def _text(value: object) -> str:
    """Take a string, or a number for one; what no database and no encoding holds is dropped."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("нужна строка")  # noqa: TRY004 - Pydantic makes a complaint of a ValueError alone
    return str(value).encode("utf-8", "replace").decode().replace("\0", "").strip()


def _token(value: object) -> str:
    text = _text(value)
    if isinstance(value, float) or not _IDENTITY.fullmatch(text):
        raise ValueError("нужна непустая строка без пробелов, не длиннее 128 знаков")
    return text


def _identity(value: object) -> str:
    """Take what calls are told apart by: a missing value would make one call of many, and so would 0.10 as 0.1."""
    text = _token(value)
    if text.lower() in UNKNOWN:
        raise ValueError("нужен идентификатор, а не замена пропущенному значению")
    return text


def _identity_or_empty(value: object) -> str:
    return "" if _text(value).lower() in UNKNOWN else _identity(value)


def _number(value: object) -> str | None:
    return number_of(_text(value))


def _name(value: object) -> str | None:
    """Hosts write "-" and the number for the name of an incoming caller: that is no name."""
    text = _text(value).lstrip("-").strip()
    number = number_of(text)
    return None if number is None or number.isdigit() else text


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


Token = Annotated[str, BeforeValidator(_token)]
Identity = Annotated[str, BeforeValidator(_identity)]
Text = Annotated[str, BeforeValidator(_text)]
Number = Annotated[str | None, BeforeValidator(_number)]
Name = Annotated[str | None, BeforeValidator(_name)]
Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers)]
Line = Annotated[str | None, BeforeValidator(_line)]
CallType = Annotated[int, BeforeValidator(_call_type)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
IdentityOrEmpty = Annotated[str, BeforeValidator(_identity_or_empty)]
Count = Annotated[int | None, BeforeValidator(_count)]
