"""The page of a call: everything about it, for those who may see it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time

import httpx
import pytest
from fakes.call_events import sample
from fakes.notifier import Notifier, running, subscribe
from fastapi import FastAPI

from voxbot.domain.ids import CallId
from voxbot.notifier import details_page
from voxbot.notifier.calls import CallRules
from voxbot.notifier.details import Details, DetailsPorts
from voxbot.notifier.details_links import DetailsLinks, load_key
from voxbot.notifier.phones import Masking
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database

pytestmark = pytest.mark.enable_socket

BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
LINKS = DetailsLinks(b"key" * 16, "http://pbx.example:8000/", valid_days=14)
NOW = time.time()


class Pages:
    """A client of the page; `clock_s` is its time."""

    def __init__(self, database, *, bot_calls=None, masking=Masking.NONE, key="secret") -> None:
        async def none(_ids):
            return []

        self.now = NOW
        ports = DetailsPorts(database=database, bot_calls=bot_calls or none, rules=CallRules(), masking=masking)
        app = FastAPI()
        details_page.install(app, details_page.PagePorts(Details(ports), LINKS, key, lambda: self.now))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pbx.example:8000")

    async def get(self, url, **headers):
        return await self.client.get(url, headers=headers)

    async def document(self, unique_id):
        answer = await self.get(f"/call/details/{unique_id}?format=json", **{"X-API-Key": "secret"})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def transferred(database, telegram):
    """A call with a mobile leg and a blind transfer, folded and shown in a chat; the text of its message."""
    await database.write(subscribe(BOT_TOKEN, 100001))
    notifier = Notifier(database, telegram, details_url=LINKS.url)
    for number, (_, path, body) in enumerate(sample("06-blind-transfer")):
        await notifier.post(path, body, time.time() - 60 + number)
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    [shown] = telegram.shown(100001)
    return shown


async def test_the_link_of_the_message_opens_the_page(transferred, database):
    [link] = re.findall(r'href="([^"]*)"', transferred)
    answer = await Pages(database).get(html.unescape(link))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "no-referrer"
    words = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", html.unescape(answer.text)))
    for part in ("Входящий звонок: успешный", "+375 (29) 000-10-06", "151 → 152", "Трубку положили", "чат 100001"):
        assert part in words, part


async def test_the_page_brings_its_style_and_allows_nothing_else(transferred, database):
    pages = Pages(database)
    for url, status in ((LINKS.url("0367", "1794824143.267", NOW), 200), ("/call/details/1.2", 403)):
        answer = await pages.get(url)
        [style] = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert answer.status_code == status
        assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
        assert "style=" not in answer.text
        assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_text_that_several_chats_got_is_shown_once(transferred, database):
    document = await Pages(database).document("1794824143.267")
    [sent] = [
        entry for entry in document["timeline"] if entry.get("action") == "send" and entry.get("stage") == "hangup"
    ]
    twice = {**document, "timeline": [sent, {**sent, "chat_id": 100002, "delay_ms": 61_000}]}
    page = details_page.page(twice)
    assert page.count("Успешный входящий") == 1
    for part in ("чат 100001", "чат 100002", "через 1 мин 1 с", "2 запроса в Telegram"):
        assert part in page, part


async def test_any_channel_of_the_call_finds_all_of_it(transferred, database):
    pages = Pages(database)
    posts = sample("06-blind-transfer")
    channels = {body["UniqueId"] for _, _, body in posts if body["UniqueId"]}
    documents = [await pages.document(channel) for channel in sorted(channels)]
    assert all(document == documents[0] for document in documents)
    document = documents[0]
    assert set(document["unique_ids"]) == channels
    assert len([entry for entry in document["timeline"] if entry["kind"] == "asterisk"]) == len(posts)
    assert document["call"]["managers"] == ["151", "152"]
    operations = [entry for entry in document["timeline"] if entry["kind"] == "telegram"]
    [sent] = [entry for entry in operations if entry["action"] == "send" and entry["stage"] == "hangup"]
    assert (sent["chat_id"], sent["result"]) == (100001, "ok")
    assert sent["delay_ms"] > 0
    times = [entry["at"] for entry in document["timeline"]]
    assert times == sorted(times)
    assert document["timeline"][0]["offset_ms"] == 0


async def test_the_token_of_the_events_is_not_shown(transferred, database):
    assert "375290000001" not in json.dumps(await Pages(database).document("1794824143.267"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.partition("?")[0],
        lambda url: url.replace("sig=", "sig=0"),
        lambda url: re.sub("sig=.*", "sig=%D1%8F", url),
        lambda url: url.replace("1794824143.267", "1794824143.270"),
        lambda url: url.replace("e=0367", "e=0400"),
        lambda url: re.sub(r"until=\d+", "until=99999999999", url),
        lambda url: url + "&format=json",
    ],
)
async def test_without_a_valid_link_nothing_is_told(transferred, database, spoil):
    pages = Pages(database)
    good = LINKS.url("0367", "1794824143.267", NOW)
    asked = spoil(good)
    if asked.endswith("format=json"):
        asked = asked.replace("e=0367", "e=1")
    refused = await pages.get(asked)
    unknown = await pages.get(asked.replace("1794824143.2", "1111111111.2"))
    assert (refused.status_code, unknown.status_code) == (403, 403)
    assert refused.content == unknown.content
    assert (await pages.get(good)).status_code == 200


async def test_a_link_expires_within_a_day_after_its_days(transferred, database):
    pages = Pages(database)
    url = LINKS.url("0367", "1794824143.267", NOW)
    pages.now = NOW + 14 * 86_400
    assert (await pages.get(url)).status_code == 200
    pages.now = NOW + 15 * 86_400
    assert (await pages.get(url)).status_code == 403


def test_a_call_has_the_same_link_whenever_its_message_is_written():
    assert LINKS.url("0367", "1.2", 1_764_429_992.1) == LINKS.url("0367", "1.2", 1_764_429_992.1)
    assert LINKS.url("0367", "", 1.0) is None


async def test_a_key_that_is_not_set_opens_nothing(transferred, database):
    pages = Pages(database, key=None)
    assert (await pages.get("/call/details/1794824143.267", **{"X-API-Key": ""})).status_code == 403


async def test_a_call_nobody_knows_is_not_found(database):
    answer = await Pages(database).get("/call/details/1.2", **{"X-API-Key": "secret"})
    assert answer.status_code == 404


async def test_numbers_are_masked_on_request(transferred, database):
    pages = Pages(database, masking=Masking.ALL)
    text = json.dumps(await pages.document("1794824143.267"), ensure_ascii=False)
    assert "375290001006" not in text
    assert "37529…06" in text
    page = await pages.get(LINKS.url("0367", "1794824143.267", NOW))
    assert "000-10-06" not in re.sub('<p class="message">.*?</p>', "", page.text, flags=re.DOTALL)


async def test_managers_mobiles_stay_where_customers_numbers_are_masked(transferred, database):
    own = json.dumps(await Pages(database, masking=Masking.CUSTOMERS).document("1794824143.267"))
    assert "375290009901" in own
    assert "375290001006" not in own
    assert "375290009901" not in json.dumps(await Pages(database, masking=Masking.ALL).document("1794824143.267"))


async def test_names_of_callers_are_text_and_no_html(database, telegram):
    notifier = Notifier(database, telegram)
    hostile = "<script>alert(1)</script>"
    body = {"Token": "375290000001", "UniqueId": "1.2", "CallerIDNum": "375290001001", "CallerIDName": hostile}
    await notifier.post("start", {**body, "Phone": "375290001001", "CallType": 0, "Trunk": "0001101"}, NOW)
    await notifier.post("new_callerid", {**body, "Channel": hostile}, NOW + 1)
    async with running(notifier.folder, notifier.delivery):
        await notifier.until_done()
    page = await Pages(database).get(LINKS.url("0367", "1.2", NOW))
    assert "<script>" not in page.text
    assert html.escape(hostile) in page.text


async def test_a_call_of_the_bot_has_its_turns(transferred, database, tmp_path):
    async with open_database(tmp_path / "log.sqlite") as opened:
        log = CallLogRepository(opened)
        turns = [
            {"speaker": "user", "text": "сколько стоит", "timestamp": "2026-11-16T13:15:50.000"},
            {"speaker": "bot", "text": "Сто рублей.", "timestamp": "2026-11-16T13:15:51.000", "kb": "general",
             "sources": ["general:12"], "ms": {"llm": 310.4, "response": 700.0}},
        ]  # fmt: skip
        for call_id, caller in (("1794824143.267", "+375290001006"), ("1794824143.270", "88001112233")):
            await log.start(CallId(call_id), caller, NOW)
            for turn in turns:
                await log.append_turn(CallId(call_id), turn)
        pages = Pages(database, bot_calls=log.by_ids)
        document = await pages.document("1794824155.277")
        page = await pages.get(LINKS.url("0367", "1794824143.267", NOW))
    spoken = [entry for entry in document["timeline"] if entry["kind"] == "bot"]
    # The other host's call with the same unique id is somebody else's.
    assert [entry["text"] for entry in spoken] == ["сколько стоит", "Сто рублей."]
    assert spoken[1]["sources"] == ["general:12"]
    for part in ("general:12", "llm 310 мс", "до ответа 700 мс", "Сто рублей."):
        assert part in page.text, part


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path):
    path = tmp_path / "data" / "notifier.key"
    key = load_key(path)
    assert load_key(path) == key
    assert len(key) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
