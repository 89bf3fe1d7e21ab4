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
