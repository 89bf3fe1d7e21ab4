"""Russian number words to values, as callers say them: «сто», «двухсотый», «две тысячи триста», «полторы тысячи»."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIMPLE: dict[str, float] = {
    "ноль": 0, "нуль": 0, "один": 1, "два": 2, "три": 3, "четыре": 4, "пять": 5, "шесть": 6, "семь": 7,
    "восемь": 8, "девять": 9, "десять": 10, "одиннадцать": 11, "двенадцать": 12, "тринадцать": 13,
    "четырнадцать": 14, "пятнадцать": 15, "шестнадцать": 16, "семнадцать": 17, "восемнадцать": 18,
    "девятнадцать": 19, "двадцать": 20, "тридцать": 30, "сорок": 40, "пятьдесят": 50, "шестьдесят": 60,
    "семьдесят": 70, "восемьдесят": 80, "девяносто": 90, "сто": 100, "двести": 200, "триста": 300,
    "четыреста": 400, "пятьсот": 500, "шестьсот": 600, "семьсот": 700, "восемьсот": 800, "девятьсот": 900,
    "полтора": 1.5, "полторы": 1.5, "полтораста": 150, "оба": 2,
    "двое": 2, "трое": 3, "четверо": 4, "пятеро": 5, "сотня": 100, "десяток": 10,
    "четвёртый": 4, "пятый": 5, "шестой": 6, "седьмой": 7, "восьмой": 8, "девятый": 9, "десятый": 10,
    "одиннадцатый": 11, "двенадцатый": 12, "тринадцатый": 13, "четырнадцатый": 14, "пятнадцатый": 15,
    "шестнадцатый": 16, "семнадцатый": 17, "восемнадцатый": 18, "девятнадцатый": 19, "двадцатый": 20,
    "тридцатый": 30, "сороковой": 40, "пятидесятый": 50, "шестидесятый": 60, "семидесятый": 70,
    "восьмидесятый": 80, "девяностый": 90, "сотый": 100, "двухсотый": 200, "трёхсотый": 300,
    "четырёхсотый": 400, "пятисотый": 500, "шестисотый": 600, "семисотый": 700, "восьмисотый": 800,
    "девятисотый": 900, "тысячный": 1000,
    "десятка": 10, "двадцатка": 20, "тридцатка": 30, "полтинник": 50, "сотка": 100, "двухсотка": 200,
    "трёхсотка": 300, "четырёхсотка": 400, "пятисотка": 500, "шестисотка": 600, "восьмисотка": 800,
}  # fmt: skip
_SCALES: dict[str, float] = {"тысяча": 1e3, "тыща": 1e3, "миллион": 1e6, "миллиард": 1e9}
_SLIPS = {
    "писят": "пятьдесят", "пийсят": "пятьдесят", "шисят": "шестьдесят", "тыщ": "тысяча", "тыс": "тысяча",
    "млн": "миллион",
}  # fmt: skip

VALUES: dict[str, float] = {word.replace("ё", "е"): value for word, value in (_SIMPLE | _SCALES).items()}
"""Lemma («ё» written «е») to value."""

MULTIPLIERS: frozenset[float] = frozenset(_SCALES.values())

_OBLIQUE = {
    "двух": 2, "двум": 2, "двумя": 2, "две": 2, "трех": 3, "трем": 3, "четырех": 4, "четырем": 4,
    "пяти": 5, "шести": 6, "семи": 7, "восьми": 8, "девяти": 9, "десяти": 10, "двадцати": 20, "тридцати": 30,
    "сорока": 40, "пятидесяти": 50, "шестидесяти": 60, "семидесяти": 70, "восьмидесяти": 80, "девяноста": 90,
    "ста": 100, "двухсот": 200, "трехсот": 300, "четырехсот": 400, "пятисот": 500, "шестисот": 600,
    "семисот": 700, "восьмисот": 800, "девятисот": 900, "стопятьдесят": 150,
}  # fmt: skip


def number_value(form: str, lemma: str) -> float | None:
    """Return the value of one number word given as it was said and as its lemma (both lower case, «ё» as «е»)."""
    if form in _OBLIQUE:
        return float(_OBLIQUE[form])
    form = _SLIPS.get(form, form)
    value = VALUES.get(form)
    return value if value is not None else VALUES.get(lemma)


def compose(values: Sequence[float]) -> list[float]:
    """Join the values of adjacent number words where Russian does: [2, 1000, 300] → [2300], [28, 840] stays.

    Within one number each word must stand for less than the last digit position that is still free.
    """
    numbers: list[float] = []
    total = current = 0.0
    free = scale_free = float("inf")
    open_ = False
    for value in values:
        if value in MULTIPLIERS and value < scale_free and (current or not total):
            total += (current or 1) * value
            current, free, scale_free, open_ = 0.0, float("inf"), value, True
        elif value not in MULTIPLIERS and value < free and value < scale_free and _fits(value, current):
            current += value
            free, open_ = _position(value), True
        else:
            numbers.append(total + current)
            total, current, free, scale_free, open_ = 0.0, value, _position(value), float("inf"), True
            if value in MULTIPLIERS:
                total, current, free, scale_free = value, 0.0, float("inf"), value
    if open_:
        numbers.append(total + current)
    return numbers


def spelled(value: float) -> str:
    """Write a value as a token: 100, 0.5, 2350000."""
    return str(int(value)) if value == int(value) else str(round(value, 6))


def _position(value: float) -> float:
    """Return the bound under which a following word may still join: 300 → 100, 20 → 10, 13 or 5 → nothing."""
    if value >= 100:  # noqa: PLR2004
        return 100
    return 10 if value >= 20 and value % 10 == 0 else 0  # noqa: PLR2004


def _fits(value: float, current: float) -> bool:
    return value > 0 or not current
