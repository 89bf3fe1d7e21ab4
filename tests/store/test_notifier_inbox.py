"""Accepted events: on disk at once, whatever else is being written, and moved once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from voxbot.domain.errors import StoreBusyError, StoreError
from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_events import NewEvent, unfolded_events
from voxbot.store.notifier_inbox import Inbox


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifier.sqlite"


@pytest.fixture
def inbox_path(tmp_path):
    return tmp_path / "notifier_inbox.sqlite"


def event(digest="d1", enterprise="0367"):
    return NewEvent(
        enterprise=enterprise, token="t", path="dial", unique_id="1.1", received_at=5.0, body="{}", digest=digest
    )


async def folded_next(database, enterprise="0367"):
    found = await database.read(lambda tx: unfolded_events(tx, enterprise, 100))
    return [stored.id for stored in found]


async def test_what_accept_returned_is_on_disk_though_the_tables_are_locked(path, inbox_path):
    async with open_notifier_database(path) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await database.accept([event("a"), event("b"), event("a")]) == [True, True, False]
            with closing(sqlite3.connect(inbox_path)) as reader:
                assert reader.execute("SELECT digest FROM inbox ORDER BY id").fetchall() == [("a",), ("b",)]
            other.execute("ROLLBACK")


async def test_a_host_hears_in_time_that_its_event_could_not_be_stored(path, inbox_path):
    async with open_notifier_database(path) as database:
        await database.accept([event("a")])
        with closing(sqlite3.connect(inbox_path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(3):
                with pytest.raises(StoreBusyError):
                    await database.accept([event("b")])
            other.execute("ROLLBACK")
        assert await database.accept([event("b")]) == [True]


async def test_accepted_events_are_moved_once_and_in_order(path):
    async with open_notifier_database(path) as database:
        await database.accept([event("a"), event("b", "0400"), event("c")])
        assert await database.waiting() == (3, 5.0)
        assert await database.move() == {"0367", "0400"}
        assert await database.move() == set()
        assert await database.waiting() == (0, None)
        first = await folded_next(database)
        await database.accept([event("d")])
        assert await database.move() == {"0367"}
        assert (await folded_next(database))[: len(first)] == first
        assert len(await folded_next(database)) == 3


async def test_what_was_accepted_before_a_crash_is_moved_after_it(path):
    async with open_notifier_database(path) as database:
        await database.accept([event("a")])
    async with open_notifier_database(path) as database:
        assert await database.move() == {"0367"}
        assert len(await folded_next(database)) == 1


async def test_events_are_moved_though_the_file_was_lost(path, inbox_path):
    async with open_notifier_database(path) as database:
        await database.accept([event("a")])
        await database.move()
    for file in inbox_path.parent.glob("notifier_inbox*"):
        file.unlink()
    async with open_notifier_database(path) as database:
        await database.accept([event("a"), event("b")])
        await database.move()
        assert len(await folded_next(database)) == 2  # the repetition is known by what was moved


def test_moved_events_are_forgotten_after_a_while_and_waiting_ones_never(inbox_path):
    now = 1_000_000.0
    inbox = Inbox(inbox_path, lambda: now)
    inbox.add([event(str(number)) for number in range(4)])
    [_, (moved, _), *_] = inbox.after(0, 10)
    inbox.moved_id = moved
    inbox.add([event("soon")])
    assert inbox.waiting(0)[0] == 5
    now += 3600
    inbox.add([event("later")])
    assert [found.digest for _, found in inbox.after(0, 10)] == ["2", "3", "soon", "later"]
    inbox.close()


def test_a_clock_set_back_keeps_the_order(inbox_path):
    now = 1_000_000.0
    inbox = Inbox(inbox_path, lambda: now)
    inbox.add([event("a")])
    now -= 3600
    inbox.add([event("b")])
    assert [found.digest for _, found in inbox.after(0, 10)] == ["a", "b"]
    inbox.close()


async def test_a_damaged_file_is_explained(path, inbox_path):
    inbox_path.write_bytes(b"no database at all" * 100)
    async with open_notifier_database(path) as database:
        with pytest.raises(StoreError, match=r"notifier_inbox\.sqlite: это не база SQLite"):
            await database.accept([event("a")])
