"""The websocket of a call from the browser."""

import asyncio

import numpy as np
import pytest
from fakes.browser import BrowserSocket
from fakes.sink import Sink
from fakes.virtual_time import run_virtual

from voxbot.domain.audio import silence
from voxbot.domain.errors import MediaError
from voxbot.media.browser import BrowserMedia


def ignore(_digit):
    pass


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000, 44_100, 48_000])
def test_sound_of_any_rate_arrives_at_8_khz(rate_hz):
    async def main():
        socket, sink = BrowserSocket(), Sink()
        media = BrowserMedia(socket, rate_hz, ignore)
        tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)).astype("<i2")
        for piece in np.array_split(tone, 37):  # of no particular length
            await socket.take(piece.tobytes())
        socket.vanish()
        await media.receive(sink)
        return sink.audio

    heard = run_virtual(main())
    assert len(heard) == pytest.approx(8000, abs=40)
    spectrum = np.abs(np.fft.rfft(heard[400:7600].astype(float)))
    assert np.argmax(spectrum) * 8000 / 7200 == pytest.approx(440, abs=2)
    assert np.abs(heard).max() == pytest.approx(10_000, rel=0.05)


def test_an_unknown_rate_is_refused():
    async def main():
        with pytest.raises(ValueError, match="11025"):
            BrowserMedia(BrowserSocket(), 11_025, ignore)

    run_virtual(main())


def test_a_browser_that_does_not_read_is_given_up():
    async def main():
        socket = BrowserSocket()
        socket.stalled = True
        media = BrowserMedia(socket, 8000, ignore)
        for _ in range(1000):
            media.tell({"type": "partial", "text": "слова"})  # neither waits nor grows without bound
        with pytest.raises(MediaError, match="не читает"):
            await media.send(silence(20))
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(5, abs=0.1)


def test_a_closed_socket_is_a_media_error():
    async def main():
        socket = BrowserSocket()
        media = BrowserMedia(socket, 8000, ignore)
        socket.vanish()
        for sending in (media.send(silence(20)), media.mark(1), media.flush()):
            with pytest.raises(MediaError):
                await sending
        await media.tell_last({"type": "ended"})

    run_virtual(main())


class Rounds:
    """Counts how many messages are taken in one round of the loop."""

    def __init__(self, socket):
        self._socket = socket
        self._now = 0
        self.most = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self._now:
            asyncio.get_running_loop().call_soon(self._over)
        self._now += 1
        self.most = max(self.most, self._now)
        return await anext(self._socket)

    def _over(self):
        self._now = 0


@pytest.mark.parametrize("junk", ["{}", b"", '{"type": "mark", "mark": 1}', '{"type": "digit", "digit": "5"}'])
def test_messages_without_a_pause_do_not_stop_the_loop_and_end_the_call(junk):
    async def main():
        socket = BrowserSocket()
        for _ in range(20_000):
            await socket.take(junk)
        rounds = Rounds(socket)
        media = BrowserMedia(rounds, 8000, ignore)
        with pytest.raises(MediaError, match="чаще"):
            await media.receive(Sink())
        assert media.flooded
        return rounds.most

    assert run_virtual(main()) < 50


def test_the_pieces_of_a_real_microphone_are_never_too_many():
    """128 samples at 48 kHz, 10 s of them after a stall, and the marks of a bot that speaks."""

    async def main():
        socket, sink = BrowserSocket(), Sink()
        media = BrowserMedia(socket, 48_000, ignore)
        receiving = asyncio.create_task(media.receive(sink))
        for seconds in (20, 10):
            for number in range(seconds * 375):
                await socket.take(bytes(256))
                if number % 75 == 0:
                    await socket.take('{"type": "mark", "mark": 1}')
                if seconds == 20:
                    await asyncio.sleep(1 / 375)
            if seconds == 20:
                await asyncio.sleep(10)
        await asyncio.sleep(1)
        assert not receiving.done()
        socket.vanish()
        await receiving
        return len(sink.audio) / 8000

    assert run_virtual(main()) == pytest.approx(22, abs=0.2), "what comes 2 s late is stale"


def test_sound_that_a_stalled_connection_brings_late_is_dropped():
    async def main():
        socket, sink = BrowserSocket(), Sink()
        media = BrowserMedia(socket, 8000, ignore)
        receiving = asyncio.create_task(media.receive(sink))
        await socket.take(bytes(320))
        await asyncio.sleep(60)
        for _ in range(60):
            await socket.take(bytes(16_000))
        await asyncio.sleep(1)
        for _ in range(50):  # and then it is on time again
            await socket.take(bytes(320))
            await asyncio.sleep(0.02)
        socket.vanish()
        await receiving
        return len(sink.audio) / 8000

    assert run_virtual(main()) == pytest.approx(3, abs=0.1)
