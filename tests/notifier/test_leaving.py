"""Who leaves gets nothing more, and what he was shown of a call that goes on is taken away."""

from __future__ import annotations

import time

import pytest
from fakes.notifier import Wishes, running, subscribe
from fakes.telegram_server import Fault

from voxbot.domain.errors import RosterError
from voxbot.notifier.subscribers import PollOptions, Subscribers
from voxbot.store.notifier_registry import enterprise_by_number, list_subscribers
from voxbot.store.notifier_roster import EnterpriseChange, drop_user, save_enterprise

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
CHAT = 100001


@pytest.fixture
async def subscribed(database):
    await database.write(subscribe(BOT_TOKEN, CHAT))
    return database


async def test_after_stop_nothing_that_waited_comes(subscribed, telegram):
    wishes = Wishes(subscribed, telegram)
    subscribers = Subscribers(subscribed, PollOptions(api_base=telegram.base_url, poll_s=1))
    async with running(wishes.delivery, subscribers):
        await wishes.wish(1, "hangup", "до ухода")
        await wishes.wish(2, "dial", "звонит")
        await wishes.until_shown("до ухода", "звонит")
        await wishes.until_done()
        flood = Fault(status=429, description="Too Many Requests: retry after 2", retry_after=2)
        telegram.fail(flood, method="sendMessage", chat_id=CHAT)
        await wishes.wish(3, "hangup", "ждёт отправки")
        await telegram.until(lambda: len(telegram.made("sendMessage")) == 3)
        telegram.user_writes(CHAT, "/stop")
        await telegram.until(lambda: any("отписаны" in text for text in telegram.shown(CHAT)))
        await wishes.wish(2, "hangup", "итог", chats=())
        await wishes.until_done()
    first, last = telegram.shown(CHAT)
    assert first == "до ухода"
    assert "отписаны" in last


async def test_who_is_removed_by_the_administrator_gets_nothing_that_waited(subscribed, telegram):
    wishes = Wishes(subscribed, telegram)
    await wishes.wish(1, "hangup", "итог")
    await subscribed.write(lambda tx: drop_user(tx, "0367", CHAT, time.time()))
    async with running(wishes.delivery):
        await wishes.wish(2, "hangup", "другому", chats=(100002,))
        await wishes.until_shown("другому", chat_id=100002)
        await wishes.until_done()
    assert telegram.shown(CHAT) == []


async def test_an_invitation_can_be_made_anew(database):
    def save(**change):
        return lambda tx: save_enterprise(tx, EnterpriseChange(number="0367", **change))[0].invitation_code

    first = await database.write(save())
    assert await database.write(save(name="Лютик")) == first
    second = await database.write(save(new_invitation=True))
    assert second
    assert second != first
    kept = await database.read(lambda tx: enterprise_by_number(tx, "0367"))
    assert kept.invitation_code == second


async def test_without_its_bot_an_enterprise_has_no_recipients_left(subscribed):
    def save(bot_token):
        return lambda tx: save_enterprise(tx, EnterpriseChange(number="0367", bot_token=bot_token))

    await subscribed.write(save(""))
    assert await subscribed.read(lambda tx: list_subscribers(tx, BOT_TOKEN)) == []
    await subscribed.write(save(BOT_TOKEN))
    assert await subscribed.read(lambda tx: list_subscribers(tx, BOT_TOKEN)) == []
    with pytest.raises(RosterError):
        await subscribed.write(lambda tx: drop_user(tx, "0367", CHAT, 1.0))
