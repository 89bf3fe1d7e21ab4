"""Times as the call log holds them: local wall clock without a zone, `2026-03-01T14:05:09`.

This is what staff read in the panel, it sorts as text, and calls of an older database are brought to it. The
price is that calls within the repeated hour of a change from summer time may sort wrongly.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_EPOCH = re.compile(r"\d{9,13}(\.\d+)?")
_MILLISECONDS_FROM = 1e11
_RUSSIAN_FORMATS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")


def local_text(at: float, timespec: str = "seconds") -> str:
    """Write seconds since the epoch as local time."""
    return _wall_clock(datetime.fromtimestamp(at, UTC)).isoformat(timespec=timespec)


def parse_local(text: str) -> datetime | None:
    """Read a time as call logs hold it: ISO 8601, `01.03.2026 14:05`, or seconds since the epoch.

    Returns naive local time, None for anything else. A time with a zone is converted to the local one.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        number = float(text)
        seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
        return _wall_clock(datetime.fromtimestamp(seconds, UTC))
    try:
        return _wall_clock(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # overflow: a zone moves it out of the years that Python knows
        pass
    for form in _RUSSIAN_FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the log holds local time without a zone
        except ValueError:
            continue
    return None


def _wall_clock(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone().replace(tzinfo=None)
