"""Reading the call log: from what a user types to what the repository understands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus

from voxbot.admin.calls.schemas import CallRow
from voxbot.admin.problems import ApiError
from voxbot.store.call_log import CallFilter, CallLogRepository
from voxbot.store.times import parse_local

_WHOLE_DAY = re.compile(r"\d{4}-?\d\d-?\d\d|\d{1,2}\.\d{1,2}\.\d{4}")


def make_filter(q: str, date_from: str, date_to: str, status: str) -> CallFilter:
    """Understand the parameters of a list; empty ones do not limit. Both dates are inclusive.

    A date is a whole day, a time is taken to its second. Raises ApiError (422).
    """
    start_from = _moment("date_from", date_from)
    last = _moment("date_to", date_to)
    return CallFilter(
        q=q.strip() or None,
        start_from=start_from,
        start_before=None if last is None else _after(last, date_to),
        status=status.strip() or None,
    )


async def list_calls(calls: CallLogRepository, wanted: CallFilter, limit: int, offset: int) -> list[CallRow]:
    """Read one page of calls, newest first."""
    return [CallRow.model_validate(record) for record in await calls.list_calls(wanted, limit, offset)]


def _after(last: datetime, text: str) -> datetime | None:
    """Take the first moment that lies after `last`, written as `text`; None at the end of time."""
    try:
        if _WHOLE_DAY.fullmatch(text.strip()):
            return last + timedelta(days=1)
        return last.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError:
        return None


def _moment(name: str, text: str) -> datetime | None:
    # In a query string an unescaped + of a zone arrives as a space.
    text = re.sub(r"(T[\d:.]+) (\d\d:?\d\d)$", r"\1+\2", text.strip())
    if not text:
        return None
    moment = parse_local(text)
    if moment is None:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad_date",
            f"{name}: «{text}» не похоже на дату. Напишите 2026-03-01 или 2026-03-01T14:05:00.",
        )
    return moment
