"""Our own playout clock: steady, never ahead, and without a lag after a stall."""

import asyncio

from fakes.virtual_time import run_virtual
from hypothesis import given
from hypothesis import strategies as st

from voxbot.media.clock import MAX_BURST_FRAMES, PacedQueue, Ticker

QUIET = b"quiet"


def frames(count):
    return [b"%d" % number for number in range(count)]


def run(queue, times):
    return [queue.take(now) for now in times]


def test_a_frame_goes_out_every_20_ms_whether_or_not_there_is_something_to_say():
    queue = PacedQueue(QUIET)
    queue.put(frames(2))
    given_out = run(queue, [0, 0.02, 0.04, 0.06])
    assert given_out == [[b"0"], [b"1"], [QUIET], [QUIET]]


def test_nothing_goes_out_before_its_time():
    queue = PacedQueue(QUIET)
    queue.put(frames(3))
    assert run(queue, [0, 0.005, 0.012, 0.02]) == [[b"0"], [], [], [b"1"]]


def test_a_short_stall_is_made_up_for_at_once_and_the_pace_goes_on():
    queue = PacedQueue(QUIET)
    queue.put(frames(10))
    assert run(queue, [0, 0.05, 0.06, 0.08]) == [[b"0"], [b"1", b"2"], [b"3"], [b"4"]]


def test_a_long_stall_is_not_made_up_for():
    queue = PacedQueue(QUIET)
    queue.put(frames(10))
    assert run(queue, [0, 1.0, 1.02, 1.04]) == [[b"0"], [b"1"], [b"2"], [b"3"]]


def test_silence_is_never_sent_twice_to_make_up_for_a_stall():
    queue = PacedQueue(QUIET)
    assert run(queue, [0, 0.05, 0.06, 0.07]) == [[QUIET], [QUIET], [], [QUIET]]


@given(st.lists(st.floats(0.0001, 0.3), min_size=1, max_size=60))
def test_whatever_the_wake_ups_the_stream_is_never_more_than_60_ms_ahead(pauses):
    """A burst is at most 60 ms, and nowhere is more given out than the time that passed, and 60 ms."""
    queue = PacedQueue(QUIET)
    queue.put(frames(900))
    now, sent = 0.0, []
    for pause in pauses:
        given_out = queue.take(now)
        assert len(given_out) <= MAX_BURST_FRAMES
        sent += [now] * len(given_out)
        now += pause
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            passed = sent[last] - sent[first]
            assert (last - first) * 0.02 <= passed + 0.06 + 0.005 + 1e-6, "5 ms: a timer that fires early"


def test_a_mark_comes_when_the_last_frame_before_it_has_been_played_to_its_end():
    queue = PacedQueue(QUIET)
    queue.put(frames(2))
    queue.mark(7)
    reported = []
    for tick in range(5):
        queue.take(tick * 0.02)
        reported.append(queue.heard(tick * 0.02))
    assert reported == [[], [], [7], [], []], "two frames: heard after 40 ms"


def test_a_mark_counts_what_is_under_way_after_a_burst():
    queue = PacedQueue(QUIET)
    queue.put(frames(3))
    queue.mark(1)
    assert run(queue, [0, 0.05, 0.06]) == [[b"0"], [b"1", b"2"], [QUIET]]
    assert queue.heard(0.08) == [], "the second and third frame, sent at 50 ms, last until 90 ms"
    assert queue.heard(0.09) == [1]


def test_a_mark_without_sound_comes_at_once():
    queue = PacedQueue(QUIET)
    queue.mark(1)
    queue.take(0)
    assert queue.heard(0) == [1]


def test_a_cleared_queue_reports_no_mark_any_more():
    queue = PacedQueue(QUIET)
    queue.put(frames(5))
    queue.mark(1)
    run(queue, [0, 0.02, 0.04, 0.06, 0.08])
    queue.mark(2)
    queue.clear()
    assert queue.take(0.1) == [QUIET]
    assert queue.heard(9) == []


def test_a_full_queue_says_so():
    queue = PacedQueue(QUIET)
    assert queue.put(frames(1000))
    assert not queue.put(frames(1))
    queue.take(0)
    assert queue.put(frames(1))


def test_one_timer_serves_all_members_at_20_ms_and_a_failing_one_alone_is_dropped():
    async def main():
        ticker, ticks = Ticker(), {"a": [], "b": []}

        def broken(now):
            raise RuntimeError("one call's fault")

        ticker.add(ticks["a"].append)
        ticker.add(broken)
        ticker.add(ticks["b"].append)
        await asyncio.sleep(1.001)
        ticker.discard(ticks["b"].append)
        assert len(ticks["a"]) == len(ticks["b"]) == 50
        ticker.discard(ticks["a"].append)
        await asyncio.sleep(1)
        assert len(ticks["a"]) == 50

    run_virtual(main())
