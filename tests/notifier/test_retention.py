"""Old calls go, with all that is stored about them; younger ones stay."""

from __future__ import annotations

import asyncio
import time

import pytest
from fakes.call_events import sample
from fakes.notifier import Notifier, running
from fakes.other_calls import other_call

from voxbot.notifier.retention import forget_old_calls
from voxbot.store.notifier_calls import add_call, add_numbers
from voxbot.store.notifier_details import history_of
from voxbot.store.notifier_events import NewEvent, add_event
from voxbot.store.notifier_facts import facts, put_fact

pytestmark = pytest.mark.enable_socket

DAY_S = 86_400
NOW = time.time()


async def known(database, unique_id):
    return await database.read(lambda tx: history_of(tx, unique_id, "0367")) is not None


async def test_what_was_known_of_forgotten_calls_goes_with_them(database):
    def learn(tx):
        for kind, key in (("customer", "375291"), ("recording", "1.1"), ("manager", "151"), ("line", "0001101")):
            put_fact(tx, "0367", kind, key, "Анна", NOW - 15 * DAY_S)
        put_fact(tx, "0367", "customer", "375292", "Вера", NOW - 15 * DAY_S)
        put_fact(tx, "0367", "recording", "1.2", "https://pbx.example/1.2", NOW - 13 * DAY_S)
        add_numbers(tx, "0367", ["375292"], add_call(tx, "0367", NOW), NOW)

    await database.write(learn)
    forgetting = asyncio.create_task(forget_old_calls(database, 14, lambda: NOW))
    keys = ["375291", "375292", "1.1", "1.2", "151", "0001101"]

    async def known_keys():
        found = await database.read(lambda tx: facts(tx, "0367", keys))
        return {key for values in found.values() for key in values}

    async with asyncio.timeout(5):
        while await known_keys() != {"375292", "1.2", "151", "0001101"}:
            await asyncio.sleep(0.02)
    forgetting.cancel()


async def test_calls_are_forgotten_after_their_days(database, telegram):
    notifier = Notifier(database, telegram)
    old, young = sample("02-incoming-missed"), [other_call(post, 1) for post in sample("02-incoming-missed")]
    for posts, age_days in ((old, 14.1), (young, 13.9)):
        for at_s, path, body in posts:
            await notifier.post(path, body, NOW - age_days * DAY_S + at_s)
    stray = NewEvent(
        enterprise="unknown", token="0", path="start", unique_id="1.2", received_at=1.0, body="{}", digest="x"
    )
    await database.write(lambda tx: add_event(tx, stray))
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    assert await known(database, old[0][2]["UniqueId"])

    forgetting = asyncio.create_task(forget_old_calls(database, 14, lambda: NOW))
    async with asyncio.timeout(10):
        while await known(database, old[0][2]["UniqueId"]):
            await asyncio.sleep(0.02)
    forgetting.cancel()
    assert await known(database, young[0][2]["UniqueId"])
    assert await database.write(lambda tx: add_event(tx, stray)) is not None
