"""Keys of calls: integers that order calls by their start, for sorting, ranges and full-text row ids alike.

A key is `seconds * 2**20 + number`: the seconds of the local start as if it were UTC (`strftime('%s', startTime)`), and
the number of the call among those of that second. A start that is no time counts as second 0.
"""

from __future__ import annotations

from datetime import UTC, datetime

NUMBER_BITS = 20
MAX_KEY = (1 << 62) - 1


def key_from(moment: datetime) -> int:
    """Return the least key of a call that starts at `moment` (naive local time) or later."""
    seconds = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return max(0, int(-(-seconds // 1))) << NUMBER_BITS


def second_of(key: int) -> int:
    """Return the start's seconds since 1970, local as if UTC."""
    return key >> NUMBER_BITS


def moment_of(key: int) -> datetime:
    """Return the start as naive local time."""
    return datetime.fromtimestamp(second_of(key), UTC).replace(tzinfo=None)
