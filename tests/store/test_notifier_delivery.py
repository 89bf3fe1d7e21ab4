"""Leases and intents: who may send to a chat, and what becomes of a request that nobody saw the end of."""

from __future__ import annotations

from itertools import pairwise

import pytest

from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_delivery import LEASE_S, next_step, release, take_chats
from voxbot.store.notifier_limits import Limits
from voxbot.store.notifier_messages import Chat, Wish, merge_messages, put_wish
from voxbot.store.notifier_operations import Outcome
from voxbot.store.notifier_results import finish

CHAT = Chat("1", 100)
LIMITS = Limits(bot_per_s=1000, bot_burst=100, chat_gap_s=0)


T0 = 1000.0


class Store:
    """The functions of the store, each in a transaction of its own. Times are seconds from T0."""

    def __init__(self, database):
        self._database = database

    async def wish(self, call_id, text, now, moment=None):
        wish = Wish(stage=moment or text, moment=moment or text, text=text)
        await self._database.write(
            lambda tx: put_wish(tx, call_id, "0367", wish, [CHAT], now=T0 + now, event_at=T0 + now)
        )

    async def take(self, owner, now):
        return await self._database.write(lambda tx: take_chats(tx, owner, T0 + now, 10))

    async def step(self, owner, now):
        return await self._database.write(lambda tx: next_step(tx, CHAT, owner, T0 + now, LIMITS))

    async def sent(self, operation, message_id, owner, now):
        outcome = Outcome(kind="done", message_id=message_id)
        await self._database.write(lambda tx: finish(tx, operation, outcome, owner, T0 + now))

    async def done(self, operation, owner, now, kind="done", **more):
        await self._database.write(lambda tx: finish(tx, operation, Outcome(kind=kind, **more), owner, T0 + now))

    async def release(self, owner):
        await self._database.write(lambda tx: release(tx, CHAT, owner))

    async def merge(self, survivor, other, now):
        await self._database.write(lambda tx: merge_messages(tx, survivor, [other], T0 + now))


@pytest.fixture
async def store(tmp_path):
    async with open_notifier_database(tmp_path / "notifier.sqlite") as database:
        yield Store(database)


async def test_a_chat_has_one_owner_until_his_lease_runs_out(store):
    await store.wish(1, "dial", 0)
    assert await store.take("a", 0) == [CHAT]
    assert await store.take("b", LEASE_S - 1) == []
    assert await store.take("b", LEASE_S + 1) == [CHAT]
    assert await store.step("a", LEASE_S + 1) is None


async def test_a_send_whose_end_nobody_saw_is_repeated_and_its_twin_looked_for(store):
    await store.wish(1, "dial", 0)
    await store.take("a", 0)
    first = await store.step("a", 0)
    await store.sent(first, 10, "a", 1)
    await store.wish(2, "hangup", 2)
    lost = await store.step("a", 2)
    assert (lost.action, lost.text) == ("send", "hangup")

    await store.take("b", LEASE_S + 5)
    again = await store.step("b", LEASE_S + 5)
    assert (again.action, again.text) == ("send", "hangup")
    await store.sent(again, 13, "b", LEASE_S + 6)
    probes = []
    while (step := await store.step("b", LEASE_S + 7)) is not None:
        probes.append((step.action, step.message_id))
        await store.done(step, "b", LEASE_S + 7, kind="done" if step.message_id == 12 else "gone")
    assert probes == [("probe", 11), ("probe", 12), ("delete", 12)]


async def test_who_lost_his_lease_while_he_sent_has_his_message_deleted(store):
    await store.wish(1, "dial", 0)
    await store.take("a", 0)
    slow = await store.step("a", 0)
    await store.take("b", LEASE_S + 1)
    quick = await store.step("b", LEASE_S + 1)
    await store.sent(slow, 10, "a", LEASE_S + 2)
    await store.sent(quick, 11, "b", LEASE_S + 2)
    step = await store.step("b", LEASE_S + 3)
    assert (step.action, step.message_id) == ("delete", 10)


async def test_a_wish_that_changes_while_it_is_sent_is_sent_again(store):
    await store.wish(1, "dial", 0)
    await store.take("a", 0)
    sending = await store.step("a", 0)
    await store.wish(1, "hangup", 0.5)
    await store.sent(sending, 10, "a", 1)
    newer = await store.step("a", 1)
    assert (newer.action, newer.text) == ("send", "hangup")
    await store.sent(newer, 11, "a", 2)
    step = await store.step("a", 2)
    assert (step.action, step.message_id, step.stage) == ("delete", 10, "dial")


async def test_two_calls_that_turn_out_to_be_one_keep_one_message(store):
    for call_id, message_id in ((1, 10), (2, 11)):
        await store.wish(call_id, "dial", call_id)
        await store.take("a", call_id)
        await store.sent(await store.step("a", call_id), message_id, "a", call_id)
        await store.release("a")
    await store.merge(1, 2, 3)
    await store.wish(1, "bridge", 3)
    await store.take("a", 3)
    done = []
    next_id = 12
    while (step := await store.step("a", 4)) is not None:
        done.append((step.action, step.message_id))
        if step.action == "send":
            await store.sent(step, next_id, "a", 4)
        else:
            await store.done(step, "a", 4)
    assert sorted(done, key=str) == [("delete", 10), ("delete", 11), ("send", None)]


async def test_calls_that_are_merged_while_one_is_sent_keep_one_message(store):
    await store.wish(1, "dial", 0)
    await store.wish(2, "dial", 0.1)
    await store.take("a", 1)
    await store.sent(await store.step("a", 1), 10, "a", 1)
    sending = await store.step("a", 1)
    await store.merge(1, 2, 1.5)
    await store.sent(sending, 11, "a", 2)
    step = await store.step("a", 2)
    assert (step.action, step.message_id) == ("delete", 11)


async def test_chats_wait_longer_after_each_failure(store):
    await store.wish(1, "dial", 0)
    waits = []
    now = 0.0
    for _ in range(8):
        while not await store.take("a", now):
            now += 0.5
        waits.append(now)
        await store.done(await store.step("a", now), "a", now, kind="retry", reason="refused")
        assert await store.step("a", now) is None
    pauses = [after - before for before, after in pairwise(waits)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60]
