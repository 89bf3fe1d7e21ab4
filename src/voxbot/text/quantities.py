"""Numbers with a unit, alone, in a list or in a range, in the case that the words before them ask for."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from voxbot.text.cases import governor
from voxbot.text.numbers import cardinal, decimal, plural_case
from voxbot.text.units import Unit, denominators, unit_named, unit_symbols
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from voxbot.text.cases import Governor
    from voxbot.text.numbers import Case, Gender

_SCALE = {"тыс": 1000, "тысяч": 1000, "тысячи": 1000, "млн": 10**6, "миллионов": 10**6, "млрд": 10**9}
_SIGN = {"−": "минус ", "-": "минус ", "+": "плюс ", "±": "плюс-минус "}

NUMBER = r"(?:\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
SIGNED = rf"[+−±-]?{NUMBER}"
DASH = r"(?: ?[–—-] ?|\.\.\.|…)"
BETWEEN = r"(?:,? (?:и|или|либо|до|по) |, )"
_DOTTED = frozenset(
    (
        "руб",
        "р",
        "шт",
        "мес",
        "мин",
        "сек",
        "ч",
        "сут",
        "коп",
        "тыс",
        "об",
        "чел",
        "компл",
        "экз",
        "нед",
        "л",
        "час",
        "уп",
    )
)
"""Units that are written with a full stop; behind the others it ends the sentence."""
_MONEY_FIRST = re.compile(rf"(?<![\w.,])([$€₽])(?P<number> ?{NUMBER}(?: ?(?:тыс|млн|млрд)\b\.?)?)")
_RATE_DOT = re.compile(r"(?<=\d)( ?(?:руб|тыс|шт|коп|об|мес))\.(?= ?/ ?\w)")
_SQUARE = re.compile(r"(?<=\d) (?:(кв|куб)\. ?(мм|см|дм|м)(?:етр[а-я]*|\b\.?)|(мм|см|дм|м)\.? (кв|куб)\.)")
_PLACE = re.compile(r" (?:от|друг)\b")
_LENGTHS = frozenset(("м", "км", "см", "мм", "дм"))
_APPROXIMATE_UP_TO = 10
_COLLECTIVE = {2: "двое", 3: "трое", 4: "четверо"}


def read_quantities(text: str) -> str:
    """Replace every number that has a unit or a multiplier; leave other numbers alone.

    `text` has plain spaces inside numbers. Cases follow the words before: «до 100 кН» → «до ста килоньютонов».
    A range that nothing governs is read with «от» and «до».
    """
    text = _RATE_DOT.sub(r"\1", _MONEY_FIRST.sub(lambda m: f"{m['number'].strip()} {m[1]}", text))
    text = _SQUARE.sub(lambda m: f" {m[2] or m[3]}{'²' if 'кв' in (m[1], m[4]) else '³'}", text)
    return _quantity().sub(lambda match: _read(match, text), text)


@cache
def _quantity() -> re.Pattern[str]:
    units = "|".join(map(re.escape, unit_symbols()))
    per = "|".join(map(re.escape, denominators()))
    return re.compile(
        rf"(?<![\w.,/-])(?P<series>(?:{SIGNED}{BETWEEN}){{0,6}})"
        rf"(?:(?P<from>{SIGNED})(?P<dash>{DASH}))?(?P<number>{SIGNED})"
        rf"(?: ?(?P<scale>тыс|тысячи?|млн|миллионов|млрд)\b(?P<scale_dot>\.)?)?"
        rf"(?: ?(?P<unit>{units})(?P<power>[²³23])?(?: ?/ ?(?P<per>{per}))?(?![\w²³]|-\d)(?P<dot>\.(?!\.))?)?"
    )


def _read(match: re.Match[str], text: str) -> str:
    rest = text[match.end() : match.end() + 30]
    symbol = match["unit"]
    if symbol is not None and not _is_unit(match, rest):
        return match.group()
    if symbol is None and not match["scale"]:
        return match.group()
    unit = unit_named(symbol, match["power"], match["per"]) if symbol else None
    ruler = governor(text, match.start())
    case = _case(match, ruler, rest)
    return _in_words(match, unit, case, ruler) + _end(match, text)


def _is_unit(match: re.Match[str], rest: str) -> bool:
    """Letters that are words as well: «5 с половиной», «9 с утра», «2026 г.»."""
    symbol, dot = match["unit"], match["dot"]
    if symbol == "г" and dot:
        return not re.fullmatch(r"(?:1[89]|20)\d\d", match["number"]) and not re.match(r" [А-ЯЁ]", rest)
    if symbol == "с" and not match["per"]:
        return not re.match(r" (?!(?:до|при|на|и|или|после|без|между|не|в|под|с)\b)[\w«]", rest)
    if symbol in ("об", "нед", "час", "m", "g"):
        return bool(match["per"] or dot or symbol not in ("об", "m", "g"))
    return True


def _case(match: re.Match[str], ruler: Governor | None, rest: str) -> Case:
    if ruler is None:
        return "nomn"
    if ruler.word == "по":
        return distributive(_value(match["number"], _scale(match)))
    if ruler.word == "в" and match["unit"] in _LENGTHS and not match["power"] and _PLACE.match(rest):
        return "loct"
    return ruler.case


def distributive(value: int | None) -> Case:
    """«По одной штуке», «по тысяче», but «по две штуки»."""
    if value is None:
        return "accs"
    return "datv" if plural_case(value, "datv") == ("datv", False) or value in (10**3, 10**6, 10**9) else "accs"


def _scale(match: re.Match[str]) -> int:
    return _SCALE[match["scale"]] if match["scale"] else 1


def _in_words(match: re.Match[str], unit: Unit | None, case: Case, ruler: Governor | None) -> str:
    scale = _scale(match)
    numbers = [*re.findall(SIGNED, match.group("series")), match["from"] or "", match["number"]]
    each = scale if any("," in item or "." in item for item in numbers) else 1
    gender: Gender = unit.gender if unit and scale == 1 else "femn" if scale == 1000 else "masc"  # noqa: PLR2004
    said = read_list(match["series"], case, gender, each)
    number = match["number"]
    if match["from"] is None:
        return said + _with_unit(number, scale, unit, case)
    if not said and (ruler is None or ruler.is_verb):
        return f"от {read_number(match['from'], 'gent', gender, each)} до {_with_unit(number, scale, unit, 'gent')}"
    first = read_number(match["from"], case, gender, each)
    return f"{said}{first}{joint(match['from'], number)}{_with_unit(number, scale, unit, case)}"


def joint(first: str, second: str) -> str:
    """«два-три», but «пять — десять»."""
    close = first.isdigit() and second.isdigit() and int(second) == int(first) + 1 <= _APPROXIMATE_UP_TO
    return "-" if close else " — "


def _end(match: re.Match[str], text: str) -> str:
    """The full stop behind a unit, unless it only shortened the word."""
    if not (match["dot"] if match["unit"] else match["scale_dot"]):
        return ""
    if (match["unit"] or match["scale"]) not in _DOTTED and match["per"] not in _DOTTED:
        return "."
    rest = text[match.end() :].lstrip()
    if rest:
        return "." if rest[0].isupper() or rest[0] in '«"' else ""
    return "." if text[0].isupper() else ""


def _with_unit(written: str, scale: int, unit: Unit | None, case: Case) -> str:
    if unit is not None and unit.noun == "рубль" and re.fullmatch(r"[^.,]*[.,]\d\d", written) and scale == 1:
        return _money(written, unit, case)
    number = read_number(written, case, unit.gender if unit else "masc", scale)
    if unit is None:
        return number
    value = _value(written, scale)
    direct = case in ("nomn", "accs")
    if value is None:  # after a decimal the unit stands in the genitive singular: «две целых одна десятая метра»
        plural = not direct and _bare(written) == "1,5"
        return f"{number} {unit.form(case if plural else 'gent', plural=plural)}"
    if unit.only_plural and direct and value in _COLLECTIVE:
        return f"{_COLLECTIVE[value]} {unit.form('gent', plural=True)}"
    noun_case, plural = plural_case(value, case)
    paucal = direct and noun_case == "gent" and not plural
    return f"{number} {unit.form(noun_case, plural=plural, paucal=paucal)}"


def _money(written: str, unit: Unit, case: Case) -> str:
    """«девяносто девять рублей девяносто копеек» for 99,90 ₽."""
    whole, kopecks = re.split("[.,]", written)
    roubles = _with_unit(whole, 1, unit, case)
    if int(kopecks) == 0:
        return roubles
    return f"{roubles} {_with_unit(str(int(kopecks)), 1, unit_named('коп'), case)}"


def _bare(written: str) -> str:
    return written.lstrip("+−±-").replace(" ", "").replace(".", ",")


def _value(written: str, scale: int = 1) -> int | None:
    """The number as an integer; None when it is not one."""
    whole, _, fraction = _bare(written).partition(",")
    if not fraction:
        return int(whole) * scale
    power = 10 ** len(fraction)
    value = int(whole + fraction) * scale
    return value // power if value % power == 0 and scale > 1 else None


def read_lone_units(text: str) -> str:
    """Units without a digit: «усилие, в килоньютонах», «тысячу килоньютонов» for «тысячу кН»."""
    return _lone().sub(lambda match: _lone_in_words(match, text), text)


@cache
def _lone() -> re.Pattern[str]:
    known = "|".join(re.escape(symbol) for symbol in unit_symbols() if symbol in _CLEAR)
    per = "|".join(map(re.escape, denominators()))
    return re.compile(
        rf"(?P<before>(?<!\w)[^\W\d_]{{1,30}} |, |\()?(?<![\w/.-])"
        rf"(?:(?P<unit>{known})(?P<power>[²³])?(?:/(?P<per>{per}))?"
        rf"|(?P<rate>м|об|л|т|г)/(?P<time>с|мин|ч))(?![\w²³/-]|\.(?= ?[а-яё\d]))"
    )


_CLEAR = word_set("кН МН кгс МПа кПа ГПа мм см мкм кг кВт Вт Гц кГц МГц дБ Дж кДж Н·м кН·м кВт·ч кВ мА Ом °C °С %")


def _lone_in_words(match: re.Match[str], text: str) -> str:
    unit = unit_named(match["unit"] or match["rate"], match["power"], match["per"] or match["time"])
    before = match["before"] or ""
    word = before.strip().lower()
    if word in (",", "("):
        return f"{before}в {unit.form('loct', plural=True)}"
    if word == "в":
        return before + unit.form("loct", plural=True)
    value = _WORD_VALUES.get(word)
    if value is None:
        ruler = governor(text, match.start() + len(before))
        return before + unit.form(
            ruler.case if ruler and not ruler.is_verb and ruler.case != "accs" else "gent", plural=True
        )
    case, plural = plural_case(value, "nomn")
    return before + unit.form(case, plural=plural, paucal=1 < value < 5)  # noqa: PLR2004


_WORD_VALUES = {"один": 1, "одна": 1, "два": 2, "две": 2, "три": 3, "четыре": 4}


def read_number(written: str, case: Case = "nomn", gender: Gender = "masc", scale: int = 1) -> str:
    """A number as it is written («2 350 000», «0,5», «−70») in words; `scale` multiplies it."""
    sign = _SIGN.get(written[0], "")
    value = _value(written, scale)
    if value is not None:
        return sign + cardinal(value, case, gender)
    bare = _bare(written)
    if bare == "1,5":
        half = "полутора" if case not in ("nomn", "accs") else "полторы" if gender == "femn" else "полтора"
        return sign + half
    whole, _, fraction = bare.partition(",")
    return sign + decimal(whole, fraction, case)


def read_list(series: str, case: Case, gender: Gender, scale: int = 1) -> str:
    """«пяти, десяти и » for «5, 10 и »: the numbers of a list that goes on behind."""
    parts: list[str] = re.split(f"({BETWEEN})", series)
    return "".join(
        part if place % 2 else read_number(part, case, gender, scale) for place, part in enumerate(parts) if part
    )
