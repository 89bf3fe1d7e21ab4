"""Dates and years: «двадцать пятое декабря две тысячи двадцать четвёртого года» for 25.12.2024."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.text.cases import governor
from voxbot.text.ordinals import ordinal

if TYPE_CHECKING:
    from voxbot.text.numbers import Case

_MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
    "декабря",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_YEAR_END = r"(?: ?(?:года\b|г\b\.?))"
_NUMERIC = re.compile(
    rf"(?<![\w.,/-])(?:(?P<day>0?[1-9]|[12]\d|3[01])(?P<mark>[./])(?P<month>0?[1-9]|1[0-2])(?P=mark)(?P<year>(?:19|20)\d\d)"
    rf"|(?P<day2>0[1-9]|[12]\d|3[01])\.(?P<month2>0[1-9]|1[0-2])\.(?P<year2>\d\d))"
    rf"(?:{_YEAR_END}(?P<end>(?<=\.))?)?(?![\w/]|[.,]\d)"
)
_ISO = re.compile(
    r"(?<![\w.,/-])(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])(?![\w-])"
)
_NAMED = re.compile(
    rf"(?<![\w.,/:-])(?:(?P<first>\d\d?) ?(?P<mark>[–—-]| по | и ) ?)?(?P<day>\d\d?) (?P<month>{_MONTH})\b"
    rf"(?: (?P<year>(?:19|20)\d\d)(?:{_YEAR_END}(?P<end>(?<=\.))?)?(?!\d))?"
)
_MONTH_YEAR = re.compile(
    r"(?P<month>(?<!\w)(?:январ|феврал|март|апрел|ма[йяею]\b|июн|июл|август|сентябр|октябр|ноябр|декабр)[а-яё]{0,3}"
    r"|квартал[а-яё]{0,2}|полугоди[а-яё]{1,2}) (?P<year>20\d\d)(?: ?(?:г\b\.?|года\b))?(?![\w-]|[.,:]\d| [а-яё°%])"
)
_YEARS = re.compile(
    r"(?<![\w.,/:-])(?:(?P<first>(?:1[5-9]|20|21)\d\d)(?P<mark> ?[–—-] ?| и | по | до ))?(?P<year>(?:1[5-9]|20|21)\d\d)"
    r" ?(?P<word>год(?:ами|ах|ам|ов|ом|[ауы])?\b|гг?\b\.?(?! [А-ЯЁ]))"
)
_YEAR_OF_WORD: dict[str, Case] = {
    "год": "nomn", "года": "gent", "году": "loct", "годом": "ablt", "годы": "nomn", "годов": "gent", "годам": "datv",
    "годах": "loct", "годами": "ablt",
}  # fmt: skip
_YEAR_FORMS: dict[Case, tuple[str, str]] = {
    "nomn": ("год", "годы"), "gent": ("года", "годов"), "datv": ("году", "годам"), "accs": ("год", "годы"),
    "ablt": ("годом", "годами"), "loct": ("году", "годах"),
}  # fmt: skip
_NAMES_A_DAY = re.compile(
    r"(?:^|[:—–(«]|(?<!\w)(?:сегодня|завтра|вчера|дата|это|наступит|наступило|число)) ?$", re.IGNORECASE
)
_CENTURY_PIVOT = 70
_LAST_DAY = 31


def read_dates(text: str) -> str:
    """Replace dates and years. A day that nothing governs is said in the genitive: «приедем двенадцатого мая»."""
    text = _ISO.sub(lambda m: _date(m, text), text)
    text = _NUMERIC.sub(lambda m: _date(m, text), text)
    text = _NAMED.sub(lambda m: _named(m, text), text)
    text = _MONTH_YEAR.sub(lambda m: f"{m['month']} {ordinal(int(m['year']), 'gent')} года", text)
    return _YEARS.sub(lambda m: _years(m, text), text)


def _date(match: re.Match[str], text: str) -> str:
    named = match.groupdict()
    day, month, year = (named[part] or named[part + "2"] for part in ("day", "month", "year"))
    return _say(match, text, int(day or 0), int(month or 0), year) + _end(match, text)


def _named(match: re.Match[str], text: str) -> str:
    day, month = int(match["day"]), _MONTHS.index(match["month"]) + 1
    if not 1 <= day <= _LAST_DAY or not 1 <= int(match["first"] or 1) <= _LAST_DAY:
        return match.group()
    ruler = governor(text, match.start())
    if match["first"] is None:
        said = _say(match, text, day, month, match["year"])
    elif ruler is None and match["mark"] == " и ":
        said = (
            f"{ordinal(int(match['first']), 'gent', 'neut')} и {_say(match, text, day, month, match['year'], 'gent')}"
        )
    elif match["mark"] == " и " and ruler:
        both = ordinal(int(match["first"]), ruler.case, "neut")
        said = f"{both} и {_say(match, text, day, month, match['year'], ruler.case)}"
    else:
        start = "" if ruler is not None and ruler.word in ("с", "со") else "с "
        until = _say(match, text, day, month, match["year"], "accs")
        said = f"{start}{ordinal(int(match['first']), 'gent', 'neut')} по {until}"
    return said + _end(match, text)


def _say(match: re.Match[str], text: str, day: int, month: int, year: str | None, case: Case | None = None) -> str:
    said = f"{ordinal(day, case or _day_case(match, text), 'neut')} {_MONTHS[month - 1]}"
    if year is None:
        return said
    number = int(year)
    if number < 100:  # noqa: PLR2004 - a year of two digits
        number += 1900 if number > _CENTURY_PIVOT else 2000
    return f"{said} {ordinal(number, 'gent')} года"


def _day_case(match: re.Match[str], text: str) -> Case:
    ruler = governor(text, match.start())
    if ruler is not None and not ruler.is_verb:
        return "accs" if ruler.word == "по" else ruler.case
    before = text[max(0, match.start() - 20) : match.start()]
    starts = not before and text[match.end() :].strip(" .,;") != ""
    return "nomn" if not starts and _NAMES_A_DAY.search(before) else "gent"


def _end(match: re.Match[str], text: str) -> str:
    """The full stop behind «г.» when it ends the sentence as well."""
    if match.groupdict().get("end") is None:
        return ""
    rest = text[match.end() :].lstrip()
    return "." if (rest[:1].isupper() if rest else text[0].isupper()) else ""


def _years(match: re.Match[str], text: str) -> str:
    word, year = match["word"], int(match["year"])
    ruler = governor(text, match.start())
    plural = match["first"] is not None and (word.startswith("гг") or word in ("годы", "годов", "годам", "годах"))
    if word in _YEAR_OF_WORD:
        case = _YEAR_OF_WORD[word]
        if word == "году" and ruler is not None and ruler.case == "datv":
            case = "datv"
        said = word
    else:
        case = "loct" if ruler and ruler.word == "в" else ruler.case if ruler and not ruler.is_verb else "nomn"
        said = _YEAR_FORMS[case][plural]
    spoken = f"{ordinal(year, case)} {said}"
    if match["first"] is not None:
        mark = " — " if match["mark"].strip() in "–—-" else match["mark"]
        first_case: Case = "gent" if ruler and ruler.case == "gent" else case
        spoken = f"{ordinal(int(match['first']), first_case)}{mark}{spoken}"
    dotted = word.endswith(".")
    rest = text[match.end() :].lstrip()
    ends = dotted and (rest[:1].isupper() if rest else text[0].isupper())
    return spoken + ("." if ends else "")
