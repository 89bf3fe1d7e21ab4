"""Numbers with a unit, alone or in a range, in the case that the words before them ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from voxbot.text.numbers import cardinal, decimal, plural_case
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from voxbot.text.numbers import Case, Gender

_SINGULAR: dict[str, dict[Case, str]] = {
    "hard": {"nomn": "", "gent": "а", "datv": "у", "accs": "", "ablt": "ом", "loct": "е"},
    "soft": {"nomn": "ь", "gent": "я", "datv": "ю", "accs": "ь", "ablt": "ем", "loct": "е"},
    "femn": {"nomn": "а", "gent": "ы", "datv": "е", "accs": "у", "ablt": "ой", "loct": "е"},
}
_PLURAL: dict[str, dict[Case, str]] = {
    "hard": {"nomn": "ы", "gent": "ов", "datv": "ам", "accs": "ы", "ablt": "ами", "loct": "ах"},
    "soft": {"nomn": "и", "gent": "ей", "datv": "ям", "accs": "и", "ablt": "ями", "loct": "ях"},
    "femn": {"nomn": "ы", "gent": "", "datv": "ам", "accs": "ы", "ablt": "ами", "loct": "ах"},
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's noun and how it is declined; `suffix` follows unchanged: «оборот *в минуту*»."""

    stem: str
    kind: Literal["hard", "soft", "femn"] = "hard"
    suffix: str = ""
    counted: str | None = None
    """Genitive plural when it is irregular: «вольт», «штук»."""

    @property
    def gender(self) -> Gender:
        """Gender that «один» and «два» agree with."""
        return "femn" if self.kind == "femn" else "masc"

    def form(self, case: Case, *, plural: bool) -> str:
        """The noun in the given case and number, with its suffix."""
        if plural and case == "gent" and self.counted is not None:
            return self.counted + self.suffix
        endings = _PLURAL if plural else _SINGULAR
        return self.stem + endings[self.kind][case] + self.suffix


def _zero(stem: str, suffix: str = "") -> Unit:
    """A unit whose genitive plural is the bare stem: «сто вольт»."""
    return Unit(stem, suffix=suffix, counted=stem)


_BASE: dict[str, Unit] = {
    "кН": Unit("килоньютон"), "МН": Unit("меганьютон"), "Н": Unit("ньютон"), "мН": Unit("миллиньютон"),
    "кгс": Unit("килограмм-сил", "femn"), "тс": Unit("тонна-сил", "femn"),
    "Па": Unit("паскал", "soft"), "кПа": Unit("килопаскал", "soft"),
    "МПа": Unit("мегапаскал", "soft"), "ГПа": Unit("гигапаскал", "soft"),
    "км": Unit("километр"), "м": Unit("метр"), "см": Unit("сантиметр"), "мм": Unit("миллиметр"),
    "дм": Unit("дециметр"), "мкм": Unit("микрометр"), "нм": Unit("нанометр"),
    "В": _zero("вольт"), "кВ": _zero("киловольт"), "мВ": _zero("милливольт"), "А": _zero("ампер"),
    "мА": _zero("миллиампер"), "Ом": _zero("ом"), "кОм": _zero("килоом"), "Вт": _zero("ватт"),
    "кВт": _zero("киловатт"), "МВт": _zero("мегаватт"), "кВА": _zero("киловольт-ампер"), "кВт·ч": Unit("киловатт-час"),
    "Гц": _zero("герц"), "кГц": _zero("килогерц"), "МГц": _zero("мегагерц"), "ГГц": _zero("гигагерц"),
    "г": Unit("грамм"), "кг": Unit("килограмм"), "мг": Unit("миллиграмм"), "т": Unit("тонн", "femn"),
    "ц": Unit("центнер"), "Дж": Unit("джоул", "soft"), "кДж": Unit("килоджоул", "soft"), "бар": _zero("бар"),
    "дБ": _zero("децибел"), "л": Unit("литр"), "мл": Unit("миллилитр"), "ч": Unit("час"), "мин": Unit("минут", "femn"),
    "с": Unit("секунд", "femn"), "сек": Unit("секунд", "femn"), "мс": Unit("миллисекунд", "femn"),
    "°C": Unit("градус", suffix=" Цельсия"), "°С": Unit("градус", suffix=" Цельсия"), "°": Unit("градус"),
    "%": Unit("процент"), "Н·м": Unit("ньютон-метр"), "кН·м": Unit("килоньютон-метр"), "мк": Unit("микрон"),
    "об": Unit("оборот"), "шт": Unit("штук", "femn"), "₽": Unit("рубл", "soft"), "руб": Unit("рубл", "soft"),
    "р": Unit("рубл", "soft"), "$": Unit("доллар"), "€": _zero("евро"), "ГБ": _zero("гигабайт"),
    "МБ": _zero("мегабайт"), "ТБ": _zero("терабайт"), "сут": Unit("сут"), "мес": Unit("месяц", counted="месяцев"),
}  # fmt: skip
_PER = {
    "с": "в секунду", "сек": "в секунду", "мин": "в минуту", "ч": "в час", "час": "в час", "сут": "в сутки",
    "мм²": "на квадратный миллиметр", "мм2": "на квадратный миллиметр", "см²": "на квадратный сантиметр",
    "см2": "на квадратный сантиметр", "м²": "на квадратный метр", "м³": "на кубический метр", "м": "на метр",
    "мм": "на миллиметр", "кг": "на килограмм", "шт": "за штуку", "мес": "в месяц", "год": "в год", "км": "за километр",
}  # fmt: skip
_POWERED = {"²": "квадратн", "2": "квадратн", "³": "кубическ", "3": "кубическ"}
_SCALE = {"тыс": 1000, "тысяч": 1000, "млн": 10**6, "млрд": 10**9}

_NUMBER = r"\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_DASH = r" ?[–—-] ?|\.\.\.|…"
_UNIT = "|".join(re.escape(symbol) for symbol in sorted(_BASE, key=len, reverse=True))
_DENOMINATOR = "|".join(re.escape(symbol) for symbol in sorted(_PER, key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?<![\w.,/-])(?:(?P<from>[+−±-]?(?:{_NUMBER}))(?P<dash>{_DASH}))?(?P<number>[+−±-]?(?:{_NUMBER}))"
    rf"(?: ?(?P<scale>тыс|тысяч|млн|млрд)\b\.?)?(?: ?(?P<unit>{_UNIT})(?P<power>[²³23])?(?:/(?P<per>{_DENOMINATOR}))?"
    rf"(?![\w²³])(?P<dot>\.(?= ?[а-яё,;)]))?)?",
)
_WORDS_BEFORE = re.compile(r"([^\W\d_]+)[^\w.,;:!?]*$")

_GENITIVE = word_set("""
    от до из без около более менее свыше больше меньше выше ниже порядка после для у кроме против вместо
    течение пределах
""")
_ACCUSATIVE = word_set("на за через стоит стоят весит весят составляет составляют занимает выдерживает развивает")
_CASE_OF: dict[str, Case] = {
    **dict.fromkeys(_GENITIVE, "gent"),
    **dict.fromkeys(_ACCUSATIVE, "accs"),
    "к": "datv",
    "ко": "datv",
    "между": "ablt",
    "при": "loct",
}
_RANGE_AFTER = word_set("за через в на по с со из к около до от при между свыше более менее о об")


def read_quantities(text: str) -> str:
    """Replace every number that has a unit, a multiplier or a range with a unit; leave other numbers alone.

    `text` has plain spaces inside numbers. Cases follow the preposition before: «до 100 кН» → «до ста
    килоньютонов». A range without a preposition is read with «от» and «до».
    """
    return _QUANTITY.sub(lambda match: _read(match, text), text)


def _read(match: re.Match[str], text: str) -> str:
    unit = _unit(match)
    if unit is None and not match["scale"]:
        return match.group()
    word = _word_before(text, match.start())
    case = _CASE_OF.get(word, "nomn")
    scale = _SCALE[match["scale"]] if match["scale"] else 1
    number = _with_unit(match["number"], scale, unit, case)
    if match["from"] is None:
        return number
    gender = unit.gender if unit else "masc"
    if word in _RANGE_AFTER:
        return f"{read_number(match['from'], case, gender, scale)} — {number}"
    start = read_number(match["from"], "gent", gender, scale)
    return f"от {start} до {_with_unit(match['number'], scale, unit, 'gent')}"


def read_decimal(match: re.Match[str]) -> str:
    """Read a decimal whose noun is written out, in the case that the word before asks for."""
    case = _CASE_OF.get(_word_before(match.string, match.start()), "nomn")
    feminine = re.match(r" (?!или\b|при\b)[а-яё]+[ыи]\b", match.string[match.end() :])
    return read_number(match.group(), case, "femn" if feminine else "masc")


def _word_before(text: str, end: int) -> str:
    before = _WORDS_BEFORE.search(text, max(0, end - 30), end)
    return before.group(1).lower() if before else ""


def _unit(match: re.Match[str]) -> Unit | None:
    symbol = match["unit"]
    if symbol is None:
        return None
    unit = _BASE[symbol]
    if match["power"]:
        return _powered(unit, _POWERED[match["power"]])
    if match["per"]:
        return Unit(unit.stem, unit.kind, f"{unit.suffix} {_PER[match['per']]}", unit.counted)
    return unit


def _powered(unit: Unit, adjective: str) -> Unit:
    """«квадратный метр»: the adjective is put before and agrees; only lengths are raised to a power."""
    return _PoweredUnit(unit.stem, unit.kind, unit.suffix, unit.counted, adjective)


@dataclass(frozen=True, slots=True)
class _PoweredUnit(Unit):
    adjective: str = ""

    def form(self, case: Case, *, plural: bool) -> str:
        soft = "и" if self.adjective.endswith("к") else "ы"
        singular = {
            "nomn": soft + "й",
            "accs": soft + "й",
            "gent": "ого",
            "datv": "ому",
            "ablt": soft + "м",
            "loct": "ом",
        }
        many = {"nomn": soft + "е", "accs": soft + "е", "gent": soft + "х", "datv": soft + "м", "ablt": soft + "ми"}
        ending = many.get(case, soft + "х") if plural else singular[case]
        return f"{self.adjective}{ending} {Unit.form(self, case, plural=plural)}"


def _with_unit(written: str, scale: int, unit: Unit | None, case: Case) -> str:
    number = read_number(written, case, unit.gender if unit else "masc", scale)
    if unit is None:
        return number
    value = _value(written, scale)
    if value is None:  # after a decimal the unit stands in the genitive singular: «две целых одна десятая метра»
        half = written.lstrip("+−±-") in ("1,5", "1.5")
        plural = half and case not in ("nomn", "accs")
        return f"{number} {unit.form('gent' if not plural else case, plural=plural)}"
    noun_case, plural = plural_case(value, case)
    if isinstance(unit, _PoweredUnit) and noun_case == "gent" and case in ("nomn", "accs") and not plural:
        return f"{number} {unit.form('gent', plural=True).split()[0]} {Unit.form(unit, 'gent', plural=False)}"
    return f"{number} {unit.form(noun_case, plural=plural)}"


def _value(written: str, scale: int = 1) -> int | None:
    """The number as an integer; None when it is not one."""
    whole, _, fraction = written.lstrip("+−±-").replace(" ", "").replace(".", ",").partition(",")
    if not fraction:
        return int(whole) * scale
    power = 10 ** len(fraction)
    value = int(whole + fraction) * scale
    return value // power if value % power == 0 and scale > 1 else None


def read_number(written: str, case: Case = "nomn", gender: Gender = "masc", scale: int = 1) -> str:
    """A number as it is written («2 350 000», «0,5», «−70») in words; `scale` multiplies it."""
    sign = {"−": "минус ", "-": "минус ", "+": "плюс ", "±": "плюс-минус "}.get(written[0], "")
    value = _value(written, scale)
    if value is not None:
        return sign + cardinal(value, case, gender)
    bare = written.lstrip("+−±-").replace(" ", "").replace(".", ",")
    if bare == "1,5":
        half = "полутора" if case not in ("nomn", "accs") else "полторы" if gender == "femn" else "полтора"
        return sign + half
    whole, _, fraction = bare.partition(",")
    return sign + decimal(whole, fraction, case)
