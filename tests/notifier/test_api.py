"""Posting events, as a host does it."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest

from voxbot.domain.errors import StoreBusyError, StoreError
from voxbot.notifier.api import EVENT_PATHS, ApiPorts, create_app
from voxbot.notifier.directory import Directory
from voxbot.notifier.enrichment import Enrichment
from voxbot.notifier.intake import Intake, IntakePorts
from voxbot.notifier.metrics import NotifierMetrics
from voxbot.notifier.trace_log import TraceLog
from voxbot.store.notifier_events import unfolded_events
from voxbot.store.notifier_facts import facts
from voxbot.store.notifier_registry import Enterprise, put_enterprise

START = {
    "Token": "375290000001",
    "UniqueId": "1764429992.120",
    "Phone": "375290001001",
    "CallType": 0,
    "Trunk": "0001101",
}
BODIES = {
    "start": START,
    "dial": {**START, "Extensions": ["150", "151"], "ExtTrunk": "", "ExtPhone": ""},
    "hangup": {**START, "Extensions": [""], "CallStatus": "0", "EndTime": "2026-11-16 09:12:56"},
    "new_callerid": {**START, "Channel": "SIP/151-1", "CallerIDNum": "151"},
    **{
        path: {**START, "BridgeUniqueid": "b-1", "Channel": "SIP/151-1"}
        for path in ("bridge", "bridge_create", "bridge_leave", "bridge_destroy")
    },
}


class BrokenDatabase:
    """Reads like `database`, and cannot be written."""

    def __init__(self, database) -> None:
        self.read = database.read

    async def accept(self, _events):
        raise StoreBusyError("notifier.sqlite: базу данных заняла другая программа")


class Unit:
    """A client and what the API told the rest of the unit."""

    def __init__(self, database, folder, **options) -> None:
        self.stored = 0
        self.trace = TraceLog(folder, keep_days=14)
        self.clock_s = 0.0
        self.directory = Directory(database, lambda: self.clock_s)
        metrics = NotifierMetrics()
        intake = Intake(
            IntakePorts(
                database=database,
                directory=self.directory,
                trace=self.trace,
                metrics=metrics,
                stored=self.note,
            )
        )
        ports = ApiPorts(
            intake=intake,
            enrichment=Enrichment(database, self.directory),
            database=database,
            metrics=metrics,
            trace=self.trace,
            delivering=lambda: False,
            **{"key": None, "open_reads": True, **options},
        )
        transport = httpx.ASGITransport(create_app(ports))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://notifier")

    def note(self):
        self.stored += 1

    def traced(self, folder):
        self.trace.start()
        self.trace.stop()
        return {path.parent.name: path.read_text().splitlines() for path in folder.glob("*/events_*.log")}


@pytest.fixture
async def unit(database, tmp_path):
    made = Unit(database, tmp_path / "call_tracer")
    yield made
    await made.directory.close()


async def stored(database, enterprise="0367"):
    await database.move()
    return await database.read(lambda connection: unfolded_events(connection, enterprise, 100))


@pytest.mark.parametrize("path", EVENT_PATHS)
async def test_each_event_is_stored_as_it_came(unit, database, path):
    answer = await unit.client.post(f"/{path}", json=BODIES[path])
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    [event] = await stored(database)
    assert (event.path, event.unique_id, json.loads(event.body)) == (path, START["UniqueId"], BODIES[path])
    assert unit.stored == 1


async def test_a_repeated_event_counts_once(unit, database):
    await unit.client.post("/start", json=START)
    again = await unit.client.post("/start", json=dict(reversed(START.items())))
    assert again.json() == {"status": "ok"}
    assert len(await stored(database)) == 1
    assert unit.stored == 1


async def test_unknown_fields_are_kept(unit, database):
    body = {**START, "ExternalInitiated": True, "Новое": ["<b>", "\ud83d"]}
    await unit.client.post("/start", content=json.dumps(body))
    [event] = await stored(database)
    assert json.loads(event.body)["Новое"] == ["<b>", "?"]


async def test_an_unknown_token_is_stored_traced_and_ignored(unit, database, tmp_path):
    answer = await unit.client.post("/start", json={**START, "Token": "0"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "reason": "unknown token"})
    assert unit.stored == 0
    [line] = unit.traced(tmp_path / "call_tracer")["unknown"]
    assert "|AST|start|1764429992.120|{" in line


async def test_the_token_may_come_in_the_header_alone(unit, database):
    body = {key: value for key, value in START.items() if key != "Token"}
    answer = await unit.client.post("/start", json=body, headers={"Token": "375290000001"})
    assert answer.json() == {"status": "ok"}
    assert len(await stored(database)) == 1


@pytest.mark.parametrize(
    ("posted", "field", "reason"),
    [
        (b"{", "", "JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "", "64"),
        (b"[" * 30_000, "", "JSON"),
        (b"\xff\xfe", "", "UTF-8"),
        (b"[]", "", "объект"),
        (b'{"Token": "1", "UniqueId": "1.2", "Volume": NaN}', "", "JSON"),
        (b'{"Token": "1", "UniqueId": "1.2", "Volume": [-Infinity]}', "", "JSON"),
        (b'{"Token": "1", "UniqueId": "1.2", "Volume": 1e999}', "", "JSON"),
        (b'{"Token": "1"}', "UniqueId", "нет"),
        (b'{"Token": "1", "UniqueId": ""}', "UniqueId", "непустая"),
        (b'{"Token": "1", "UniqueId": "1.2", "Phone": {}}', "Phone", "строка"),
    ],
)
async def test_a_malformed_event_names_field_and_reason(unit, database, posted, field, reason):
    answer = await unit.client.post("/start", content=posted)
    problem = answer.json()
    if answer.status_code == 413:
        assert reason in problem["detail"]
    else:
        assert (answer.status_code, problem["field"]) == (422, field)
        assert reason in problem["reason"]
    assert await stored(database) == []
    assert unit.stored == 0


async def test_what_is_not_on_disk_is_not_answered_200(database, tmp_path):
    unit = Unit(BrokenDatabase(database), tmp_path / "call_tracer")
    answer = await unit.client.post("/start", json=START)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_busy")
    assert unit.traced(tmp_path / "call_tracer") == {}


async def test_an_enterprise_added_later_is_seen_within_a_second(unit, database):
    assert (await unit.client.post("/start", json={**START, "Token": "77"})).json()["status"] == "ignored"
    late = Enterprise(number="0400", token="77")
    await database.write(lambda connection: put_enterprise(connection, late))
    unit.clock_s += 0.5
    assert (await unit.client.post("/start", json={**START, "Token": "77"})).json()["status"] == "ignored"
    unit.clock_s += 0.6
    assert (await unit.client.post("/start", json={**START, "Token": "77"})).json()["status"] == "ok"


async def test_an_enterprise_taken_away_is_forgotten(unit, database):
    await unit.client.post("/start", json=START)
    moved = Enterprise(number="0367", token="another")
    await database.write(lambda connection: put_enterprise(connection, moved))
    unit.clock_s += 6
    await unit.client.post("/start", json=START)  # answered from memory, which is read anew beside it
    await unit.directory.close()
    assert (await unit.client.post("/start", json=START)).json()["status"] == "ignored"


async def test_hosts_post_at_once_and_each_event_is_there(unit, database):
    bodies = [{**START, "UniqueId": f"1764429992.{number}"} for number in range(100)]
    answers = await asyncio.gather(*(unit.client.post("/start", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert len({event.unique_id for event in await stored(database)}) == 100


async def test_metrics_count_events_by_result(unit):
    await unit.client.post("/start", json=START)
    await unit.client.post("/start", json=START)
    await unit.client.post("/start", json={**START, "Token": "0"})
    await unit.client.post("/start", content=b"{")
    text = (await unit.client.get("/metrics")).text
    for result in ("ok", "duplicate", "ignored", "bad"):
        assert f'voxbot_notifier_events_total{{path="start",result="{result}"}} 1\n' in text
    assert "voxbot_notifier_ingest_seconds_count 4\n" in text


async def test_metrics_take_the_key_where_the_address_is_open(database, tmp_path):
    unit = Unit(database, tmp_path, key="ключ", open_reads=False)
    assert (await unit.client.get("/metrics")).status_code == 403
    assert (await unit.client.get("/metrics", headers={"X-API-Key": "wrong"})).status_code == 403
    assert (await unit.client.get("/metrics", headers={"X-API-Key": "ключ".encode()})).status_code == 200


async def test_health_and_what_is_not_there(unit):
    assert (await unit.client.get("/health")).json()["status"] == "ok"
    assert (await unit.client.get("/start")).status_code == 405
    assert (await unit.client.get("/nothing")).json()["detail"] == "Такого адреса нет: /nothing."


async def test_the_schema_describes_each_event_in_russian(unit):
    paths = (await unit.client.get("/openapi.json")).json()["paths"]
    assert set(paths) >= {f"/{path}" for path in EVENT_PATHS}
    for operation in (operation for path in paths.values() for operation in path.values()):
        assert re.search("[а-яё]", operation["summary"])
        assert re.search("[а-яё]", operation["description"])


class PickyDatabase:
    """Refuses the event of one channel."""

    def __init__(self, database, refused) -> None:
        self._database = database
        self._refused = refused
        self.read = database.read

    async def accept(self, events):
        if any(event.unique_id == self._refused for event in events):
            raise StoreError("notifier_inbox.sqlite: сбой базы данных")
        return await self._database.accept(events)


async def test_an_event_that_the_database_refuses_takes_no_other_with_it(database, tmp_path):
    unit = Unit(PickyDatabase(database, "1764429992.7"), tmp_path)
    bodies = [{**START, "UniqueId": f"1764429992.{number}"} for number in range(20)]
    answers = await asyncio.gather(*(unit.client.post("/start", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200] * 7 + [503] + [200] * 12
    assert len(await stored(database)) == 19


async def test_repetitions_that_come_at_once_count_once(unit, database):
    answers = await asyncio.gather(*(unit.client.post("/start", json=START) for _ in range(10)))
    assert {answer.text for answer in answers} == {'{"status":"ok"}'}
    assert len(await stored(database)) == 1
    assert unit.stored == 1


FACT = {"Token": "375290000001", "Kind": "customer", "Key": "+375290001001", "Value": "Петров"}


async def test_a_name_that_becomes_known_is_kept_by_its_digits(unit, database):
    assert (await unit.client.post("/facts", json=FACT)).json() == {"status": "ok"}
    known = await database.read(lambda tx: facts(tx, "0367", ["375290001001"]))
    assert known["customer"] == {"375290001001": "Петров"}
    assert (await unit.client.post("/facts", json={**FACT, "Token": "0"})).json()["status"] == "ignored"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"Kind": "boss"}, "Kind"),
        ({"Key": ""}, "Key"),
        ({"Value": 7}, "Value"),
        ({"Kind": "recording", "Key": "1.2", "Value": "javascript:alert(1)"}, "Value"),
    ],
)
async def test_a_fact_that_is_none_is_refused(unit, changed, field):
    answer = await unit.client.post("/facts", json={**FACT, "Key": "1", **changed})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
