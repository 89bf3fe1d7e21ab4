"""Russian numerals: digits to words in any case, and words back to digits.

Cases are named as in pymorphy3: nomn, gent, datv, accs (of an inanimate thing), ablt, loct.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Case: TypeAlias = Literal["nomn", "gent", "datv", "accs", "ablt", "loct"]
Gender: TypeAlias = Literal["masc", "femn", "neut"]

_CASES: tuple[Case, ...] = ("nomn", "gent", "datv", "accs", "ablt", "loct")


def _forms(*forms: str) -> dict[Case, str]:
    return dict(zip(_CASES, forms, strict=True))


def _soft(word: str) -> dict[Case, str]:
    """Пять, десять, двадцать: feminine nouns in -ь."""
    stem = word[:-1]
    return _forms(word, stem + "и", stem + "и", word, word + "ю", stem + "и")


_ONE: dict[Gender, dict[Case, str]] = {
    "masc": _forms("один", "одного", "одному", "один", "одним", "одном"),
    "femn": _forms("одна", "одной", "одной", "одну", "одной", "одной"),
    "neut": _forms("одно", "одного", "одному", "одно", "одним", "одном"),
}
_TWO: dict[Gender, dict[Case, str]] = {
    "masc": _forms("два", "двух", "двум", "два", "двумя", "двух"),
    "femn": _forms("две", "двух", "двум", "две", "двумя", "двух"),
    "neut": _forms("два", "двух", "двум", "два", "двумя", "двух"),
}
_SMALL: dict[int, dict[Case, str]] = {
    0: _forms("ноль", "ноля", "нолю", "ноль", "нолём", "ноле"),
    3: _forms("три", "трёх", "трём", "три", "тремя", "трёх"),
    4: _forms("четыре", "четырёх", "четырём", "четыре", "четырьмя", "четырёх"),
    5: _soft("пять"),
    6: _soft("шесть"),
    7: _soft("семь"),
    8: _forms("восемь", "восьми", "восьми", "восемь", "восемью", "восьми"),
    9: _soft("девять"),
    10: _soft("десять"),
    11: _soft("одиннадцать"),
    12: _soft("двенадцать"),
    13: _soft("тринадцать"),
    14: _soft("четырнадцать"),
    15: _soft("пятнадцать"),
    16: _soft("шестнадцать"),
    17: _soft("семнадцать"),
    18: _soft("восемнадцать"),
    19: _soft("девятнадцать"),
    20: _soft("двадцать"),
    30: _soft("тридцать"),
    40: _forms("сорок", "сорока", "сорока", "сорок", "сорока", "сорока"),
    50: _forms("пятьдесят", "пятидесяти", "пятидесяти", "пятьдесят", "пятьюдесятью", "пятидесяти"),
    60: _forms("шестьдесят", "шестидесяти", "шестидесяти", "шестьдесят", "шестьюдесятью", "шестидесяти"),
    70: _forms("семьдесят", "семидесяти", "семидесяти", "семьдесят", "семьюдесятью", "семидесяти"),
    80: _forms("восемьдесят", "восьмидесяти", "восьмидесяти", "восемьдесят", "восемьюдесятью", "восьмидесяти"),
    90: _forms("девяносто", "девяноста", "девяноста", "девяносто", "девяноста", "девяноста"),
    100: _forms("сто", "ста", "ста", "сто", "ста", "ста"),
    200: _forms("двести", "двухсот", "двумстам", "двести", "двумястами", "двухстах"),
    300: _forms("триста", "трёхсот", "трёмстам", "триста", "тремястами", "трёхстах"),
    400: _forms("четыреста", "четырёхсот", "четырёмстам", "четыреста", "четырьмястами", "четырёхстах"),
    500: _forms("пятьсот", "пятисот", "пятистам", "пятьсот", "пятьюстами", "пятистах"),
    600: _forms("шестьсот", "шестисот", "шестистам", "шестьсот", "шестьюстами", "шестистах"),
    700: _forms("семьсот", "семисот", "семистам", "семьсот", "семьюстами", "семистах"),
    800: _forms("восемьсот", "восьмисот", "восьмистам", "восемьсот", "восемьюстами", "восьмистах"),
    900: _forms("девятьсот", "девятисот", "девятистам", "девятьсот", "девятьюстами", "девятистах"),
}
_THOUSAND = (
    _forms("тысяча", "тысячи", "тысяче", "тысячу", "тысячей", "тысяче"),
    _forms("тысячи", "тысяч", "тысячам", "тысячи", "тысячами", "тысячах"),
)


def _big(stem: str) -> tuple[dict[Case, str], dict[Case, str]]:
    singular = _forms(stem, *(stem + ending for ending in ("а", "у", "", "ом", "е")))
    plural = _forms(*(stem + ending for ending in ("ы", "ов", "ам", "ы", "ами", "ах")))
    return singular, plural


_SCALES: tuple[tuple[int, Gender, tuple[dict[Case, str], dict[Case, str]]], ...] = (
    (10**12, "masc", _big("триллион")),
    (10**9, "masc", _big("миллиард")),
    (10**6, "masc", _big("миллион")),
    (10**3, "femn", _THOUSAND),
)
_LARGEST = 10**15 - 1


def plural_case(number: int, case: Case) -> tuple[Case, bool]:
    """Case and plurality that a noun takes after `number` in `case`: (1) рубль, (2) рубля, (5) рублей.

    After a whole number of thousands it is the genitive plural in every case: «к двум тысячам рублей».
    """
    if number and number % 1000 == 0:
        return "gent", True
    tens, last = number % 100, number % 10
    if last == 1 and tens != 11:  # noqa: PLR2004 - «одиннадцать» is not «один»
        return case, False
    if case not in ("nomn", "accs"):
        return case, True
    return "gent", not (2 <= last <= 4 and not 12 <= tens <= 14)  # noqa: PLR2004 - the paucal of Russian


def cardinal(number: int, case: Case = "nomn", gender: Gender = "masc") -> str:
    """«сто двадцать один» for 121. Numbers of more than 15 digits are read digit by digit."""
    if number < 0:
        return "минус " + cardinal(-number, case, gender)
    if number > _LARGEST:
        return spell_digits(str(number))
    if number == 0:
        return _SMALL[0][case]
    words: list[str] = []
    rest = number
    for value, scale_gender, names in _SCALES:
        count, rest = divmod(rest, value)
        if not count:
            continue
        if count > 1 or words or value != 1000:  # noqa: PLR2004 - «тысяча рублей», but «один миллион»
            words.extend(_below_thousand(count, case, scale_gender))
        noun_case, plural = plural_case(count, case)
        words.append(names[int(plural)][noun_case])
    words.extend(_below_thousand(rest, case, gender))
    return " ".join(words)


def _below_thousand(number: int, case: Case, gender: Gender) -> list[str]:
    words: list[str] = []
    hundreds = number // 100 * 100
    if hundreds:
        words.append(_SMALL[hundreds][case])
    rest = number - hundreds
    if rest >= 20:  # noqa: PLR2004 - up to nineteen there is one word
        words.append(_SMALL[rest // 10 * 10][case])
        rest %= 10
    if rest == 1:
        words.append(_ONE[gender][case])
    elif rest == 2:  # noqa: PLR2004
        words.append(_TWO[gender][case])
    elif rest:
        words.append(_SMALL[rest][case])
    return words


def spell_digits(digits: str) -> str:
    """«ноль пять два» for "052"."""
    return " ".join(cardinal(int(digit)) for digit in digits)


def read_group(digits: str) -> str:
    """A group of a phone number or code: «ноль пять», «четыреста девяносто пять», «ноль ноль семь»."""
    bare = digits.lstrip("0")
    zeros = ["ноль"] * (len(digits) - len(bare))
    return " ".join([*zeros, cardinal(int(bare))] if bare else zeros)


_FRACTIONS = {1: "десят", 2: "сот", 3: "тысячн", 4: "десятитысячн"}


def decimal(whole: str, fraction: str, case: Case = "nomn") -> str:
    """«ноль целых пять десятых» for 0,5. More than four digits after the comma are read one by one."""
    name = _FRACTIONS.get(len(fraction))
    if name is None or not whole.isdigit():
        return f"{read_group(whole)} и {spell_digits(fraction)}"
    integer, part = int(whole), int(fraction)
    return (
        f"{cardinal(integer, case, 'femn')} {_adjective('цел', integer, case)}"
        f" {cardinal(part, case, 'femn')} {_adjective(name, part, case)}"
    )


def _adjective(stem: str, number: int, case: Case) -> str:
    """Agree «целая», «десятая» with the number before it."""
    singular = number % 10 == 1 and number % 100 != 11  # noqa: PLR2004 - as in `plural_case`
    if singular:
        return stem + {"nomn": "ая", "accs": "ую"}.get(case, "ой")
    return stem + {"datv": "ым", "ablt": "ыми"}.get(case, "ых")


def _values() -> dict[str, int]:
    values = {form: value for value, forms in _SMALL.items() for form in forms.values()}
    for forms in (_ONE, _TWO):
        for by_case in forms.values():
            values |= dict.fromkeys(by_case.values(), 1 if forms is _ONE else 2)
    values |= {form.replace("ё", "е"): value for form, value in values.items()}
    return values | {"полтораста": 150, "пятьдесят": 50, "нуль": 0, "тыща": 1000}


_VALUES = _values()
_SCALE_VALUES = {form: value for value, _, names in _SCALES for number in names for form in number.values()} | {
    "тыща": 1000,
    "тыщи": 1000,
    "тыщ": 1000,
    "тыщу": 1000,
}
_WORD = re.compile(r"[^\W\d_]+")

NUMBER_WORDS: frozenset[str] = frozenset(_VALUES) | frozenset(_SCALE_VALUES) | {"полтора", "полторы", "полутора"}
"""Every form of a numeral, lower case, with «ё» and with «е»."""


def words_to_digits(text: str) -> str:
    """Replace spoken numbers by digits: «на две тысячи сто» → «на 2100». Other text is left as it is."""
    out: list[str] = []
    done = 0
    run: list[str] = []
    run_start = run_end = 0
    for match in _WORD.finditer(text):
        word = match.group().lower()
        if run and not (text[run_end : match.start()].strip(" -") == "" and _continues(run, word)):
            out += [text[done:run_start], str(_value(run))]
            done, run = run_end, []
        if word in _VALUES or word in _SCALE_VALUES:
            if not run:
                run_start = match.start()
            run.append(word)
            run_end = match.end()
    if run:
        out += [text[done:run_start], str(_value(run))]
        done = run_end
    out.append(text[done:])
    return "".join(out)


def _continues(run: list[str], word: str) -> bool:
    """Whether the word belongs to the number before it: «сто двадцать», not «пять десять»."""
    if word in _SCALE_VALUES:
        return all(
            _SCALE_VALUES.get(earlier, 10**15) > _SCALE_VALUES[word] for earlier in run if earlier in _SCALE_VALUES
        )
    if word not in _VALUES:
        return False
    last = run[-1]
    if last in _SCALE_VALUES:
        return True
    if _VALUES[last] >= 100:  # noqa: PLR2004 - after hundreds come tens or ones
        return _VALUES[word] < 100  # noqa: PLR2004
    return _VALUES[last] >= 20 and _VALUES[last] < 100 and 0 < _VALUES[word] < 10  # noqa: PLR2004


def _value(run: list[str]) -> int:
    total = group = 0
    for word in run:
        if word in _SCALE_VALUES:
            total += max(group, 1) * _SCALE_VALUES[word]
            group = 0
        else:
            group += _VALUES[word]
    return total + group
