"""The ARI client against a small server: passwords, silence, broken events, reconnection."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from voxbot.domain.errors import AriAuthError, AriError, AriUnavailableError, ChannelGoneError
from voxbot.settings.loader import load_settings
from voxbot.telephony.ari import AriClient
from voxbot.telephony.channels import media_channel, mixing_bridge
from voxbot.telephony.events import DtmfReceived, StasisEnd, StasisStart, parse_event


class Asterisk:
    """As much of ARI as the client is asked to survive."""

    def __init__(self):
        self.sockets = []
        self.requests = []
        self.answers = {}
        self.connected = asyncio.Event()

    async def events(self, request):
        if not self._allowed(request):
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.connected.set()
        async for _ in socket:
            pass
        return socket

    async def rest(self, request):
        self.requests.append((request.method, request.path, dict(request.query)))
        if not self._allowed(request):
            return web.Response(status=401)
        status, body = self.answers.get((request.method, request.path), (200, {}))
        return web.json_response(body, status=status)

    def _allowed(self, request):
        return request.headers.get("Authorization") == "Basic YXN0ZXJpc2s6YXN0ZXJpc2sxMjM="

    async def send(self, raw):
        await self.sockets[-1].send_str(raw if isinstance(raw, str) else json.dumps(raw))


@asynccontextmanager
async def asterisk(password="asterisk123", suffix=""):
    far, app = Asterisk(), web.Application()
    app.router.add_get("/ari/events", far.events)
    app.router.add_route("*", "/ari/{rest:.*}", far.rest)
    async with TestServer(app) as server:
        environ = {"ARI_HTTP_URL": str(server.make_url(suffix or "/")), "ARI_PASSWORD": password}
        async with AriClient(load_settings(environ=environ).ari) as ari:
            yield far, ari


def channel(channel_id, caller="79161234567"):
    return {"id": channel_id, "name": "PJSIP/x", "caller": {"number": caller}}


async def first_of(queue):
    async with asyncio.timeout(5):
        return await queue.get()


async def test_events_come_typed_and_a_broken_one_ends_nothing():
    async with asterisk() as (far, ari):
        events = asyncio.Queue()
        running = asyncio.create_task(ari.run(events.put_nowait, lambda: None))
        await far.connected.wait()
        for raw in (
            "{",
            "[]",
            {"type": "StasisStart"},
            {"type": "Unknown"},
            {"type": "StasisStart", "channel": channel("1")},
        ):
            await far.send(raw)
        event = await first_of(events)
        assert isinstance(event, StasisStart)
        assert (event.channel.id, event.channel.caller) == ("1", "79161234567")
        running.cancel()


async def test_a_channel_with_a_listener_gets_its_own_events():
    async with asterisk() as (far, ari):
        own, rest = asyncio.Queue(), asyncio.Queue()
        running = asyncio.create_task(ari.run(rest.put_nowait, lambda: None))
        await far.connected.wait()
        with ari.listening("media", own.put_nowait):
            await far.send({"type": "StasisStart", "channel": channel("media")})
            await far.send({"type": "StasisEnd", "channel": channel("call")})
            assert (await first_of(own)).channel.id == "media"
            assert isinstance(await first_of(rest), StasisEnd)
        running.cancel()


async def test_a_lost_connection_is_made_again():
    async with asterisk() as (far, ari):
        connections = asyncio.Queue()
        running = asyncio.create_task(ari.run(lambda _: None, lambda: connections.put_nowait(1)))
        await first_of(connections)
        await far.sockets[-1].close()
        await first_of(connections)
        assert len(far.sockets) == 2
        running.cancel()


async def test_a_wrong_password_ends_the_run_with_one_clear_line():
    async with asterisk(password="wrong") as (_, ari):
        with pytest.raises(AriAuthError, match="ARI_PASSWORD") as caught:
            await ari.run(lambda _: None, lambda: None)
        assert "\n" not in str(caught.value)
        assert "wrong" not in str(caught.value)
        with pytest.raises(AriAuthError):
            await ari.request("GET", "/channels")


async def test_no_asterisk_is_retried_and_told_once(capsys):
    environ = {"ARI_HTTP_URL": "http://127.0.0.1:9"}
    async with AriClient(load_settings(environ=environ).ari) as ari:
        with pytest.raises(AriUnavailableError):
            await ari.request("GET", "/channels")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await ari.run(lambda _: None, lambda: None)
    assert capsys.readouterr().out.count("voxbot simulate") == 1


async def test_errors_of_requests_are_told_apart():
    async with asterisk(suffix="/ari/") as (far, ari):
        far.answers = {
            ("GET", "/ari/channels/gone"): (404, {"message": "Channel not found"}),
            ("POST", "/ari/bridges/b/addChannel"): (400, {"message": "Channel not found"}),
            ("GET", "/ari/channels/busy"): (409, {"message": "Channel not in Stasis application"}),
        }
        with pytest.raises(ChannelGoneError):
            await ari.request("GET", "/channels/gone")
        with pytest.raises(ChannelGoneError):
            await ari.request("POST", "/bridges/b/addChannel")
        with pytest.raises(AriError) as caught:
            await ari.request("GET", "/channels/busy")
        assert caught.value.status == 409
        await ari.delete_quietly("/channels/gone")


async def test_what_was_created_is_deleted_even_if_the_creation_was_never_answered():
    async with asterisk() as (far, ari):
        far.answers = {("POST", "/ari/channels/externalMedia"): (500, {"message": "no"})}
        with pytest.raises(AriError):
            async with mixing_bridge(ari, "call"), media_channel(ari):
                pytest.fail("entered without a media channel")
        made = [path for method, path, _ in far.requests if method == "POST" and "/bridges/" in path]
        media_id = next(query["channelId"] for _, path, query in far.requests if path.endswith("externalMedia"))
        deleted = [path for method, path, _ in far.requests if method == "DELETE"]
        assert sorted(deleted) == sorted([*made, f"/ari/channels/{media_id}"])


async def test_every_media_channel_has_an_id_of_its_own():
    """A WebSocket externalMedia request with an id in use crashes Asterisk (FINDINGS, section 1)."""
    async with asterisk() as (far, ari):
        far.answers = {
            ("POST", "/ari/channels/externalMedia"): (200, {"channelvars": {"MEDIA_WEBSOCKET_CONNECTION_ID": "x"}})
        }
        for _ in range(50):
            async with media_channel(ari) as media:
                assert media.url.startswith("ws://127.0.0.1")
                assert media.url.endswith("/media/x")
    ids = [query["channelId"] for _, path, query in far.requests if path.endswith("externalMedia")]
    assert len(set(ids)) == 50


async def test_more_calls_than_the_http_library_allows_by_default_get_their_sockets():
    """aiohttp allows 100 connections in all unless told otherwise (FINDINGS, section 1)."""
    async with asterisk() as (far, ari):
        sockets = []
        async with asyncio.timeout(20):
            sockets.extend([await ari.http.ws_connect(f"{ari.base_url}/ari/events") for _ in range(120)])
        assert len(far.sockets) == 120
        await asyncio.gather(*(socket.close() for socket in sockets))


def test_dtmf_is_parsed():
    event = parse_event({"type": "ChannelDtmfReceived", "channel": channel("1"), "digit": "0"})
    assert event == DtmfReceived(event.channel, "0")


async def test_a_program_that_took_our_application_is_named(capsys):
    async with asterisk() as (far, ari):
        running = asyncio.create_task(ari.run(lambda _: None, lambda: None))
        await far.connected.wait()
        await far.send({"type": "ApplicationReplaced", "application": "asterisk-bot"})
        async with asyncio.timeout(5):
            while not far.sockets[0].closed:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
    assert "ARI_APP_NAME" in capsys.readouterr().out
