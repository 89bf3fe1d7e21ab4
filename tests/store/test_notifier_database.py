"""The notifier's database: made, found and shared; what is written is written whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fakes.postgres_server import PostgresServer
from sqlalchemy import create_engine

from voxbot.domain.errors import ConfigError, StoreBusyError, StoreError
from voxbot.store import notifier_migrations
from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_events import NewEvent, add_event, prune, unfolded_events
from voxbot.store.notifier_models import NotifierBase
from voxbot.store.notifier_registry import (
    Enterprise,
    Subscriber,
    add_subscriber,
    enterprise_by_token,
    list_enterprises,
    list_subscribers,
    put_enterprise,
    remove_enterprise,
)

BOT_TOKEN = "1:secret"
ENTERPRISE = Enterprise(number="0367", token="375290000001", bot_token=BOT_TOKEN, name="Ромашка")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "db" / "notifier.sqlite"


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


def event(digest="d1", **more):
    fields = {"enterprise": "0367", "token": "t", "path": "dial", "unique_id": "1.1", "received_at": 5.0, "body": "{}"}
    return NewEvent(**fields, digest=digest, **more)


def differences(url):
    options = {"version_table": notifier_migrations.VERSION_TABLE}
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), NotifierBase.metadata)
    engine.dispose()
    return found


async def test_migrations_give_exactly_the_models_in_a_file(path):
    async with open_notifier_database(path):
        pass
    assert differences(f"sqlite:///{path}") == []


async def test_migrations_give_exactly_the_models_on_a_server(postgres):
    await asyncio.gather(*(open_and_close(postgres.url) for _ in range(3)))
    assert differences(postgres.url.replace("postgresql", "postgresql+psycopg")) == []


async def open_and_close(location):
    async with open_notifier_database(location) as database:
        await database.ping()


def test_the_head_that_spares_loading_alembic_is_the_real_one():
    scripts = ScriptDirectory(Path(notifier_migrations.__file__).parent)
    assert scripts.get_current_head() == notifier_migrations.HEAD


async def test_tables_of_the_operator_keep_their_rows(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE enterprises (number TEXT, name TEXT, name2 TEXT, secret TEXT, bot_token TEXT)")
        connection.execute("INSERT INTO enterprises VALUES ('0001', 'Василёк', '375290000009', 's', '9:x')")
        connection.execute("CREATE TABLE telegram_users (tg_id BIGINT, bot_token TEXT)")
        connection.execute("INSERT INTO telegram_users VALUES (77, '9:x')")
    async with open_notifier_database(path) as database:
        found = await database.read(lambda tx: enterprise_by_token(tx, "375290000009"))
        (subscriber,) = await database.read(lambda tx: list_subscribers(tx, "9:x"))
    assert (found.number, found.name, found.bot_token) == ("0001", "Василёк", "9:x")
    assert subscriber.tg_id == 77


async def test_an_event_is_stored_once(path):
    async with open_notifier_database(path) as database:
        added = await asyncio.gather(*(database.write(lambda tx: add_event(tx, event())) for _ in range(20)))
        stored = await database.read(lambda tx: unfolded_events(tx, "0367", 10))
    assert sorted(added, key=bool) == [*[None] * 19, stored[0].id]


async def test_what_write_returned_is_on_disk(path):
    async with open_notifier_database(path) as database:
        await database.write(lambda tx: add_event(tx, event()))
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT COUNT(*) FROM notifier_events").fetchone() == (1,)


async def test_work_that_fails_is_undone_alone(path):
    def failing(tx):
        add_event(tx, event("lost"))
        raise ValueError("on purpose")

    async with open_notifier_database(path) as database:
        works = [database.write(lambda tx, name=name: add_event(tx, event(name))) for name in ("a", "b")]
        results = await asyncio.gather(works[0], database.write(failing), works[1], return_exceptions=True)
        stored = await database.read(lambda tx: unfolded_events(tx, "0367", 10))
    assert isinstance(results[1], ValueError)
    assert [event.id for event in stored] == [results[0], results[2]]


async def test_a_commit_that_fails_is_told_to_all_who_waited_for_it(path):
    async with open_notifier_database(path) as database:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DROP TABLE notifier_events")
        results = await asyncio.gather(
            *(database.write(lambda tx: add_event(tx, event())) for _ in range(3)), return_exceptions=True
        )
    assert all(isinstance(result, StoreError) for result in results)
    assert "375" not in str(results[0])


@pytest.mark.parametrize("location", ["mysql://host/db", "какая-то строка", "sqlite:///x"])
async def test_an_address_that_is_none_is_explained(location):
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        await open_and_close(location)


async def test_a_server_that_does_not_answer_is_explained_without_its_password():
    with pytest.raises(StoreBusyError, match="проверьте DATABASE_URL") as caught:
        await open_and_close("postgresql://user:geheim@127.0.0.1:1/db")
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_new_bot_token_keeps_the_subscribers(path):
    async with open_notifier_database(path) as database:
        assert await database.write(lambda tx: put_enterprise(tx, ENTERPRISE))
        await database.write(lambda tx: add_subscriber(tx, BOT_TOKEN, Subscriber(tg_id=7, name="Анна")))
        moved = Enterprise(number="0367", token="375290000001", bot_token="2:other")
        assert not await database.write(lambda tx: put_enterprise(tx, moved))
        assert [found.tg_id for found in await database.read(lambda tx: list_subscribers(tx, "2:other"))] == [7]
        assert await database.read(lambda tx: list_subscribers(tx, BOT_TOKEN)) == []
        assert await database.write(lambda tx: remove_enterprise(tx, "0367"))
        assert await database.read(list_enterprises) == []
        assert await database.read(lambda tx: list_subscribers(tx, "2:other")) == []


def test_a_bot_token_is_not_shown():
    assert "secret" not in repr(ENTERPRISE)


async def test_old_events_are_forgotten_and_young_ones_kept(path):
    async with open_notifier_database(path) as database:
        await database.write(lambda tx: add_event(tx, event("old")))
        strange = NewEvent(
            enterprise="unknown", token="?", path="dial", unique_id="1", received_at=1.0, body="{}", digest="x"
        )
        await database.write(lambda tx: add_event(tx, strange))
        assert await database.write(lambda tx: prune(tx, before=3.0)) == 1
        assert len(await database.read(lambda tx: unfolded_events(tx, "0367", 10))) == 1
