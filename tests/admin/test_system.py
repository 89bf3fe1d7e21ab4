"""The state of the unit: what works, and what went wrong while it ran."""

from __future__ import annotations

from fakes.api import KEY


async def state(client):
    answer = await client.get("/api/system")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_that_was_refused_is_an_alarm_until_it_is_taken(lab):
    parts = lab.parts()
    client = lab.client(parts)
    parts.reloads.refused(parts.prompts.path, "строка 3: это не JSON")
    broken = await state(client)
    (alarm,) = [alarm for alarm in broken["alarms"] if alarm["code"] == "reload_failed"]
    assert "строка 3: это не JSON" in alarm["text"]
    assert [file["error"] for file in broken["reload"]["files"]] == [None, "строка 3: это не JSON"]
    assert [(event["ok"], event["text"]) for event in broken["reload"]["events"]] == [(False, "строка 3: это не JSON")]

    await client.post("/api/prompts", json={"greeting": "Привет!"}, headers=KEY)
    mended = await state(client)
    assert [alarm for alarm in mended["alarms"] if alarm["code"] == "reload_failed"] == []
    assert mended["reload"]["events"][0]["ok"] is True


async def test_what_is_missing_is_an_alarm(lab):
    found = await state(lab.client(API_SECRET_KEY=""))
    assert {alarm["code"] for alarm in found["alarms"]} == {"key_not_configured", "index"}
    assert found["key_configured"] is False


async def test_the_log_and_its_search(lab):
    await lab.seed()
    found = await state(lab.client())
    assert found["log"]["calls"] == 3
    assert found["log"]["search"] == {"done": 3, "total": 3}
    assert found["log"]["bytes"] > 0
