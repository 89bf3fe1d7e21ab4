"""`kill -9` at any moment: nothing is lost, what was in flight is repeated and its twin cleaned up."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter

import pytest
from fakes.call_events import sample
from fakes.notifier import subscribe, until_delivered
from fakes.notifier_unit import HostQueue, NotifierUnit
from fakes.other_calls import other_call

from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_registry import Enterprise, put_enterprise

ENTERPRISES = 10
CALLS_EACH = 20
KILLS = 20
CHATS = (1, 2, 3)
SAMPLES = ("01-incoming-answered", "02-incoming-missed", "04-outgoing-not-answered", "07-group-plus-mobile")
_CUSTOMER = re.compile(r"💰([^\n]*)")
_FINAL = ("✅", "❌")


def enterprise(number):
    bot_token = f"{2000000 + number}:AAAAAAAAAAAAAAAAAAAAAAAAA"
    return Enterprise(number=f"{number:04}", token=f"3752900099{number:02}", bot_token=bot_token)


def chat_ids(number):
    return [300000 + 10 * number + chat for chat in CHATS]


def posts_of(number, chance):
    """The events of an enterprise's calls, several calls at a time."""
    events = []
    for call in range(CALLS_EACH):
        begin_s = call * 4 + chance.uniform(0, 4)
        for post in sample(SAMPLES[call % len(SAMPLES)]):
            at_s, path, body = other_call(post, call, enterprise(number).token)
            events.append((begin_s + at_s / 4, path, body))
    return [(path, body) for _, path, body in sorted(events, key=lambda event: event[0])]


async def register(path):
    async with open_notifier_database(path) as database:
        for number in range(ENTERPRISES):
            owner = enterprise(number)
            await database.write(lambda tx, new=owner: put_enterprise(tx, new))
            await database.write(subscribe(owner.bot_token, *chat_ids(number)))


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_two_hundred_calls_survive_twenty_kills(tmp_path, telegram):
    chance = random.Random(7)
    telegram.latency_s = 0.05
    unit = NotifierUnit(tmp_path, telegram)
    await register(unit.database_path)
    queues = [HostQueue(posts_of(number, chance)) for number in range(ENTERPRISES)]
    await unit.start()
    posting = [asyncio.create_task(queue.run(lambda: unit.url, gap_s=0.25)) for queue in queues]
    try:
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 3.0))
            await unit.kill()
            await unit.start()
        await asyncio.gather(*posting)
        async with open_notifier_database(unit.database_path) as database:
            await until_delivered(database, 300)
    finally:
        for task in posting:
            task.cancel()
        await unit.kill()
    check(telegram)


def check(telegram):
    doubled = 0
    for number in range(ENTERPRISES):
        bot = enterprise(number).bot
        for chat in chat_ids(number):
            texts = telegram.shown(chat, bot)
            assert [text for text in texts if not text.startswith(_FINAL)] == []
            calls = Counter(_CUSTOMER.search(text)[1] for text in texts)
            assert len(calls) == CALLS_EACH
            doubled += sum(calls.values()) - CALLS_EACH
    assert doubled <= KILLS
