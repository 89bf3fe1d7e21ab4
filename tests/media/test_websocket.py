"""The media websocket against a server that keeps chan_websocket's rules."""

import asyncio
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiohttp import ClientSession, WSMsgType, web
from aiohttp.test_utils import TestServer
from fakes.sink import Sink

from voxbot.domain.errors import MediaError
from voxbot.media.g711 import decode_alaw, encode_alaw
from voxbot.media.websocket import WebSocketMedia

MAX_BINARY, MAX_TEXT, FRAME_BYTES = 65_535, 128, 160


class ChanWebsocket:
    """Takes what Asterisk takes; closes with 1009 and ignores long texts as it does (FINDINGS, section 3)."""

    def __init__(self):
        self.heard = b""
        self.commands = []
        self.socket = None
        self.arrived = asyncio.Event()

    async def handle(self, request):
        self.socket = web.WebSocketResponse(protocols=["media"], max_msg_size=0)
        await self.socket.prepare(request)
        async for message in self.socket:
            if message.type is WSMsgType.BINARY:
                if len(message.data) > MAX_BINARY:
                    await self.socket.close(code=1009)
                self.heard += message.data[: len(message.data) // FRAME_BYTES * FRAME_BYTES]
            elif len(message.data) <= MAX_TEXT:
                self.commands.append(json.loads(message.data))
            self.arrived.set()
        return self.socket

    async def until(self, condition):
        async with asyncio.timeout(5):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def connection():
    asterisk, app = ChanWebsocket(), web.Application()
    app.router.add_get("/media/x", asterisk.handle)
    async with TestServer(app) as server, ClientSession() as http:
        media = await WebSocketMedia.connect(http, str(server.make_url("/media/x")))
        try:
            yield asterisk, media
        finally:
            await media.close()


async def test_a_minute_of_sound_in_one_piece_arrives_whole():
    sound = (np.sin(np.arange(480_000) / 7) * 9000).astype(np.int16)
    async with connection() as (asterisk, media):
        await media.send(sound)
        await asterisk.until(lambda: len(asterisk.heard) >= 480_000)
    assert asterisk.heard == encode_alaw(sound)


async def test_half_a_frame_is_refused_before_asterisk_drops_it():
    async with connection() as (_, media):
        with pytest.raises(ValueError, match="whole frames"):
            await media.send(np.zeros(250, np.int16))


async def test_marks_and_flush_are_commands_asterisk_reads():
    async with connection() as (asterisk, media):
        await media.mark(10**9)
        await media.flush()
        await asterisk.until(lambda: len(asterisk.commands) == 2)
    assert asterisk.commands == [
        {"command": "MARK_MEDIA", "correlation_id": "1000000000"},
        {"command": "FLUSH_MEDIA"},
    ]


async def test_garbage_is_survived_and_audio_goes_on():
    async with connection() as (asterisk, media):
        sink = Sink()
        receiving = asyncio.create_task(media.receive(sink))
        for text in (
            "not json",
            "[]",
            "{}",
            '{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "x"}',
            '{"event": "NEW"}',
        ):
            await asterisk.socket.send_str(text)
        await asterisk.socket.send_bytes(b"")
        await asterisk.socket.send_bytes(b"\xd5" * 7)
        await asterisk.socket.send_str('{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "7"}')
        await sink.until(lambda: sink.marks)
        assert sink.marks == [7]
        assert len(sink.audio) == 7, "an empty message is nothing, half a frame is half a frame"
        assert not receiving.done()
        receiving.cancel()
        await asyncio.wait({receiving})


@asynccontextmanager
async def receiving_call():
    async with connection() as (asterisk, media):
        sink = Sink()
        receiving = asyncio.create_task(media.receive(sink))
        try:
            yield asterisk, media, sink
        finally:
            assert not receiving.done()
            receiving.cancel()
            await asyncio.wait({receiving})


FRAME = encode_alaw(np.full(160, 1000, np.int16))


async def test_sound_goes_both_ways_although_media_start_is_late():
    async with receiving_call() as (asterisk, media, sink):
        await asterisk.socket.send_bytes(FRAME)
        await media.send(np.zeros(160, np.int16))
        await asterisk.until(lambda: len(asterisk.heard) == 160)
        await asterisk.socket.send_str('{"event": "MEDIA_START", "format": "alaw", "optimal_frame_size": 160}')
        await asterisk.socket.send_bytes(FRAME)
        await sink.until(lambda: len(sink.audio) == 320)


async def test_what_asterisk_says_about_its_queue_changes_nothing():
    """After a flush STATUS may still show the old length, and a mark from before may still come."""
    async with receiving_call() as (asterisk, media, sink):
        await media.flush()
        for status in (
            {"event": "STATUS", "queue_length": 900, "queue_full": True},
            {"event": "QUEUE_DRAINED"},
            {"event": "MEDIA_XOFF"},
            {"event": "STATUS", "queue_length": -3},
        ):
            await asterisk.socket.send_str(json.dumps(status))
        await media.send(np.zeros(160, np.int16))
        await media.mark(2)
        await asterisk.until(lambda: len(asterisk.commands) == 2)
        await asterisk.socket.send_str('{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "2"}')
        await sink.until(lambda: sink.marks == [2])


async def test_a_monstrous_frame_is_left_out_and_the_call_goes_on():
    async with receiving_call() as (asterisk, _, sink):
        await asterisk.socket.send_bytes(bytes(1_000_000))
        await asterisk.socket.send_bytes(FRAME)
        await sink.until(lambda: len(sink.audio))
        assert len(sink.audio) == 160


async def test_a_peer_that_sends_nothing_while_silent_is_no_error():
    async with receiving_call() as (asterisk, media, sink):
        await asterisk.socket.send_bytes(FRAME)
        await sink.until(lambda: len(sink.audio) == 160)
        await media.mark(1)  # a round trip without sound from there
        await asterisk.until(lambda: asterisk.commands)
        await asterisk.socket.send_bytes(FRAME)
        await sink.until(lambda: len(sink.audio) == 320)


async def test_a_connection_that_closes_is_an_error_for_who_receives_and_who_sends():
    async with connection() as (asterisk, media):
        receiving = asyncio.create_task(media.receive(Sink()))
        await asterisk.socket.close()
        with pytest.raises(MediaError):
            await receiving
        with pytest.raises(MediaError):
            await media.send(np.zeros(160, np.int16))


async def test_an_address_where_nobody_answers_is_one_clear_error():
    async with ClientSession() as http:
        with pytest.raises(MediaError, match="медиаканал"):
            await WebSocketMedia.connect(http, "ws://127.0.0.1:9/media/x")


def test_a_law_survives_the_round_trip_within_its_precision():
    sound = (np.sin(np.arange(8000) / 5) * 20000).astype(np.int16)
    decoded = decode_alaw(encode_alaw(sound)).astype(int)
    loud = np.abs(sound) > 1000
    assert np.max(np.abs(decoded - sound)[loud] / np.abs(sound[loud])) < 0.04
