"""Several notifiers on one PostgreSQL: they share the work and keep the order of each chat."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from fakes.call_events import sample
from fakes.notifier import subscribe, until_delivered
from fakes.notifier_unit import HostQueue, NotifierUnit
from fakes.other_calls import other_call
from fakes.postgres_server import PostgresServer

from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_registry import Enterprise, put_enterprise

PROCESSES = 3
ENTERPRISES = 4
CALLS_EACH = 6
CHATS = (1, 2, 3)
SAMPLES = ("01-incoming-answered", "07-group-plus-mobile", "06-blind-transfer")


@pytest.fixture
def postgres():
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


def enterprise(number):
    bot_token = f"{2000000 + number}:AAAAAAAAAAAAAAAAAAAAAAAAA"
    return Enterprise(number=f"{number:04}", token=f"3752900099{number:02}", bot_token=bot_token)


async def register(database):
    for number in range(ENTERPRISES):
        owner = enterprise(number)
        await database.write(lambda tx, new=owner: put_enterprise(tx, new))
        await database.write(subscribe(owner.bot_token, *CHATS))


def posts_of(number, chance):
    events = []
    for call in range(CALLS_EACH):
        begin_s = chance.uniform(0, 10)
        for post in sample(SAMPLES[call % len(SAMPLES)]):
            at_s, path, body = other_call(post, call, enterprise(number).token)
            events.append((begin_s + at_s / 4, path, body))
    return [(path, body) for _, path, body in sorted(events, key=lambda event: event[0])]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_three_processes_share_the_work_and_keep_the_order(tmp_path, telegram, postgres):
    chance = random.Random(3)
    telegram.latency_s = 0.03
    units = []
    for number in range(PROCESSES):
        folder = tmp_path / str(number)
        folder.mkdir()
        units.append(NotifierUnit(folder, telegram, DATABASE_URL=postgres.url))
    async with open_notifier_database(postgres.url) as database:
        await register(database)
        await asyncio.gather(*(unit.start() for unit in units))
        try:
            # Every event of a host comes to another process than the one before.
            queues = [HostQueue(posts_of(number, chance)) for number in range(ENTERPRISES)]
            await asyncio.gather(*(queue.run(lambda: chance.choice(units).url, gap_s=0.02) for queue in queues))
            await until_delivered(database, 120)
        finally:
            await asyncio.gather(*(unit.kill() for unit in units))
    for number in range(ENTERPRISES):
        for chat in CHATS:
            shown = telegram.shown(chat, enterprise(number).bot)
            assert len(shown) == CALLS_EACH
            assert all(text.startswith("✅") for text in shown)
    assert_one_request_at_a_time(telegram)
    assert len({request.peer for request in telegram.requests}) >= PROCESSES


def assert_one_request_at_a_time(telegram):
    """No chat got a request before the one before it was answered, nor an older stage after a newer one."""
    by_chat = {}
    for request in telegram.requests:
        by_chat.setdefault((request.bot, request.chat_id), []).append(request)
    for requests in by_chat.values():
        for before, after in pairwise(requests):
            assert after.at >= before.at + telegram.latency_s
