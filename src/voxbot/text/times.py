"""Times of day and days of the week, alone and in ranges, as they are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.text.cases import governor
from voxbot.text.numbers import cardinal

if TYPE_CHECKING:
    from voxbot.text.numbers import Case

_TIME = r"(?:[01]?\d|2[0-4])[:.][0-5]\d"
_TIME_RANGE = re.compile(
    rf"(?<![\d.,:])(?P<with>[Сс] )?(?P<from>{_TIME})(?: ?[–—-] ?| до )(?P<to>{_TIME})"
    r"(?![\d.,:]\d)(?! ?(?:%|руб|мм|кН))(?P<hours> час\w+)?",
)
_DAY_HOURS = re.compile(
    r"(?<=[птсб][нтрбс])(?P<mark>\.?:? )(?P<from>\d{1,2}) ?[–—-] ?(?P<to>\d{1,2})(?![\w:%]|[.,-]\d)", re.IGNORECASE
)
"""«пн–пт 9-18»."""
_ONE_TIME = re.compile(r"(?<![\d.,:])(?P<time>(?:[01]?\d|2[0-4]):[0-5]\d)(?![\d:])")
_DAY: dict[str, dict[Case, str]] = {
    short: dict(zip(("nomn", "gent", "datv", "accs", "ablt", "loct"), forms.split(), strict=True))
    for short, forms in {
        "пн": "понедельник понедельника понедельнику понедельник понедельником понедельнике",
        "вт": "вторник вторника вторнику вторник вторником вторнике",
        "ср": "среда среды среде среду средой среде",
        "чт": "четверг четверга четвергу четверг четвергом четверге",
        "пт": "пятница пятницы пятнице пятницу пятницей пятнице",
        "сб": "суббота субботы субботе субботу субботой субботе",
        "вс": "воскресенье воскресенья воскресенью воскресенье воскресеньем воскресенье",
    }.items()
}
_ON_DAYS = {
    "пн": "понедельникам", "вт": "вторникам", "ср": "средам", "чт": "четвергам", "пт": "пятницам", "сб": "субботам",
    "вс": "воскресеньям",
}  # fmt: skip
_D = r"(?:пн|вт|ср|чт|пт|сб|вс)(?:\.(?!,? (?-i:[А-ЯЁ])))?"
_DAYS = re.compile(
    rf"(?<!\w)(?<!\d )(?:(?P<until>с {_D} (?:по|до) {_D})|(?P<from>{_D}) ?[–—-] ?(?P<to>{_D})"
    rf"|(?P<list>{_D}(?:(?:, ?| и | или ){_D})*))(?!\w|-\d)",
    re.IGNORECASE,
)
_ONE_DAY = re.compile(_D, re.IGNORECASE)
_IN_TUESDAY = re.compile(r"(?<!\w)([Вв]) (?=вторник)")


def read_times(text: str) -> str:
    """«с девяти до восемнадцати часов» for «9:00–18:00», «к девяти тридцати» for «к 9:30»."""

    def read_range(match: re.Match[str]) -> str:
        start, end = _clock(match["from"], "gent"), _clock(match["to"], "gent")
        first = "С" if match["with"] == "С " else "с"
        hours = " часов" if match["to"][-2:] == "00" or match["hours"] else ""
        return f"{first} {start} до {end}{hours}"

    def read_one(match: re.Match[str]) -> str:
        ruler = governor(match.string, match.start())
        case: Case = ruler.case if ruler and not ruler.is_verb else "nomn"
        time = _clock(match["time"], case)
        if match["time"].endswith("00"):
            time += " " + _hours(int(match["time"].split(":")[0]), case)
        return time

    text = _DAY_HOURS.sub(r"\g<mark>\g<from>:00–\g<to>:00", text)
    return _ONE_TIME.sub(read_one, _TIME_RANGE.sub(read_range, text))


def _clock(time: str, case: Case) -> str:
    hour, minute = re.split("[:.]", time)
    spoken = cardinal(int(hour), case)
    if minute == "00":
        return spoken
    return f"{spoken} {'ноль ' if minute.startswith('0') else ''}{cardinal(int(minute), case, 'femn')}"


def _hours(hour: int, case: Case) -> str:
    if case == "datv":
        return "часам" if hour != 1 else "часу"
    if case == "gent":
        return "часов" if hour % 10 != 1 or hour == 11 else "часа"  # noqa: PLR2004
    if hour % 10 == 1 and hour != 11:  # noqa: PLR2004
        return "час"
    return "часа" if hour % 10 in (2, 3, 4) and not 12 <= hour <= 14 else "часов"  # noqa: PLR2004


def read_days(text: str) -> str:
    """«с понедельника по пятницу» for «пн–пт», «по субботам» for «по сб»."""

    def read(match: re.Match[str]) -> str:
        if match["list"] is not None and match.group().isupper():
            return match.group()
        if match["list"] is None:
            first, last = _ONE_DAY.findall(match["until"] or f"{match['from']} {match['to']}")
            joint = "до" if match["until"] and " до " in match["until"].lower() else "по"
            with_ = "С" if match.group().startswith("С ") else "с"
            return f"{with_} {_day(first, 'gent')} {joint} {_day(last, 'gent' if joint == 'до' else 'accs')}"
        ruler = governor(text, match.start())
        if ruler is not None and ruler.word == "по":
            return _ONE_DAY.sub(lambda m: _ON_DAYS[_short(m.group())], match["list"])
        case: Case = ruler.case if ruler and not ruler.is_verb else "nomn"
        return _ONE_DAY.sub(lambda m: _day(m.group(), case), match["list"])

    return _IN_TUESDAY.sub(r"\1о ", _DAYS.sub(read, text))


def _short(day: str) -> str:
    return day.lower().rstrip(".")


def _day(day: str, case: Case) -> str:
    return _DAY[_short(day)][case]
