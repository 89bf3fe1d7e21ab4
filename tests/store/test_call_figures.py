"""The call log in numbers."""

from __future__ import annotations

from datetime import datetime

from voxbot.store.times import local_text

START, END = datetime.fromisoformat("2026-03-01"), datetime.fromisoformat("2026-03-03")


def at(text):
    return datetime.fromisoformat(text).astimezone().timestamp()


async def call(calls, call_id, start, *answers, lasts_s=60, status="Completed", reason="goodbye", detail=""):
    begin = at(start)
    await calls.start(call_id, "1", begin)
    for answer in answers:
        await calls.append_turn(call_id, {"speaker": "user", "text": "вопрос", "timestamp": local_text(begin)})
        await calls.append_turn(call_id, {"speaker": "bot", "text": "Да.", "timestamp": local_text(begin), **answer})
    if status != "Active":
        await calls.finish(call_id, status, begin + lasts_s, reason=reason, detail=detail)


async def test_sums_by_hour(calls):
    await call(calls, "a", "2026-03-01T10:05:00", {"kb": "general"}, {"kb": "tech", "cut": True}, lasts_s=90)
    await call(calls, "b", "2026-03-01T10:59:59", {"known": False}, status="Failed", reason="error", detail="asr")
    await call(calls, "c", "2026-03-02T23:59:59", status="Active")
    await call(calls, "out", "2026-03-03T00:00:00")
    first, second = await calls.figures.hours(START, END)
    assert (first.hour % 24, first.calls, first.seconds, first.completed, first.failed) == (10, 2, 150, 1, 1)
    assert (first.questions, first.answered_general, first.answered_tech) == (3, 1, 1)
    assert (first.unanswered, first.barge_ins) == (1, 1)
    assert (second.hour % 24, second.calls, second.active, second.seconds) == (23, 1, 1, 0)
    assert await calls.figures.durations(START, END) == [(60, 1), (90, 1)]


async def test_staff_who_try_the_bot_from_the_panel_are_no_callers(calls):
    await call(calls, "a", "2026-03-01T10:05:00", {"kb": "general"})
    await call(calls, "browser-1", "2026-03-01T10:06:00", {"kb": "general"}, status="Transferred", reason="operator")
    (hour,) = await calls.figures.hours(START, END)
    assert (hour.calls, hour.transferred, hour.questions) == (1, 0, 1)
    assert await calls.figures.durations(START, END) == [(60, 1)]
    assert [ending.reason for ending in await calls.figures.endings(START, END)] == ["goodbye"]
    await call(calls, "b", "2026-03-01T10:05:00", {"ms": {"asr": 200.0}})
    await call(calls, "browser-2", "2026-03-01T10:06:00", {"ms": {"asr": 9000.0}})
    ((_, stages),) = (await calls.figures.stages(START, END)).by_day.items()
    assert stages == {"asr": [200.0]}


async def test_endings_by_cause(calls):
    for number in range(3):
        await call(calls, f"a{number}", "2026-03-01T10:00:00", status="Failed", reason="error", detail="asr")
    await call(calls, "b", "2026-03-01T10:00:00", reason="goodbye", detail="что-то")
    await call(calls, "live", "2026-03-01T10:00:00", status="Active")
    endings = await calls.figures.endings(START, None)
    assert [(ending.reason, ending.detail, ending.calls) for ending in endings] == [
        ("error", "asr", 3),
        ("goodbye", "", 1),
    ]


async def test_stages_by_day(calls):
    await call(calls, "a", "2026-03-01T10:00:00", {"ms": {"response": 500, "search": 1}}, {"ms": {"response": 700}})
    await call(calls, "b", "2026-03-02T10:00:00", {"ms": {"response": 900, "odd": "x"}})
    times = await calls.figures.stages(START, END)
    assert times.calls == 2
    first, second = (times.by_day[day] for day in sorted(times.by_day))
    assert first == {"response": [500, 700], "search": [1]}
    assert second == {"response": [900]}


async def test_stages_of_very_many_calls_are_a_sample(calls):
    for number in range(60):
        start = f"2026-03-01T10:{number:02}:00"
        await call(calls, f"c{number}", start, {"ms": {"response": 500}})
    times = await calls.figures.stages(START, END, sample=10)
    assert 4 <= times.calls <= 20
