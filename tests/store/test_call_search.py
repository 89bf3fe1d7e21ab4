"""Finding calls: by any form of a word, by its beginning, by number; in order, in pages, whoever wrote them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime

import pytest

from voxbot.store.call_log import CallFilter, CallLogRepository, CallOrder, Place
from voxbot.store.database import open_database
from voxbot.store.preparation import prepare
from voxbot.store.times import local_text
from voxbot.store.words import matches

NOON = datetime(2026, 3, 1, 12, 0, 0).astimezone().timestamp()
NEWEST = CallOrder()


def turn(text, speaker="user", **more):
    return {"speaker": speaker, "text": text, "timestamp": local_text(NOON, "milliseconds"), **more}


async def said(calls, call_id, *texts, caller="100", at=NOON, status=None):
    await calls.start(call_id, caller, at)
    for text in texts:
        await calls.append_turn(call_id, turn(text))
    if status:
        await calls.finish(call_id, status, at + 60)


async def found(calls, q, **wanted):
    return [call.record.id for call in await calls.lists.page(CallFilter(q=q, **wanted), NEWEST, 50)]


@pytest.mark.parametrize(
    "q", ["машина", "машины", "машину", "МАШИНАМИ", "маши", "разрывная машина", "какие машины разрывные"]
)
async def test_every_form_of_a_word_finds_every_other(calls, q):
    await said(calls, "c1", "какую разрывную машину купить")
    await said(calls, "c2", "где вы находитесь")
    assert await found(calls, q) == ["c1"]


async def test_all_words_must_be_there_but_not_in_one_turn(calls):
    await said(calls, "c1", "сколько стоит пресс", "а доставка")
    await said(calls, "c2", "сколько стоит доставка")
    assert await found(calls, "пресса доставкой") == ["c1"]
    assert await found(calls, "пресс гарантия") == []


async def test_words_that_no_dictionary_knows_are_found_as_they_stand_and_by_their_beginning(calls):
    await said(calls, "c1", "расскажите про РЭМ-100 и ГОСТ 28840", "ещё про ёршик")
    for q in ("рэм", "РЭМ-100", "28840", "ершик", "ёршики", "ерши"):
        assert await found(calls, q) == ["c1"], q


async def test_what_was_heard_before_normalising_is_found_too(calls):
    await calls.start("c1", "1", NOON)
    await calls.append_turn("c1", turn("на 100 кН", raw="на сто килоньютонов"))
    assert await found(calls, "килоньютон") == ["c1"]
    assert await found(calls, "кн") == ["c1"]


async def test_numbers_and_ids_are_found_by_their_parts(calls):
    await said(calls, "1772362800.42", caller="+79161234567")
    for q in ("123456", "+7916", "67", "1772362800.42", "1772362800", "2800.4", " 6280 "):
        assert await found(calls, q) == ["1772362800.42"], q
    for q in ("12346", "772", "2800%42", "2800_42"):  # three digits are part of every id
        assert await found(calls, q) == [], q


async def test_four_digits_find_numbers_ids_and_what_was_said(calls):
    await said(calls, "1772361018.7", caller="+79160000000")
    await said(calls, "1772362800.42", caller="+79161018555", at=NOON + 1)
    await said(calls, "1772362900.43", "по ГОСТ 1018", at=NOON + 2)
    await said(calls, "1772363000.44", "где вы", at=NOON + 3)
    assert await found(calls, "1018") == ["1772362900.43", "1772362800.42", "1772361018.7"]
    assert await calls.lists.count(CallFilter(q="1018"), 50) == 3
    assert await found(calls, "1018", start_from=datetime.fromtimestamp(NOON + 1)) == ["1772362900.43", "1772362800.42"]  # noqa: DTZ006 - the log holds local time


async def test_words_in_ids_find_nothing(calls):
    await said(calls, "chat-5f1c2b0e", "алло")
    assert await found(calls, "chat") == []
    assert await found(calls, "CHAT-5f1c") == ["chat-5f1c2b0e"]


async def test_small_words_are_found_when_nothing_else_is_asked_for(calls):
    await said(calls, "c1", "машина не работает")
    await said(calls, "c2", "машина работает", at=NOON + 1)
    await said(calls, "c3", "нет, это к вам", at=NOON + 2)
    assert await found(calls, "не") == ["c1"]
    assert await found(calls, "НЕ") == ["c1"]
    assert await found(calls, "к") == ["c3"]
    assert await found(calls, "не к") == []
    assert await found(calls, "не работает") == ["c2", "c1"], "beside other words they do not limit"
    assert [matches("не", text) for text in ("я не знаю", "я знаю")] == [True, False]


async def test_calls_of_an_older_database_are_found_by_parts_of_ids_and_small_words(tmp_path):
    path = tmp_path / "log.sqlite"
    prepare(path)
    row = ("1772361018.7", "+7900", "2026-03-02T10:00:00", None, "Active", dialogue("не работает"))
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in ("call_ids_insert", "call_ids_update", "call_ids_delete"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DROP TABLE call_ids")
        connection.execute("UPDATE alembic_version SET version_num = '0003'")
        connection.execute("INSERT INTO logs VALUES (?,?,?,?,?,?)", row)
        connection.execute("UPDATE call_facts SET pending = 0")
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        assert await found(calls, "1018") == ["1772361018.7"]
        assert await calls.follow_pending() == 1
        assert await found(calls, "не") == ["1772361018.7"]


@pytest.mark.parametrize(
    "q", ['"', "' OR 1=1 --", "%", "_", "*", "NEAR(a b)", "words:x", "\x00", "(", "^", "-", "AND", "😀"]
)
async def test_a_query_is_only_ever_words(calls, q):
    await said(calls, "c1", "алло")
    assert await found(calls, q) == []


async def test_pages_of_a_search_are_newest_first_and_meet_without_gap(calls):
    for number in range(7):
        await said(calls, f"c{number}", "поверка", at=NOON + number // 2)
    pages, place = [], None
    while True:
        page = await calls.lists.page(CallFilter(q="поверки"), NEWEST, 3, place)
        pages.append([call.record.id for call in page])
        if len(page) < 3:
            break
        place = Place(None, page[-1].key)
    assert pages == [["c6", "c5", "c4"], ["c3", "c2", "c1"], ["c0"]]
    assert await calls.lists.count(CallFilter(q="поверки"), 5) == 5
    assert await calls.lists.count(CallFilter(q="поверки"), 50) == 7


@pytest.mark.parametrize("column", ["key", "duration_s", "caller"])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("q", [None, "алло"])
async def test_every_order_goes_on_where_a_page_ended(calls, column, descending, q):
    for number, (caller, lasts) in enumerate([("b", 5), ("a", 5), ("b", None), ("c", 1), ("a", None)]):
        await said(calls, f"c{number}", "алло", caller=caller, at=NOON + number)
        if lasts is not None:
            await calls.finish(f"c{number}", "Completed", NOON + number + lasts)
    order, wanted = CallOrder(column, descending=descending), CallFilter(q=q)
    whole = await calls.lists.page(wanted, order, 50)
    pages, place = [], None
    for _ in range(5):
        (call,) = await calls.lists.page(wanted, order, 1, place)
        pages.append(call)
        values = {"key": None, "caller": call.record.caller_id, "duration_s": call.duration_s}
        value = -1 if column == "duration_s" and call.duration_s is None else values[column]
        place = Place(value, call.key)
    assert pages == list(whole)
    assert await calls.lists.page(wanted, order, 1, place) == []
    values = [getattr(call, column, None) or call.record.caller_id for call in whole if call.duration_s is not None]
    assert values == sorted(values, reverse=descending)


async def test_a_search_obeys_the_other_filters(calls):
    await said(calls, "old", "поверка", at=NOON - 86400, status="Completed")
    await said(calls, "new", "поверка", status="Failed")
    await said(calls, "other", "доставка", status="Failed")
    assert await found(calls, "поверка", statuses=("failed", "Transferred")) == ["new"]
    assert await found(calls, "поверка", start_before=datetime.fromisoformat("2026-03-01")) == ["old"]
    assert await found(calls, "поверка", start_from=datetime.fromisoformat("2026-03-01")) == ["new"]
    assert await found(calls, None, statuses=("Failed", "Completed")) == ["other", "new", "old"]


async def test_calls_are_told_by_the_bases_they_were_answered_from(calls):
    for call_id, answers in {"g": ["general"], "t": ["tech"], "both": ["tech", "general"], "none": []}.items():
        await calls.start(call_id, "1", NOON)
        for kb in answers:
            await calls.append_turn(call_id, turn("Есть.", "bot", kb=kb, known=True))
    await calls.append_turn("none", turn("Не знаю.", "bot", kb="tech", known=False))
    assert set(await found(calls, None, kb="general")) == {"g", "both"}
    assert set(await found(calls, None, kb="tech")) == {"t", "both"}
    assert await found(calls, None, kb="none") == ["none"]
    assert await found(calls, None, unanswered=True) == ["none"]
    assert set(await found(calls, "есть", kb="tech")) == {"t", "both"}


async def test_how_a_call_ended_is_kept(calls):
    await calls.start("c1", "1", NOON)
    await calls.finish("c1", "Failed", NOON + 9, reason="error", detail="asr", longest_dead_air_ms=410.0)
    call = await calls.lists.get("c1")
    assert (call.reason, call.detail, call.longest_dead_air_ms, call.duration_s) == ("error", "asr", 410.0, 9.0)
    assert await calls.lists.get("c2") is None


def execute(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*statement)


def dialogue(text):
    return f'[{{"speaker": "user", "text": "{text}"}}]'


async def test_what_another_program_writes_is_found_once_it_was_followed(calls, database):
    row = ("x", "+7900", "2026-03-02T10:00:00", None, "Active", dialogue("поверка пресса"))
    execute(database.path, ("INSERT INTO logs VALUES (?,?,?,?,?,?)", row))
    assert await calls.count_pending() == (1, 1)
    assert [record.id for record in await calls.list_calls(CallFilter(), 9)] == ["x"]
    assert await calls.follow_pending() == 1
    assert await found(calls, "поверки") == ["x"]

    execute(
        database.path,
        ("UPDATE logs SET transcript_json = ?, status = 'Completed' WHERE id = 'x'", (dialogue("доставка"),)),
    )
    assert await found(calls, None, statuses=("Completed",)) == ["x"]
    assert await calls.follow_pending() == 1
    assert await found(calls, "поверки") == []
    assert await found(calls, "доставку") == ["x"]

    execute(database.path, ("DELETE FROM logs WHERE id = 'x'",))
    assert await found(calls, "доставку") == []
    assert await found(calls, "7900") == []
    assert await calls.count_pending() == (0, 0)


async def test_an_old_log_is_followed_newest_first(tmp_path):
    path = tmp_path / "log_db.sqlite"
    columns = "id TEXT, callerId TEXT, startTime TEXT, endTime TEXT, status TEXT, transcript_json TEXT"
    execute(path, (f"CREATE TABLE logs ({columns})",))
    for number in range(10):
        row = (f"c{number}", "1", f"2024-05-02 10:00:0{number // 3}", None, "Completed", dialogue(f"слово{number}"))
        execute(path, ("INSERT INTO logs VALUES (?,?,?,?,?,?)", row))
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        assert await calls.follow_pending(4) == 4
        assert await calls.count_pending() == (6, 10)
        assert await found(calls, "слово9") == ["c9"]
        assert await found(calls, "слово1") == []
        while await calls.follow_pending(4):
            pass
        assert await found(calls, "слово1") == ["c1"]


async def test_all_calls_go_with_all_that_was_made_of_them(calls, database):
    for number in range(3):
        await said(calls, f"c{number}", "поверка", caller="+7916")
    assert await calls.delete_all() == 3
    with closing(sqlite3.connect(database.path)) as connection:
        for table in ("logs", "call_facts", "call_texts", "call_stages", "search_words"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,), table
        assert connection.execute("SELECT rowid FROM call_words('поверка')").fetchall() == []
    await said(calls, "c91018", "поверка", caller="+7916")
    assert await found(calls, "поверки") == ["c91018"]
    assert await found(calls, "7916") == ["c91018"]
    assert await found(calls, "9101") == ["c91018"]


def test_the_full_text_table_of_ids_agrees_with_the_calls(tmp_path):
    path = tmp_path / "log.sqlite"
    prepare(path)
    row = "INSERT OR REPLACE INTO logs VALUES ('{}', '1', '2026-03-02T10:00:00', NULL, 'Active', '[]')"
    execute(
        path,
        *((row.format(call_id),) for call_id in ("a", "b", "c", "a")),
        ("UPDATE logs SET status = 'Failed'",),
        ("UPDATE logs SET id = 'bb-1018' WHERE id = 'b'",),
        ("DELETE FROM logs WHERE id = 'c'",),
        ("INSERT INTO call_ids (call_ids, rank) VALUES ('integrity-check', 1)",),
    )
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT call_id FROM call_ids WHERE call_id LIKE '%1018%'").fetchall()
    assert found == [("bb-1018",)]


def test_the_full_text_tables_agree_with_what_they_are_made_of(tmp_path):
    """FTS5's own check finds any delete or update that its triggers missed."""
    path = tmp_path / "log.sqlite"
    prepare(path)
    execute(
        path,
        ("INSERT INTO call_texts VALUES (1, '+7916', 'поверка пресс')",),
        ("INSERT INTO call_texts VALUES (2, '+7917', 'доставка')",),
        ("UPDATE call_texts SET words = 'гарантия' WHERE key = 1",),
        ("UPDATE call_texts SET caller = '+7999' WHERE key = 1",),
        ("DELETE FROM call_texts WHERE key = 2",),
        ("INSERT INTO call_words (call_words, rank) VALUES ('integrity-check', 1)",),
        ("INSERT INTO call_numbers (call_numbers, rank) VALUES ('integrity-check', 1)",),
    )
