"""Calls in pages and whole, their recordings, and the file for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import wave

import numpy as np
import pytest
from fakes.api import KEY, ApiLab, at

from voxbot.admin.tickets import Tickets
from voxbot.domain.ids import ChunkId
from voxbot.knowledge.documents import Chunk
from voxbot.media.recording_files import file_path

NOON = at("2026-03-01T12:00:00")


async def page(client, **params):
    answer = await client.get("/api/calls", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_page_tells_what_a_list_shows(lab):
    await lab.seed()
    await lab.calls.append_turn(
        "c2",
        {"speaker": "bot", "text": "Миллион", "timestamp": "2026-03-02T12:00:09.000", "kb": "tech", "cut": True},
    )
    whole = await page(lab.client())
    assert [call["id"] for call in whole["items"]] == ["c3", "c2", "c1"]
    assert whole["items"][1] == {
        "id": "c2",
        "caller": "+79160000002",
        "start_time": "2026-03-02T12:00:00",
        "end_time": "2026-03-02T12:01:00",
        "duration_s": 60.0,
        "status": "Transferred",
        "kb": "tech",
        "questions": 1,
        "unanswered": 0,
        "barge_ins": 1,
        "excerpt": "сколько стоит пресс",
    }
    assert (whole["total"], whole["total_is_exact"], whole["next_cursor"]) == (3, True, None)
    assert (await page(lab.client(), q="миллионы"))["items"][0]["excerpt"] == "Миллион"


@pytest.mark.parametrize("sort", ["-start", "start", "-duration", "duration", "caller", "-caller"])
async def test_pages_go_on_where_the_last_one_ended(lab, sort):
    await lab.seed()
    client = lab.client()
    whole = [call["id"] for call in (await page(client, sort=sort))["items"]]
    seen, cursor = [], ""
    while cursor is not None:
        one = await page(client, sort=sort, limit=2, cursor=cursor)
        seen += [call["id"] for call in one["items"]]
        assert one["total"] == 3
        cursor = one["next_cursor"]
    assert seen == whole
    assert len(set(seen)) == 3


async def test_statuses_may_be_several(lab):
    await lab.seed()
    found = await lab.client().get("/api/calls?status=Completed&status=transferred")
    assert [call["id"] for call in found.json()["items"]] == ["c2", "c1"]


@pytest.mark.parametrize("cursor", ["ZZ", "WzFd", "W10", "WyJ4IiwxLCItc3RhcnQiXQ", "WzEsMSwic3RhcnQiXQ"])
async def test_a_cursor_of_another_list_is_refused(lab, cursor):
    answer = await lab.client().get("/api/calls", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_a_call_with_everything(tmp_path):
    async def chunks(ids):
        assert set(ids) == {"a1", "gone"}
        return {"a1": Chunk("tech", "Прессы", ("Цены",), "Пресс стоит миллион.", 0, ChunkId("a1"), (), "")}

    async with ApiLab(tmp_path) as lab:
        await lab.calls.start("c1", "+7916", NOON)
        await lab.calls.append_turn(
            "c1",
            {"speaker": "user", "text": "на 100 кН", "raw": "на сто", "timestamp": "2026-03-01T12:00:04.500"},
        )
        await lab.calls.append_turn(
            "c1",
            {
                "speaker": "bot",
                "text": "Миллион",
                "planned": "Миллион рублей.",
                "timestamp": "2026-03-01T12:00:09.000",
                "kb": "tech",
                "cut": True,
                "known": True,
                "model": "m",
                "sources": ["a1", "gone"],
                "scores": [0.83],
                "ms": {"response": 640.0},
            },
        )
        await lab.calls.finish("c1", "Failed", NOON + 20, reason="error", detail="tts", longest_dead_air_ms=410.0)
        call = (await lab.client(lab.parts(chunks=chunks)).get("/api/calls/c1")).json()
    assert (call["reason"], call["detail"], call["longest_dead_air_ms"]) == ("error", "tts", 410.0)
    asked, answered = call["turns"]
    assert (asked["speaker"], asked["raw"], asked["offset_s"]) == ("user", "на сто", 4.5)
    assert (answered["planned"], answered["cut"], answered["model"]) == ("Миллион рублей.", True, "m")
    assert answered["ms"] == {"response": 640.0}
    assert answered["sources"] == [
        {"chunk_id": "a1", "score": 0.83, "kb": "tech", "title": "Прессы", "text": "Пресс стоит миллион."},
        {"chunk_id": "gone", "score": None, "kb": None, "title": None, "text": None},
    ]
    assert call["recording"] is None


async def test_whatever_an_older_bot_left_can_be_read(lab):
    odd = [
        {"speaker": "assistant", "text": 5, "timestamp": None, "ms": {"a": "x", "b": float("nan"), "c": 1}},
        {"text": "половина \ud83d", "kb": "third", "sources": "a", "known": "да", "intent": 7, "scores": {}},
        {},
    ]
    await lab.calls.start("c1", "1", NOON)
    async with lab.database.write() as session:
        from sqlalchemy import text  # noqa: PLC0415

        await session.execute(text("UPDATE logs SET transcript_json = :odd"), {"odd": json.dumps(odd)})
    client = lab.client()
    call = (await client.get("/api/calls/c1")).json()
    assert [turn["text"] for turn in call["turns"]] == ["5", "половина ?", ""]
    assert call["turns"][0]["ms"] == {"c": 1.0}
    assert (await client.get("/api/calls")).status_code == 200
    assert (await client.get("/logs")).status_code == 200
    assert (await client.get("/logs/csv")).status_code == 200


async def test_an_unknown_call_is_not_found(lab):
    for path in ("/api/calls/c9", "/api/calls/c9/recording", "/api/calls/c9/recording/peaks"):
        answer = await lab.client().get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_call")


@pytest.fixture
async def recorded(lab):
    """A call of two seconds: the caller silent then loud, the bot the other way round."""
    await lab.calls.start("a/b 1", "1", NOON)
    path = file_path(lab.folder / "data" / "recordings", "a/b 1", NOON + 2)
    path.parent.mkdir(parents=True)
    quiet, loud = np.zeros(8000, np.int16), np.full(8000, -32768, np.int16)
    sound = np.stack([np.concatenate([quiet, loud]), np.concatenate([loud // 2, quiet])], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(sound.astype("<i2").tobytes())
    return path


async def test_a_recording_is_served_whole_and_in_parts(lab):
    await lab.calls.start("c1", "1", NOON)
    client = lab.client()
    assert (await client.get("/api/calls/c1/recording")).json()["code"] == "no_recording"
    path = file_path(lab.folder / "data" / "recordings", "c1", NOON + 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(44) + bytes(range(200)) * 40)
    call = (await client.get("/api/calls/c1")).json()
    assert call["recording"]["bytes"] == 8044
    assert call["recording"]["duration_s"] == 0.25
    whole = await client.get(call["recording"]["url"])
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.content == path.read_bytes()
    part = await client.get(call["recording"]["url"], headers={"range": "bytes=44-53"})
    assert (part.status_code, part.headers["content-range"]) == (206, "bytes 44-53/8044")
    assert part.content == bytes(range(10))


async def test_peaks_show_who_spoke_when(lab, recorded):
    url = "/api/calls/a%2Fb 1/recording/peaks"
    answer = await lab.client().get(url, params={"points": 4})
    assert answer.json() == {"duration_s": 2.0, "caller": [0, 0, 1, 1], "bot": [0.5, 0.5, 0, 0]}


async def test_a_spreadsheet_gets_text_and_never_a_formula(lab):
    for number, caller in enumerate(["=1+1", "+7916", "-1", "@x", "\tx", "\rx", "a;b", 'a"b', "Вася\nПетя"]):
        await lab.calls.start(f"c{number}", caller, NOON + number)
    answer = await lab.client().get("/logs/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == ["id", "callerId", "startTime", "endTime", "status", "transcript_json"]
    callers = [row[1] for row in rows[1:]][::-1]
    assert callers == ["'=1+1", "'+7916", "'-1", "'@x", "'\tx", "'\rx", "a;b", 'a"b', "Вася\nПетя"]
    assert {len(row) for row in rows} == {6}


async def test_the_file_holds_what_the_filters_leave_over_many_batches(lab):
    for number in range(2100):
        await lab.calls.start(f"c{number}", "1", NOON + number // 3)
    await lab.calls.finish("c5", "Failed", NOON)
    client = lab.client()
    lines = (await client.get("/logs/csv")).text.splitlines()
    assert [line.split(";")[0].strip('"') for line in lines[1:]] == [f"c{number}" for number in reversed(range(2100))]
    assert len((await client.get("/logs/csv?status=failed")).text.splitlines()) == 2


def ids_in(answer):
    return [line.split(";")[0].strip('"') for line in answer.text.splitlines()[1:]]


async def test_the_file_holds_what_a_page_would(lab):
    for number, (kb, known) in enumerate([("tech", True), ("general", False), ("tech", False)]):
        begin = at(f"2026-03-0{number + 1}T12:00:00")
        await lab.calls.start(f"c{number}", "1", begin)
        stamp = f"2026-03-0{number + 1}T12:00:05.000"
        await lab.calls.append_turn(f"c{number}", {"speaker": "user", "text": "вопрос", "timestamp": stamp})
        bot = {"speaker": "bot", "text": "ответ", "timestamp": stamp, "kb": kb, "known": known}
        await lab.calls.append_turn(f"c{number}", bot)
    await lab.calls.finish("c1", "Failed", at("2026-03-02T12:01:00"))
    await lab.calls.finish("c2", "Completed", at("2026-03-03T12:01:00"))
    client = lab.client()
    for query in ("status=Failed&status=Completed", "kb=tech", "unanswered=true", "kb=none&unanswered=true&status="):
        page = (await client.get(f"/api/calls?{query}")).json()["items"]
        assert ids_in(await client.get(f"/logs/csv?{query}")) == [call["id"] for call in page], query
    assert ids_in(await client.get("/logs/csv?kb=none&unanswered=true&status=Completed")) == ["c2"]


async def test_a_link_is_opened_once_by_a_ticket_in_the_keys_place(lab):
    await lab.seed()
    client = lab.client(lab.parts(API_HOST="0.0.0.0", API_SECRET_KEY="k"))
    assert (await client.post("/api/tickets")).status_code == 401
    ticket = (await client.post("/api/tickets", headers=KEY)).json()["ticket"]
    assert (await client.get("/logs/csv")).status_code == 401
    assert (await client.get("/logs", params={"ticket": ticket})).status_code == 401
    assert ids_in(await client.get("/logs/csv", params={"ticket": ticket, "q": "завод"})) == ["c1"]
    assert (await client.get("/logs/csv", params={"ticket": ticket})).status_code == 401
    assert (await client.get("/logs/csv", params={"ticket": "нет такого"})).status_code == 401


def test_a_ticket_lasts_a_minute():
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    first, second = tickets.issue(), tickets.issue()
    now[0] = 59.0
    assert tickets.spend(first)
    now[0] = 61.0
    assert not tickets.spend(second)


async def test_all_calls_are_deleted_with_the_key_only(lab):
    await lab.seed()
    client = lab.client()
    assert (await client.delete("/logs")).status_code == 401
    assert len((await client.get("/logs")).json()) == 3
    assert (await client.delete("/logs", headers=KEY)).json() == {"status": "ok", "deleted": 3}
    assert (await client.get("/logs")).json() == []
