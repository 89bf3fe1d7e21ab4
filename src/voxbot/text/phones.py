"""Telephone numbers and postcodes, in the groups that people dictate them in."""

from __future__ import annotations

import re

from voxbot.text.numbers import read_group

_RUSSIAN = re.compile(r"(?<![\w+-])(?P<country>\+ ?7|8)(?P<rest>(?:[ -]{0,2}[(]?\d[)]?){10})(?![-\d]|[.,]\d)")
_FOREIGN = re.compile(r"(?<![\w+-])\+ ?(?P<country>[1-69]\d{0,2})(?P<rest>(?:[ -]\(?\d{2,4}\)?){2,5})(?![\d-])")
_LOCAL = re.compile(r"(?<![\w.,-])(?:\((\d{3,5})\) ?)?(\d{1,3})-(\d\d)-(\d\d)(?![\w-]|[.,]\d)")
_GROUPS = {7: (3, 2, 2), 6: (2, 2, 2), 5: (1, 2, 2)}
_POSTCODE = re.compile(
    r"(?P<word>(?i:индекс)\w*[^\d.!?\n]{0,25})?(?<![\w.,-])(?P<first>\d{3})(?P<second>\d{3})"
    r"(?![\w-]|[.,]\d| ?(?:руб|₽|тыс|млн))(?(word)|(?=, (?:г\.|город|Россия|РФ)))"
)


def read_phones(text: str) -> str:
    """«плюс семь, четыреста девяносто пять, сто двадцать три, …»; an area code of four digits is said by pairs."""
    text = _RUSSIAN.sub(_russian, text)
    text = _FOREIGN.sub(lambda m: _joined(f"плюс {read_group(m['country'])}", *re.findall(r"\d+", m["rest"])), text)
    return _LOCAL.sub(_local, text)


def read_postcodes(text: str) -> str:
    """«шестьсот, ноль ноль ноль» for 600000, after «индекс» or before the name of a town."""
    return _POSTCODE.sub(lambda m: f"{m['word'] or ''}{read_group(m['first'])}, {read_group(m['second'])}", text)


def _russian(match: re.Match[str]) -> str:
    country = "плюс семь" if match["country"].startswith("+") else "восемь"
    digits = re.sub(r"\D", "", match["rest"])
    written = re.findall(r"\d+", match["rest"])[0]
    if match["country"] == "8" and len(written) == len(digits):
        return match.group() if digits.startswith("0") else _joined(country, *_split(digits, 3))
    return _joined(country, *_split(digits, len(written) if len(written) in (3, 4, 5) else 3))


def _local(match: re.Match[str]) -> str:
    area = [_area(match[1])] if match[1] else []
    return _joined("", *area, *match.groups()[1:])


def _area(digits: str) -> str:
    return digits if len(digits) == 3 else f"{digits[:2]} {digits[2:]}"  # noqa: PLR2004 - a code of a region's centre


def _split(digits: str, area: int) -> list[str]:
    groups = [_area(digits[:area])]
    start = area
    for size in _GROUPS[len(digits) - area]:
        groups.append(digits[start : start + size])
        start += size
    return groups


def _joined(first: str, *groups: str) -> str:
    said = (" ".join(read_group(part) for part in group.split()) for group in groups)
    return ", ".join(filter(None, (first, *said)))
