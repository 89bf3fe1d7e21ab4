"""Dates that a client limits a list by: a date is a whole day, a time is taken to its second; both ends inclusive."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus

from voxbot.admin.problems import ApiError
from voxbot.admin.text import shortened
from voxbot.store.times import parse_local

_WHOLE_DAY = re.compile(r"\d{4}-?\d\d-?\d\d|\d{1,2}\.\d{1,2}\.\d{4}")


def first_moment(name: str, text: str) -> datetime | None:
    """Read the parameter `name` as naive local time; None if it is empty. Raises ApiError (422)."""
    # In a query string an unescaped + of a zone arrives as a space.
    text = re.sub(r"(T[\d:.]+) (\d\d:?\d\d)$", r"\1+\2", text.strip())
    if not text:
        return None
    moment = parse_local(text)
    if moment is None:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad_date",
            f"{name}: «{shortened(text, 50)}» не похоже на дату. Напишите 2026-03-01 или 2026-03-01T14:05:00.",
        )
    return moment


def moment_after(name: str, text: str) -> datetime | None:
    """Read the parameter `name` as the last day or second, and give the first moment after it.

    None if it is empty or at the end of time. Raises ApiError (422).
    """
    last = first_moment(name, text)
    if last is None:
        return None
    try:
        if _WHOLE_DAY.fullmatch(text.strip()):
            return last + timedelta(days=1)
        return last.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError:
        return None
