"""The call log: what is written is found again, newest first."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest

from voxbot.domain.errors import StoreError
from voxbot.store.call_log import CallFilter
from voxbot.store.times import local_text

NOON = datetime(2026, 3, 1, 12, 0, 0).astimezone().timestamp()


def turn(text: str, speaker: str = "user", at: float = NOON, **more):
    return {"speaker": speaker, "text": text, "timestamp": local_text(at, "milliseconds"), **more}


async def ids(calls, **wanted) -> list[str]:
    return [record.id for record in await calls.list_calls(CallFilter(**wanted), limit=100)]


async def test_a_call_from_start_to_end(calls):
    await calls.start("c1", "+79161234567", NOON)
    (active,) = await calls.list_calls(CallFilter(), limit=10)
    assert (active.status, active.end_time, active.transcript_json) == ("Active", None, "[]")

    question = turn("сколько стоит пресс на 100 кН", raw="сколько стоит пресс на сто килоньютонов", ms={"asr": 210.0})
    answer = turn("Пресс стоит два миллиона.", "bot", kb="tech", sources=["a1"], known=True, cut=False)
    await calls.append_turn("c1", question)
    await calls.append_turn("c1", answer)
    await calls.finish("c1", "Completed", NOON + 75.4)

    (call,) = await calls.list_calls(CallFilter(), limit=10)
    assert (call.caller_id, call.status) == ("+79161234567", "Completed")
    assert (call.start_time, call.end_time) == ("2026-03-01T12:00:00", "2026-03-01T12:01:15")
    assert json.loads(call.transcript_json) == [question, answer]


async def test_newest_first_in_pages(calls):
    for number in range(5):
        await calls.start(f"c{number}", "100", NOON + number)
    pages = [await calls.list_calls(CallFilter(), limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[record.id for record in page] for page in pages] == [["c4", "c3"], ["c2", "c1"], ["c0"]]


async def test_search_finds_words_and_numbers_but_not_the_format(calls):
    await calls.start("c1", "+79161234567", NOON)
    await calls.append_turn("c1", turn("Где ЗАВОД «Метро»?", raw="где завод", ms={"asr": 495.0}))
    await calls.start("c2", "100%", NOON)
    assert await ids(calls, q="завод") == ["c1"]
    assert await ids(calls, q="9161") == ["c1"]
    assert await ids(calls, q="c2") == ["c2"]
    assert await ids(calls, q="0%") == ["c2"]
    await calls.append_turn("c2", turn("Алло.", "bot", source={"none": 1}))
    for absent in ("speaker", "user", "495", "asr", "пресс", "_", "none"):
        assert await ids(calls, q=absent) == [], absent


async def test_search_finds_a_callers_name_in_any_letter_case(calls):
    await calls.start("c1", "Вася", NOON)
    assert await ids(calls, q="вАСЯ") == ["c1"]


async def test_search_takes_quotes_as_they_are(calls):
    await calls.start("c1", "1", NOON)
    await calls.append_turn("c1", turn('модель "РМ-50" \\ пресс'))
    assert await ids(calls, q='"рм-50"') == ["c1"]
    assert await ids(calls, q="\\ пресс") == ["c1"]


async def test_filters_by_time_and_status(calls):
    await calls.start("old", "1", NOON - 86400)
    await calls.start("new", "1", NOON)
    await calls.finish("new", "Transferred", NOON + 5)
    assert await ids(calls, start_from=datetime.fromisoformat("2026-03-01T00:00:00")) == ["new"]
    assert await ids(calls, start_before=datetime.fromisoformat("2026-03-01T12:00:00")) == ["old"]
    assert await ids(calls, status="transferred") == ["new"]
    assert await ids(calls, status="Failed") == []


async def test_a_dead_bots_calls_end_where_their_dialogue_ends(calls):
    await calls.start("talked", "1", NOON)
    await calls.append_turn("talked", turn("алло", at=NOON + 30))
    await calls.start("silent", "1", NOON)
    await calls.start("done", "1", NOON)
    await calls.finish("done", "Completed", NOON + 5)

    assert await calls.close_stale() == 2
    found = {record.id: record for record in await calls.list_calls(CallFilter(), limit=10)}
    assert {name: record.status for name, record in found.items()} == {
        "talked": "Failed",
        "silent": "Failed",
        "done": "Completed",
    }
    assert found["talked"].end_time == "2026-03-01T12:00:30"
    assert found["silent"].end_time == "2026-03-01T12:00:00"
    assert await calls.close_stale() == 0


async def test_a_bot_that_starts_leaves_the_chats_of_the_api_alone(calls):
    await calls.start("1772362800.42", "1", NOON)
    await calls.start("chat-1", "1", NOON)
    assert await calls.close_stale() == 1
    assert await ids(calls, status="Active") == ["chat-1"]
    await calls.start("1772362800.43", "1", NOON)
    assert await calls.close_stale(chats=True) == 1
    assert await ids(calls, status="Active") == ["1772362800.43"]


async def test_a_call_that_starts_again_goes_on(calls):
    await calls.start("c1", "1", NOON)
    await calls.append_turn("c1", turn("алло"))
    await calls.close_stale()
    await calls.start("c1", "1", NOON + 60)
    (call,) = await calls.list_calls(CallFilter(), limit=10)
    assert (call.status, call.end_time, call.start_time) == ("Active", None, "2026-03-01T12:00:00")
    assert "алло" in call.transcript_json


async def test_turns_of_many_calls_at_once_are_all_kept(calls):
    names = [f"c{number}" for number in range(8)]

    async def talk(name: str) -> None:
        await calls.start(name, "1", NOON)
        for number in range(5):
            await calls.append_turn(name, turn(f"{name} {number}"))

    await asyncio.gather(*(talk(name) for name in names))
    for record in await calls.list_calls(CallFilter(), limit=100):
        texts = [spoken["text"] for spoken in json.loads(record.transcript_json)]
        assert texts == [f"{record.id} {number}" for number in range(5)]


async def test_a_turn_of_an_unknown_call_is_an_error(calls):
    with pytest.raises(StoreError, match="звонка c9 нет в журнале звонков"):
        await calls.append_turn("c9", turn("алло"))
