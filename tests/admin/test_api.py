"""The HTTP API as a client sees it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest


@pytest.fixture
def database(lab):
    return lab.database


@pytest.fixture
async def logged(lab):
    await lab.seed()


async def listed(client, **params) -> list[str]:
    answer = await client.get("/logs", params=params)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


async def test_health(serve):
    answer = await serve().get("/")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


async def test_health_fails_with_the_database(serve, database):
    database.path.write_bytes(b"x" * 4096)
    answer = await serve().get("/")
    assert answer.status_code == 503
    assert answer.json() == {
        "type": "about:blank",
        "title": "Сервис недоступен",
        "status": 503,
        "code": "store",
        "detail": "База данных недоступна. Подробности в журнале сервиса.",
    }


async def test_rows_have_exactly_the_shape_of_the_contract(serve, logged):
    rows = (await serve().get("/logs")).json()
    assert [row["id"] for row in rows] == ["c3", "c2", "c1"]
    active, _, done = rows
    assert list(done) == ["id", "callerId", "startTime", "endTime", "status", "transcript_json"]
    assert done["callerId"] == "+79160000001"
    assert (done["startTime"], done["endTime"]) == ("2026-03-01T12:00:00", "2026-03-01T12:01:00")
    assert json.loads(done["transcript_json"])[0]["text"] == "где завод"
    assert (active["status"], active["endTime"]) == ("Active", None)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"q": "", "date_from": "", "date_to": "", "status": ""}, ["c3", "c2", "c1"]),
        ({"q": "ПРЕСС"}, ["c2"]),
        ({"q": "0000003"}, ["c3"]),
        ({"date_from": "2026-03-02"}, ["c3", "c2"]),
        ({"date_to": "2026-03-02"}, ["c2", "c1"]),
        ({"date_from": "02.03.2026", "date_to": "02.03.2026"}, ["c2"]),
        ({"date_from": "2.3.2026", "date_to": "2.3.2026"}, ["c2"]),
        ({"date_from": "0001-01-01", "date_to": "9999-12-31"}, ["c3", "c2", "c1"]),
        ({"date_to": "9999-12-31T23:59:59"}, ["c3", "c2", "c1"]),
        ({"date_to": "2026-03-02T11:59:59"}, ["c1"]),
        ({"date_to": "2026-03-02T12:00:00"}, ["c2", "c1"]),
        ({"date_from": "2026-03-02 12:00:01"}, ["c3"]),
        ({"status": "Completed"}, ["c1"]),
        ({"status": "Completed", "q": "пресс"}, []),
        ({"limit": "1", "offset": "1"}, ["c2"]),
    ],
)
async def test_filters(serve, logged, params, expected):
    assert await listed(serve(), **params) == expected


async def test_a_time_with_a_zone_survives_an_unescaped_plus(serve, logged):
    zoned = datetime.fromisoformat("2026-03-02T12:00:00").astimezone()
    moment = zoned.isoformat().replace("+", " ")
    assert await listed(serve(), date_from=moment) == ["c3", "c2"]


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        (
            {"date_from": "вчера"},
            "date_from: «вчера» не похоже на дату. Напишите 2026-03-01 или 2026-03-01T14:05:00.",
        ),
        ({"date_to": "0001-01-01T00:00:00+14:00"}, "date_to: «0001-01-01T00:00:00+14:00» не похоже на дату."),
        ({"limit": "0"}, "Неверные параметры. limit: нужно не меньше 1."),
        ({"limit": "10001"}, "Неверные параметры. limit: нужно не больше 10000."),
        (
            {"limit": "", "offset": "9" * 30},
            "Неверные параметры. limit: нужно целое число; offset: нужно не больше 1000000000.",
        ),
    ],
)
async def test_wrong_parameters_are_explained(serve, params, detail):
    answer = await serve().get("/logs", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Неверные параметры"
    assert answer.json()["detail"].startswith(detail)


async def test_reading_over_the_network_takes_the_key(serve, logged):
    client = serve(API_HOST="0.0.0.0", API_SECRET_KEY="ключ-1")
    refused = await client.get("/logs")
    assert (refused.status_code, refused.json()["code"]) == (401, "key_missing")
    wrong = await client.get("/logs", headers={"X-API-Key": "key-2"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "key_wrong")
    right = await client.get("/logs", headers={"X-API-Key": "ключ-1".encode()})
    assert right.status_code == 200
    assert (await client.get("/")).status_code == 200


async def test_reading_over_the_network_without_a_configured_key_is_refused(serve):
    answer = await serve(API_HOST="0.0.0.0", API_SECRET_KEY="").get("/logs", headers={"X-API-Key": ""})
    assert answer.status_code == 403
    assert "API_SECRET_KEY" in answer.json()["detail"]


@pytest.mark.parametrize(
    "environ", [{"API_HOST": "0.0.0.0", "API_OPEN_READS": "true"}, {"API_HOST": "::1"}, {"API_HOST": "localhost"}]
)
async def test_reading_is_free_on_the_machine_itself_or_when_opened(serve, logged, environ):
    assert len(await listed(serve(API_SECRET_KEY="k", **environ))) == 3


async def test_unknown_paths_are_problems_too(serve):
    answer = await serve().get("/absent")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["title"], answer.json()["detail"]) == ("Не найдено", "Такого адреса нет: /absent.")


async def test_a_method_that_a_path_does_not_take(serve):
    answer = await serve().post("/logs/csv")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["detail"] == "Адрес /logs/csv не принимает метод POST."
