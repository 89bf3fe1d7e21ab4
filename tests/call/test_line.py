"""Lines of callers on an Asterisk that has this or that."""

import asyncio

import pytest
from fakes.asterisk import MODULES, Asterisk, ari_of
from fakes.sink import Sink

from voxbot.call.line import Lines
from voxbot.domain.errors import MediaError
from voxbot.domain.ids import ChannelId
from voxbot.settings.loader import load_settings
from voxbot.telephony.channels import CallerChannel


def lines_of(ari, **environ):
    settings = load_settings(environ=environ)
    return Lines(ari, lambda: settings)


async def test_a_caller_is_joined_with_the_audiosocket_and_nothing_is_left():
    far = Asterisk(version="20.5.0")
    async with ari_of(far) as ari:
        lines, sink = lines_of(ari), Sink()
        await lines.choose()
        async with asyncio.timeout(5), lines.open(CallerChannel(ari, ChannelId("caller"))) as line:
            assert far.bridges == {line.bridge.id: ("caller", line.media_id)}
            receiving = asyncio.create_task(line.transport.receive(sink))
            far.audiosocket[1].write(b"\x10\1\x40" + bytes(320))
            await sink.until(lambda: len(sink.audio) == 160)
            receiving.cancel()
            await asyncio.wait({receiving})
        await lines.close()
        far.audiosocket[1].close()
    assert (far.bridges, far.channels) == ({}, set())


async def test_asterisk_is_asked_once_a_connection_and_not_by_every_call():
    far = Asterisk(version="20.5.0")
    async with ari_of(far) as ari:
        lines = lines_of(ari)
        await lines.choose()
        for _ in range(3):
            async with asyncio.timeout(5), lines.open(CallerChannel(ari, ChannelId("caller"))):
                far.audiosocket[1].close()
        assert far.asked == 1
        await lines.choose()
        assert far.asked == 2
        await lines.close()


async def test_a_transport_that_is_not_there_is_one_error_line_and_an_error_for_the_call_until_it_is(capsys):
    far = Asterisk(modules=MODULES - {"chan_audiosocket.so"})
    async with ari_of(far) as ari:
        lines = lines_of(ari, MEDIA_TRANSPORT="audiosocket")
        await lines.choose()
        assert "chan_audiosocket.so" in capsys.readouterr().out
        with pytest.raises(MediaError, match="MEDIA_TRANSPORT=audiosocket"):
            async with lines.open(CallerChannel(ari, ChannelId("caller"))):
                pytest.fail("opened")
        assert far.bridges == {}
        far.modules = MODULES  # the operator has loaded it
        async with asyncio.timeout(5), lines.open(CallerChannel(ari, ChannelId("caller"))):
            far.audiosocket[1].close()
        await lines.close()


async def test_a_port_that_is_taken_is_a_refusal_and_not_a_crash(capsys):
    far = Asterisk()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with ari_of(far) as ari:
        lines = lines_of(ari, MEDIA_TRANSPORT="audiosocket", AUDIOSOCKET_PORT=str(port))
        await lines.choose()
        with pytest.raises(MediaError, match="AUDIOSOCKET_PORT"):
            async with lines.open(CallerChannel(ari, ChannelId("caller"))):
                pytest.fail("opened")
    server.close()


async def test_a_call_that_comes_before_the_choice_makes_it():
    far = Asterisk(version="20.5.0")
    async with ari_of(far) as ari:
        lines = lines_of(ari)
        async with asyncio.timeout(5), lines.open(CallerChannel(ari, ChannelId("caller"))):
            assert far.asked == 1
            far.audiosocket[1].close()
        await lines.close()
