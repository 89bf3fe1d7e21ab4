"""Figures of a period, and what callers ask."""

from __future__ import annotations

import pytest
from fakes.api import at


async def log(lab, call_id, start, *answers, lasts_s=60, status="Completed", reason="goodbye"):
    begin = at(start)
    await lab.calls.start(call_id, "1", begin)
    for answer in answers:
        await lab.calls.append_turn(call_id, {"speaker": "user", "text": "сколько стоит", "timestamp": start})
        await lab.calls.append_turn(call_id, {"speaker": "bot", "text": "Да.", "timestamp": start, **answer})
    await lab.calls.finish(call_id, status, begin + lasts_s, reason=reason, detail="asr" if reason == "error" else "")


async def figures(client, **params):
    answer = await client.get("/api/analytics", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_period_in_numbers(lab):
    for number in range(1, 20):
        await log(lab, f"short{number}", "2026-03-01T10:00:00", lasts_s=number)
    await log(
        lab,
        "long",
        "2026-03-03T23:30:00",
        {"kb": "general", "ms": {"response": 500.0}},
        {"kb": "tech", "cut": True, "ms": {"response": 700.0}},
        {"known": False, "ms": {"response": 900.0}},
        lasts_s=410,
        status="Failed",
        reason="error",
    )
    found = await figures(lab.client(), date_from="2026-03-01", date_to="2026-03-03")
    totals = found["totals"]
    assert (totals["calls"], totals["minutes"], totals["mean_s"], totals["p95_s"]) == (20, 10.0, 30.0, 19.0)
    assert (totals["completed"], totals["failed"], totals["barge_ins"], totals["unanswered"]) == (19, 1, 1, 1)
    assert (totals["answered_general"], totals["answered_tech"], totals["questions"]) == (1, 1, 3)
    assert [(day["day"], day["calls"]) for day in found["by_day"]] == [
        ("2026-03-01", 19),
        ("2026-03-02", 0),
        ("2026-03-03", 1),
    ]
    assert [hour["calls"] for hour in found["by_hour"]] == [0] * 10 + [19] + [0] * 12 + [1]
    (stage,) = found["stages"]
    assert (stage["stage"], stage["count"], stage["p50_ms"]) == ("response", 3, 700.0)
    assert [(day["day"], day["p50_ms"]) for day in found["stage_trend"]] == [("2026-03-03", 700.0)]
    assert [(cause["reason"], cause["calls"]) for cause in found["endings"]] == [("goodbye", 19), ("error", 1)]
    assert [(cause["label"], cause["detail"], cause["calls"]) for cause in found["failures"]] == [("Сбой", "asr", 1)]


async def test_an_empty_log_has_figures_too(lab):
    found = await figures(lab.client())
    assert (found["totals"]["calls"], found["totals"]["mean_s"], found["stages"]) == (0, None, [])
    assert len(found["by_day"]) == 30


@pytest.mark.parametrize(
    "params",
    [
        {"date_from": "вчера"},
        {"date_from": "2026-03-02", "date_to": "2026-03-01"},
        {"date_from": "0001-01-01", "date_to": "9999-12-31"},
    ],
)
async def test_a_wrong_period_is_explained(lab, params):
    for path in ("/api/analytics", "/api/analytics/questions"):
        answer = await lab.client().get(path, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_period")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "31.12.9999"])
async def test_the_ends_of_time_are_days_like_others(lab, day):
    assert len((await figures(lab.client(), date_from=day, date_to=day))["by_day"]) == 1


async def test_questions_need_an_index(lab):
    answer = await lab.client().get("/api/analytics/questions")
    assert (answer.status_code, answer.json()["code"]) == (409, "knowledge")
    assert "voxbot kb build" in answer.json()["detail"]
