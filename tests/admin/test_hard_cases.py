"""What other programs, other hands and other clients leave behind: rows, files and requests that nobody planned."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing

import pytest
import websockets
from fakes.api import KEY, PROMPTS, at

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import CallEnded, CallerTurn, CallStarted
from voxbot.media import recording_files


class Yes:
    """An agent of one word; `held` keeps its answers back."""

    def __init__(self):
        self.held = asyncio.Event()
        self.held.set()

    async def reply(self, _question, _history=()):
        await self.held.wait()
        yield "Да."
        yield AnswerInfo()


def write(lab, call_id, turns, caller="+7916", *, way="INSERT"):
    row = (call_id, caller, "2026-03-01T12:00:00", "2026-03-01T12:01:00", "Completed", json.dumps(turns))
    with closing(sqlite3.connect(lab.folder / "log.sqlite")) as connection, connection:
        connection.execute(f"{way} INTO logs VALUES (?, ?, ?, ?, ?, ?)", row)


@pytest.mark.parametrize(
    "odd",
    [
        {"kb": "base1"},
        {"sources": None, "kb": "tech"},
        {"known": "maybe"},
        {"ms": {"a": "b"}, "kb": "tech"},
        {"sources": [1], "kb": "tech"},
        {"text": "x \ud83d"},
    ],
)
async def test_a_call_that_an_older_bot_wrote_in_its_own_way_is_replayed(lab, odd):
    write(lab, "PJSIP/100-1", [{"speaker": "user", "text": "где"}, {"speaker": "bot", "text": "тут", **odd}])
    answer = await lab.client(lab.parts(answerer=Yes())).post("/api/calls/PJSIP%2F100-1/replay", headers=KEY)
    assert answer.status_code == 200, answer.text
    assert answer.json()["turns"][0]["after"]["text"] == "Да."


async def test_only_so_many_calls_are_replayed_at_once(lab):
    write(lab, "c1", [{"speaker": "user", "text": "где"}])
    agent = Yes()
    agent.held.clear()
    client = lab.client(lab.parts(answerer=agent))
    under_way = [asyncio.create_task(client.post("/api/calls/c1/replay", headers=KEY)) for _ in range(4)]
    first, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result().status_code for task in first} == {429}
    agent.held.set()
    answers = await asyncio.gather(*under_way)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]


async def test_a_call_under_way_when_the_log_is_emptied_is_logged_from_then_on(lab):
    client = lab.client()
    lab.bus.publish(CallStarted("c1", at("2026-03-01T12:00:00"), "+7916", "phone"))
    await lab.logged(lambda rows: rows)
    assert (await client.delete("/logs", headers=KEY)).json()["deleted"] == 1
    lab.bus.publish(CallerTurn("c1", at("2026-03-01T12:01:00"), "где завод", "где завод"))
    lab.bus.publish(CallEnded("c1", at("2026-03-01T12:02:00"), "Completed", "goodbye", ""))
    (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Completed")
    assert (row.caller_id, "где завод" in row.transcript_json) == ("+7916", True)


async def test_bytes_that_are_no_text_hide_no_other_call(lab):
    await lab.seed()
    with closing(sqlite3.connect(lab.folder / "log.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO logs SELECT 'bad', '+7', '2026-03-05T12:00:00', NULL, 'Active', CAST(x'5b7b227370ff' AS TEXT)"
        )
    client = lab.client()
    assert [row["id"] for row in (await client.get("/logs")).json()] == ["bad", "c3", "c2", "c1"]
    assert len((await client.get("/api/calls")).json()["items"]) == 4
    assert (await client.get("/logs/csv")).status_code == 200
    assert await lab.calls.follow_pending() == 1


async def test_an_odd_row_hides_no_other_call(lab):
    await lab.seed()
    rows = [
        ("deep", "+7", "2026-03-05T12:00:00", "[" * 200_000),
        ("nested", "+7", "2026-03-05T12:00:01", '[{"speaker": "user", "text": ' + "[" * 900 + "]" * 900 + "}]"),
        ("blob", b"+7", b"\xff\x00", b'[{"speaker": "user", "text": "\xff"}]'),
        ("nan", None, None, '[{"speaker": "bot", "text": "x", "ms": {"response": NaN, "asr": 1e999}}]'),
        ("nothing", None, None, None),
    ]
    with closing(sqlite3.connect(lab.folder / "log.sqlite")) as connection, connection:
        connection.executemany("INSERT INTO logs (id, callerId, startTime, transcript_json) VALUES (?, ?, ?, ?)", rows)
    client = lab.client()
    names = {row[0] for row in rows}
    assert await lab.calls.follow_pending() == 5
    assert names <= {row["id"] for row in (await client.get("/logs")).json()}
    assert names <= {row["id"] for row in (await client.get("/api/calls")).json()["items"]}
    for name in names:
        assert (await client.get(f"/api/calls/{name}")).status_code == 200
    assert (await client.get("/logs/csv")).text.count("\r\n") == 9
    assert (await client.get("/api/analytics", params={"date_from": "1970-01-01", "date_to": "1970-01-01"})).json()
    assert [row["id"] for row in (await client.get("/logs", params={"q": "завод"})).json()] == ["c1"]


async def test_rows_that_another_program_replaces_are_found_once(lab):
    turns = [{"speaker": "user", "text": "завод"}]
    write(lab, "r0", turns)
    for _ in range(4):
        write(lab, "r1", turns, way="INSERT OR REPLACE")
        await lab.calls.follow_pending()
    found = (await lab.client().get("/api/calls", params={"q": "завод", "limit": 2})).json()
    assert ({row["id"] for row in found["items"]}, found["total"]) == ({"r0", "r1"}, 2)


@pytest.mark.parametrize("q", ["+7 916 000-00-02", "8 (916) 000-00-02", "89160000002", "916-000-00-02", "0000002"])
async def test_a_number_is_found_as_people_write_it(lab, q):
    await lab.seed()
    assert [row["id"] for row in (await lab.client().get("/logs", params={"q": q})).json()] == ["c2"]


async def test_the_older_list_holds_every_call(lab):
    with closing(sqlite3.connect(lab.folder / "log.sqlite")) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
            "INSERT INTO logs SELECT 'x' || i, '+7', '2026-03-01T12:00:00', NULL, 'Active', '[]' FROM n"
        )
    client = lab.client()
    assert len((await client.get("/logs")).json()) == 2500
    assert len((await client.get("/logs", params={"offset": 2100})).json()) == 400
    assert len((await client.get("/logs", params={"limit": 7, "offset": 2})).json()) == 7


async def test_the_cursor_of_a_long_number_is_taken_back(lab):
    for number in range(3):
        await lab.calls.start(f"long{number}", "щ" * 1500, at("2026-03-02T12:05:00"))
    client = lab.client()
    page = (await client.get("/api/calls", params={"limit": 1, "sort": "-caller"})).json()
    again = await client.get("/api/calls", params={"limit": 1, "sort": "-caller", "cursor": page["next_cursor"]})
    assert again.status_code == 200


async def test_a_form_of_settings_sent_back_as_it_was_read_keeps_the_secrets(lab):
    lab.env_file.write_text("OPENAI_API_KEY=sk-secret\nKB_TOP_K=4\n")
    client = lab.client()
    values = (await client.get("/api/settings/values")).json()["values"]
    given = {name: value["value"] for name, value in values.items() if value["origin"] == "file"}
    saved = await client.post("/api/settings/values", headers=KEY, json={"values": given})
    assert saved.status_code == 200
    assert lab.env_file.read_text() == "OPENAI_API_KEY=sk-secret\nKB_TOP_K=4\n"
    await client.post("/api/settings/values", headers=KEY, json={"reset": ["OPENAI_API_KEY"]})
    assert lab.env_file.read_text() == "KB_TOP_K=4\n"


async def test_a_broken_file_of_prompts_is_kept_when_it_is_replaced(lab):
    parts = lab.parts()
    lab.prompts_file.write_text('{"greeting": "Писали два часа",}', encoding="utf-8")
    saved = await lab.client(parts).post("/api/prompts", headers=KEY, json={"greeting": "Добрый день!"})
    assert saved.json()["greeting"] == "Добрый день!"
    (kept,) = (lab.folder / "data" / "prompts-history").glob("broken-*.json")
    assert "Писали два часа" in kept.read_text(encoding="utf-8")
    assert str(kept) in parts.reloads.events[-1].detail


async def test_a_colleagues_change_of_the_prompts_is_not_undone_unseen(lab):
    client = lab.client()
    tag = (await client.get("/api/prompts")).headers["etag"]
    first = await client.post("/api/prompts", headers={**KEY, "If-Match": tag}, json={"greeting": "Первый"})
    refused = await client.post("/api/prompts", headers={**KEY, "If-Match": tag}, json={"greeting": "Второй"})
    assert (refused.status_code, refused.json()["code"]) == (409, "prompts_changed")
    tag = first.headers["etag"]
    last = await client.post("/api/prompts", headers={**KEY, "If-Match": tag}, json={"greeting": "Второй"})
    assert last.status_code == 200
    (version, *_) = (await client.get("/api/prompts/history")).json()["items"][1:]
    place = f"/api/prompts/history/{version['id']}/restore"
    assert (await client.post(place, headers={**KEY, "If-Match": tag})).json()["code"] == "prompts_changed"
    restored = await client.post(place, headers={**KEY, "If-Match": last.headers["etag"]})
    assert restored.headers["etag"] == (await client.get("/api/prompts")).headers["etag"]


@pytest.mark.parametrize("content", ["[" * 200_000, json.dumps({**PROMPTS, "greeting": "Привет \ud83d"})])
async def test_prompts_that_cannot_be_told_are_refused_with_the_reason(lab, content):
    parts = lab.parts()
    lab.prompts_file.write_text(content)
    assert parts.prompts.reload() is False
    assert "prompts.json" in parts.prompts.failure
    assert (await lab.client(parts).get("/api/prompts")).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        "[" * 200_000,
        json.dumps({**PROMPTS, "greeting": "Привет \ud83d"}),
        json.dumps({**PROMPTS, "заметка": "\ud83d"}),
        json.dumps(PROMPTS)[:-1] + ', "x": ' + "[" * 100_000 + "}",
        b"\xff\xfe{",
    ],
)
async def test_prompts_are_saved_over_an_odd_file_and_what_it_held_is_kept(lab, content):
    parts = lab.parts()
    content = content if isinstance(content, bytes) else content.encode()
    lab.prompts_file.write_bytes(content)
    saved = await lab.client(parts).post("/api/prompts", headers={**KEY, "If-Match": "*"}, json={"greeting": "Алло"})
    assert (saved.status_code, saved.json()["greeting"]) == (200, "Алло")
    assert json.loads(lab.prompts_file.read_text(encoding="utf-8"))["greeting"] == "Алло"
    kept = [file.read_bytes() for file in (lab.folder / "data" / "prompts-history").glob("broken-*.json")]
    assert kept == [content] or "ud83d" in lab.prompts_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["assets/%00", "assets/" + "x" * 300, "assets/" + "x" * 5000, "instruction%00.md"])
async def test_a_name_that_no_file_can_have_is_not_found(lab, path):
    answer = await lab.client().get(f"/logs-ui/{path}")
    assert answer.status_code in (404, 503)  # 503 in a checkout without a built panel


@pytest.mark.parametrize("path", ["%00", "x" * 300])
async def test_a_page_of_such_a_name_is_the_panel(lab, path):
    assert (await lab.client().get(f"/logs-ui/{path}")).status_code in (200, 503)


@pytest.mark.parametrize("asked", ["bytes=9999-", "abc", "bytes=5-2", "bytes=x-"])
async def test_a_part_that_a_recording_does_not_have_is_refused_as_a_problem(lab, asked):
    await lab.seed()
    parts = lab.parts()
    file = recording_files.file_path(parts.settings.paths.recordings_dir, "c1", at("2026-03-01T12:00:00"))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\0" * 5000)
    client = lab.client(parts)
    refused = await client.get("/api/calls/c1/recording", headers={"Range": asked})
    assert (refused.status_code, refused.headers["content-type"]) == (416, "application/problem+json")
    assert (await client.get("/api/calls/c1/recording", headers={"Range": "bytes=0-9,-5"})).status_code == 206


@pytest.mark.enable_socket
async def test_pages_of_other_servers_of_this_machine_open_no_websocket(lab):
    async with lab.running(lab.parts()) as host:
        for origin in ("http://localhost:3000", "https://127.0.0.1:8080", "null", "http://localhost.evil.example"):
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(f"ws://{host}/ws", origin=origin)
        async with websockets.connect(f"ws://{host}/ws", origin=f"http://{host}") as own:
            assert await own.recv()


async def test_the_description_is_read_offline_and_where_reading_takes_the_key_with_it(lab):
    page = (await lab.client().get("/docs")).text
    assert "/api/kb/drafts/{draft_id}/publish" in page
    assert not re.search("<(script|link|img|iframe)|(src|href)=.http", page)
    opened = lab.client(API_HOST="0.0.0.0")
    assert [(await opened.get(path)).status_code for path in ("/docs", "/openapi.json")] == [401, 401]


async def test_failures_are_counted_by_status_and_staff_are_named(lab):
    for call_id, status, reason in (("a", "Failed", "error"), ("b", "Failed", "stopped"), ("c", "Completed", "staff")):
        await lab.calls.start(call_id, "+7", at("2026-03-03T09:00:00"))
        await lab.calls.finish(call_id, status, at("2026-03-03T09:00:10"), reason=reason)
    days = {"date_from": "2026-03-01", "date_to": "2026-03-03"}
    told = (await lab.client().get("/api/analytics", params=days)).json()
    assert sum(cause["calls"] for cause in told["failures"]) == told["totals"]["failed"] == 2
    assert "Завершён из панели" in [cause["label"] for cause in told["endings"]]


async def test_lists_that_are_arrays_are_read_page_by_page(lab):
    parts = lab.parts()
    for number in range(5):
        await parts.jobs.add("kb_publish", "tech", {"draft": str(number)})
    client, cursor, seen = lab.client(parts), "", []
    while True:
        page = await client.get("/api/jobs", params={"limit": 2, "cursor": cursor})
        seen += [job["id"] for job in page.json()]
        if not (cursor := page.headers.get("x-next-cursor", "")):
            break
    assert len(seen) == len(set(seen)) == 5
