"""An engine that fails is left alone for a while, then tried by one request at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.domain.errors import ProviderAuthError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.speech.breaker import Breaker

DOWN = ProviderUnavailableError("cloud", "down")


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def fail(breaker, error=DOWN, times=1):
    for _ in range(times):
        breaker.failed(breaker.enter(), error)


def succeed(breaker, times=1):
    for _ in range(times):
        breaker.succeeded(breaker.enter())


def cool_down(breaker, clock):
    """Seconds until it may be tried again; the clock is then there."""
    seconds = breaker.opens_for_s
    clock.now_s += seconds
    return seconds


def test_three_failures_in_a_row_open_it(breaker):
    fail(breaker, times=2)
    succeed(breaker)
    fail(breaker, times=2)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"
    assert not breaker.admits


def test_failures_between_successes_open_it_when_they_are_half_of_all(breaker):
    for _ in range(4):
        succeed(breaker)
        fail(breaker)
    assert breaker.state == "closed"
    succeed(breaker)
    fail(breaker)
    assert breaker.state == "open"


def test_after_the_cool_down_one_request_at_a_time_tries_it(breaker, clock):
    fail(breaker, times=3)
    cool_down(breaker, clock)
    assert breaker.admits
    probe = breaker.enter()
    assert probe == "probe"
    assert not breaker.admits
    breaker.left(probe)
    assert breaker.admits
    succeed(breaker)
    assert breaker.state == "closed"


def test_the_cool_down_grows_while_probes_fail_and_begins_anew_after_a_good_spell(breaker, clock):
    fail(breaker, times=3)
    waits = []
    for _ in range(6):
        waits.append(cool_down(breaker, clock))
        fail(breaker)
    assert waits == [5, 10, 20, 40, 60, 60]
    cool_down(breaker, clock)
    succeed(breaker, times=5)
    fail(breaker, times=3)
    assert cool_down(breaker, clock) == 5


def test_an_engine_that_came_back_is_on_trial(breaker, clock):
    fail(breaker, times=3)
    cool_down(breaker, clock)
    succeed(breaker, times=2)
    fail(breaker)
    assert breaker.state == "open"
    assert breaker.opens_for_s == 10


def test_a_refused_key_opens_it_at_once_and_for_long(breaker):
    fail(breaker, ProviderAuthError("cloud", "no"))
    assert breaker.opens_for_s == 300


@pytest.mark.parametrize(("retry_after_s", "expected_s"), [(17, 17), (0.5, 0.5), (None, 5), (86_400, 600)])
def test_too_many_requests_are_paused_as_the_engine_says(breaker, retry_after_s, expected_s):
    fail(breaker, ProviderRateLimitError("cloud", "slow down", retry_after_s=retry_after_s))
    assert breaker.opens_for_s == expected_s


def test_requests_that_were_under_way_when_it_opened_change_nothing(breaker, clock):
    first, second = breaker.enter(), breaker.enter()
    fail(breaker, times=3)
    breaker.failed(first, DOWN)
    breaker.succeeded(second)
    assert breaker.opens_for_s == 5
    clock.now_s += 1
    breaker.failed(breaker.enter(), DOWN)  # nobody else was left
    assert breaker.opens_for_s == 4


def test_an_answer_to_a_request_that_had_nobody_else_to_go_to_closes_it(breaker):
    fail(breaker, times=3)
    succeed(breaker)
    assert breaker.state == "closed"


@given(st.lists(st.sampled_from(["enter", "succeed", "fail", "auth", "limit", "leave", "wait"]), max_size=80))
def test_there_is_never_more_than_one_probe_and_it_always_opens_again(steps):
    clock = Clock()
    breaker = Breaker(clock)
    inside = []
    for step in steps:
        if step == "enter" and breaker.admits:
            inside.append(breaker.enter())
        elif step == "wait":
            clock.now_s += 7
        elif inside:
            entry = inside.pop(0)
            match step:
                case "succeed":
                    breaker.succeeded(entry)
                case "fail":
                    breaker.failed(entry, DOWN)
                case "auth":
                    breaker.failed(entry, ProviderAuthError("cloud", "no"))
                case "limit":
                    breaker.failed(entry, ProviderRateLimitError("cloud", "slow", retry_after_s=3))
                case _:
                    breaker.left(entry)
        assert inside.count("probe") <= 1
        assert breaker.opens_for_s <= 600
    for entry in inside:
        breaker.left(entry)
    clock.now_s += 600
    assert breaker.admits
