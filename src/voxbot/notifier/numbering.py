"""The hosts' numbers, unique ids and channel names (facts of the exchanges' listeners).

An internal number has 3 or 4 digits, a line (trunk) 7 digits beginning with 0001; any other number is external. A
unique id is `SECONDS.COUNTER`: when its channel was made, by the host's clock, in seconds since the epoch. A Local
channel is a pipe of two halves, `Local/NUMBER@CONTEXT-HEX;1` and `;2`: 1 stands for NUMBER towards the call that
wants it, 2 for that call towards NUMBER.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UNKNOWN = frozenset(
    {"", "<unknown>", "unknown", "anonymous", "<anonymous>", "restricted", "private", "unavailable", "none", "null"}
)
"""What hosts write for a missing value, in lower case."""

_INTERNAL = re.compile(r"\d{3,4}")
_LINE = re.compile(r"0001\d{3}")
_DECORATION = re.compile(r"[\s()+.-]")
_UNIQUE_ID = re.compile(r"(\d{1,12})\.(\d{1,12})")
_LOCAL = re.compile(r"(?P<pair>Local/(?P<number>[^@]*)@.*);(?P<half>[12])")
_TRUNK_CHANNEL = re.compile(r"[^/]+/(0001\d{3})-[^/]*")


def number_of(text: str) -> str | None:
    """Read a number as hosts write it: digits alone, None if it is missing or a line's id; other text as it is."""
    text = text.strip()
    if text.lower() in UNKNOWN:
        return None
    digits = _DECORATION.sub("", text)
    number = digits if digits.isascii() and digits.isdigit() else text
    return None if is_line(number) else number


def is_internal(number: str | None) -> bool:
    """Whether it is an extension of the enterprise."""
    return number is not None and _INTERNAL.fullmatch(number) is not None


def is_line(number: str | None) -> bool:
    """Whether it names a line of the enterprise, and nobody's phone."""
    return number is not None and _LINE.fullmatch(number) is not None


def is_external(number: str | None) -> bool:
    """Whether it is a number outside of the enterprise, a manager's mobile included."""
    return number is not None and not is_internal(number) and not is_line(number)


def line_of(channel: str) -> str | None:
    """The line a trunk's channel runs over: `SIP/0001101-0000001c` → `0001101`."""
    found = _TRUNK_CHANNEL.fullmatch(channel)
    return found[1] if found else None


def age_order(unique_id: str) -> tuple[int, int, str]:
    """Sort key of unique ids: the older channel first. What is no unique id comes last."""
    found = _UNIQUE_ID.fullmatch(unique_id)
    return (int(found[1]), int(found[2]), "") if found else (10**12, 0, unique_id)


def made_at(unique_id: str) -> float | None:
    """When a channel was made by the host's clock, seconds since the epoch."""
    found = _UNIQUE_ID.fullmatch(unique_id)
    return float(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class LocalHalf:
    """One end of a Local channel; `pair` is the name without its half."""

    pair: str
    number: str
    half: int


def local_half(channel: str) -> LocalHalf | None:
    """Read a Local channel's name, None for any other channel."""
    found = _LOCAL.fullmatch(channel)
    return LocalHalf(found["pair"], found["number"], int(found["half"])) if found else None
