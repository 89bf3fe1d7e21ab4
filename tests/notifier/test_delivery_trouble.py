"""Delivery in trouble: backlogs, clocks, a database that answers late, chats that move or leave."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web
from fakes.notifier import BOT, Wishes, running, subscribe, until_delivered
from fakes.telegram_server import Fault
from sqlalchemy import event
from sqlalchemy.engine import Engine

from voxbot.domain.errors import StoreBusyError
from voxbot.notifier.delivery import Delivery
from voxbot.store.notifier_limits import Limits
from voxbot.store.notifier_messages import Chat, Wish, put_wish
from voxbot.store.notifier_operations import operations_of
from voxbot.store.notifier_registry import Enterprise, list_subscribers, put_enterprise

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
CHAT, OTHER = 100001, 100002
GROUP, SUPERGROUP = -5555, -1001234567890


async def fill(database, chats, calls, bot=BOT, text="итог"):
    """Finished calls that wait to be shown."""

    def work(tx):
        now = time.time()
        recipients = [Chat(bot, chat) for chat in chats]
        for call_id in range(1, calls + 1):
            wish = Wish(stage="hangup", moment="hangup", text=f"{text} {call_id}")
            put_wish(tx, call_id, "0367", wish, recipients, now=now, event_at=now)

    await database.write(work)


async def test_a_bot_with_many_waiting_chats_goes_on_sending(database, telegram):
    limits = Limits(bot_per_s=30.0)
    chats = [100000 + number for number in range(130)]
    await fill(database, chats, 3)
    delivery = Delivery(database, api_base=telegram.base_url, limits=limits)
    async with running(delivery):
        await telegram.until(lambda: len(telegram.made("sendMessage")) >= 260, 40)
    sent = [len(telegram.shown(chat)) for chat in chats]
    assert min(sent) >= 1, "no chat is passed over"


async def test_telegrams_own_limits_are_never_met(database, telegram):
    telegram.limited = True
    await fill(database, [100000 + number for number in range(40)], 3)
    async with running(Delivery(database, api_base=telegram.base_url)):
        await until_delivered(database, 40)
    assert (len(telegram.made("sendMessage")), telegram.flooded) == (120, 0)


async def test_a_result_whose_commit_was_not_answered_is_kept_once(database, telegram):
    wishes = Wishes(database, telegram)
    await wishes.wish(1, "hangup", "итог")
    write, lost = database.write, []

    async def unanswered(work, **options):
        result = await write(work, **options)
        if telegram.requests and not lost:
            lost.append(work)
            raise StoreBusyError("server closed the connection unexpectedly")
        return result

    database.write = unanswered
    async with running(wishes.delivery):
        await wishes.until_done()
    assert lost
    assert telegram.shown(CHAT) == ["итог"]
    assert [request.method for request in telegram.requests] == ["sendMessage"]
    assert len(await database.read(lambda tx: operations_of(tx, [1]))) == 1


async def test_a_step_in_a_chat_with_a_backlog_reads_no_more_than_in_another(database, telegram):
    read = []

    def count(connection, cursor, statement, parameters, context, executemany):
        if "wish_text" in statement and statement.startswith("SELECT"):
            again = connection.connection.dbapi_connection.execute(statement, parameters)
            read.append(len(again.fetchall()))

    await fill(database, [CHAT], 400)
    event.listen(Engine, "after_cursor_execute", count)
    try:
        async with running(Delivery(database, api_base=telegram.base_url)):
            await telegram.until(lambda: len(telegram.requests) >= 3)
    finally:
        event.remove(Engine, "after_cursor_execute", count)
    assert read
    assert max(read) <= 1


async def test_a_clock_that_is_set_back_silences_nobody(database, telegram):
    ahead_s = [3600.0]
    wishes = Wishes(database, telegram)

    def clock():
        return time.time() + ahead_s[0]

    def delivery():
        return Delivery(database, api_base=telegram.base_url, clock=clock)

    telegram.fail(Fault(status=500), method="sendMessage", chat_id=OTHER)
    wishes.delivery = delivery()
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", chats=(CHAT, OTHER), at=clock())
        await wishes.until_shown("звонит")
        await telegram.until(lambda: telegram.made("sendMessage", OTHER))
        ahead_s[0] = 0.0
        await wishes.wish(1, "hangup", "итог", chats=(CHAT, OTHER, 100003), at=clock())
        for chat in (CHAT, OTHER, 100003):
            await wishes.until_shown("итог", chat_id=chat)


async def test_times_noted_by_a_clock_that_was_ahead_are_forgotten_at_the_start(database, telegram):
    wishes = Wishes(database, telegram)
    wishes.delivery = Delivery(database, api_base=telegram.base_url, clock=lambda: time.time() + 7200)
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", at=time.time() + 7200)
        await wishes.until_shown("звонит")
    again = Wishes(database, telegram)
    again.delivery = Delivery(database, api_base=telegram.base_url)
    async with running(again.delivery):
        await again.wish(1, "hangup", "итог")
        await again.until_shown("итог")


async def test_bots_for_which_telegram_hangs_delay_no_other_one(database, telegram):
    for bot in ("2000001", "2000002", "2000003"):
        enterprise = Enterprise(number=bot, token=bot, bot_token=f"{bot}:AAAAAAAAAAAAAAAAAAAAAAAAA")
        await database.write(lambda tx, enterprise=enterprise: put_enterprise(tx, enterprise))
        chats = [int(bot) * 1000 + number for number in range(60)]
        for chat in chats:
            telegram.fail(Fault(hang=True), chat_id=chat, times=1000)
        await fill(database, chats, 1, bot=bot)
    wishes = Wishes(database, telegram)
    async with running(wishes.delivery):
        await telegram.until(lambda: len(telegram.requests) >= 70)
        await wishes.wish(1000, "hangup", "итог")
        await wishes.until_shown("итог", timeout_s=3)
        telegram.close_hanging()


async def test_after_a_spell_of_failures_few_ids_are_probed(database, telegram):
    chats = [100000 + number for number in range(5)]
    await fill(database, chats, 10)
    telegram.fail(Fault(status=502, description="Bad Gateway"), method="sendMessage", times=10**6)
    async with running(Delivery(database, api_base=telegram.base_url, limits=Limits(chat_gap_s=0.0))):
        await telegram.until(lambda: len(telegram.requests) >= 15)
        telegram.recover()
        await until_delivered(database, 30)
    assert all(len(telegram.shown(chat)) == 10 for chat in chats)
    assert len(telegram.made("editMessageText")) <= 5


async def test_when_the_twin_is_found_probing_ends(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "hangup", "прежний", chats=(CHAT, OTHER))
        await wishes.until_done()
        telegram.fail(Fault(status=504, does=True), method="sendMessage", chat_id=CHAT)
        await wishes.wish(2, "hangup", "итог", chats=(CHAT,))
        await telegram.until(lambda: telegram.shown(CHAT) == ["прежний", "итог"])
        for _ in range(30):
            telegram.user_writes(CHAT, "алло")
        await telegram.until(lambda: len(telegram.made("sendMessage", CHAT)) == 3)
        await wishes.until_done(20)
    assert telegram.shown(CHAT) == ["прежний", "итог"]
    assert len(telegram.made("editMessageText")) <= 2


async def test_what_a_chat_shows_of_an_old_call_is_put_right_in_its_place(wishes, telegram):
    async with running(wishes.delivery):
        await wishes.wish(1, "bridge", "говорят")
        await wishes.until_done()
    telegram.hours_pass(50)
    await wishes.wish(1, "hangup", "итог", at=time.time() - 25 * 3600)
    async with running(wishes.delivery):
        await wishes.until_shown("итог")
        await wishes.wish(1, "hangup", "итог и запись")
        await wishes.until_shown("итог и запись")
        await wishes.until_done()
    assert len(telegram.made("sendMessage")) == 1


async def test_a_stage_that_telegram_refuses_costs_none_of_the_later_ones(wishes, telegram):
    telegram.fail(Fault(status=400, description="Bad Request: WC_CONVERT_URL_INVALID"), method="sendMessage")
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит")
        await telegram.until(lambda: telegram.requests)
        await wishes.until_done()
        assert len(telegram.requests) == 1, "the same text is not tried again"
        await wishes.wish(1, "hangup", "итог")
        await wishes.until_shown("итог")


@pytest.mark.parametrize("announce", [True, False])
async def test_a_group_that_becomes_a_supergroup_loses_no_call(database, telegram, announce):
    await database.write(subscribe(BOT_TOKEN, GROUP))
    wishes = Wishes(database, telegram)
    async with running(wishes.delivery):
        await wishes.wish(1, "dial", "звонит", chats=(GROUP,))
        await wishes.until_shown("звонит", chat_id=GROUP)
        await wishes.until_done()
        telegram.upgrade_group(GROUP, SUPERGROUP, announce=announce)
        await wishes.wish(1, "hangup", "итог", chats=(GROUP,))
        await wishes.wish(2, "hangup", "другой", chats=(GROUP,))
        await wishes.until_shown("итог", "другой", chat_id=SUPERGROUP)
        await wishes.until_done()
    (subscriber,) = await database.read(lambda tx: list_subscribers(tx, BOT_TOKEN))
    assert (subscriber.tg_id, subscriber.blocked_at) == (SUPERGROUP, None)


async def test_no_bot_token_gets_into_what_is_kept_of_a_failure(database):
    async def loop(request):
        raise web.HTTPFound(str(request.url))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", loop)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    class Looping:
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    wishes = Wishes(database, Looping)
    await wishes.wish(1, "hangup", "итог")
    async with running(wishes.delivery), asyncio.timeout(10):
        while not wishes.done:
            await asyncio.sleep(0.01)
    await runner.cleanup()
    (kept, *_) = await database.read(lambda tx: operations_of(tx, [1]))
    for reason in (kept.result, wishes.done[0].outcome.reason):
        assert "1000001:***" in reason
        assert "AAAA" not in reason
