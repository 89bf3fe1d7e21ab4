"""Opening the database: new, old, shared, broken."""

from __future__ import annotations

import asyncio
import fcntl
import json
import multiprocessing
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from voxbot.domain.errors import StoreError
from voxbot.store import migrations
from voxbot.store.call_log import CallFilter, CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.models import Base
from voxbot.store.preparation import prepare

_OLD_TABLE = (
    "CREATE TABLE logs (id TEXT, callerId TEXT, startTime TEXT, endTime TEXT, status TEXT, transcript_json TEXT)"
)


def execute(path: Path, *statements: str, rows=()) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        if rows:
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO logs VALUES ({marks})", rows)


async def records(path: Path):
    async with open_database(path) as database:
        return await CallLogRepository(database).list_calls(CallFilter(), limit=1000)


def not_full_text(name, kind, _parents):
    """Leave out SQLite's own tables behind the full-text tables."""
    return kind != "table" or not re.match("call_(words|numbers|ids)", name)


def test_migrations_give_exactly_the_models(tmp_path):
    path = tmp_path / "log.sqlite"
    prepare(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": not_full_text})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_head_that_spares_loading_alembic_is_the_real_one():
    assert ScriptDirectory(Path(migrations.__file__).parent).get_current_head() == migrations.HEAD


def test_the_table_has_the_columns_that_other_programs_read(tmp_path):
    path = tmp_path / "log.sqlite"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(logs)")]
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert columns == ["id", "callerId", "startTime", "endTime", "status", "transcript_json"]
    assert journal == "wal"


def test_opening_an_up_to_date_database_is_fast(tmp_path):
    path = tmp_path / "log.sqlite"
    prepare(path)
    spent_ms = []
    for _ in range(5):
        begin = time.perf_counter()
        prepare(path)
        spent_ms.append((time.perf_counter() - begin) * 1000)
    assert min(spent_ms) < 50


async def test_an_old_log_keeps_every_call(tmp_path):
    path = tmp_path / "log_db.sqlite"
    spoken = [{"speaker": "user", "text": "Где вы?", "timestamp": "2024-05-02T10:00:01"}]
    execute(
        path,
        "CREATE TABLE logs (id INTEGER PRIMARY KEY AUTOINCREMENT, callerId TEXT, startTime DATETIME,"
        " endTime DATETIME, status TEXT, transcript_json TEXT)",
        "CREATE INDEX ix_logs_startTime ON logs (startTime)",
        rows=[
            (1, "+7495", "2024-05-02 10:00:00.123456", "2024-05-02 10:01:00", "Completed", json.dumps(spoken)),
            (2, None, "2024-05-02T09:00:00", None, None, None),
            (3, "+7812", "03.05.2024 11:30:00", "когда-то", "Interrupted", "не JSON"),
        ],
    )
    found = {record.id: record for record in await records(path)}
    assert list(found) == ["3", "1", "2"]
    assert found["1"].start_time == "2024-05-02T10:00:00"
    assert found["1"].end_time == "2024-05-02T10:01:00"
    assert json.loads(found["1"].transcript_json) == spoken
    assert (found["2"].caller_id, found["2"].end_time, found["2"].transcript_json) == ("", None, "[]")
    assert (found["3"].start_time, found["3"].end_time) == ("2024-05-03T11:30:00", "когда-то")
    assert (found["3"].status, found["3"].transcript_json) == ("Interrupted", "не JSON")


async def test_an_old_logs_words_can_be_searched(tmp_path):
    path = tmp_path / "log_db.sqlite"
    spoken = json.dumps([{"speaker": "user", "text": "Поверка пресса"}])
    assert "Поверка" not in spoken
    execute(
        path,
        "CREATE TABLE logs (id TEXT, callerId TEXT, startTime TEXT, endTime TEXT, status TEXT, transcript_json TEXT)",
        rows=[("a", "1", "2024-05-02 10:00:00", None, "Completed", spoken)],
    )
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        assert await calls.follow_pending() == 1
        found = await calls.list_calls(CallFilter(q="поверка"), limit=10)
    assert [record.id for record in found] == ["a"]


async def test_an_old_log_without_a_key_and_with_more_columns(tmp_path):
    path = tmp_path / "log_db.sqlite"
    execute(
        path,
        "CREATE TABLE logs (id TEXT, callerId TEXT, startTime TEXT, endTime TEXT, status TEXT,"
        " transcript_json TEXT, rating INTEGER)",
        rows=[
            ("a", "1", "2024-05-02 10:00:00", None, "Completed", "[]", 5),
            ("a", "2", "2024-05-02 10:00:01", None, "Completed", "[]", 4),
            (None, "3", "2024-05-02 10:00:02", None, "Completed", "[]", None),
        ],
    )
    assert [(record.id, record.caller_id) for record in await records(path)] == [
        ("unknown", "3"),
        ("a-2", "2"),
        ("a", "1"),
    ]
    with closing(sqlite3.connect(path)) as connection:
        ratings = connection.execute("SELECT rating FROM logs ORDER BY startTime").fetchall()
    assert ratings == [(5,), (4,), (None,)]


async def test_an_old_log_with_odd_values_keeps_every_call(tmp_path):
    path = tmp_path / "log_db.sqlite"
    half_emoji = '[{"speaker": "user", "text": "\\ud83d алло"}]'
    execute(
        path,
        "CREATE TABLE logs (id, callerId, startTime, endTime, status, transcript_json, note)",
        "CREATE VIEW today AS SELECT * FROM logs",
        rows=[
            ("a", "1", "0001-01-01T00:00:00+14:00", None, "Completed", 5, "заметка"),
            ("b", "1", "2024-05-02 10:00:00", None, "Completed", half_emoji, 7),
        ],
    )
    found = {record.id: record for record in await records(path)}
    assert found["a"].start_time == "0001-01-01T00:00:00+14:00"
    assert (found["a"].transcript_json, found["b"].transcript_json) == ("5", half_emoji)
    with closing(sqlite3.connect(path)) as connection:
        notes = connection.execute("SELECT id, note FROM today ORDER BY id").fetchall()
    assert notes == [("a", "заметка"), ("b", 7)]


def test_processes_may_open_a_new_database_at_the_same_time(tmp_path):
    path = tmp_path / "log_db.sqlite"
    execute(
        path,
        "CREATE TABLE logs (id INTEGER, callerId TEXT, startTime TEXT, endTime TEXT, status TEXT,"
        " transcript_json TEXT)",
        rows=[(number, "1", f"2024-05-02 10:00:{number:02}", None, "Completed", "[]") for number in range(50)],
    )
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(prepare, [path] * 6, chunksize=1)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM logs").fetchone() == (50, 50)


async def test_a_writer_waits_for_another_process(tmp_path):
    path = tmp_path / "log_db.sqlite"
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO logs VALUES ('other', '', '', NULL, 'Active', '[]')")
            assert await calls.list_calls(CallFilter(), limit=10) == []
            waiting = asyncio.create_task(calls.start("mine", "1", 0.0))
            assert await calls.list_calls(CallFilter(), limit=10) == []
            assert not waiting.done()
            other.execute("COMMIT")
        await waiting
        assert {record.id for record in await calls.list_calls(CallFilter(), limit=10)} == {"mine", "other"}


def place(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "log.sqlite"
    match kind:
        case "text":
            path.write_text("это не база данных " * 100, encoding="utf-8")
        case "folder":
            path.mkdir()
        case "under a file":
            (tmp_path / "file").touch()
            path = tmp_path / "file" / "log.sqlite"
        case "read-only folder":
            path = Path("/proc/log.sqlite")
        case "newer":
            prepare(path)
            execute(path, "UPDATE alembic_version SET version_num = '9999'")
    return path


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("text", "это не база SQLite; уберите файл или укажите в DB_PATH другой"),
        ("folder", "база данных не открывается"),
        ("under a file", "проверьте DB_PATH"),
        ("read-only folder", "доступна для записи"),
        ("newer", "базу данных записал более новый VoxBot"),
    ],
)
async def test_a_database_that_cannot_be_used_is_explained_in_one_line(tmp_path, kind, fix):
    path = place(tmp_path, kind)
    with pytest.raises(StoreError, match=fix) as caught:
        await records(path)
    assert "\n" not in str(caught.value)
    assert str(path.parent) in str(caught.value)


async def test_a_failing_write_does_not_tell_what_the_caller_said(tmp_path):
    path = tmp_path / "log.sqlite"
    async with open_database(path) as database:
        execute(path, "DROP TABLE logs")
        with pytest.raises(StoreError) as caught:
            await CallLogRepository(database).start("c1", "+79161234567", 0.0)
    assert "79161234567" not in str(caught.value) + str(caught.value.__cause__)


def test_the_second_program_waits_for_the_first_ones_migration_and_names_nobody_to_stop(tmp_path):
    path = tmp_path / "log.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(_OLD_TABLE)
    with path.with_name(f".{path.name}.migrating").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with capture_logs() as told, ThreadPoolExecutor(1) as others:
            waiting = others.submit(prepare, path)
            while not told and not waiting.done():
                time.sleep(0.01)
            assert "жду" in told[0]["event"]
            fcntl.flock(lock, fcntl.LOCK_UN)
            waiting.result(timeout=30)


async def test_an_old_log_with_bytes_that_are_no_text_opens(tmp_path):
    path = tmp_path / "log.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_OLD_TABLE)
        connection.execute("INSERT INTO logs VALUES ('a', '+7', '2026-03-01', NULL, 'x', CAST(x'5bff' AS TEXT))")
    async with open_database(path) as database:
        assert [call.id for call in await CallLogRepository(database).list_calls(CallFilter(), 10)] == ["a"]


_DEEP = "[" * 200_000
_ODD_ROWS = [
    ("deep", "+7916", "2026-03-01T10:00:00", None, "Completed", _DEEP),
    ("half", "+7916", "2026-03-01T10:00:01", None, "Completed", '[{"text": ' + "[" * 400 + "]" * 400 + "}]"),
    ("bytes", b"+7916", b"2026-03-01T10:00:02", None, b"Completed", b'[{"speaker": "user", "text": "\xff"}]'),
    ("nan", "+7916", "2026-03-01T10:00:03", None, "Completed",
     '[{"speaker": "bot", "text": "x", "ms": {"asr": NaN, "llm": 1e999, "tts": true, "\\ud83d": 5}}]'),
    (b"blob", "+7916", "2026-03-01T10:00:04", None, "Completed", "[]"),
    ("good", "+7916", "2026-03-01T10:00:05", None, "Completed", '[{"speaker": "user", "text": "поверка"}]'),
]  # fmt: skip


@pytest.mark.parametrize("before", [True, False])
async def test_one_odd_call_stops_neither_the_migration_nor_the_search(tmp_path, before):
    path = tmp_path / "log.sqlite"
    if before:
        execute(path, _OLD_TABLE, rows=_ODD_ROWS)
    else:
        prepare(path)
        execute(path, rows=_ODD_ROWS)
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        assert await calls.follow_pending() == len(_ODD_ROWS)
        assert await calls.follow_pending() == 0
        found = await calls.list_calls(CallFilter(q="поверки"), limit=10)
        shown = {record.id: record for record in await calls.list_calls(CallFilter(), limit=10)}
    assert [record.id for record in found] == ["good"]
    assert list(shown) == ["good", "blob", "nan", "bytes", "half", "deep"]
    assert (shown["bytes"].caller_id, shown["deep"].transcript_json) == ("+7916", _DEEP)


_OLDER_BOTS = {
    "text ids": (
        _OLD_TABLE.replace("id TEXT,", "id TEXT PRIMARY KEY,"),
        [
            ("INSERT INTO logs (id, callerId, startTime, status) VALUES (?, ?, ?, ?)",
             ("177.1", None, "2026-03-01T12:00:00", "Active")),
            ("UPDATE logs SET endTime = ?, status = ?, transcript_json = ? WHERE id = ?",
             ("2026-03-01T12:01:00", "Completed", '[{"speaker": "user", "text": "поверка"}]', "177.1")),
            ("INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?, ?)", ("177.2", None, None, None, None, None)),
        ],
    ),
    "numbers": (
        _OLD_TABLE.replace("id TEXT,", "id INTEGER PRIMARY KEY AUTOINCREMENT,"),
        [
            ("INSERT INTO logs (callerId, startTime) VALUES (?, ?)", ("+7916", "2026-03-01 12:00:00.123")),
            ("UPDATE logs SET status = ?, transcript_json = ? WHERE id = last_insert_rowid()",
             ("Completed", '[{"speaker": "user", "text": "поверка"}]')),
            ("INSERT INTO logs (startTime) VALUES (?)", ("2026-03-01 11:00:00",)),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("bot", list(_OLDER_BOTS))
async def test_an_older_bot_that_is_put_back_goes_on_writing_its_log(tmp_path, bot):
    table, statements = _OLDER_BOTS[bot]
    path = tmp_path / "log.sqlite"
    execute(path, table)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO logs (id, startTime) VALUES (5, '2026-02-01T12:00:00')")
    prepare(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement, values in statements:
            connection.execute(statement, values)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        assert await calls.follow_pending() == 3
        rows = await calls.list_calls(CallFilter(), limit=10)
        found = await calls.list_calls(CallFilter(q="поверка"), limit=10)
        assert len(rows) == len({row.id for row in rows}) == 3
        assert [row.status for row in found] == ["Completed"]
        assert all(json.loads(row.transcript_json) is not None for row in rows)
        assert await calls.delete_all() == 3


async def test_a_log_of_the_revision_before_lets_an_older_bot_write_too(tmp_path):
    """Made as it was in the field: with NOT NULL, and triggers that copy what comes."""
    path = tmp_path / "log.sqlite"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        version = connection.execute("PRAGMA schema_version").fetchone()[0]
        connection.execute("PRAGMA writable_schema=ON")
        nowhere_null = "replace(replace(sql, 'TEXT,', 'TEXT NOT NULL,'), 'endTime\" TEXT NOT NULL', 'endTime\" TEXT')"
        connection.execute(f"UPDATE sqlite_master SET sql = {nowhere_null} WHERE name = 'logs'")
        connection.execute(f"PRAGMA schema_version={version + 1}")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    execute(path, "INSERT INTO logs VALUES ('a', '+7', '2026-03-01T12:00:00', '', 'Active', '[]')")
    with pytest.raises(sqlite3.IntegrityError):
        execute(path, "INSERT INTO logs (id) VALUES ('b')")
    prepare(path)
    execute(path, "INSERT INTO logs (id) VALUES ('b')")
    assert {row.id: row.transcript_json for row in await records(path)} == {"a": "[]", "b": "[]"}
