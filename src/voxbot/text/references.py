"""Shortened nouns with their number: «в п. 3», «рис. 4», «д. 5, корп. 2», «№ 5», «кл. 0,5»."""

from __future__ import annotations

import re
from functools import cache

from voxbot.text.cases import governor, morphology
from voxbot.text.letters import dictionary, read_abbreviation, spell
from voxbot.text.numbers import cardinal, read_group

_STEP = r"\d+(?:\.\d+)*(?:,\d+)?"
_ADDRESS = re.compile(
    r"(?<!\w)(?:ул|пр|пр-т|просп|пер|ш|наб|д|корп|дом|улица|проспект|переулок|шоссе|проезд|набережная)[. ]"
    r"[^!?\n]{0,60}$",
    re.IGNORECASE,
)
_HOUSE = re.compile(r"(?<!\w)д\. ?(?=\d)")
_METRO = re.compile(r"(?<!\w)м\. (?=[А-ЯЁ«])")
_TOWN = re.compile(r"(?<!\w)г\. ?(?=[А-ЯЁ«])")
_FLOOR = re.compile(r"(?<=\d) ?эт\.(?!\w)")
_NUMBER_SIGN = re.compile(r"№(№)? ?(?=[\dA-Za-zА-Яа-яЁё])")
_AFTER_NUMBER_SIGN = re.compile(r"(?<=номер )(?=\d)[\dA-ZА-ЯЁ]+(?:[-/][\dA-ZА-ЯЁ]+)+(?!\w)|(?<=номер )0\d*(?![\d.,-])")
_HOUSE_LETTER = re.compile(
    r"(?P<before>(?<!\w)(?:дом|корпус|строение|литера|офис) |, )(?P<number>\d{1,4}) ?"
    r"(?P<letter>[А-ЕЖИКа-гежик])(?![\w.])"
)
_PARTS = re.compile(r"\d+|[/-]|[^\W\d_]+")
_JOINTS = {"/": "дробь", "-": "тире"}
_CLASS = re.compile(
    r"(?P<name>(?i:класс\w*(?: точности)?)(?: [—–-])?(?: до| не ниже| не хуже)? "
    r"|(?i:класс)[^.!?\n]{0,90} [—–-] (?=0,\d+(?:[.;!?]|$)))(?P<number>\d[.,]\d+)(?!\d|[.,]\d)"
)
_PLACES = frozenset(("в", "на", "о"))


def read_references(text: str) -> str:
    """Write shortened nouns before a number in full, in the case of the preposition, and read numbers in parts."""
    text = _TOWN.sub(lambda m: declined("город", text, m.start()) + " ", text)
    text = _METRO.sub("метро ", _HOUSE.sub("дом ", text))
    text = _FLOOR.sub(" этаж", text)
    text = _NUMBER_SIGN.sub(lambda m: "номера " if m[1] else "номер ", text)
    text = _reference().sub(lambda m: _read(m, text), text)
    text = _HOUSE_LETTER.sub(lambda m: _house(m, text), text)
    return _AFTER_NUMBER_SIGN.sub(lambda m: " ".join(map(_part, _PARTS.findall(m.group()))), text)


def _house(match: re.Match[str], text: str) -> str:
    if match["before"] == ", " and not _ADDRESS.search(text[max(0, match.start() - 60) : match.start()]):
        return match.group()
    return f"{match['before']}{cardinal(int(match['number']))} {spell(match['letter'])}"


def _part(written: str) -> str:
    return _plain(written) if written.isdigit() else _JOINTS.get(written) or read_abbreviation(written)


def read_classes(text: str) -> str:
    """«класс точности ноль пять»: nobody says «ноль целых пять десятых» of a class."""
    return _CLASS.sub(lambda m: m["name"] + " ".join(read_group(part) for part in re.split("[.,]", m["number"])), text)


def _plain(digits: str) -> str:
    return read_group(digits) if digits.startswith("0") else cardinal(int(digits))


@cache
def _reference() -> re.Pattern[str]:
    shorts = "|".join(re.escape(short) for short in sorted(dictionary("references"), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?P<short>{shorts})\.? ?(?P<number>{_STEP})(?!\w)", re.IGNORECASE)


def _read(match: re.Match[str], text: str) -> str:
    short = match["short"].lower()
    if "." not in match.group()[: len(short) + 1] or (short == "ч" and text[: match.start()].rstrip()[-1:].isdigit()):
        return match.group()
    noun = dictionary("references")[short]
    if short == "стр" and _ADDRESS.search(text[max(0, match.start() - 60) : match.start()]):
        noun = "строение"
    if noun.startswith("класс") or "," in match["number"]:
        return f"{declined(noun, text, match.start())} {match['number']}"
    said = " точка ".join(_plain(part) for part in match["number"].split("."))
    return f"{declined(noun, text, match.start())} {said}"


def declined(noun: str, text: str, start: int) -> str:
    """The first word of `noun` in the case that the preposition before `start` asks for."""
    ruler = governor(text, start)
    if ruler is None or ruler.is_verb:
        return noun
    case = "loct" if ruler.word in _PLACES else "datv" if ruler.word == "по" else ruler.case
    first, space, rest = noun.partition(" ")
    inflected = morphology().parse(first)[0].inflect({case, "sing"})
    return (inflected.word if inflected else first) + space + rest
