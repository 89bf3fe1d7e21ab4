"""What has been heard, against a far side that plays in virtual time and reports marks as Asterisk does."""

import asyncio

import numpy as np
import pytest
from fakes.virtual_time import run_virtual

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.media.playout import Playout
from voxbot.settings.loader import load_settings

MEDIA = load_settings(environ={}).media


class FarSide:
    """Plays one frame each 20 ms; marks come when they are reached, unless they are lost."""

    def __init__(self, *, lose_marks=False):
        self.queue = []
        self.played = 0
        self.longest = 0
        self.blocks = []
        self.lose_marks = lose_marks
        self.playout = Playout(self, MEDIA)

    async def send(self, samples):
        assert len(samples) % FRAME_SAMPLES == 0
        self.blocks.append(len(samples))
        self.queue += [FRAME_SAMPLES] * (len(samples) // FRAME_SAMPLES)
        self.longest = max(self.longest, self.queue.count(FRAME_SAMPLES))

    async def mark(self, mark):
        self.queue.append(-mark)

    async def flush(self):
        self.queue.clear()

    async def run(self):
        while True:
            await asyncio.sleep(0.02)
            if self.queue:
                self.played += self.queue.pop(0)
            while self.queue and self.queue[0] < 0:
                mark = -self.queue.pop(0)
                if not self.lose_marks:
                    self.playout.on_mark(mark)


def play(scenario, **options):
    async def main():
        far = FarSide(**options)
        playing = asyncio.create_task(far.run())
        try:
            return await scenario(far, far.playout)
        finally:
            playing.cancel()

    return run_virtual(main())


def sound(duration_ms):
    return np.ones(round(duration_ms * 8), np.int16)


@pytest.mark.parametrize("duration_ms", [20, 33.5, 400, 2000, 30_000])
def test_drain_returns_when_all_of_it_has_been_heard(duration_ms):
    async def scenario(far, playout):
        started = asyncio.get_running_loop().time()
        await playout.play(sound(duration_ms))
        await playout.drain()
        return far.played, asyncio.get_running_loop().time() - started

    played, seconds = play(scenario)
    assert played >= duration_ms * 8
    assert played - duration_ms * 8 < FRAME_SAMPLES
    assert seconds * 1000 == pytest.approx(duration_ms, abs=60)


def test_the_far_queue_is_never_near_the_limit_where_asterisk_drops_sound():
    async def scenario(far, playout):
        for _ in range(10):
            await playout.play(sound(5000))
        return far.longest, max(far.blocks)

    longest_frames, largest_block = play(scenario)
    assert longest_frames * 20 <= MEDIA.max_ahead_ms + 20
    assert largest_block <= MEDIA.block_ms * 8


@pytest.mark.parametrize("after_ms", [0, 110, 390, 1234, 3990])
def test_a_flush_keeps_the_heard_position_to_the_frame(after_ms):
    async def scenario(far, playout):
        await playout.play(sound(3000))
        more = asyncio.create_task(playout.play(sound(5000)))
        await asyncio.sleep(after_ms / 1000)
        heard_then = playout.heard
        more.cancel()
        await asyncio.wait({more})
        await playout.flush()
        await asyncio.sleep(1)
        return heard_then, playout.heard, playout.sent, far.played

    then, later, sent, played = play(scenario)
    assert then == later == sent, "nothing is heard after a flush"
    assert abs(then - played) <= 2 * FRAME_SAMPLES


def test_after_a_flush_new_sound_is_heard_from_its_own_beginning_and_old_marks_mean_nothing():
    async def scenario(far, playout):
        await playout.play(sound(3000))
        await asyncio.sleep(0.5)
        await playout.flush()
        begin = playout.sent
        playout.on_mark(3)
        assert playout.heard == begin
        await playout.play(sound(1000))
        await asyncio.sleep(0.5)
        middle = playout.heard - begin
        await playout.drain()
        return middle, playout.heard - begin

    middle, end = play(scenario)
    assert middle == pytest.approx(4000, abs=400)
    assert end == 8000


def test_lost_marks_do_not_stall_a_call():
    async def scenario(far, playout):
        started = asyncio.get_running_loop().time()
        await playout.play(sound(6000))
        await playout.drain()
        return asyncio.get_running_loop().time() - started

    assert 6 <= play(scenario, lose_marks=True) < 8
