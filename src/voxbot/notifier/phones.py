"""Phone numbers as people read them: `+375 (29) 000-10-01`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, cast

import phonenumbers
from phonenumbers.phonenumberutil import NumberParseException

from voxbot.notifier.numbering import is_internal

_library = cast("Any", phonenumbers)  # ships no types that a checker can read

_FORMS = (
    (re.compile(r"(375)(\d{2})(\d{3})(\d{2})(\d{2})"), "+{} ({}) {}-{}-{}"),
    (re.compile(r"80()(1[567]|2[1-5]|29|33|44)(\d{3})(\d{2})(\d{2})"), "+375{} ({}) {}-{}-{}"),
    (re.compile(r"(380)(\d{2})(\d{3})(\d{2})(\d{2})"), "+{} ({}) {}-{}-{}"),
    (re.compile(r"(7)(\d{3})(\d{3})(\d{2})(\d{2})"), "+{} ({}) {}-{}-{}"),
    (re.compile(r"(1)(\d{3})(\d{3})(\d{4})"), "+{} ({}) {}-{}"),
)
"""Belarus, also as it is dialled there, Ukraine, Russia and Kazakhstan, USA and Canada."""


class Masking(StrEnum):
    """Whose numbers lose their middle: nobody's, customers', or those of managers' mobiles as well."""

    NONE = "none"
    CUSTOMERS = "customers"
    ALL = "all"


_AMONG_WORDS = re.compile(r"\+?\d(?:[\s().-]*\d){6,}")
"""A number of seven digits or more, however it is grouped."""

_SHORTEST_INTERNATIONAL = 10
_MASKED_TAIL = 2


def written(number: str, *, masked: bool = False) -> str:
    """Write a number for people; extensions, and what is no international number, stay as they are.

    `masked` leaves the country's and operator's code and the last two digits; of what is no number, its letters.
    """
    if is_internal(number):
        return number
    if not number.isdigit():
        return _starred(number) if masked else number
    text = _formatted(number)
    return _masked(text) if masked else text


def masked_words(text: str) -> str:
    """Hide the numbers that stand in a name, but for their last two digits."""
    return _AMONG_WORDS.sub(lambda found: _starred(found[0]), text)


def _formatted(number: str) -> str:
    for pattern, form in _FORMS:
        parts = pattern.fullmatch(number)
        if parts:
            return form.format(*parts.groups())
    if len(number) < _SHORTEST_INTERNATIONAL:
        return number
    try:
        parsed = _library.parse(f"+{number}")
    except NumberParseException:
        return number
    if not _library.is_possible_number(parsed):
        return number
    text = str(_library.format_number(parsed, _library.PhoneNumberFormat.INTERNATIONAL))
    return _with_operator_code(text, int(_library.length_of_national_destination_code(parsed)))


def _with_operator_code(text: str, left: int) -> str:
    """Put the first `left` digits after the country's code into brackets."""
    country, _, rest = text.partition(" ")
    if not left or not rest:
        return text
    for place, sign in enumerate(rest):
        left -= sign.isdigit()
        if left == 0:
            code, subscriber = rest[: place + 1], rest[place + 1 :].strip(" -")
            return f"{country} ({code.replace(' ', '')}) {subscriber}" if subscriber else text
    return text


def _masked(text: str) -> str:
    head, bracket, tail = text.rpartition(") ")
    return head + bracket + _starred(tail)


def _starred(text: str) -> str:
    digits = sum(sign.isdigit() for sign in text)
    hidden = max(0, digits - _MASKED_TAIL)
    signs: list[str] = []
    for sign in text:
        hidden -= sign.isdigit()
        signs.append("*" if sign.isdigit() and hidden >= 0 else sign)
    return "".join(signs)
