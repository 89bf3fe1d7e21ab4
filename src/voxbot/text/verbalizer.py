"""Canonical text to what a voice can say: no digit and no Latin letter is left.

Own rules read what a telephone conversation about goods is full of: quantities, prices, counted things, dates, phones,
hours, model codes, standards, addresses. `ru-normalizr` reads what is left: Roman numerals, «5-го», rare shortenings.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import structlog

from voxbot.text.codes import read_laws, read_mixed, read_models, read_standards, read_versions
from voxbot.text.compounds import read_compounds
from voxbot.text.counted import read_counted
from voxbot.text.dates import read_dates
from voxbot.text.letters import dictionary, read_addresses, read_capitals, read_latin_words
from voxbot.text.markup import without_markup
from voxbot.text.numbers import cardinal, read_group, spell_digits
from voxbot.text.ordinals import ordinal
from voxbot.text.phones import read_phones, read_postcodes
from voxbot.text.quantities import read_lone_units, read_quantities
from voxbot.text.references import declined, read_classes, read_references
from voxbot.text.times import read_days, read_times

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

_ONE_KIND = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2009": " ", "\u202f": " ", "\xa0": " ", "\u2300": "Ø", "ø": "Ø", "½": "1/2",
     "¼": "1/4", "¾": "3/4", "⋅": "·", "∅": "Ø", "⁄": "/"}
)  # fmt: skip
_EXPONENT = re.compile(r"(?<=\d)([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})")
_IN_BRACKETS = re.compile(r"\((\d[\d,]* ?± ?\d[\d,]*)\)(?= ?[°%\w])")
_LAST_LETTER = "\u0460"
"""Latin, Greek and modern Cyrillic stand below."""
_KNOWN_SIGNS = frozenset("–—…№€₽≥≤≈−“”„‘’×·ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ″‰")
_SPACE = re.compile(r"\s+")
_COMPARED = (
    (re.compile(r"(?:≥|>=) ?(?=[\d−-])"), " не менее "), (re.compile(r"(?:≤|<=) ?(?=[\d−-])"), " не более "),
    (re.compile(r"[≈~] ?(?=\d)|(?<!\w)ок\. ?(?=\d)"), " около "), (re.compile(r"(?<![=-])> ?(?=[\d−-])"), " более "),
    (re.compile(r"< ?(?=[\d−-])"), " менее "), (re.compile(r"\+/[-−] ?(?=\d)"), " ±"), (re.compile(r"± (?=\d)"), "±"),
    (re.compile(r"(?<![\w/])(\d+)/(\d+)/(\d+)(?= ?(?:мм|см|м)\b)"), r"\1×\2×\3"),
    (re.compile(r"(?<=\d) ?т\. ?р\."), " тыс. руб."), (re.compile(r"(?<!\w)(?<!\d )мин\. ?(?=\d)"), "минимум "),
    (re.compile(r"(?<![\w/.,])(\d+)/(\d+)(?= ?(?:В|кВ|Гц|V|Hz|мм|кг|кН)\b)"), r"\1 или \2"),
)  # fmt: skip
_MINUS = re.compile(r"(?<![\d%°])(?<=[ (])[–—](?=\d)|^[–—](?=\d)")
_AFTER_NUMBER_DASH = re.compile(r"(?<=[\d%]) [−–](?=\d)")
_DIAMETER = re.compile(r"(?:(?P<word>(?<!\w)[^\W\d_]{1,30}) )?Ø ?(?=\d)")
_DOTTED_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:\.\d{3}){2,}(?= ?(?:руб|₽|р\b|шт))")
_SIZE_LETTERS = re.compile(r"(?<!\w)[ДШГВ](?:[×xх][ДШГВ]){1,2}(?!\w)")
_SIZE_NAMES = {"Д": "длина", "Ш": "ширина", "Г": "глубина", "В": "высота"}
_QUARTER = re.compile(r"(?<![\w-])(I{1,3}|IV|[1-4]) кв\.(?= ?20\d\d|$)")
_SIZES = re.compile(r"(?<=[\dм]) ?[×] ?(?=\d)|(?<=\d) ?[xх] ?(?=\d)")
_FRACTION = re.compile(r"(?<![\w.,/-])(?P<top>\d{1,3})/(?P<bottom>\d{1,3})(?![\w/-]|[.,]\d)")
_ALL_DAY = re.compile(r"(?<![\w/])24/7(?![\w/])")
_HOUSE_BEFORE = re.compile(r"(?:дом|д\.|№|номер) $")
_RATIO = re.compile(r"(?<![\w.,:/-])(\d{1,6}) ?: ?(\d{1,6})(?![\w:/-]|[.,]\d)")
_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_ROMAN = re.compile(
    rf"(?<![\w-])({'|'.join(_ROMANS)})"
    r"(?= (?:квартал|полугоди|этап|категори|класс|групп|степен|тип|поколени|смен))"
)
_FRACTION_NAMES = {2: ("вторая", "вторых"), 3: ("треть", "трети"), 4: ("четверть", "четверти")}
_MAY_END_A_SENTENCE = ("д.", "п.", "др.", "и пр.", "руб.", "шт.", "сек.", "мин.")
_NUMBER = re.compile(r"\d|(?<!\w)[IVX]+(?!\w)")
_NEEDS_GRAMMAR = re.compile(
    r"\d|(?<!\w)[а-яё]{1,5}\.(?=\s*[а-яё])|(?<!\w)(?:пос|им|пгт|дер|акад|проф|св)\.(?=\s*[А-ЯЁ])|(?<!\w)[IVXLC]+(?!\w)"
)
"""What is left for the general rules: digits, shortened words, Roman numerals."""
_SIGNS = {
    "№": " номер ", "±": " плюс-минус ", "≥": " не менее ", "≤": " не более ", "≈": " около ", "=": " равно ",
    "&": " и ", "§": " параграф ", "%": " процентов ", "°": " градусов ", "/": " ", "+": " плюс ", "@": " собака ",
    "−": " минус ", "€": " евро ", "₽": " рублей ", "$": " долларов ", "×": " на ", "Ø": " диаметр ",
}  # fmt: skip
_ALLOWED_MARKS = frozenset(".,!?;:—–-«»()… \"'")
_UNSPEAKABLE_EDGE = re.compile(r"\s+([.,!?;:…])")


def verbalize(text: str) -> str:
    """Return `text` in Russian words and punctuation only.

    Takes about 0.2 ms for a sentence without numbers, 1 ms for one that is full of them, and 2 ms more when the general
    rules are needed; the first call loads the dictionaries (0.5 s), see `warm_up`. Never raises.
    """
    text = _clean(text)
    for rule in _RULES if _NUMBER.search(text) else _RULES_OF_WORDS:
        text = _applied(rule, text)
    if _NEEDS_GRAMMAR.search(text):
        text = _applied(_general_rules(), text)
    return _sweep(read_latin_words(read_capitals(text)))


def warm_up() -> None:
    """Load everything that the first sentence of a call would otherwise wait for."""
    verbalize("Машина РЭМ-100 на 100 кН, 2 машины с 12.05.2026 г., на XX с.")


def _clean(text: str) -> str:
    """One kind of space, hyphen and digit; no markup, no characters that no rule knows."""
    text = _EXPONENT.sub(_exponent, unicodedata.normalize("NFC", text).translate(_ONE_KIND))
    text = _IN_BRACKETS.sub(r"\1", without_markup(text))
    for sign, name in _COMPARED:
        text = sign.sub(name, text)
    text = _DOTTED_THOUSANDS.sub(lambda m: m.group().replace(".", " "), "".join(map(_known, text)))
    return _AFTER_NUMBER_DASH.sub(" — ", _MINUS.sub("−", _SPACE.sub(" ", text).strip()))


def _exponent(match: re.Match[str]) -> str:
    power = int(unicodedata.normalize("NFKC", match[1]))
    return {2: " в квадрате", 3: " в кубе"}.get(power) or f" в {ordinal(power, 'loct', 'femn')} степени"


def _known(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return char if char < _LAST_LETTER or char in _KNOWN_SIGNS else " "


def _sizes(text: str) -> str:
    """«десять на двадцать»; «пруток диаметром десять», but «диаметр десять» where no noun stands before."""
    text = _SIZE_LETTERS.sub(lambda m: ", ".join(_SIZE_NAMES[c] for c in m.group() if c in _SIZE_NAMES), text)
    text = _DIAMETER.sub(lambda m: f"{m['word']} диаметром " if m["word"] else "диаметр ", text)
    return _SIZES.sub(" на ", text)


def _fractions(text: str) -> str:
    """«три четверти» for 3/4, «двенадцать дробь пять» for 12/5, «один к десяти» for 1:10."""

    def read(match: re.Match[str]) -> str:
        top, bottom = int(match["top"]), int(match["bottom"])
        if not 0 < top < bottom <= 10 or _HOUSE_BEFORE.search(text, max(0, match.start() - 10), match.start()):  # noqa: PLR2004
            return f"{cardinal(top)} дробь {cardinal(bottom)}"
        one, many = _FRACTION_NAMES.get(bottom) or (ordinal(bottom, "nomn", "femn"), ordinal(bottom, "gent", "plur"))
        return f"{cardinal(top, 'nomn', 'femn')} {one if top == 1 else many}"

    text = _RATIO.sub(lambda m: f"{cardinal(int(m[1]))} к {cardinal(int(m[2]), 'datv')}", text)
    return _FRACTION.sub(read, _ALL_DAY.sub("двадцать четыре на семь", text))


def _roman_places(text: str) -> str:
    """«4 квартал» for «IV квартал»: what follows says that it is no letter."""
    text = _QUARTER.sub(lambda m: f"{m[1]} {declined('квартал', text, m.start())}", text)
    return _ROMAN.sub(lambda m: str(_ROMANS.index(str(m[1])) + 1), text)


def _short_words(text: str) -> str:
    full = dictionary("short")

    def read(match: re.Match[str]) -> str:
        word = full[match.group().lower()]
        word = word[0].upper() + word[1:] if match.group()[0].isupper() else word
        rest = text[match.end() :]
        if match.group().lower().endswith(_MAY_END_A_SENTENCE):
            return word + "." if (rest.lstrip()[:1].isupper() if rest.strip() else text[0].isupper()) else word
        return f"{word} " if rest[:1].isalnum() else word

    return _short().sub(read, text)


@cache
def _short() -> re.Pattern[str]:
    shorts = sorted(dictionary("short"), key=len, reverse=True)
    pattern = "|".join(re.escape(short) + ("" if short.endswith(".") else r"(?!\w)") for short in shorts)
    return re.compile(rf"(?<!\w)(?:{pattern})", re.IGNORECASE)


_RULES: tuple[Callable[[str], str], ...] = (
    read_addresses,
    read_phones,
    read_postcodes,
    read_laws,
    read_times,
    read_standards,
    _roman_places,
    read_dates,
    read_references,
    read_compounds,
    read_versions,
    read_models,
    read_classes,
    _sizes,
    _fractions,
    read_quantities,
    read_mixed,
    read_lone_units,
    read_days,
    _short_words,
    read_counted,
)
_RULES_OF_WORDS = (read_addresses, read_references, _sizes, read_lone_units, read_days, _short_words)
"""The rules that a text without numbers may need."""


@cache
def _general_rules() -> Callable[[str], str]:
    from ru_normalizr import NormalizeOptions, Normalizer  # noqa: PLC0415 - 0.3 s that only spoken text needs

    return Normalizer(NormalizeOptions.safe()).normalize


def _applied(rule: Callable[[str], str], text: str) -> str:
    try:
        return rule(text)
    except Exception as error:  # noqa: BLE001 - a rare text that trips a rule must not cost the caller the answer
        log.warning("Правило чтения вслух не справилось с фразой", rule=rule.__name__, error=type(error).__name__)
        return text


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
