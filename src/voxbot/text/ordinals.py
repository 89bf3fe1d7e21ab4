"""Russian ordinals: «двадцать пятое» for 25, in any case and gender."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.text.numbers import cardinal

if TYPE_CHECKING:
    from voxbot.text.numbers import Case

Agreement: TypeAlias = Literal["masc", "femn", "neut", "plur"]

_STEMS = {
    0: "нулев", 1: "перв", 2: "втор", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят",
    40: "сороков", 90: "девяност", 100: "сот", 1000: "тысячн",
}  # fmt: skip
_STRESSED_END = frozenset({0, 2, 6, 7, 8, 40})
"""«Второй», «шестой»: -ой where the others have -ый."""
_MASC: dict[Case, str] = {"gent": "ого", "datv": "ому", "ablt": "ым", "loct": "ом"}
_ENDINGS: dict[Agreement, dict[Case, str]] = {
    "masc": _MASC,
    "neut": {**_MASC, "nomn": "ое", "accs": "ое"},
    "femn": {"nomn": "ая", "gent": "ой", "datv": "ой", "accs": "ую", "ablt": "ой", "loct": "ой"},
    "plur": {"nomn": "ые", "gent": "ых", "datv": "ым", "accs": "ые", "ablt": "ыми", "loct": "ых"},
}
_THIRD_MASC: dict[Case, str] = {"gent": "ьего", "datv": "ьему", "ablt": "ьим", "loct": "ьем"}
_THIRD: dict[Agreement, dict[Case, str]] = {
    "masc": {**_THIRD_MASC, "nomn": "ий", "accs": "ий"},
    "neut": {**_THIRD_MASC, "nomn": "ье", "accs": "ье"},
    "femn": {"nomn": "ья", "gent": "ьей", "datv": "ьей", "accs": "ью", "ablt": "ьей", "loct": "ьей"},
    "plur": {"nomn": "ьи", "gent": "ьих", "datv": "ьим", "accs": "ьи", "ablt": "ьими", "loct": "ьих"},
}


def ordinal(number: int, case: Case = "nomn", agreement: Agreement = "masc") -> str:
    """«две тысячи двадцать четвёртого» for 2024 in the genitive: only the last word is declined.

    The accusative is that of an inanimate thing. `number` is from 0 to 999 999.
    """
    last = _last_part(number)
    before = cardinal(number - last) + " " if number > last else ""
    if last == 3:  # noqa: PLR2004 - «третий» is declined as no other
        return before + "трет" + _THIRD[agreement][case]
    ending = _ENDINGS[agreement].get(case) or ("ой" if last in _STRESSED_END else "ый")
    return before + _stem(last) + ending


def _last_part(number: int) -> int:
    if 0 < number % 100 < 20:  # noqa: PLR2004 - up to nineteen there is one word
        return number % 100
    for base in (10, 100, 1000):
        if number % base:
            return number % base
    return number


def _stem(part: int) -> str:
    if part in _STEMS:
        return _STEMS[part]
    if part < 40:  # noqa: PLR2004 - «десят», «двадцат»: the cardinal without its soft sign
        return cardinal(part)[:-1]
    if part < 100:  # noqa: PLR2004
        return cardinal(part, "gent")[:-1]
    if part < 1000:  # noqa: PLR2004
        return cardinal(part, "gent")
    return cardinal(part // 1000, "gent").replace(" ", "") + "тысячн"
