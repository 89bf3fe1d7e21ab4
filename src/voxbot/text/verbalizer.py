"""Canonical text to what a voice can say: no digit and no Latin letter is left.

Own rules read what a telephone conversation about goods is full of (quantities, prices, phones, hours, model codes,
standards, addresses); `ru-normalizr` reads the rest of Russian's numbers (dates, years, ordinals, counted nouns).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import structlog

from voxbot.text.letters import (
    dictionary,
    read_abbreviation,
    read_addresses,
    read_capitals,
    read_latin,
    read_latin_words,
)
from voxbot.text.numbers import NUMBER_WORDS, cardinal, read_group, spell_digits
from voxbot.text.quantities import read_decimal, read_quantities
from voxbot.text.times import read_days, read_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.text.numbers import Case

log = structlog.get_logger(__name__)

_ONE_KIND = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2212": "−", "\u2009": " ", "\u202f": " ", "\xa0": " "})
_LAST_LETTER = "\u0460"
"""Latin, Greek and modern Cyrillic stand below."""
_KNOWN_SIGNS = frozenset("–—…№€₽≥≤≈−“”„‘’×·ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ")
_SPACE = re.compile(r"[^\S\n]+|\n+")
_MARKDOWN = re.compile(r"[*_`#|\\<>{}\[\]~^]+")
_PHONE = re.compile(
    r"(?<![\w-])(?P<country>\+ ?7|8)[ -]?\(?(?P<area>\d{3,4})\)?[ -]?(?P<rest>\d{2,3}[ -]?\d{2}[ -]?\d{2})(?!\d)",
)
_STANDARD = re.compile(
    r"(?<!\w)(?P<name>(?:ГОСТ|ОСТ|ТУ|СТО|СП|МИ|ПНСТ|СТ|ISO|ИСО|ASTM|DIN|EN|IEC|МЭК|API)(?: (?:Р|ISO|ИСО|EN|IEC|МЭК))*) "
    r"(?:№ ?)?(?P<letter>[A-ZА-Я])? ?(?P<number>\d+(?:[.-]\d+)*(?:/[A-ZА-Я]?\d+)?)(?!\d|,\d)",
)
_JOINTS = {".": "точка", "-": "тире", "/": "дробь"}
_POSTCODE = re.compile(
    r"(?P<word>(?i:индекс)\w*[^\d.!?\n]{0,25})?(?<![\w.,-])(?P<first>\d{3})(?P<second>\d{3})"
    r"(?![\w-]|[.,]\d| ?(?:руб|₽|тыс|млн))(?(word)|(?=, (?:г\.|город|Россия|РФ)))"
)
_LAW = re.compile(r"(?<![\w.,-])(\d{1,4})-(?=ФК?З(?!\w))")
_ONE_S = re.compile(r"(?<![\w.,+−-])1[СC](?!\w)")
_CODE = re.compile(
    r"(?<![\w-])(?P<letters>[А-ЯЁA-Z]{1,6}(?:-[А-ЯЁA-Z]{1,4})?)-?(?P<number>\d+(?:,\d+)?(?:[-/.]\d+)*)(?P<tail>[А-ЯЁA-Z]{0,3})(?![\w])",
)
_CLASS = re.compile(
    r"(?P<name>(?i:класс\w*(?: точности)?)(?: [—–-])?(?: до| не ниже| не хуже)? "
    r"|(?i:класс)[^.!?\n]{0,90} [—–-] (?=0,\d+[.;!?]))(?P<number>\d,\d+)"
)
_SIZES = re.compile(r"(?<=\d) ?[×xх*] ?(?=\d)")
_RANGE = re.compile(r"(?<![\w.,:/-])(\d{1,6}) ?[–—-] ?(\d{1,6})(?=,? [а-яё])(?! ?[–—-])")
_BARE_RANGE = re.compile(
    r"(?<![\w.,:/–-])(?:\b(?P<word>от|до|с|за|через|около|на|по|в) )?(\d{1,6}) ?[–—] ?(\d{1,6})(?![\w–-]|[.,:]\d)"
)
_HOUSE = re.compile(r"(?<!\w)д\. ?(?=\d)")
_METRO = re.compile(r"(?<!\w)м\. (?=[А-ЯЁ«])")
_DECIMAL = re.compile(r"(?<![\w.,])\d+,\d+(?![\w,])")
_BIG_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?: \d{3})+(?![\d.,]\d)")
_NEEDS_GRAMMAR = re.compile(r"\d|[А-Яа-яё]\.(?=\s*[А-Яа-яё])|(?<!\w)[IVXLC]+(?!\w)")
_ONE_THOUSAND = re.compile(r"(?:([^\W\d_]+) )?\bодн(?:а|ой|у) (тысяч(?:а|и|е|у|ей)\b)")
_SIGNS = {
    "№": " номер ", "±": " плюс-минус ", "≥": " не менее ", "≤": " не более ", "≈": " около ", "=": " равно ",
    "&": " и ", "§": " параграф ", "%": " процентов ", "°": " градусов ", "/": " ", "+": " плюс ", "@": " собака ",
    "‑": "-", "‐": "-", "−": " минус ",
}  # fmt: skip
_ALLOWED_MARKS = frozenset(".,!?;:—–-«»()… \"'")
_UNSPEAKABLE_EDGE = re.compile(r"\s+([.,!?;:…])")


def verbalize(text: str) -> str:
    """Return `text` in Russian words and punctuation only.

    Takes about 0.2 ms for a sentence of plain rules and 2 ms when the general rules are needed; the first call
    loads those (0.3 s), see `warm_up`.
    """
    text = _clean(text)
    for rule in _RULES:
        text = rule(text)
    if _NEEDS_GRAMMAR.search(text):
        text = _ONE_THOUSAND.sub(_one_thousand, _general_rules()(text))
    return _sweep(read_latin_words(read_capitals(text)))


def warm_up() -> None:
    """Load everything that the first sentence of a call would otherwise wait for."""
    verbalize("Машина РЭМ-100 на 100 кН, 2 машины с 12.05.2026 г.")


def _one_thousand(match: re.Match[str]) -> str:
    """«тысяча рублей», but «сорок одна тысяча рублей»."""
    before = match[1]
    if before is None:
        return match[2]
    return match.group() if before.lower() in NUMBER_WORDS else f"{before} {match[2]}"


def _clean(text: str) -> str:
    """One kind of space, hyphen and digit; no markup, no characters that no rule knows."""
    text = unicodedata.normalize("NFC", text).translate(_ONE_KIND)
    text = "".join(_known(char) for char in _MARKDOWN.sub(" ", text))
    return _SPACE.sub(" ", text).strip()


def _known(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return char if char < _LAST_LETTER or char in _KNOWN_SIGNS else " "


def _phones(text: str) -> str:
    def read(match: re.Match[str]) -> str:
        country = "плюс семь" if match["country"].startswith("+") else "восемь"
        rest = re.sub(r"\D", "", match["rest"])
        groups = [rest[:-4], rest[-4:-2], rest[-2:]] if len(rest) > 4 else [rest[:2], rest[2:]]  # noqa: PLR2004
        return ", ".join([country, *(_area(match["area"]), *(read_group(group) for group in groups if group))])

    return _PHONE.sub(read, text)


def _area(digits: str) -> str:
    """«четыреста девяносто пять», but «сорок девять двадцать два» for the longer codes."""
    return read_group(digits) if len(digits) == 3 else f"{read_group(digits[:2])} {read_group(digits[2:])}"  # noqa: PLR2004


def _postcodes(text: str) -> str:
    return _POSTCODE.sub(lambda m: f"{m['word'] or ''}{read_group(m['first'])}, {read_group(m['second'])}", text)


def _laws(text: str) -> str:
    """«сорок четыре эф зэ» for 44-ФЗ, whatever the case; «один эс» for the program 1С."""
    return _ONE_S.sub("один эс", _LAW.sub(lambda m: cardinal(int(m[1])) + " ", text))


def _standards(text: str) -> str:
    def read(match: re.Match[str]) -> str:
        names = [read_latin(name) if name.isascii() else read_abbreviation(name) for name in match["name"].split()]
        letter = [read_latin(match["letter"])] if match["letter"] else []
        parts = re.findall(r"\d+|[./-]", match["number"])
        return " ".join([*names, *letter, *(_JOINTS.get(part) or _standard_number(part) for part in parts)])

    return _STANDARD.sub(read, text)


def _standard_number(digits: str) -> str:
    """«двадцать восемь восемьсот сорок» for 28840: the way those who use a standard name it."""
    if len(digits) <= 3 or digits.startswith("0"):  # noqa: PLR2004
        return read_group(digits)
    if len(digits) == 4 and digits.startswith("20"):  # noqa: PLR2004 - a year of issue
        return cardinal(int(digits))
    if len(digits) > 6:  # noqa: PLR2004 - a registry number
        return ", ".join(read_group(digits[start : start + 3]) for start in range(0, len(digits), 3))
    tail = 2 if len(digits) == 4 else 3  # noqa: PLR2004
    return f"{read_group(digits[:-tail])} {read_group(digits[-tail:])}"


def _codes(text: str) -> str:
    def read(match: re.Match[str]) -> str:
        letters = " ".join(_read_letters(part) for part in match["letters"].split("-"))
        numbers = " ".join(_code_number(part) for part in re.findall(r"\d+(?:,\d+)?", match["number"]))
        return " ".join(filter(None, (letters, numbers, match["tail"] and _read_letters(match["tail"]))))

    return _CODE.sub(read, text)


def _read_letters(letters: str) -> str:
    return read_latin(letters) if letters.isascii() else read_abbreviation(letters)


def _code_number(digits: str) -> str:
    if "," in digits:
        return " ".join(read_group(part) for part in digits.split(","))
    return read_group(digits) if len(digits) <= 6 else spell_digits(digits)  # noqa: PLR2004


def _classes(text: str) -> str:
    """«класс точности ноль пять»: nobody says «ноль целых пять десятых» of a class."""
    return _CLASS.sub(lambda m: m["name"] + " ".join(read_group(part) for part in m["number"].split(",")), text)


def _sizes(text: str) -> str:
    return _SIZES.sub(" на ", text)


def _small_ranges(text: str) -> str:
    """«два — три дня»: numbers before a counted word keep the word as it is written."""

    def read(match: re.Match[str]) -> str:
        following = text[match.end() :].split(maxsplit=1)
        word = following[0].strip(",.;:!?") if following else ""
        before = re.search(r"([^\W\d_]+) $", text[: match.start()])
        case: Case = (
            "gent" if before and before.group(1).lower() in ("от", "до", "около", "более", "менее", "из") else "nomn"
        )
        gender = "femn" if word.endswith(("ли", "ки", "ны", "ты", "ды", "зы", "чи")) else "masc"
        first, second = (cardinal(int(part), case, gender) for part in match.groups())
        return f"{first} — {second}"

    return _BARE_RANGE.sub(_bare_range, _RANGE.sub(read, text))


def _bare_range(match: re.Match[str]) -> str:
    first, second = int(match[2]), int(match[3])
    if match["word"]:
        return f"{match['word']} {cardinal(first)} — {cardinal(second)}"
    return f"от {cardinal(first, 'gent')} до {cardinal(second, 'gent')}"


def _decimals(text: str) -> str:
    return _DECIMAL.sub(read_decimal, text)


def _big_numbers(text: str) -> str:
    return _BIG_NUMBER.sub(lambda m: m.group().replace(" ", ""), text)


def _short_words(text: str) -> str:
    for short, full in dictionary("short").items():
        if short in text:
            text = re.sub(rf"(?<!\w){re.escape(short)}", full, text)
    return _METRO.sub("метро ", _HOUSE.sub("дом ", text))


_RULES: tuple[Callable[[str], str], ...] = (
    read_addresses,
    _phones,
    _postcodes,
    _laws,
    read_times,
    read_days,
    _standards,
    _codes,
    _classes,
    _sizes,
    read_quantities,
    _short_words,
    _small_ranges,
    _decimals,
    _big_numbers,
)


@cache
def _general_rules() -> Callable[[str], str]:
    from ru_normalizr import NormalizeOptions, Normalizer  # noqa: PLC0415 - 0.3 s that only spoken text needs

    normalize = Normalizer(NormalizeOptions.safe()).normalize

    def read(text: str) -> str:
        try:
            return normalize(text)
        except Exception as error:  # noqa: BLE001 - a rare text that trips the library must not cost the caller the answer
            log.warning("Общие правила чтения чисел не справились с фразой", error=type(error).__name__)
            return text

    return read


def _sweep(text: str) -> str:
    """Whatever the rules did not foresee: digits one by one, signs by name, foreign letters left out."""
    for sign, name in _SIGNS.items():
        if sign in text:
            text = text.replace(sign, name)
    text = re.sub(r"\d+", lambda m: f" {_read_any_digits(m.group())} ", text)
    kept = (char if _speakable(char) else " " for char in text)
    return _UNSPEAKABLE_EDGE.sub(r"\1", _SPACE.sub(" ", "".join(kept))).strip()


def _read_any_digits(digits: str) -> str:
    plain = "".join(str(unicodedata.digit(digit)) for digit in digits)
    return read_group(plain) if len(plain) <= 6 else spell_digits(plain)  # noqa: PLR2004


def _speakable(char: str) -> bool:
    return "а" <= char.lower() <= "я" or char.lower() == "ё" or char in _ALLOWED_MARKS
