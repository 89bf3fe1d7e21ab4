"""Words that begin with a number: «трёхфазная» for 3-фазная, «пятидесятипроцентная» for 50%-ная, «столетие»."""

from __future__ import annotations

import re

from voxbot.text.letters import dictionary
from voxbot.text.numbers import cardinal

_COMPOUND = re.compile(r"(?<![\w.,/-])(?P<number>\d{1,4}|1,5)-(?P<word>[а-яё]{4,})")
_LOOSE = re.compile(r"(?<![\w.,/-])(?P<number>\d{1,4})-(?:х|ёх|ех|ти|и|ми|го)(?: ?- ?| )(?P<word>[а-яё]{4,})")
_PERCENT = re.compile(r"(?<![\w.,/-])(?P<number>\d{1,3}) ?%-(?:н?(?P<ending>[а-яё]{2,3})|(?P<short>[йяехм]))(?!\w)")
_SHORT_ENDINGS = {"й": "ый", "я": "ая", "е": "ое", "х": "ых", "м": "ом", "го": "ого", "му": "ому"}
_FIRST = {1: "одно", 90: "девяносто", 100: "сто", 1000: "тысяче"}


def read_compounds(text: str) -> str:
    """Join numbers with the adjective or noun that is written behind a hyphen."""
    text = _PERCENT.sub(_percent, text)
    return _COMPOUND.sub(lambda m: _joined(m["number"]) + m["word"], _LOOSE.sub(_loose, text))


def _percent(match: re.Match[str]) -> str:
    ending = match["short"] or match["ending"]
    return f"{_joined(match['number'])}процентн{_SHORT_ENDINGS.get(ending, ending)}"


def _loose(match: re.Match[str]) -> str:
    """«3-х фазная» is one word, «в 2-х экземплярах» is not."""
    if not match["word"].startswith(tuple(dictionary("compounds")["stems"].split())):
        return match.group()
    return _joined(match["number"]) + match["word"]


def _joined(written: str) -> str:
    if written == "1,5":
        return "полутора"
    number = int(written)
    if number in _FIRST:
        return _FIRST[number]
    hundreds = number // 100 * 100
    if number > 1000 or not hundreds:  # noqa: PLR2004 - «двухтысячный» is the only use of such
        return _tens(number)
    return ("сто" if hundreds == 100 else cardinal(hundreds, "gent")) + _tens(number - hundreds)  # noqa: PLR2004


def _tens(number: int) -> str:
    if number in _FIRST or not number:
        return _FIRST.get(number, "")
    joined = cardinal(number, "gent").replace(" ", "")
    return joined.removesuffix("одного") + "одно" if joined.endswith("одного") else joined
