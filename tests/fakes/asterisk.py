"""As much of ARI as sound needs: modules, playbacks, snoop and media channels, recordings, bridges."""

import asyncio
import json
from contextlib import asynccontextmanager
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from voxbot.settings.loader import load_settings
from voxbot.telephony.ari import AriClient

MODULES = {
    "chan_websocket.so", "res_http_websocket.so", "chan_audiosocket.so", "res_audiosocket.so",
    "res_stasis_playback.so", "res_stasis_recording.so", "res_stasis_snoop.so", "func_talkdetect.so",
}  # fmt: skip


class Asterisk:
    """ARI's side of modules, playbacks, snoop channels and recordings."""

    def __init__(self, version="22.10.1", modules=MODULES):
        self.version, self.modules = version, modules
        self.live, self.stored, self.channels, self.variables = set(), {}, set(), []
        self.bridges = {}
        self.audiosocket = None  # our connection to the bot: reader, writer
        self.playbacks = {}
        self.asked = 0  # how often for the version
        self.play_asked, self.playing_allowed = asyncio.Event(), asyncio.Event()
        self.playing_allowed.set()
        self.on_play = self.on_stop = None  # what becomes of a playback or recording instead of the usual
        self._socket = None
        self.connected = asyncio.Event()

    async def events(self, request):
        self._socket = web.WebSocketResponse()
        await self._socket.prepare(request)
        self.connected.set()
        async for _ in self._socket:
            pass
        return self._socket

    async def tell(self, kind, **fields):
        await self._socket.send_str(json.dumps({"type": kind, **fields}))

    async def rest(self, request):
        found = await self._answer(request.method, request.match_info["rest"].split("/"), request.query)
        if isinstance(found, bytes):
            return web.Response(body=found)
        return web.json_response(found) if found is not None else web.json_response({"message": "no"}, status=404)

    async def _answer(self, method, path, query):  # noqa: C901, PLR0911, PLR0912 - a table
        match (method, *path):
            case ("GET", "asterisk", "info"):
                self.asked += 1
                return {"system": {"version": self.version}}
            case ("GET", "asterisk", "modules", name):
                return {"name": name, "status": "Running"} if name in self.modules else None
            case ("POST", "channels", _, "snoop", name):
                self.channels.add(name)
                await self.tell("StasisStart", channel={"id": name})
                return {}
            case ("POST", "channels", _, "variable"):
                self.variables.append((query["variable"], query["value"]))
                return {}
            case ("POST", "channels", "externalMedia") if query["encapsulation"] == "audiosocket":
                host, _, port = query["external_host"].rpartition(":")
                self.audiosocket = await asyncio.open_connection(host, int(port))
                self.audiosocket[1].write(b"\x01\0\x10" + UUID(query["data"]).bytes)
                self.channels.add(query["channelId"])
                await self.tell("StasisStart", channel={"id": query["channelId"]})
                return {"channelvars": {}}
            case ("POST", "bridges", name):
                self.bridges[name] = ()
                return {}
            case ("POST", "bridges", name, "addChannel"):
                self.bridges[name] = tuple(query["channel"].split(","))
                return {}
            case ("DELETE", "bridges", name) if name in self.bridges:
                del self.bridges[name]
                return {}
            case ("POST", "channels", _, "answer"):
                return {}
            case ("POST", "channels", name, "record") if name in self.channels:
                self.live.add(query["name"])
                return {}
            case ("POST", "channels", _, "play", name):
                self.play_asked.set()
                await self.playing_allowed.wait()
                self.playbacks[name] = query["media"], query["lang"]
                state = self.on_play(name) if self.on_play else "done"
                if state:
                    await self.tell("PlaybackFinished", playback={"id": name, "state": state})
                return {}
            case ("POST", "recordings", "live", name, "stop") if name in self.live:
                self.live.discard(name)
                self.stored[name] = b"RIFF" + name.encode()
                kind = self.on_stop(name) if self.on_stop else "RecordingFinished"
                await self.tell(kind, recording={"name": name})
                return {}
            case ("GET", "recordings", "stored", name, "file"):
                return self.stored.get(name)
            case ("GET", "recordings", "stored"):
                return [{"name": name} for name in self.stored]
            case ("DELETE", "recordings", "live", name) if name in self.live:
                self.live.discard(name)
                return {}
            case ("DELETE", "recordings", "stored", name) if name in self.stored:
                del self.stored[name]
                return {}
            case ("DELETE", "channels", name) if name in self.channels:
                self.channels.discard(name)
                return {}
            case ("DELETE", "playbacks", name) if name in self.playbacks:
                await self.tell("PlaybackFinished", playback={"id": name, "state": "done"})
                return {}
        return None


@asynccontextmanager
async def ari_of(far):
    app = web.Application()
    app.router.add_get("/ari/events", far.events)
    app.router.add_route("*", "/ari/{rest:.*}", far.rest)
    async with TestServer(app) as server:
        environ = {"ARI_HTTP_URL": str(server.make_url("/"))}
        async with AriClient(load_settings(environ=environ).ari) as ari:
            running = asyncio.create_task(ari.run(lambda _: None, lambda: None))
            async with asyncio.timeout(5):
                await far.connected.wait()
            try:
                yield ari
            finally:
                running.cancel()
                await asyncio.wait({running})
