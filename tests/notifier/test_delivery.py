"""Delivery: what each chat shows in the end, whatever Telegram answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from fakes.notifier import Wishes, running, until_delivered
from fakes.telegram_server import Fault

from voxbot.store.notifier_limits import Limits
from voxbot.store.notifier_operations import operations_of
from voxbot.store.notifier_registry import Enterprise, Subscriber, add_subscriber, list_subscribers, put_enterprise

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
ENTERPRISE = Enterprise(number="0367", token="375290000001", bot_token=BOT_TOKEN)
CHAT, OTHER = 100001, 100002


async def test_a_new_moment_is_a_new_message_and_the_old_one_goes_after_it(wishes, telegram):
    async with running(wishes.delivery):
        for stage in ("start", "dial", "bridge", "hangup"):
            await wishes.wish(1, stage, stage)
            await wishes.until_shown(stage)
    assert len(telegram.made("sendMessage")) == 4
    assert telegram.made("editMessageText") == []
    assert max(telegram.most_shown.values()) == 2


async def test_the_same_moment_with_another_text_is_edited(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "без имени")
        await wishes.until_shown("без имени")
        await wishes.wish(1, "hangup", "с именем")
        await wishes.until_shown("с именем")
    assert len(telegram.made("sendMessage")) == 1


async def test_what_telegram_missed_is_never_sent(wishes, telegram):
    for stage in ("start", "dial", "bridge", "hangup"):
        await wishes.wish(1, stage, stage)
    async with running(wishes.delivery):
        await wishes.until_shown("hangup")
        await wishes.until_done()
    assert len(telegram.requests) == 1


async def test_a_call_that_turns_out_to_be_a_leg_takes_its_message_back(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит мобильный")
        await wishes.until_shown("звонит мобильный")
        await wishes.wish(1, "", None)
        await wishes.until_shown()


async def test_a_slow_chat_delays_no_other_one(wishes, telegram):
    telegram.fail(Fault(hang=True), chat_id=CHAT)
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонок", chats=(CHAT, OTHER))
        await wishes.until_shown("звонок", chat_id=OTHER, timeout_s=5)
        assert telegram.shown(CHAT) == []
        telegram.close_hanging()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=429, description="Too Many Requests: retry after 1", retry_after=1), "flood"),
        (Fault(status=500, description="Internal Server Error"), "uncertain"),
        (Fault(status=502, description="Bad Gateway"), "uncertain"),
        (Fault(reset=True), "uncertain"),
    ],
)
async def test_a_passing_failure_is_repeated(wishes, telegram, fault, kind):
    telegram.fail(fault, method="sendMessage")
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")
        await wishes.until_done()
    assert wishes.results("send") == [("send", kind), ("send", "done")]
    first, second = telegram.made("sendMessage")
    assert second.at - first.at >= 0.95


async def test_while_a_failed_request_waits_the_newer_stage_takes_its_place(wishes, telegram):
    telegram.fail(Fault(status=500), method="sendMessage")
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await telegram.until(lambda: telegram.requests)
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")
    assert [request.fields["text"] for request in telegram.made("sendMessage")] == ["звонит", "итог"]


@pytest.mark.parametrize("fault", [Fault(reset=True, does=True), Fault(status=504, does=True)])
async def test_a_message_that_was_sent_though_nobody_said_so_is_found_and_deleted(wishes, telegram, fault):
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "прежний звонок", chats=(CHAT, OTHER))
        await wishes.until_done()
        telegram.fail(fault, method="sendMessage", chat_id=CHAT)
        await wishes.wish(2, "hangup", "итог", chats=(CHAT, OTHER))
        await telegram.until(lambda: telegram.shown(CHAT) == ["прежний звонок", "итог"])
        telegram.user_writes(CHAT, "спасибо")
        await telegram.until(lambda: len(telegram.made("sendMessage", CHAT)) == 3)
        await wishes.until_done()
    assert telegram.shown(CHAT) == ["прежний звонок", "итог"]
    assert telegram.shown(OTHER) == ["прежний звонок", "итог"]


async def test_a_twin_is_found_in_a_supergroup_that_counts_for_itself(wishes, telegram):
    group = -1001234567890
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", chats=(CHAT,))
        await wishes.wish(2, "hangup", "прежний", chats=(group,))
        await wishes.until_done()
        telegram.fail(Fault(reset=True, does=True), method="sendMessage", chat_id=group)
        await wishes.wish(3, "hangup", "итог", chats=(group,))
        await telegram.until(lambda: len(telegram.made("sendMessage", group)) == 3)
        await wishes.until_done()
    assert telegram.shown(group) == ["прежний", "итог"]


async def test_a_chat_that_blocked_the_bot_is_left_alone_until_a_later_call(wishes, telegram, database):
    await database.write(lambda tx: add_subscriber(tx, BOT_TOKEN, Subscriber(tg_id=CHAT)))
    telegram.blocked.add(("1000001", CHAT))
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", chats=(CHAT, OTHER))
        await wishes.until_shown("звонит", chat_id=OTHER)
        await wishes.wish(1, "hangup", "итог", chats=(CHAT, OTHER))
        await wishes.until_shown("итог", chat_id=OTHER)
        await wishes.until_done()
        assert len(telegram.made("sendMessage", CHAT)) == 1
        (subscriber,) = await database.read(lambda tx: list_subscribers(tx, BOT_TOKEN))
        assert subscriber.blocked_at
        telegram.blocked.clear()
        await wishes.wish(2, "dial", "снова", chats=(CHAT,))
        await wishes.until_shown("снова")
        await wishes.until_done()
        (subscriber,) = await database.read(lambda tx: list_subscribers(tx, BOT_TOKEN))
    assert subscriber.blocked_at is None


async def test_a_text_that_telegram_cannot_parse_is_sent_without_its_tags(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "<unknown> &lt;<b>итог</b>")
        await wishes.until_shown("<итог")
        await wishes.until_done()
    assert wishes.results() == [("send", "done")]


async def test_a_final_message_that_the_user_deleted_comes_back_with_its_edit_and_no_other_does(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await wishes.until_shown("звонит")
        await wishes.until_done()
        telegram.user_deletes(CHAT, "звонит")
        await wishes.wish(1, "dial", "звонит Анна")
        await wishes.until_done()
        assert telegram.shown(CHAT) == []
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")
        await wishes.until_done()
        telegram.user_deletes(CHAT, "итог")
        await wishes.wish(1, "hangup", "итог и запись")
        await wishes.until_shown("итог и запись")


async def test_a_deletion_that_fails_is_repeated_and_stops_nothing(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await wishes.until_shown("звонит")
        telegram.fail(Fault(status=500), method="deleteMessage")
        await wishes.wish(1, "bridge", "говорят")
        await wishes.until_shown("звонит", "говорят")
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")
    assert wishes.results("delete")[0] == ("delete", "uncertain")


@pytest.mark.parametrize("description", ["message to delete not found", "message can't be deleted"])
async def test_what_cannot_be_deleted_is_not_tried_again(wishes, telegram, description):
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await wishes.until_shown("звонит")
        telegram.fail(Fault(status=400, description=f"Bad Request: {description}"), method="deleteMessage")
        await wishes.wish(1, "hangup", "итог")
        await telegram.until(lambda: telegram.made("deleteMessage"))
        await wishes.until_done()
    assert wishes.results("delete") == [("delete", "gone")]


async def test_a_wrong_bot_token_loses_nothing(wishes, telegram, database):
    telegram.fail(Fault(status=401, description="Unauthorized"), method="sendMessage")
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "итог")
        async with asyncio.timeout(5):
            while not wishes.done:
                await asyncio.sleep(0.01)
        right = replace(ENTERPRISE, bot_token="1000001:BBBBBBBBBBBBBBBBBBBBBBBBB")
        await database.write(lambda tx: put_enterprise(tx, right))
        await wishes.until_shown("итог")


async def test_a_message_that_could_not_be_brought_for_a_day_is_given_up(wishes, telegram, database):
    await wishes.wish(1, "hangup", "вчерашний", at=time.time() - 25 * 3600)
    async with running(wishes.delivery):
        await wishes.wish(2, "hangup", "сегодняшний")
        await wishes.until_shown("сегодняшний")
        await wishes.until_done()
    (given_up,) = await database.read(lambda tx: operations_of(tx, [1]))
    assert (given_up.result, given_up.text) == ("not delivered for a day", "вчерашний")


async def test_every_request_is_recorded_with_its_result(wishes, telegram, database):
    telegram.fail(Fault(status=500, description="Internal Server Error"), method="sendMessage")
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит\nАнна")
        await wishes.until_shown("звонит\nАнна")
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")
        await wishes.until_done()
    recorded = await database.read(lambda tx: operations_of(tx, [1]))
    assert [(done.action, done.stage, done.result, done.text) for done in recorded] == [
        ("send", "dial", "Internal Server Error", "звонит Анна"),
        ("send", "dial", "ok", "звонит Анна"),
        ("send", "hangup", "ok", "итог"),
        ("delete", "dial", "ok", ""),
    ]
    assert all(done.message_id for done in recorded[1:])


async def test_limits_of_a_chat_and_of_a_bot_are_kept(database, telegram):
    limits = Limits(bot_per_s=25.0, bot_burst=5, chat_gap_s=0.5, chat_burst=2)
    wishes = Wishes(database, telegram, limits)
    chats = [200000 + number for number in range(30)]
    for call_id in range(3):
        await wishes.wish(call_id, "hangup", str(call_id), chats=chats)
    async with running(wishes.delivery):
        await until_delivered(database, 30)
    made = sorted(request.at for request in telegram.made("sendMessage"))
    assert len(made) == 90
    assert max(sum(1 for at in made if begin <= at < begin + 1.0) for begin in made) <= 27
    for chat in chats:
        own = [request.at for request in telegram.made("sendMessage", chat)]
        assert own[2] - own[0] >= 0.45
        assert telegram.shown(chat) == ["0", "1", "2"]


async def test_a_chat_told_to_wait_waits_and_the_others_go_on(wishes, telegram):
    telegram.fail(Fault(status=429, description="Too Many Requests: retry after 2", retry_after=2), chat_id=CHAT)
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", chats=(CHAT, OTHER))
        await wishes.until_shown("звонит", chat_id=OTHER)
        await wishes.wish(1, "hangup", "итог", chats=(CHAT, OTHER))
        await wishes.until_shown("итог", chat_id=OTHER)
        await wishes.until_shown("итог", chat_id=CHAT)
    first, second = telegram.made("sendMessage", CHAT)
    assert second.at - first.at >= 1.95


async def test_stopping_waits_for_the_request_under_way(wishes, telegram):
    telegram.latency_s = 0.3
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "итог")
        await telegram.until(lambda: telegram.requests)
    assert wishes.results() == [("send", "done")]


async def test_an_observer_that_fails_stops_no_delivery(database, telegram):
    wishes = Wishes(database, telegram)
    wishes.delivery._observer = lambda done: 1 / 0
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await wishes.until_shown("звонит")
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")


async def test_the_first_word_of_a_new_process_frees_the_chats_of_the_dead_one(database, telegram):
    wishes = Wishes(database, telegram)
    telegram.fail(Fault(hang=True))
    crashed = asyncio.create_task(wishes.delivery.run())
    await wishes.wish(1, "hangup", "итог")
    await telegram.until(lambda: telegram.requests)
    for worker in wishes.delivery._workers:
        worker.cancel()
    crashed.cancel()
    await asyncio.wait({crashed})
    again = Wishes(database, telegram)
    async with running(again.delivery):
        await again.until_shown("итог")
