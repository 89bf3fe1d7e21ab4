"""AudioSocket with a TCP client that plays Asterisk's part."""

import asyncio
import struct
from contextlib import asynccontextmanager
from uuid import uuid4

import numpy as np
import pytest
from fakes.sink import Sink

from voxbot.domain.errors import MediaError, PortBusyError
from voxbot.media.audiosocket import ANNOUNCEMENT, DIGIT, ERROR, HANGUP, SOUND, AudioSocketServer, frame

FRAME = np.arange(160, dtype=np.int16)


class Asterisk:
    """One connection, as chan_audiosocket makes it."""

    def __init__(self, reader, writer):
        self._reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, server):
        host, _, port = server.address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    def say(self, kind, payload=b""):
        self.writer.write(frame(kind, payload))

    async def hear(self):
        kind, length = struct.unpack("!BH", await self._reader.readexactly(3))
        assert kind == SOUND
        return np.frombuffer(await self._reader.readexactly(length), "<i2")

    async def hung_up(self):
        async with asyncio.timeout(5):
            try:
                while await self._reader.read(4096):
                    pass
            except ConnectionError:
                pass
        return True

    def close(self):
        self.writer.close()


@asynccontextmanager
async def listening():
    server = AudioSocketServer("127.0.0.1", 0)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def call(server):
    """A connected call: Asterisk's end, our end, who receives, and the task that does."""
    connection_id, sink = uuid4(), Sink()
    with server.expecting(connection_id) as connecting:
        asterisk = await Asterisk.connect(server)
        asterisk.say(ANNOUNCEMENT, connection_id.bytes)
        async with asyncio.timeout(5):
            media = await connecting
        receiving = asyncio.create_task(media.receive(sink))
        try:
            yield asterisk, media, sink, receiving
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})
            asterisk.close()


async def test_silence_streams_from_the_first_moment_at_20_ms():
    """Without it Asterisk can hang, with all its calls (FINDINGS, section 1)."""
    async with listening() as server, call(server) as (asterisk, _, _, _):
        loop = asyncio.get_running_loop()
        began = loop.time()
        heard = [await asterisk.hear() for _ in range(26)]
        assert loop.time() - began == pytest.approx(0.5, abs=0.12)
    assert all(len(samples) == 160 and not samples.any() for samples in heard)


async def test_sound_goes_both_ways_unchanged_and_the_mark_comes_when_it_has_been_played():
    sound = (np.sin(np.arange(1600) / 7) * 9000).astype(np.int16)
    async with listening() as server, call(server) as (asterisk, media, sink, _):
        await media.send(sound)
        await media.mark(1)
        for start in range(0, 1600, 160):
            asterisk.say(SOUND, sound[start : start + 160].astype("<i2").tobytes())
        heard = [await asterisk.hear() for _ in range(14)]
        await sink.until(lambda: sink.marks == [1] and len(sink.audio) == 1600)
    heard = np.concatenate(heard)
    begin = int(np.flatnonzero(heard)[0]) - 1
    assert np.array_equal(heard[begin : begin + 1600], sound)
    assert np.array_equal(sink.audio, sound)


async def test_a_flush_is_silence_with_the_next_frame_and_takes_the_marks_along():
    async with listening() as server, call(server) as (asterisk, media, sink, _):
        await media.send(np.full(160 * 500, 9, np.int16))
        await media.mark(1)
        while not (await asterisk.hear()).any():
            pass
        await media.flush()
        await media.send(np.full(160, 5, np.int16))
        await media.mark(2)
        await sink.until(lambda: sink.marks)
        assert sink.marks == [2]


async def test_what_the_caller_says_before_anybody_receives_is_kept():
    connection_id, sink = uuid4(), Sink()
    async with listening() as server:
        with server.expecting(connection_id) as connecting:
            asterisk = await Asterisk.connect(server)
            asterisk.say(ANNOUNCEMENT, connection_id.bytes)
            asterisk.say(SOUND, FRAME.astype("<i2").tobytes())
            media = await connecting
            await asterisk.hear()
            receiving = asyncio.create_task(media.receive(sink))
            await sink.until(lambda: len(sink.audio) == 160)
            receiving.cancel()
            asterisk.close()
    assert np.array_equal(sink.audio, FRAME)


async def test_a_byte_at_a_time_is_as_good_as_whole_messages():
    async with listening() as server, call(server) as (asterisk, _, sink, _):
        for byte in frame(SOUND, FRAME.astype("<i2").tobytes()):
            asterisk.writer.write(bytes([byte]))
            await asterisk.writer.drain()
        await sink.until(lambda: len(sink.audio) == 160)
        assert np.array_equal(sink.audio, FRAME)


async def test_odd_empty_and_unknown_messages_are_survived():
    async with listening() as server, call(server) as (asterisk, _, sink, receiving):
        asterisk.say(SOUND, b"\1\2\3")
        asterisk.say(SOUND)
        asterisk.say(DIGIT, b"5")
        asterisk.say(ERROR, b"\1")
        asterisk.say(0x77, b"?")
        asterisk.say(ANNOUNCEMENT, uuid4().bytes)
        asterisk.say(SOUND, FRAME.astype("<i2").tobytes())
        await sink.until(lambda: len(sink.audio) >= 161)
        assert not receiving.done()
    assert sink.audio[0] == 0x0201


@pytest.mark.parametrize(
    "first",
    [
        frame(ANNOUNCEMENT, uuid4().bytes),
        frame(ANNOUNCEMENT, b"short"),
        frame(SOUND, bytes(320)),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff" + bytes(70_000),
    ],
    ids=["unknown call", "no uuid", "sound first", "a browser", "too long"],
)
async def test_a_stranger_is_shown_the_door_and_the_calls_go_on(first):
    async with listening() as server, call(server) as (asterisk, _, sink, receiving):
        stranger = await Asterisk.connect(server)
        stranger.writer.write(first)
        assert await stranger.hung_up()
        stranger.close()
        asterisk.say(SOUND, FRAME.astype("<i2").tobytes())
        await sink.until(lambda: len(sink.audio) == 160)
        assert not receiving.done()


async def test_who_announces_nothing_is_disconnected_after_a_second():
    async with listening() as server:
        loop = asyncio.get_running_loop()
        began = loop.time()
        stranger = await Asterisk.connect(server)
        assert await stranger.hung_up()
        assert 0.9 < loop.time() - began < 2
        stranger.close()


async def test_a_second_connection_for_the_same_call_is_refused():
    connection_id = uuid4()
    async with listening() as server:
        with server.expecting(connection_id) as connecting:
            first, second = await Asterisk.connect(server), await Asterisk.connect(server)
            first.say(ANNOUNCEMENT, connection_id.bytes)
            await connecting
            second.say(ANNOUNCEMENT, connection_id.bytes)
            assert await second.hung_up()
            assert len(await first.hear()) == 160
            first.close()
            second.close()


@pytest.mark.parametrize("how", ["closes", "hangs up", "garbage"])
async def test_an_end_in_mid_sentence_is_an_error_for_who_receives_and_who_sends(how):
    async with listening() as server, call(server) as (asterisk, media, _, receiving):
        await media.send(np.full(160 * 100, 9, np.int16))
        if how == "closes":
            asterisk.close()
        elif how == "hangs up":
            asterisk.say(HANGUP)
        else:
            asterisk.writer.write(b"\x10\xff\xff" + bytes(70_000))
        with pytest.raises(MediaError):
            async with asyncio.timeout(5):
                await receiving
        for doing in (media.send(FRAME), media.mark(1), media.flush()):
            with pytest.raises(MediaError):
                await doing


async def test_a_call_that_is_over_closes_its_connection():
    async with listening() as server:
        async with call(server) as (asterisk, _, _, _):
            pass
        assert await asterisk.hung_up()


async def test_half_a_frame_is_refused():
    async with listening() as server, call(server) as (_, media, _, _):
        with pytest.raises(ValueError, match="whole frames"):
            await media.send(np.zeros(250, np.int16))


async def test_an_address_that_is_taken_is_one_clear_line():
    async with listening() as server:
        second = AudioSocketServer("127.0.0.1", int(server.address.rpartition(":")[2]))
        with pytest.raises(PortBusyError, match="AUDIOSOCKET_PORT"):
            await second.open()
