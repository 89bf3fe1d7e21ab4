"""What has been heard, against a far side that plays in virtual time and reports marks as Asterisk does."""

import asyncio

import numpy as np
import pytest
from fakes.virtual_time import run_virtual

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.media.playout import Playout
from voxbot.media.track import Track
from voxbot.settings.loader import load_settings

MEDIA = load_settings(environ={}).media


class FarSide:
    """Plays one frame each 20 ms; marks come when they are reached, unless they are lost."""

    def __init__(self, *, lose_marks=False):
        self.queue = []
        self.played = []
        self.longest = 0
        self.blocks = []
        self.lose_marks = lose_marks
        self.edges = []
        self.playout = Playout(self, MEDIA, self.on_sound)
        self.track = Track(self.playout)

    def on_sound(self, sounding):
        self.edges.append((round(asyncio.get_running_loop().time() * 1000), sounding))

    async def send(self, samples):
        assert len(samples) % FRAME_SAMPLES == 0
        self.blocks.append(len(samples))
        self.queue += list(samples.reshape(-1, FRAME_SAMPLES))
        self.longest = max(self.longest, sum(not isinstance(item, int) for item in self.queue))

    async def mark(self, mark):
        self.queue.append(mark)

    async def flush(self):
        self.queue.clear()

    async def run(self):
        while True:
            await asyncio.sleep(0.02)
            if self.queue and not isinstance(self.queue[0], int):
                self.played.append(self.queue.pop(0))
            while self.queue and isinstance(self.queue[0], int):
                mark = self.queue.pop(0)
                if not self.lose_marks:
                    self.playout.on_mark(mark)

    @property
    def heard(self):
        return np.concatenate(self.played) if self.played else np.zeros(0, np.int16)


def play(scenario, **options):
    async def main():
        far = FarSide(**options)
        playing = asyncio.create_task(far.run())
        try:
            return await scenario(far, far.playout)
        finally:
            playing.cancel()
            far.playout.close()

    return run_virtual(main())


def sound(duration_ms, first=1):
    """Samples that count up, so that what was heard tells from where in the track it came."""
    return (np.arange(round(duration_ms * 8)) % 30_000 + first).astype(np.int16)


@pytest.mark.parametrize("duration_ms", [20, 33.5, 400, 2000, 30_000])
def test_drain_returns_when_all_of_it_has_been_heard(duration_ms):
    async def scenario(far, playout):
        started = asyncio.get_running_loop().time()
        await far.track.play(sound(duration_ms))
        await far.track.drain()
        return far.heard, asyncio.get_running_loop().time() - started, far.track.heard

    heard, seconds, counted = play(scenario)
    assert np.array_equal(heard[: round(duration_ms * 8)], sound(duration_ms))
    assert len(heard) - duration_ms * 8 < FRAME_SAMPLES
    assert counted == len(heard)
    assert seconds * 1000 == pytest.approx(duration_ms, abs=60)


def test_the_far_queue_is_never_near_the_limit_where_asterisk_drops_sound():
    async def scenario(far, playout):
        for _ in range(10):
            await far.track.play(sound(5000))
        return far.longest, max(far.blocks)

    longest_frames, largest_block = play(scenario)
    assert longest_frames * 20 <= MEDIA.max_ahead_ms + 20
    assert largest_block <= MEDIA.block_ms * 8


@pytest.mark.parametrize("after_ms", [0, 110, 390, 1234, 3990])
def test_a_flush_keeps_the_heard_position_to_the_frame(after_ms):
    async def scenario(far, playout):
        await far.track.play(sound(3000))
        more = asyncio.create_task(far.track.play(sound(5000)))
        await asyncio.sleep(after_ms / 1000)
        heard_then = playout.heard
        more.cancel()
        await asyncio.wait({more})
        await playout.flush()
        await asyncio.sleep(1)
        return heard_then, playout.heard, playout.sent, len(far.heard)

    then, later, sent, played = play(scenario)
    assert then == later == sent, "nothing is heard after a flush"
    assert abs(then - played) <= 2 * FRAME_SAMPLES


def test_after_a_flush_new_sound_is_heard_from_its_own_beginning_and_old_marks_mean_nothing():
    async def scenario(far, playout):
        await far.track.play(sound(3000))
        await asyncio.sleep(0.5)
        await playout.flush()
        begin = playout.sent
        playout.on_mark(3)
        assert playout.heard == begin
        new = Track(playout)
        await new.play(sound(1000))
        await asyncio.sleep(0.5)
        middle = new.heard
        await new.drain()
        return middle, new.heard

    middle, end = play(scenario)
    assert middle == pytest.approx(4000, abs=400)
    assert end == 8000


def test_lost_marks_do_not_stall_a_call():
    async def scenario(far, playout):
        started = asyncio.get_running_loop().time()
        await far.track.play(sound(6000))
        await far.track.drain()
        return asyncio.get_running_loop().time() - started

    assert 6 <= play(scenario, lose_marks=True) < 8


@pytest.mark.parametrize("hold_at_ms", [90, 1000, 2950])
def test_a_held_track_goes_on_where_it_is_told_and_nothing_is_lost_or_said_while_it_is_held(hold_at_ms):
    """Whether it is still being given to the track, is waiting for room, or has all been sent already."""

    async def scenario(far, playout):
        saying = asyncio.create_task(_say(far.track, sound(3000)))
        await asyncio.sleep(hold_at_ms / 1000)
        await far.track.hold()
        held_at = far.track.heard
        await asyncio.sleep(2)
        assert far.track.heard == held_at
        silent_from = len(far.heard)
        far.track.resume(400)
        await saying
        return held_at, silent_from, far.heard, far.track.heard

    held_at, silent_from, heard, counted = play(scenario)
    assert held_at / 8 == pytest.approx(hold_at_ms, abs=45)
    assert np.array_equal(heard[silent_from:], sound(3000)[min(400 // FRAME_SAMPLES * FRAME_SAMPLES, held_at) :])
    assert counted == 24_000


async def _say(track, samples):
    await track.play(samples)
    await track.drain()


def test_a_track_resumed_without_an_offset_starts_in_the_quiet_place_before_where_it_was_held():
    quiet = sound(2000)
    quiet[6400:7200] = 0  # 800-900 ms

    async def scenario(far, playout):
        saying = asyncio.create_task(_say(far.track, quiet))
        await asyncio.sleep(1.1)
        await far.track.hold()
        before = len(far.heard)
        far.track.resume()
        await saying
        return far.heard[before:]

    again = play(scenario)
    assert 0 < np.argmax(again != 0) <= 800, "from within the pause"
    assert again[np.argmax(again != 0)] == quiet[7200]


def test_what_a_resumed_track_repeats_does_not_count_as_unheard():
    async def scenario(far, playout):
        saying = asyncio.create_task(_say(far.track, sound(3000)))
        await asyncio.sleep(2)
        await far.track.hold()
        furthest = far.track.heard
        far.track.resume(0)
        await asyncio.sleep(0.5)
        saying.cancel()
        await asyncio.wait({saying})
        await playout.flush()
        return furthest, far.track.heard

    furthest, heard = play(scenario)
    assert heard == furthest


def test_a_filler_between_two_stretches_of_a_track_is_not_counted_to_it():
    async def scenario(far, playout):
        await far.track.play(sound(400))
        await asyncio.sleep(1)
        await playout.send(np.zeros(8000, np.int16))
        await far.track.play(sound(400))
        await asyncio.sleep(1.2)
        return far.track.heard

    assert play(scenario) / 8 == pytest.approx(600, abs=45)


def test_the_ends_of_sound_are_reported_once_each():
    async def scenario(far, playout):
        await far.track.play(sound(1000))
        await far.track.play(sound(1000))
        await asyncio.sleep(3)
        await far.track.play(sound(1000))
        await asyncio.sleep(0.5)
        await playout.flush()
        return far.edges

    edges = play(scenario)
    assert [sounding for _, sounding in edges] == [True, False, True, False]
    assert [at for at, _ in edges] == pytest.approx([0, 2020, 3000, 3500], abs=45)


def test_what_is_at_the_ear_is_what_was_played_without_holes():
    async def scenario(far, playout):
        saying = asyncio.create_task(_say(far.track, sound(1500)))
        ear, rng = [], np.random.default_rng(1)
        for _ in range(100):
            await asyncio.sleep(0.02 + rng.uniform(-0.004, 0.004))
            ear.append(playout.at_ear(FRAME_SAMPLES))
        await saying
        return np.concatenate(ear)

    ear = play(scenario)
    begin = int(np.argmax(ear != 0))
    assert begin / 8 <= 60
    assert np.array_equal(ear[begin : begin + 12_000], sound(1500))
    assert not ear[begin + 12_000 :].any()


def test_what_was_flushed_is_never_at_the_ear():
    async def scenario(far, playout):
        await far.track.play(sound(3000))
        ear = []
        for frame in range(100):
            await asyncio.sleep(0.02)
            ear.append(playout.at_ear(FRAME_SAMPLES))
            if frame == 25:
                await playout.flush()
        return np.concatenate(ear)

    assert np.count_nonzero(play(scenario)) / 8 == pytest.approx(520, abs=70)
