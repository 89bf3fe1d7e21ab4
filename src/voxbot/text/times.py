"""Times of day and days of the week, alone and in ranges, as they are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.text.numbers import cardinal

if TYPE_CHECKING:
    from voxbot.text.numbers import Case

_TIME = r"(?:[01]?\d|2[0-4])[:.][0-5]\d"
_TIME_RANGE = re.compile(
    rf"(?<![\d.,:])(?P<with>[Сс] )?(?P<from>{_TIME})(?: ?[–—-] ?| до )(?P<to>{_TIME})"
    r"(?![\d.,:]\d)(?! ?(?:%|руб|мм|кН))(?P<hours> час\w+)?",
)
_ONE_TIME = re.compile(
    r"(?<![\d.,:])(?:(?P<word>[Вв]|[Кк]|[Дд]о|[Сс]|[Пп]осле) )?(?P<time>(?:[01]?\d|2[0-4]):[0-5]\d)(?![\d:])"
)
_CASE_AFTER: dict[str, Case] = {"к": "datv", "до": "gent", "с": "gent", "после": "gent"}
_DAY = {
    "пн": ("понедельник", "понедельника", "понедельник"),
    "вт": ("вторник", "вторника", "вторник"),
    "ср": ("среда", "среды", "среду"),
    "чт": ("четверг", "четверга", "четверг"),
    "пт": ("пятница", "пятницы", "пятницу"),
    "сб": ("суббота", "субботы", "субботу"),
    "вс": ("воскресенье", "воскресенья", "воскресенье"),
}
_DAYS = re.compile(
    r"(?<![\w])(?P<from>пн|вт|ср|чт|пт|сб|вс)\.?(?: ?[–—-] ?(?P<to>пн|вт|ср|чт|пт|сб|вс)\.?)?(?!\w|-\d)", re.IGNORECASE
)


def read_times(text: str) -> str:
    """«с девяти до восемнадцати часов» for «9:00–18:00», «к девяти тридцати» for «к 9:30»."""

    def read_range(match: re.Match[str]) -> str:
        start, end = _clock(match["from"], "gent"), _clock(match["to"], "gent")
        first = "С" if match["with"] == "С " else "с"
        hours = " часов" if match["to"][-2:] == "00" or match["hours"] else ""
        return f"{first} {start} до {end}{hours}"

    def read_one(match: re.Match[str]) -> str:
        word = match["word"] or ""
        case = _CASE_AFTER.get(word.lower(), "nomn")
        time = _clock(match["time"], case)
        if match["time"].endswith("00"):
            time += " " + _hours(int(match["time"].split(":")[0]), case)
        return f"{word} {time}".strip()

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
    """«с понедельника по пятницу» for «пн–пт»."""

    def read(match: re.Match[str]) -> str:
        if not match["to"]:
            return _DAY[match["from"].lower()][0]
        return f"с {_DAY[match['from'].lower()][1]} по {_DAY[match['to'].lower()][2]}"

    return _DAYS.sub(read, text)
