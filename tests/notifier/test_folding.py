"""Events in, messages out: whatever order events come in, each chat ends with the messages its calls deserve."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from fakes.call_events import folded, sample, sample_names, stored
from fakes.call_stories import names, told
from fakes.notifier import Notifier, running, subscribe
from fakes.other_calls import other_call

from voxbot.notifier.calls import CallRules
from voxbot.notifier.messages import Names, Texts
from voxbot.store.notifier_calls import call_of_channel
from voxbot.store.notifier_facts import put_fact
from voxbot.store.notifier_operations import operations_of

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
CHATS = (100001, 100002)


@pytest.fixture
async def notifier(database, telegram):
    await database.write(subscribe(BOT_TOKEN, *CHATS))
    return Notifier(database, telegram)


async def post_all(notifier, posts):
    begin = time.time() - posts[-1][0]
    for at_s, path, body in posts:
        await notifier.post(path, body, begin + at_s)


def deserved(posts):
    """What the pure side makes of these posts, when they arrive just now."""
    begin = time.time() - posts[-1][0]
    events = [replace(event, at=begin + at_s) for event, (at_s, _, _) in zip(stored(posts), posts, strict=True)]
    views = folded(events, now=time.time())
    return sorted(Texts().render(view, Names(), enterprise="0367").text for view in views)


@pytest.mark.parametrize("name", sample_names())
async def test_a_sample_call_ends_in_one_message_in_each_chat(notifier, telegram, name):
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample(name))
        await notifier.until_done()
    for chat in CHATS:
        assert telegram.shown(chat) == deserved(sample(name))
        assert len(telegram.shown(chat)) == 1
    assert max(telegram.most_shown.values()) <= 2


@pytest.mark.parametrize("name", names())
async def test_a_story_ends_in_the_messages_that_its_calls_deserve(notifier, telegram, name):
    posts, remains = told(name)
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, posts)
        await notifier.until_done()
    for chat in CHATS:
        assert sorted(telegram.shown(chat)) == deserved(posts)
        assert len(telegram.shown(chat)) == len(remains)


@pytest.mark.parametrize("name", sample_names())
@pytest.mark.parametrize("seed", range(3))
async def test_shuffled_within_five_seconds_and_doubled_it_ends_alike(notifier, telegram, name, seed):
    posts = sample(name)
    chance = random.Random(seed)
    late = sorted(
        ((at_s + chance.uniform(0, 5), path, body) for at_s, path, body in posts * 2), key=lambda post: post[0]
    )
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, late)
        await notifier.until_done()
    for chat in CHATS:
        assert telegram.shown(chat) == deserved(posts)


@pytest.mark.parametrize("name", sample_names())
async def test_with_any_one_event_lost_one_message_remains(notifier, telegram, name):
    """All the variants at once, each a call of its own: ids and customers are made different."""
    posts = sample(name)
    expected = []
    async with running(notifier.folder, notifier.delivery):
        for lost in range(len(posts)):
            rest = [other_call(post, lost) for number, post in enumerate(posts) if number != lost]
            expected += deserved(rest)
            await post_all(notifier, rest)
        await notifier.until_done(30)
    for chat in CHATS:
        assert sorted(telegram.shown(chat)) == sorted(expected)


async def test_names_and_recordings_edit_the_message_and_nothing_else(notifier, telegram, database):
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("01-incoming-answered"))
        await notifier.until_done()
        sent = len(telegram.made("sendMessage"))
        now = time.time()
        for kind, key, value in [
            ("customer", "375290001001", "Петров <Иван>"),
            ("manager", "151", "Иванова Анна"),
            ("recording", "1794809577.39", "https://example.org/rec?a=1&b=2"),
        ]:
            await database.write(lambda tx, fact=(kind, key, value): put_fact(tx, "0367", *fact, now))
        await telegram.until(lambda: all("Запись" in text for chat in CHATS for text in telegram.shown(chat)))
        await notifier.until_done()
    assert len(telegram.made("sendMessage")) == sent
    for chat in CHATS:
        (text,) = telegram.shown(chat)
        assert "(Петров &lt;Иван&gt;)" in text
        assert "Иванова Анна (151)" in text
        assert "https://example.org/rec?a=1&amp;b=2" in text


async def test_a_call_without_hangup_is_closed_by_time(database, telegram):
    await database.write(subscribe(BOT_TOKEN, *CHATS))
    rules = CallRules(ring_timeout_s=0.5, talk_timeout_s=0.5, left_timeout_s=0.5)
    notifier = Notifier(database, telegram, rules=rules)
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("02-incoming-missed")[:-1])
        await telegram.until(lambda: all("Мы не подняли" in "".join(telegram.shown(chat)) for chat in CHATS))
        await notifier.until_done()
        assert all(len(telegram.shown(chat)) == 1 for chat in CHATS)


async def test_who_joins_after_a_call_hears_nothing_of_it(notifier, telegram, database):
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("02-incoming-missed"))
        await notifier.until_done()
        await database.write(subscribe(BOT_TOKEN, 100003))
        await database.write(lambda tx: put_fact(tx, "0367", "customer", "375290001002", "Петров", time.time()))
        await telegram.until(lambda: all("Петров" in "".join(telegram.shown(chat)) for chat in CHATS))
        await notifier.until_done()
    assert telegram.shown(100003) == []


async def test_the_superuser_gets_every_call_once(database, telegram):
    await database.write(subscribe(BOT_TOKEN, *CHATS))
    notifier = Notifier(database, telegram, superuser_id=CHATS[0])
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("02-incoming-missed"))
        await notifier.until_done()
    assert [len(telegram.shown(chat)) for chat in CHATS] == [1, 1]
    notifier = Notifier(database, telegram, superuser_id=7)
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("04-outgoing-not-answered"))
        await notifier.until_done()
    assert len(telegram.shown(7)) == 1


async def test_what_was_stored_before_a_start_is_folded(notifier, telegram):
    await post_all(notifier, sample("01-incoming-answered"))
    for worker in notifier.folder._workers.values():
        worker.cancel()
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    assert telegram.shown(CHATS[0]) == deserved(sample("01-incoming-answered"))


async def test_an_event_that_cannot_be_folded_stops_no_other(notifier, telegram, database):
    class Broken(Texts):
        def render(self, view, *args, **kwargs):
            if view.customer == "375290001004":
                raise RuntimeError("broken on purpose")
            return super().render(view, *args, **kwargs)

    notifier.folder._gathering._texts = Broken()
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("04-outgoing-not-answered"))
        await post_all(notifier, sample("02-incoming-missed"))
        await notifier.until_done()
    assert telegram.shown(CHATS[0]) == deserved(sample("02-incoming-missed"))


async def test_a_due_call_that_cannot_be_shown_stops_no_other(database, telegram):
    """The second folder is that of a notifier started again on what the first one left."""

    class Broken(Texts):
        def render(self, view, *args, **kwargs):
            if view.presumed and view.customer == "375290001004":
                raise RuntimeError("broken on purpose")
            return super().render(view, *args, **kwargs)

    await database.write(subscribe(BOT_TOKEN, *CHATS))
    rules = CallRules(ring_timeout_s=0.5)
    for sample_name in ("02-incoming-missed", "01-incoming-answered"):
        notifier = Notifier(database, telegram, rules=rules)
        notifier.folder._gathering._texts = Broken()
        async with running(notifier.folder, notifier.delivery):
            await post_all(notifier, sample("04-outgoing-not-answered")[:-1])
            await post_all(notifier, sample(sample_name)[:2])
            await telegram.until(lambda: len(telegram.shown(CHATS[0])) > 0)
            await telegram.until(lambda: "Мы не подняли" in telegram.shown(CHATS[0])[-1])
            await notifier.until_done()


async def test_every_id_of_a_call_leads_to_its_operations(notifier, telegram, database):
    async with running(notifier.folder, notifier.delivery):
        await post_all(notifier, sample("07-group-plus-mobile"))
        await notifier.until_done()
    for unique_id in ("1794828381.186", "1794828381.190"):
        (call,) = await database.read(lambda tx, uid=unique_id: call_of_channel(tx, uid))
        recorded = await database.read(lambda tx, found=call.id: operations_of(tx, [found]))
        assert {done.chat_id for done in recorded} == set(CHATS)
