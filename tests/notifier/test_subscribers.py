"""Joining and leaving through the bot, as a person does it, against a Bot API over real HTTP."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiogram.types import Update
from fakes.notifier import running
from fakes.telegram_server import Fault, telegram_server

from voxbot.notifier.subscribers import PollOptions, Subscribers
from voxbot.notifier.subscription import answer_to
from voxbot.store.notifier_polling import give_polling_back, take_polling
from voxbot.store.notifier_registry import (
    Enterprise,
    Subscriber,
    add_subscriber,
    list_subscribers,
    put_enterprise,
    remove_enterprise,
)

pytestmark = pytest.mark.enable_socket

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
CODE = "phRttbigMk-Ok6aA"
ENTERPRISE = Enterprise(number="0367", token="375290000001", bot_token=BOT_TOKEN, name="Ромашка", invitation_code=CODE)
GROUP = -1001234567890


@pytest.fixture
async def invited(database):
    await database.write(lambda tx: put_enterprise(tx, ENTERPRISE))
    return database


@pytest.fixture
async def telegram(invited):
    async with telegram_server() as server:
        subscribers = Subscribers(invited, PollOptions(api_base=server.base_url, poll_s=1, look_s=0.05))
        async with running(subscribers):
            yield server


async def chats(database, bot_token=BOT_TOKEN):
    return {item.tg_id: item.name for item in await database.read(lambda tx: list_subscribers(tx, bot_token))}


async def until(database, expected):
    async with asyncio.timeout(10):
        while await chats(database) != expected:
            await asyncio.sleep(0.02)


async def test_one_joins_by_the_code_and_leaves_by_stop(invited, telegram):
    telegram.user_writes(100001, f"/start {CODE}")
    await telegram.until(lambda: len(telegram.shown(100001)) == 1)
    assert "«Ромашка»" in telegram.shown(100001)[0]
    assert await chats(invited) == {100001: "Анна"}

    telegram.user_writes(100001, "/stop")
    await telegram.until(lambda: len(telegram.shown(100001)) == 2)
    assert "отписаны" in telegram.shown(100001)[1]
    assert await chats(invited) == {}


@pytest.mark.parametrize("text", ["/start", "/start wrong", f"/start {CODE}x", f"/start {'я' * 4000}", "привет", CODE])
async def test_without_the_right_code_nobody_joins(invited, telegram, text):
    telegram.user_writes(100001, text)
    await telegram.until(lambda: telegram.shown(100001))
    assert await chats(invited) == {}


async def test_one_leaves_by_blocking_the_bot(invited, telegram):
    telegram.user_writes(100001, f"/start {CODE}")
    await until(invited, {100001: "Анна"})
    telegram.user_blocks(100001)
    await until(invited, {})


async def test_one_who_blocks_the_bot_before_its_answer_breaks_nothing(invited, telegram):
    telegram.blocked.add(("1000001", 100001))
    telegram.user_writes(100001, f"/start {CODE}")
    telegram.user_writes(100002, f"/start {CODE}")
    await telegram.until(lambda: telegram.shown(100002))
    assert set(await chats(invited)) == {100001, 100002}


async def test_a_bot_added_later_is_served_and_one_taken_away_is_not(invited, telegram):
    other = Enterprise(number="0400", token="77", bot_token="2000002:BBB", invitation_code="code")
    telegram.user_writes(100005, "/start code", bot="2000002")
    await invited.write(lambda tx: put_enterprise(tx, other))
    await telegram.until(lambda: telegram.shown(100005, "2000002"))
    assert set(await chats(invited, "2000002:BBB")) == {100005}
    await invited.write(lambda tx: remove_enterprise(tx, "0400"))
    assert await chats(invited, "2000002:BBB") == {}


async def test_a_code_opens_the_enterprise_of_its_own_bot_only(invited, telegram):
    other = Enterprise(number="0400", token="77", bot_token="2000002:BBB", invitation_code="other-code")
    await invited.write(lambda tx: put_enterprise(tx, other))
    telegram.user_writes(100001, "/start other-code")
    await telegram.until(lambda: telegram.shown(100001))
    assert await chats(invited) == {}


async def test_an_answer_that_fails_is_no_reason_to_forget_the_subscriber(invited, telegram):
    telegram.fail(Fault(status=500), method="sendMessage")
    telegram.user_writes(100001, f"/start {CODE}")
    await until(invited, {100001: "Анна"})
    telegram.user_writes(100001, "/start")
    await telegram.until(lambda: telegram.shown(100001))
    assert "уже получаете" in telegram.shown(100001)[0]


def message(text=None, chat_id=GROUP, kind="supergroup", **more):
    chat = {"id": chat_id, "type": kind, "title": "Отдел продаж"}
    return Update(update_id=1, message={"message_id": 1, "date": 1, "chat": chat, "text": text, **more})


async def test_a_group_joins_by_a_command_and_is_not_bothered_otherwise(invited):
    async def answer(text):
        return await invited.write(lambda tx: answer_to(tx, message(text), BOT_TOKEN, 1.0))

    assert await answer("всем привет") is None
    assert "Готово" in (await answer(f"/start@romashka_bot {CODE}")).text
    assert await chats(invited) == {GROUP: "Отдел продаж"}


async def test_a_group_that_becomes_a_supergroup_keeps_its_calls(invited):
    await invited.write(lambda tx: add_subscriber(tx, BOT_TOKEN, Subscriber(tg_id=-55, name="Отдел", added_at=1.0)))
    moved = message(chat_id=-55, kind="group", migrate_to_chat_id=GROUP)
    assert await invited.write(lambda tx: answer_to(tx, moved, BOT_TOKEN, 2.0)) is None
    assert await chats(invited) == {GROUP: "Отдел"}


async def test_an_update_that_cannot_be_read_keeps_nobody_from_joining(invited, telegram):
    person = {"id": 5, "is_bot": False, "first_name": "А"}
    origin = {"type": "a_kind_of_2027", "date": 1}
    chat = {"id": 5, "type": "private", "first_name": "А"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": "см.", "forward_origin": origin}
    telegram.update({"message": message})
    telegram.user_writes(100001, f"/start {CODE}")
    await until(invited, {100001: "Анна"})


async def test_two_that_poll_a_bot_break_each_other_off(invited):
    async with telegram_server() as server:
        url = f"{server.base_url}/bot{BOT_TOKEN}/getUpdates"
        async with aiohttp.ClientSession() as session:
            first = asyncio.create_task(session.post(url, data={"timeout": 5}))
            while not server._polls:
                await asyncio.sleep(0.01)
            second = asyncio.create_task(session.post(url, data={"timeout": 5}))
            assert (await first).status == 409
            server.user_writes(100001, "привет")
            [update] = (await (await second).json())["result"]
            async with session.post(url, data={"timeout": 0}) as again:
                assert (await again.json())["result"] == [update]
            async with session.post(url, data={"offset": update["update_id"] + 1}) as confirmed:
                assert (await confirmed.json())["result"] == []


async def test_one_process_at_a_time_polls_a_bot(database):
    async def take(owner, now):
        return await database.write(lambda tx: take_polling(tx, "1000001", owner, now, 60))

    assert await take("a", 100)
    assert not await take("b", 150)
    assert await take("a", 150)
    assert not await take("b", 205)
    assert await take("b", 211)
    await database.write(lambda tx: give_polling_back(tx, "b"))
    assert await take("a", 212)
