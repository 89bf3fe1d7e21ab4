"""Live calls and calls from the browser: through the API's real server and the bot's, with scripted engines."""

import asyncio
import contextlib
import dataclasses
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.api import KEY, ApiLab
from fakes.browser import Browser
from fakes.voice import ScriptedAnswerer, ScriptedAsr, services, speech
from yarl import URL

from voxbot.domain.dialogue import AnswerInfo
from voxbot.main.bot_http import serve_bot_http
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.observers.live import LiveCalls
from voxbot.settings.loader import load_settings

pytestmark = pytest.mark.enable_socket

PRICE = "Машина стоит два миллиона."
ANSWERS = {
    "сколько стоит": (PRICE, AnswerInfo(kb="general", sources=("c1",))),
    "до свидания": ("Всего доброго!", AnswerInfo(intent="goodbye")),
}
WORDS = {8000: "сколько стоит", 9000: "до свидания"}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        yield opened


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def bot(lab):
    """A bot without Asterisk: its HTTP server over scripted engines; gives its address."""

    @asynccontextmanager
    async def running(port=0, source=None, **environ):
        environ = {"API_SECRET_KEY": "k", "BOT_HTTP_PORT": str(port), **environ}
        settings = load_settings(lab.env_file, environ)
        live = LiveCalls()
        async with EventBus([CallLog(lab.calls)], live=[live]) as bus:
            wired = services(ScriptedAsr(WORDS), ScriptedAnswerer(ANSWERS))
            wired = dataclasses.replace(wired, publish=bus.publish, publish_live=bus.publish_live)
            async with serve_bot_http(wired, live, source or (lambda: settings)) as calls:
                yield calls.addresses[0]

    return running


@asynccontextmanager
async def talking(http, host, utterances=()):
    """A browser in a call; it ends with the `with`."""
    browser = Browser(utterances)
    async with http.ws_connect(f"ws://{host}/api/talk?rate=8000&callerId=77") as socket:

        async def put(data):
            await (socket.send_bytes(data) if isinstance(data, bytes) else socket.send_str(data))

        async def listen():
            async for message in socket:
                await browser.got(message.data)

        browser.put = put
        speaks, listens = asyncio.create_task(browser.call()), asyncio.create_task(listen())
        try:
            yield browser, listens
        finally:
            speaks.cancel()
            listens.cancel()
            await asyncio.wait({speaks, listens})


class Watcher:
    """Follows /api/live as EventSource does."""

    def __init__(self, answer):
        self._answer = answer
        self.seen = []

    async def until(self, kind, condition=lambda document: True, timeout_s=15):
        async with asyncio.timeout(timeout_s):
            while True:
                line = (await self._answer.content.readline()).decode()
                if line.startswith("event: "):
                    name = line[7:].strip()
                    document = json.loads((await self._answer.content.readline()).decode()[6:])
                    self.seen.append((name, document))
                    if name == kind and condition(document):
                        return document


@asynccontextmanager
async def watching(http, host):
    async with http.get(f"http://{host}/api/live", headers={"Accept": "text/event-stream"}) as answer:
        assert answer.status == 200
        yield Watcher(answer)


async def test_a_browser_call_is_answered_seen_live_and_logged(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=address)) as host, watching(http, host) as live:
        assert (await live.until("snapshot"))["calls"] == []
        async with talking(http, host, [speech(1500), speech(1200, 9000)]) as (browser, over):
            began = (await live.until("call"))["call"]
            assert (began["caller"], began["kind"]) == ("77", "browser")
            await live.until("call", lambda told: told["call"]["caller_speaks"])
            await live.until("call", lambda told: told["call"]["partial"] == "сколько стоит")
            spoken = await live.until("call", lambda told: told["call"]["turns"][-1:] and told["call"]["bot_speaks"])
            assert spoken["bot"] == address
            state = await (await http.get(f"http://{host}/api/live")).json()
            assert [call["id"] for call in state["calls"]] == [began["id"]]
            assert state["bots"] == [{"bot": address, "ok": True, "detail": ""}]
            ended = await live.until("ended")
            await asyncio.wait_for(over, 10)
        assert ended["id"] == began["id"]
        assert (ended["status"], ended["reason"]) == ("Completed", "goodbye")
        assert [turn["text"] for turn in browser.of("turn") if turn["speaker"] == "bot"][1:] == [
            PRICE,
            "Всего доброго!",
        ]
        stages = {stage for name, told in live.seen if name == "call" for stage in told["call"]["stages"]}
        assert stages == {"endpoint", "asr", "search", "answer", "tts"}
        (row,) = await lab.logged(lambda rows: rows and rows[0].end_time)
        assert (row.id, row.caller_id, row.status) == (began["id"], "77", "Completed")


async def test_staff_end_a_live_call(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=f"{NOBODY},{address}")) as host:
        async with talking(http, host) as (browser, over), watching(http, host) as live:
            call_id = (await live.until("snapshot", lambda told: told["calls"]))["calls"][0]["id"]
            place = f"http://{host}/api/live/{call_id}/hangup"
            assert (await http.post(place)).status == 401
            assert (await http.post(place, headers=KEY)).status == 200
            await asyncio.wait_for(over, 5)
        assert browser.told[-1] == {"type": "ended", "reason": "staff"}
        gone = await http.post(place, headers=KEY)
        assert (gone.status, (await gone.json())["code"]) == (409, "unreachable"), "the other bot may have it"


@contextlib.contextmanager
def hung_bot():
    """One that takes connections and says nothing; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_a_call_is_over_only_if_every_bot_says_so(lab, http, bot):
    loop = asyncio.get_running_loop()
    with hung_bot() as hung, hung_bot() as hung_too:
        async with bot() as free:
            for order in (f"{free},{hung},{hung_too}", f"{hung},{hung_too},{free}"):
                async with lab.running(lab.parts(BOT_URLS=order)) as host:
                    began = loop.time()
                    answer = await http.post(f"http://{host}/api/live/x/hangup", headers=KEY)
                    problem = await answer.json()
                    took_s = loop.time() - began
                assert (answer.status, problem["code"]) == (409, "unreachable")
                assert hung in problem["detail"] or hung_too in problem["detail"]
                assert took_s < 5, "all are asked at once"


async def test_a_hung_bot_does_not_hold_up_the_control_of_another_ones_call(lab, http, bot):
    loop = asyncio.get_running_loop()
    with hung_bot() as hung:
        async with (
            bot() as address,
            lab.running(lab.parts(BOT_URLS=f"{address},{hung}")) as host,
            talking(http, host) as (browser, over),
        ):
            async with asyncio.timeout(10):
                while not browser.of("started"):
                    await asyncio.sleep(0.02)
            call_id = browser.of("started")[0]["call_id"]
            began = loop.time()
            assert (await http.post(f"http://{host}/api/live/{call_id}/hangup", headers=KEY)).status == 200
            assert loop.time() - began < 2
            await asyncio.wait_for(over, 5)


@pytest.mark.parametrize("action", ["hangup", "transfer"])
@pytest.mark.parametrize("written", ["PJSIP/101-0001", "PJSIP%2F101-0001"])
async def test_a_call_whose_id_has_slashes_is_controlled(lab, http, action, written):
    told = []

    async def control(request):
        told.append((request.match_info["id"], request.match_info["action"]))
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/live/{id}/{action}", control)
    async with TestServer(app) as bot, lab.running(lab.parts(BOT_URLS=str(bot.make_url("")))) as host:
        place = URL(f"http://{host}/api/live/{written}/{action}", encoded=True)
        assert (await http.post(place, headers=KEY)).status == 200
    assert told == [("PJSIP/101-0001", action)]


async def test_a_wrong_key_is_named_as_such(lab, http, bot):
    async with bot(BOT_HTTP_HOST="0.0.0.0", API_SECRET_KEY="other") as everywhere:
        address = everywhere.replace("0.0.0.0", "127.0.0.1")
        async with lab.running(lab.parts(BOT_URLS=address)) as host, watching(http, host) as live:
            assert "API_SECRET_KEY" in (await live.until("bot"))["detail"]
            state = await (await http.get(f"http://{host}/api/live")).json()
            assert "API_SECRET_KEY" in state["bots"][0]["detail"]
            refused = await (await http.post(f"http://{host}/api/live/x/hangup", headers=KEY)).json()
            assert refused["code"] == "key"
            async with http.ws_connect(f"ws://{host}/api/talk") as socket:
                assert "API_SECRET_KEY" in (await socket.receive_json())["detail"]


async def test_a_hundred_open_pages_take_one_stream_and_leave_the_controls(lab, bot):
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        bot() as address,
        lab.running(lab.parts(BOT_URLS=address)) as host,
        contextlib.AsyncExitStack() as pages,
    ):
        for _ in range(110):
            live = await pages.enter_async_context(watching(http, host))
        await live.until("snapshot")
        gone = await http.post(f"http://{host}/api/live/x/hangup", headers=KEY)
        assert (gone.status, (await gone.json())["code"]) == (404, "no_call")
        async with talking(http, host) as (browser, _):
            began = (await live.until("call"))["call"]
            async with http.get(f"{address}/live") as beside:  # a bot has room for 20 streams
                assert beside.status == 200
            state = await (await http.get(f"http://{host}/api/live")).json()
            assert [call["id"] for call in state["calls"]] == [began["id"]]
            assert browser.of("started")


async def test_a_page_that_comes_later_sees_the_calls_that_are_there(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=address)) as host, watching(http, host) as first:
        await first.until("snapshot")
        async with talking(http, host):
            began = (await first.until("call"))["call"]
            async with watching(http, host) as second:
                assert (await second.until("bot"))["ok"] is True
                (call,) = (await second.until("snapshot"))["calls"]
                assert call["id"] == began["id"]
                assert (await second.until("ended", timeout_s=60))["id"] == call["id"]


async def test_the_next_bot_is_asked_when_the_first_one_is_full(lab, http, bot):
    async with (
        bot(BROWSER_CALLS_MAX="1") as a,
        bot(BROWSER_CALLS_MAX="1") as b,
        lab.running(lab.parts(BOT_URLS=f"{a},{b}")) as host,
        talking(http, host) as (one, _),
        talking(http, host) as (two, _),
    ):
        async with asyncio.timeout(10):
            while not (one.of("started") and two.of("started")):
                await asyncio.sleep(0.02)
        async with http.ws_connect(f"ws://{host}/api/talk") as third:
            assert "слишком много" in (await third.receive_json())["detail"]


async def test_browser_calls_that_are_off_are_told_so(lab, http, bot):
    async with (
        bot(BROWSER_CALLS_MAX="0") as address,
        lab.running(lab.parts(BOT_URLS=address)) as host,
        http.ws_connect(f"ws://{host}/api/talk") as socket,
    ):
        assert "BROWSER_CALLS_MAX" in (await socket.receive_json())["detail"]


async def test_a_caller_is_passed_on(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=address)) as host:
        async with talking(http, host) as (browser, over):
            while not browser.of("started"):
                await asyncio.sleep(0.02)
            place = f"http://{host}/api/live/{browser.of('started')[0]['call_id']}/transfer"
            assert (await http.post(place, headers=KEY)).status == 200
            assert (await http.post(place, headers=KEY)).status == 409
            await asyncio.wait_for(over, 15)
        assert browser.told[-1] == {"type": "ended", "reason": "operator"}


async def test_a_bot_that_is_not_there_is_named_and_seen_when_it_comes(lab, http, bot, unused_tcp_port):
    address = f"http://127.0.0.1:{unused_tcp_port}"
    async with lab.running(lab.parts(BOT_URLS=address)) as host, watching(http, host) as live:
        away = await live.until("bot")
        assert (away["ok"], away["bot"]) == (False, address)
        assert address in away["detail"]
        state = await (await http.get(f"http://{host}/api/live")).json()
        assert (state["calls"], state["bots"][0]["ok"]) == ([], False)
        refused = await http.post(f"http://{host}/api/live/x/hangup", headers=KEY)
        assert (refused.status, (await refused.json())["code"]) == (409, "unreachable")
        async with http.ws_connect(f"ws://{host}/api/talk") as socket:
            assert "Бот не отвечает" in (await socket.receive_json())["detail"]
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        async with bot(unused_tcp_port):
            assert (await live.until("bot"))["ok"] is True
            await live.until("snapshot")
        assert (await live.until("bot"))["ok"] is False


@pytest.mark.parametrize("rate", ["0", "-1", "x", "11025", "9" * 400])
async def test_a_rate_that_no_browser_has_is_refused(lab, http, rate):
    async with (
        lab.running(lab.parts(BOT_URLS=NOBODY)) as host,
        http.ws_connect(f"ws://{host}/api/talk", params={"rate": rate}) as socket,
    ):
        assert "rate" in (await socket.receive_json())["detail"]


@pytest.mark.parametrize("longest", [bytes(65_536), "я" * 40_000])
async def test_the_longest_message_does_not_end_a_call(lab, http, bot, longest):
    async with (
        bot() as address,
        lab.running(lab.parts(BOT_URLS=address)) as host,
        talking(http, host, [speech(1200, 9000)]) as (browser, over),
    ):
        await browser.put(longest)
        await asyncio.wait_for(over, 30)
    assert browser.told[-1] == {"type": "ended", "reason": "goodbye"}


async def test_a_page_that_floods_ends_its_own_call(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=address)) as host:
        for place in (f"{address}/talk", f"http://{host}/api/talk"):
            async with http.ws_connect(place) as socket:

                async def flood(socket=socket):
                    with contextlib.suppress(aiohttp.ClientError, OSError):
                        while not socket.closed:
                            await socket.send_str("{}")

                flooding = asyncio.create_task(flood())
                async with asyncio.timeout(20):
                    while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                        pass
                flooding.cancel()
                await asyncio.wait({flooding})
        rows = await lab.logged(lambda rows: len(rows) == 2 and all(row.end_time for row in rows), timeout_s=10)
    assert {row.status for row in rows} == {"Completed"}


async def test_a_page_that_vanishes_ends_its_call(lab, http, bot):
    async with bot() as address, lab.running(lab.parts(BOT_URLS=address)) as host:
        async with talking(http, host) as (browser, _):
            while not browser.of("started"):
                await asyncio.sleep(0.02)
        (row,) = await lab.logged(lambda rows: rows and rows[0].end_time)
        assert row.status == "Completed"


async def test_open_streams_do_not_hold_up_a_stop(lab, http, bot):
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as watched:
        async with bot() as address:
            async with lab.running(lab.parts(BOT_URLS=address)) as host:
                live = await watched.enter_async_context(watching(http, host))
                await live.until("snapshot")
                began = loop.time()
            assert loop.time() - began < 3
            began = loop.time()
        assert loop.time() - began < 1


# --- the bot's own server ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://127.0.0.1:9464"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}, {"Host": "[x"}],
)
async def test_the_bot_refuses_pages(http, bot, headers):
    async with bot() as address:
        assert (await http.get(f"{address}/live", headers=headers)).status in (400, 403)
        assert (await http.post(f"{address}/live/x/hangup", headers=headers)).status in (400, 403)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{address}/talk", headers=headers)


@pytest.mark.parametrize("headers", [{"Origin": "http://127.0.0.1:9464"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_the_bot_refuses_pages_with_the_key_too(http, bot, headers):
    async with bot() as address:
        assert (await http.post(f"{address}/live/x/hangup", headers={**KEY, **headers})).status == 403


async def test_a_bot_is_asked_by_any_name_with_the_key(http, bot):
    """Bots on other machines are named by host names, which only the key tells from a page that rebinds its own."""
    async with bot(BOT_HTTP_HOST="0.0.0.0") as everywhere:
        address = everywhere.replace("0.0.0.0", "127.0.0.1")
        name = {"Host": "bot-a:9464"}
        async with http.get(f"{address}/live", headers={**KEY, **name}) as answer:
            assert answer.status == 200
        assert (await http.post(f"{address}/live/x/hangup", headers={**KEY, **name})).status == 404
        assert (await http.get(f"{address}/live", headers={"X-API-Key": "wrong", **name})).status == 401
        assert (await http.get(f"{address}/live", headers=name)).status == 403


async def test_editing_the_address_does_not_open_a_bot_that_listens(lab, http, bot):
    """A hot reload changes the settings, not the socket: what the open socket asks for stays."""
    environ = {"API_SECRET_KEY": "k", "BOT_HTTP_PORT": "0"}
    force = [load_settings(lab.env_file, {**environ, "BOT_HTTP_HOST": "0.0.0.0"})]
    async with bot(source=lambda: force[0]) as everywhere:
        address = everywhere.replace("0.0.0.0", "127.0.0.1")
        force[0] = load_settings(lab.env_file, {**environ, "BOT_HTTP_HOST": "127.0.0.1"})
        assert (await http.get(f"{address}/live")).status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await http.ws_connect(f"{address}/talk")
        force[0] = load_settings(lab.env_file, {**environ, "API_SECRET_KEY": ""})
        assert (await http.post(f"{address}/live/x/hangup", headers=KEY)).status == 404


async def test_the_bots_controls_take_the_key(http, bot):
    async with bot() as address:
        assert (await http.post(f"{address}/live/x/hangup")).status == 401
        assert (await http.post(f"{address}/live/x/hangup", headers=KEY)).status == 404
    async with bot(API_SECRET_KEY="") as address:
        assert (await http.post(f"{address}/live/x/hangup", headers=KEY)).status == 403


async def test_on_an_open_address_the_bot_asks_for_the_key_even_to_look(http, bot):
    async with bot(BOT_HTTP_HOST="0.0.0.0") as everywhere:
        address = everywhere.replace("0.0.0.0", "127.0.0.1")
        assert (await http.get(f"{address}/live")).status == 401
        assert (await http.get(f"{address}/live", headers=KEY)).status == 200


async def test_a_bot_whose_port_is_taken_answers_calls_without_it(lab, bot):
    async with bot() as address:
        port = int(address.rpartition(":")[2])
        live, settings = LiveCalls(), load_settings(lab.env_file, {"BOT_HTTP_PORT": str(port)})
        async with serve_bot_http(services(ScriptedAsr({}), ScriptedAnswerer({})), live, lambda: settings) as calls:
            assert calls.addresses == ()
            assert calls.hang_up("x") is False
