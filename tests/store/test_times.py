"""Local times of the call log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voxbot.store.times import local_text, parse_local


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T14:05:09", datetime.fromisoformat("2026-03-01T14:05:09")),
        ("2026-03-01 14:05:09.250", datetime.fromisoformat("2026-03-01T14:05:09.250000")),
        ("2026-03-01", datetime.fromisoformat("2026-03-01T00:00:00")),
        ("01.03.2026 14:05", datetime.fromisoformat("2026-03-01T14:05:00")),
        (" 01.03.2026 ", datetime.fromisoformat("2026-03-01T00:00:00")),
        ("вчера", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("", None),
        ("2026-13-01", None),
    ],
)
def test_known_formats(text, moment):
    assert parse_local(text) == moment


def test_a_zone_is_brought_to_local_time():
    moment = datetime.fromisoformat("2026-03-01T14:05:09")
    at = moment.astimezone().timestamp()
    utc = datetime.fromtimestamp(at, tz=UTC)
    assert parse_local(utc.isoformat()) == moment
    assert parse_local(str(int(at))) == moment
    assert parse_local(str(int(at * 1000))) == moment
    assert local_text(at) == "2026-03-01T14:05:09"
