"""Prompts: saved whole or not at all, every version kept."""

from __future__ import annotations

import json

import pytest
from fakes.api import KEY, PROMPTS


async def post(client, path="/api/prompts", **texts):
    return await client.post(path, json=texts, headers=KEY)


async def versions(client, **params):
    return (await client.get("/api/prompts/history", params=params)).json()


async def test_saved_prompts_are_in_force_and_in_the_file(lab):
    lab.prompts_file.write_text(json.dumps({**PROMPTS, "other": 1}))
    client = lab.client()
    saved = await post(client, greeting="Добрый день!")
    assert saved.json() == {**PROMPTS, "greeting": "Добрый день!"}
    assert (await client.get("/api/prompts")).json()["greeting"] == "Добрый день!"
    assert json.loads(lab.prompts_file.read_text()) == {**PROMPTS, "greeting": "Добрый день!", "other": 1}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"qa_system_prompt": "Отвечай."}, 'в "qa_system_prompt" нет {context}'),
        ({"greeting": "  "}, 'нет текста "greeting"'),
        ({}, "не передан ни один текст"),
        ({"greeting": None}, "не передан ни один текст"),
    ],
)
async def test_wrong_prompts_change_nothing(lab, texts, reason):
    before = lab.prompts_file.read_bytes()
    client = lab.client()
    answer = await post(client, **texts)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_prompts")
    assert reason in answer.json()["detail"]
    assert lab.prompts_file.read_bytes() == before
    assert (await client.get("/api/prompts")).json() == PROMPTS


async def test_half_an_emoji_is_refused_and_not_an_error(lab):
    answer = await lab.client().post(
        "/api/prompts", content='{"greeting": "\\ud83d"}', headers={**KEY, "content-type": "application/json"}
    )
    assert answer.status_code == 422


async def test_saving_takes_the_key(lab):
    answer = await lab.client().post("/api/prompts", json={"greeting": "x"})
    assert answer.status_code == 401
    assert json.loads(lab.prompts_file.read_text())["greeting"] == PROMPTS["greeting"]


async def test_every_version_can_be_compared_and_brought_back(lab):
    client = lab.client()
    await post(client, qa_system_prompt="Раз.\nДва.\n{context}")
    await post(client, qa_system_prompt="Раз.\nТри.\n{context}", greeting="Алло!")
    history = (await versions(client))["items"]
    assert [(version["current"], version["changed"]) for version in history] == [
        (True, ["greeting", "qa_system_prompt"]),
        (False, ["qa_system_prompt"]),
        (False, ["greeting", "contextualize_q_system_prompt", "qa_system_prompt"]),
    ]
    older = (await client.get(f"/api/prompts/history/{history[1]['id']}")).json()
    diff = {part["field"]: [(line["op"], line["text"]) for line in part["lines"]] for part in older["diff"]}
    assert diff["qa_system_prompt"] == [
        ("same", "Раз."),
        ("removed", "Три."),
        ("added", "Два."),
        ("same", "{context}"),
    ]
    assert diff["greeting"] == [("removed", "Алло!"), ("added", PROMPTS["greeting"])]

    path = f"/api/prompts/history/{history[2]['id']}/restore"
    assert (await client.post(path)).status_code == 401
    assert (await client.post(path, headers=KEY)).json() == PROMPTS
    assert (await client.get("/api/prompts")).json() == PROMPTS
    assert len((await versions(client))["items"]) == 4


async def test_the_history_comes_in_pages(lab):
    client = lab.client()
    for number in range(4):
        await post(client, greeting=f"Привет {number}")
    first = await versions(client, limit=3)
    rest = await versions(client, limit=3, cursor=first["next_cursor"])
    ids = [version["id"] for version in (*first["items"], *rest["items"])]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), rest["next_cursor"]) == (5, None)


async def test_what_was_edited_by_hand_is_kept_in_the_history_before_it_is_replaced(lab):
    client = lab.client()
    lab.prompts_file.write_text(json.dumps({**PROMPTS, "greeting": "Руками"}))
    await post(client, greeting="Через API")
    newest, older = (await versions(client))["items"]
    assert newest["current"]
    kept = (await client.get(f"/api/prompts/history/{older['id']}")).json()
    assert kept["texts"]["greeting"] == "Руками"


@pytest.mark.parametrize("version", ["20260301-140509-123456", "..%2F..%2Fetc"])
async def test_a_version_that_is_not_there(lab, version):
    answer = await lab.client().get(f"/api/prompts/history/{version}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_check_names_errors_and_doubts(lab):
    texts = {"qa_system_prompt": "Отвечай {kontext}", "greeting": "Здравствуйте! " * 40}
    found = (await lab.client().post("/api/prompts/check", json=texts)).json()
    assert found["ok"] is False
    assert [(one["field"], one["severity"]) for one in found["problems"]] == [
        ("qa_system_prompt", "error"),
        ("qa_system_prompt", "warning"),
        ("greeting", "warning"),
    ]
    assert (await lab.client().post("/api/prompts/check", json={})).json() == {"ok": True, "problems": []}


async def test_a_disk_that_cannot_be_written_is_said_plainly(lab):
    parts = lab.parts()
    parts.prompts.path = lab.folder / ".env" / "prompts.json"
    answer = await post(lab.client(parts), greeting="x")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_saved")
    assert "Промпты не сохранены" in answer.json()["detail"]
