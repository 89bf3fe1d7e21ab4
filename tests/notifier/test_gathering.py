"""Calls folded event by event end as if all had been known from the begin."""

import pytest
from fakes.call_host import CUSTOMER, LINE, MOBILE, Host
from fakes.call_stories import told
from fakes.gathered import gathered
from fakes.other_calls import later

_DAY_S = 24 * 3600
OTHER = "375290001002"


@pytest.fixture
def calls():
    with gathered() as folding:
        yield folding


def first_lines(calls):
    return [text.splitlines()[0] for text in calls.texts]


def people(calls):
    return ["".join(line for line in text.splitlines() if line[0] in "☎📱↪<") for text in calls.texts]


# After a restart Asterisk counts Local channels from the begin.


@pytest.mark.parametrize("name", ["outgoing_attended_transfer_accepted", "incoming_answered_on_a_mobile"])
@pytest.mark.parametrize("days", [1, 2])
def test_calls_of_two_days_with_one_local_pair_are_two(calls, name, days):
    posts, _ = told(name)
    calls.post_all(posts)
    calls.wait_until(_DAY_S - 10)
    (first,) = calls.texts
    calls.post_all(later(posts, days * _DAY_S, OTHER))
    calls.wait_until((days + 1) * _DAY_S)
    assert calls.texts[0] == first
    assert calls.texts[1] == first.replace("000-10-01", "000-10-02")
    assert len(calls.texts) == 2


def test_calls_of_two_days_with_one_unique_id_are_two(calls):
    """A host without a clock of its own begins at the same second each time."""
    host = Host()
    main = host.uid(1)
    host.start(main).at(1).dial(main, "150").at(20).hangup(main, CUSTOMER, status="0")
    calls.post_all(host.posts)
    again = Host()
    again.at(2 * _DAY_S).start(main, OTHER).at(2 * _DAY_S + 1).dial(main, "151", phone=OTHER)
    again.at(2 * _DAY_S + 30).hangup(main, OTHER, status="0", began_s=2 * _DAY_S)
    calls.post_all(again.posts)
    assert people(calls) == ["☎️150", "☎️151"]


def test_a_hangup_recovered_after_days_still_ends_its_call(calls):
    posts, _ = told("incoming_without_extensions_at_the_hangup")
    calls.post_all(posts[:-1])
    calls.wait_until(3 * _DAY_S)
    calls.post(3 * _DAY_S, *posts[-1][1:])
    assert first_lines(calls) == ["✅🔄Успешный входящий звонок"]
