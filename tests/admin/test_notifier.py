"""Who gets which calls, managed over the API."""

from __future__ import annotations

import pytest

KEY = {"X-API-Key": "very-secret"}
BOT_TOKEN = "1000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ENTERPRISE = {"number": "0367", "token": "375290000001", "bot_token": BOT_TOKEN, "name": "Ромашка"}


@pytest.fixture
def client(serve):
    made = serve(API_SECRET_KEY="very-secret")
    made.base_url, made.headers = "http://127.0.0.1:9000/api/notifier", KEY
    return made


async def test_an_enterprise_and_its_chats_live_and_go(client):
    saved = (await client.post("/enterprises", json=ENTERPRISE)).json()
    code = saved["invitation_code"]
    assert saved == {
        "number": "0367", "name": "Ромашка", "token": "375290000001", "bot": "1000001", "invitation_code": code,
    }  # fmt: skip
    renamed = (await client.post("/enterprises", json={"number": "0367", "name": "Лютик"})).json()
    assert renamed == {**saved, "name": "Лютик"}
    assert (await client.get("/enterprises")).json() == [renamed]

    user = {"enterprise": "0367", "tg_id": -100123, "name": "Отдел"}
    assert (await client.post("/users", json=user)).json() == {**user, "blocked": False}
    assert (await client.get("/users", params={"enterprise": "0367"})).json() == [{**user, "blocked": False}]
    assert (await client.delete("/users/0367/-100123")).status_code == 204
    assert (await client.delete("/enterprises/0367")).status_code == 204
    assert (await client.get("/enterprises")).json() == []


async def test_a_bot_token_never_comes_out(client):
    answers = [
        await client.post("/enterprises", json=ENTERPRISE),
        await client.get("/enterprises"),
        await client.post("/enterprises", json={**ENTERPRISE, "bot_token": BOT_TOKEN + "!"}),
        await client.post("/enterprises", json={**ENTERPRISE, "extra": 1}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 422]
    assert not any(BOT_TOKEN in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("method", "url", "json", "status", "detail"),
    [
        ("POST", "/enterprises", {"number": "a/b", "token": "1"}, 422, "Номер предприятия"),
        ("POST", "/users", {"enterprise": "9", "tg_id": 1}, 404, "Предприятия '9' нет"),
        ("GET", "/users?enterprise=9", None, 404, "Предприятия '9' нет"),
        ("DELETE", "/enterprises/9", None, 404, "Предприятия '9' нет"),
        ("POST", "/users", {"enterprise": "9", "tg_id": "мой"}, 422, "tg_id: нужно целое число"),
    ],
)
async def test_a_wrong_change_is_refused_in_words(client, method, url, json, status, detail):
    answer = await client.request(method, url, json=json)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


async def test_everything_takes_the_key(client):
    for method, url in (("GET", "/enterprises"), ("GET", "/users"), ("DELETE", "/users/0367/1")):
        assert (await client.request(method, url, headers={"X-API-Key": "wrong"})).status_code == 401
