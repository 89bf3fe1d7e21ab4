"""From a call of the bot to the notifier's page of it."""

from __future__ import annotations

import html
import re
import time

import httpx
import pytest
from fakes.call_events import sample
from fakes.notifier import Notifier, running, subscribe
from fastapi import FastAPI

from voxbot.notifier import details_page
from voxbot.notifier.bot_calls import BotCallLinks
from voxbot.notifier.calls import CallRules
from voxbot.notifier.details import Details, DetailsPorts
from voxbot.notifier.details_links import DetailsLinks
from voxbot.store.notifier_registry import Enterprise, put_enterprise

LINKS = DetailsLinks(b"key" * 16, "http://pbx.example:8000/", valid_days=14)
BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
DAY_S = 86_400

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def links(tmp_path, database):
    made = BotCallLinks(tmp_path / "db" / "notifier.sqlite", LINKS, CallRules(), lambda: made.now)
    made.now = time.time()
    return made


@pytest.fixture
async def posted(database, telegram):
    """A transferred call, folded: its start's body and the link of its message."""
    await database.write(subscribe(BOT_TOKEN, 100001))
    notifier = Notifier(database, telegram, details_url=LINKS.url)
    posts = sample("06-blind-transfer")
    for number, (_, path, body) in enumerate(posts):
        await notifier.post(path, body, time.time() - 60 + number)
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    [shown] = telegram.shown(100001)
    [link] = re.findall(r'href="([^"]*)"', shown)
    return posts[0][2], html.unescape(link)


async def test_a_call_of_the_bot_has_the_link_of_its_message(links, posted):
    body, link = posted
    assert await links.of(body["UniqueId"], body["Phone"]) == link
    assert await links.of(body["UniqueId"], f"+{body['Phone']}") == link, "each program writes numbers its own way"


async def test_the_link_opens_the_page(links, posted, database):
    body, _ = posted

    async def none(_ids):
        return []

    app = FastAPI()
    ports = DetailsPorts(database=database, bot_calls=none, rules=CallRules())
    details_page.install(app, details_page.PagePorts(Details(ports), LINKS, None))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pbx.example:8000") as client:
        assert (await client.get(await links.of(body["UniqueId"], body["Phone"]))).status_code == 200


async def test_a_call_that_the_notifier_does_not_know_has_none(links, posted):
    body, _ = posted
    assert await links.of("1772362800.42", body["Phone"]) is None
    assert await links.of(body["UniqueId"], "+79160000001") is None, "another host's call with the same id"
    links.now += 16 * DAY_S
    assert await links.of(body["UniqueId"], body["Phone"]) is None, "a link past its time would be refused"


async def test_of_two_enterprises_with_the_same_id_the_number_tells_which(links, posted, database, telegram):
    body, link = posted
    other = Enterprise(number="0999", token="375290000002", bot_token=BOT_TOKEN, name="Лютик")
    await database.write(lambda tx: put_enterprise(tx, other))
    notifier = Notifier(database, telegram, details_url=LINKS.url)
    theirs = {**body, "Token": other.token, "Phone": "375295550000"}
    await notifier.post("start", theirs, time.time(), enterprise="0999")
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    assert await links.of(body["UniqueId"], body["Phone"]) == link
    assert "e=0999" in await links.of(body["UniqueId"], "375295550000")
