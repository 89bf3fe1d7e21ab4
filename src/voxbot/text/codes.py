"""Names that hold digits: standards, models, threads, versions, laws."""

from __future__ import annotations

import re

from voxbot.text.letters import dictionary, read_abbreviation, read_latin
from voxbot.text.numbers import cardinal, read_group, spell_digits
from voxbot.text.quantities import read_number

_STANDARD = re.compile(
    r"(?<!\w)(?P<name>(?:ГОСТ(?:а|у|е|ом|ы|ов|ам)?|ОСТ|ТУ|СТО|СП|СН|ВСН|РД|МИ|МР|ПНСТ|СТ|ТР|СНиП|СанПиН|ISO|ИСО|ASTM|DIN|EN"
    r"|IEC|МЭК|API|BS|JIS)(?:[ /](?:Р|ТС|ЕАЭС|ISO|ИСО|EN|IEC|МЭК|CISPR|МИ))*) "
    r"(?:№ ?|номер )?(?P<letter>[A-ZА-Я])? ?"
    r"(?P<number>\d+(?:(?:[.–—-]|:(?=\d{4}(?!\d)))\d+)*(?:/[A-ZА-Я]?\d+)?)(?!\d|,\d)"
    r"(?P<more>(?:(?:,| и| или) \d{3,5}(?:\.\d+)*[–—-]\d{2,4}(?![\w-]))*)",
)
_JOINTS = {".": " точка ", "-": " тире ", "–": " тире ", "—": " тире ", "/": " дробь ", ":": ", "}
_LAW = re.compile(r"(?<![\w.,-])(\d{1,4})-(?=ФК?З(?!\w))")
_ONE_S = re.compile(r"(?<![\w.,+−-])1[СC](?!\w)")
_MODEL = re.compile(
    r"(?<![\w-])(?P<letters>[А-ЯЁA-Z]{1,6}(?:-[А-ЯЁA-Z]{1,4})?)-?"
    r"(?P<number>\d++(?:,\d++)?[А-ЯЁA-Z]*+\d*+[А-ЯЁA-Z]*+(?:[-–/.][А-ЯЁA-Z\d]++)*)(?!\w)"
)
_MIXED = re.compile(r"(?<![\w.,/-])\d+[А-ЯЁA-Z][А-ЯЁA-Z\d]*(?:-[А-ЯЁA-Z\d]+)*(?:-(?=[а-яё])|(?!\w))")
_THREAD = re.compile(r"(?<![\w-])(?:М|M)(?P<size>\d{1,3}(?:,\d)?) ?[×xх] ?(?P<pitch>\d(?:[.,]\d+)?)(?![\w.,]\d)")
_STEEL = re.compile(r"(?<!\w)Ст\.? ?(?=\d)")
_VERSION = re.compile(
    r"(?P<name>(?<!\w)[A-Za-z][A-Za-z-]+ |(?i:(?<!\w)верси[яиюей]+ |(?<!\w)вер\. ?|(?<!\w)v(?:er)?\.? ?))"
    r"(?P<number>\d+(?:\.\d+)+)(?!\w)"
)
_DOTTED_NUMBER = re.compile(r"(?<![\w.,])\d+(?:\.\d+){2,}(?![\w.]\d)")
_HYPHENED = re.compile(r"(?<=[а-яё])-(?=\d+(?![\w.,]))")
_PARTS = re.compile(r"\d+(?:,\d+)?|[^\W\d_]+")


def read_standards(text: str) -> str:
    """«гост двадцать восемь восемьсот сорок тире девяносто» for ГОСТ 28840-90."""

    def read(match: re.Match[str]) -> str:
        names = [_name(part) for part in re.split("[ /]", match["name"])]
        letter = [read_latin(match["letter"])] if match["letter"] else []
        more = re.sub(r"\d[\d.–—-]*", lambda m: _numbers(m.group()), match["more"])
        return " ".join([*names, *letter, _numbers(match["number"])]) + more

    return _STANDARD.sub(read, text)


def _name(word: str) -> str:
    if word.startswith("ГОСТ"):
        return word.lower()
    return dictionary("abbreviations").get(word) or (read_latin(word) if word.isascii() else read_abbreviation(word))


def _numbers(written: str) -> str:
    parts = re.findall(r"\d+|[./:–—-]|[^\W\d_]+", written)
    return "".join(
        _JOINTS.get(part) or (_standard_number(part) if part.isdigit() else _name(part) + " ") for part in parts
    )


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


def read_laws(text: str) -> str:
    """«сорок четыре эф зэ» for 44-ФЗ, whatever the case; «один эс» for the program 1С."""
    return _ONE_S.sub("один эс", _LAW.sub(lambda m: cardinal(int(m[1])) + " ", text))


def read_models(text: str) -> str:
    """«рэм сто а один один» for РЭМ-100-А-1-1, «эм двенадцать на полтора» for the thread М12×1,5."""
    text = _STEEL.sub("сталь ", text)
    text = _THREAD.sub(lambda m: f"эм {_code_number(m['size'])} на {read_number(m['pitch'], 'accs')}", text)
    return _MODEL.sub(lambda m: f"{_letters(m['letters'])} {_code(m['number'])}", text)


def read_mixed(text: str) -> str:
    """«сорок ха» for 40Х, «три дэ» for 3D, «литол двадцать четыре» for Литол-24; after quantities («220В»)."""
    return _HYPHENED.sub(" ", _MIXED.sub(lambda m: _code(m.group()) + (" " if m.group().endswith("-") else ""), text))


def _letters(letters: str) -> str:
    return " ".join(read_latin(part) if part.isascii() else read_abbreviation(part) for part in letters.split("-"))


def _code(written: str) -> str:
    return " ".join(_code_number(part) if part[0].isdigit() else _letters(part) for part in _PARTS.findall(written))


def _code_number(digits: str) -> str:
    if "," in digits:
        return " ".join(read_group(part) for part in digits.split(","))
    return read_group(digits) if len(digits) <= 6 else spell_digits(digits)  # noqa: PLR2004


def read_versions(text: str) -> str:
    """«ю эс би три ноль» for USB 3.0, «версия два точка один», «сто девяносто два точка …» for an address."""

    def read(match: re.Match[str]) -> str:
        short = match["name"].lower().strip(" .") in {"вер", "v", "ver"}
        joint = " " if match["name"].isascii() and not short else " точка "
        name = "версия " if short else match["name"]
        return name + joint.join(read_group(part) for part in match["number"].split("."))

    text = _VERSION.sub(read, text)
    return _DOTTED_NUMBER.sub(lambda m: " точка ".join(read_group(part) for part in m.group().split(".")), text)
