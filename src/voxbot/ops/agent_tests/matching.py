"""Whether an answer says something, in whatever form: «2 350 000» is «два миллиона триста пятьдесят тысяч».

Both sides become the same units of meaning: numbers as numbers, units as symbols, words as lemmas. A phrase is said
when its units stand side by side in the text, in any word forms.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from voxbot.knowledge.words import fold, lemmatize
from voxbot.text.normalizer import normalize
from voxbot.text.numbers import words_to_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

Unit: TypeAlias = float | frozenset[str]
"""A number, or the lemmas that a word may be a form of."""

_SCALES = {"тыс": 1e3, "млн": 1e6, "мил": 1e6, "млрд": 1e9}
_SCALE = r"(?:тысяч\w*|тыс\b\.?|миллион\w*|млн\b\.?|миллиард\w*|млрд\b\.?)"
_DIGITS = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)?"
_SCALED = re.compile(rf"(?:(?:{_DIGITS})\s*{_SCALE}\s*)+(?:\d{{1,3}}(?![\d.,]))?", re.IGNORECASE)
_SCALED_PART = re.compile(rf"({_DIGITS})\s*({_SCALE})?", re.IGNORECASE)
_TOKEN = re.compile(rf"{_DIGITS}|[^\W\d_]+|[%₽]")
_SAME = {"%": "процент", "₽": "рубль", "руб": "рубль", "р": "рубль", "ч": "час"}
_ONE_AND_A_HALF = frozenset({"полтора", "полторы", "полутора"})
_PARTS = {"десятая": 0.1, "десятый": 0.1, "сотая": 0.01, "сотый": 0.01, "тысячная": 0.001, "тысячный": 0.001}
_TAIL = 4
"""«ноль целых пять десятых»: a whole, «целых», a part and its name."""


def says(text: str, phrase: str) -> bool:
    """Whether `text` holds `phrase` in any word forms and any spelling of its numbers; False for an empty phrase."""
    wanted, said = units(phrase), units(text)
    starts = range(len(said) - len(wanted) + 1) if wanted else range(0)
    return any(all(map(_same, said[start : start + len(wanted)], wanted)) for start in starts)


@lru_cache(maxsize=4096)
def units(text: str) -> tuple[Unit, ...]:
    """Divide a text into units of meaning, in order."""
    canonical = normalize(text.replace("|", " ")).replace("°C", " градусов ")  # of angles there is no «°C»
    # Before words become digits: there «тысяч» of «2 миллиона 350 тысяч» would be a number of its own.
    digits = words_to_digits(_SCALED.sub(lambda match: f"{_scaled(match[0]):.15g} ", canonical))
    return tuple(_joined([_unit(match[0]) for match in _TOKEN.finditer(fold(digits))]))


def _scaled(text: str) -> float:
    """«2 млн 350 тыс.» as one number."""
    total = 0.0
    for number, scale in _SCALED_PART.findall(text):
        key = next((key for key in sorted(_SCALES, key=len, reverse=True) if scale.lower().startswith(key)), "")
        total += _number(number) * _SCALES.get(key, 1.0)
    return total


def _number(digits: str) -> float:
    return float(re.sub(r"\s", "", digits).replace(",", "."))


def _unit(token: str) -> Unit:
    if token[0].isdigit():
        return _number(token)
    if token in _ONE_AND_A_HALF:
        return 1.5
    word = _SAME.get(token, token)
    return frozenset((word, *lemmatize(word).lemmas))


def _joined(parts: Sequence[Unit]) -> list[Unit]:
    """Make one number of «0 целых 5 десятых»."""
    joined: list[Unit] = []
    index = 0
    while index < len(parts):
        fraction = _fraction(parts[index : index + _TAIL])
        joined.append(parts[index] if fraction is None else fraction)
        index += 1 if fraction is None else _TAIL
    return joined


def _fraction(parts: Sequence[Unit]) -> float | None:
    match parts:
        case [float(whole), frozenset() as link, float(part), frozenset() as name] if "целый" in link:
            share = next((_PARTS[lemma] for lemma in name if lemma in _PARTS), None)
            return None if share is None else round(whole + part * share, 6)
        case _:
            return None


def _same(said: Unit, wanted: Unit) -> bool:
    if isinstance(said, frozenset) and isinstance(wanted, frozenset):
        return not said.isdisjoint(wanted)
    return said == wanted
