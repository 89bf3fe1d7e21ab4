"""Nouns of units of measure and how they are declined."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxbot.text.numbers import Case, Gender

_HARD: tuple[dict[Case, str], dict[Case, str]] = (
    {"nomn": "", "gent": "а", "datv": "у", "accs": "", "ablt": "ом", "loct": "е"},
    {"nomn": "ы", "gent": "ов", "datv": "ам", "accs": "ы", "ablt": "ами", "loct": "ах"},
)
_SOFT: tuple[dict[Case, str], dict[Case, str]] = (
    {"nomn": "ь", "gent": "я", "datv": "ю", "accs": "ь", "ablt": "ем", "loct": "е"},
    {"nomn": "и", "gent": "ей", "datv": "ям", "accs": "и", "ablt": "ями", "loct": "ях"},
)
_FEMN: tuple[dict[Case, str], dict[Case, str]] = (
    {"nomn": "а", "gent": "ы", "datv": "е", "accs": "у", "ablt": "ой", "loct": "е"},
    {"nomn": "ы", "gent": "", "datv": "ам", "accs": "ы", "ablt": "ами", "loct": "ах"},
)
_SOFT_FEMN: tuple[dict[Case, str], dict[Case, str]] = (
    {"nomn": "я", "gent": "и", "datv": "е", "accs": "ю", "ablt": "ей", "loct": "е"},
    {"nomn": "и", "gent": "ь", "datv": "ям", "accs": "и", "ablt": "ями", "loct": "ях"},
)
_DECLENSIONS = {"ь": _SOFT, "а": _FEMN, "я": _SOFT_FEMN}
_UNCHANGED = frozenset("ое")
_ADJECTIVE: dict[str, dict[Case, str]] = {
    "masc": {"nomn": "ый", "gent": "ого", "datv": "ому", "accs": "ый", "ablt": "ым", "loct": "ом"},
    "femn": {"nomn": "ая", "gent": "ой", "datv": "ой", "accs": "ую", "ablt": "ой", "loct": "ой"},
    "plur": {"nomn": "ые", "gent": "ых", "datv": "ым", "accs": "ые", "ablt": "ыми", "loct": "ых"},
}
_POWERS = {"²": "квадратн", "2": "квадратн", "³": "кубическ", "3": "кубическ"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure. `adjective` stands before the noun and agrees, `suffix` follows unchanged («в минуту»)."""

    noun: str
    counted: str | None = None
    """Genitive plural when it is irregular: «вольт», «штук»."""
    adjective: str = ""
    suffix: str = ""

    @property
    def gender(self) -> Gender:
        """Gender that «один» and «два» agree with."""
        return "femn" if self.noun.endswith(("а", "я")) else "masc"

    @property
    def only_plural(self) -> bool:
        """«Сутки» have no singular."""
        return self.noun == "сутки"

    def form(self, case: Case, *, plural: bool, paucal: bool = False) -> str:
        """The noun with what belongs to it; `paucal` after two, three, four in a direct case.

        There the adjective is in the plural: «два квадратных метра», «две лошадиные силы».
        """
        noun = self._noun(case, plural=plural)
        if not self.adjective:
            return noun + self.suffix
        if paucal:
            ending = _ADJECTIVE["plur"]["nomn" if self.gender == "femn" else "gent"]
        else:
            ending = _ADJECTIVE["plur" if plural else self.gender][case]
        soft = ending.replace("ы", "и") if self.adjective.endswith("к") else ending
        return f"{self.adjective}{soft} {noun}{self.suffix}"

    def _noun(self, case: Case, *, plural: bool) -> str:
        if self.counted is not None and plural and case == "gent":
            return self.counted
        if self.only_plural:
            return _declined("сутка", case, plural=True) if case != "gent" else "суток"
        first, hyphen, last = self.noun.rpartition("-")
        if first.endswith("а"):
            first = _declined(first, case, plural=plural)
        return first + hyphen + _declined(last, case, plural=plural)


def _declined(noun: str, case: Case, *, plural: bool) -> str:
    if noun[-1] in _UNCHANGED:
        return noun
    endings = _DECLENSIONS.get(noun[-1], _HARD)
    stem = noun if endings is _HARD else noun[:-1]
    ending = endings[plural][case]
    if stem.endswith("к") and ending == "ы":
        ending = "и"
    elif stem.endswith("ц"):
        ending = {"ом": "ем", "ов": "ев"}.get(ending, ending)
    return stem + ending


@cache
def _tables() -> tuple[dict[str, Unit], dict[str, str]]:
    text = resources.files("voxbot.text").joinpath("data", "spoken_units.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    units: dict[str, Unit] = {}
    for symbol, noun in tables["nouns"].items():
        first, counted = (noun, None) if isinstance(noun, str) else noun
        word, _, suffix = first.partition(" ")
        if word.endswith("ая"):
            units[symbol] = Unit(suffix, counted, word.removesuffix("ая"))
        else:
            units[symbol] = Unit(word, counted, suffix=suffix and " " + suffix)
    units |= {other: units[symbol] for other, symbol in tables["same"].items()}
    return units, tables["per"]


def unit_symbols() -> tuple[str, ...]:
    """Every symbol of a unit, longest first."""
    return tuple(sorted(_tables()[0], key=len, reverse=True))


def denominators() -> tuple[str, ...]:
    """Every symbol that may stand after a slash, longest first."""
    return tuple(sorted(_tables()[1], key=len, reverse=True))


def unit_named(symbol: str, power: str | None = None, per: str | None = None) -> Unit:
    """The unit of a written symbol: «м» with «²» or «2», «мм» per «мин»."""
    units, per_words = _tables()
    unit = units[symbol]
    if power:
        unit = replace(unit, adjective=_POWERS[power])
    return replace(unit, suffix=f"{unit.suffix} {per_words[per]}") if per else unit
