"""Calls folded event by event end as if all had been known from the begin."""

import sys
from contextlib import contextmanager

import pytest
from fakes.call_events import BEGAN_AT, folded, stored
from fakes.call_host import CUSTOMER, LINE, MOBILE, Host
from fakes.call_stories import names, told
from fakes.gathered import gathered
from fakes.other_calls import later
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxbot.notifier.messages import Names, Texts

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


@st.composite
def interleaved(draw):
    """Posts of some calls of two customers by the same managers, some late, some lost."""
    posts = []
    for number in range(draw(st.integers(2, 4))):
        told_posts, _ = told(draw(st.sampled_from(names())))
        by_s = draw(st.integers(0, 90))
        posts += later(told_posts, by_s, draw(st.sampled_from([CUSTOMER, OTHER])), number=number)
    spread_s = draw(st.sampled_from([0, 5, 9]))
    chance = draw(st.randoms(use_true_random=False))
    lost = chance.sample(range(len(posts)), draw(st.integers(0, 1)))
    late = [
        (at_s + chance.uniform(0, spread_s), path, body)
        for number, (at_s, path, body) in enumerate(posts)
        if number not in lost
    ]
    return sorted(late, key=lambda post: post[0])


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(interleaved())
def test_calls_folded_event_by_event_end_as_calls_folded_from_nothing(posts):
    end_s = posts[-1][0] + 20_000
    views = folded(stored(posts), now=BEGAN_AT + end_s)
    with gathered() as calls:
        calls.post_all(posts)
        calls.wait_until(end_s)
        assert sorted(calls.texts) == sorted(Texts().render(view, Names(), enterprise="0367").text for view in views)


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


# A finished call keeps its message.


def missed(host, *rung):
    main = host.uid(1)
    host.start(main).at(host.now_s + 1).dial(main, *rung)
    host.at(host.now_s + 19).hangup(main, CUSTOMER, status="0", began_s=host.now_s - 1)


def calls_back_and_hands_over(host, number, taker):
    """`number` calls the customer, and hands him over blind when he has answered."""
    began_s = host.now_s
    manager, called = host.uid(11), host.uid(12)
    channel, line = f"SIP/{number}-0000000b", "SIP/0001101-0000000c"
    host.dial(manager, number, phone=CUSTOMER, call_type=1).at(began_s + 8)
    near, far = (manager, channel, number, CUSTOMER), (called, line, CUSTOMER, "")
    host.create("b9").talk("b9", near, far).at(began_s + 20).part("b9", near, far)
    host.hangup(manager, CUSTOMER, number, call_type=1, began_s=began_s).at(began_s + 21)
    taking = (host.uid(13), f"SIP/{taker}-0000000d", taker, "")
    host.callerid(taking[0], taking[1], taker, CUSTOMER).at(began_s + 26)
    host.talk("b10", taking, (*far[:3], taker)).at(began_s + 50).part("b10", taking, far)
    host.hangup(called, CUSTOMER, taker, call_type=2, began_s=began_s + 20)


def test_a_missed_call_is_not_changed_by_a_call_back_that_is_handed_over(calls):
    host = Host()
    missed(host, "150", "151", "152")
    calls_back_and_hands_over(host.at(40), "150", "152")
    calls.post_all(host.posts)
    assert people(calls) == ["<blockquote expandable>☎️150 ☎️151 ☎️152</blockquote>", "☎️150↪️ переведен на 152"]


def test_an_answered_call_is_not_changed_by_a_call_back_that_is_handed_over(calls):
    posts, _ = told("incoming_without_extensions_at_the_hangup")
    host = Host()
    calls_back_and_hands_over(host.at(60), "150", "152")
    calls.post_all([*posts, *host.posts])
    assert people(calls) == ["☎️151", "☎️150↪️ переведен на 152"]


def answered_with_a_late_dial(host, number, *rung):
    main, manager = host.uid(21), (host.uid(22), f"SIP/{number}-00000016", number, "")
    customer = (main, "SIP/0001101-00000015", CUSTOMER, LINE)
    host.start(main).at(host.now_s + 7).talk("b11", manager, customer)
    host.at(host.now_s + 1).dial(main, *rung)
    host.at(host.now_s + 20).part("b11", manager, customer).hangup(main, CUSTOMER, began_s=host.now_s - 28)


def test_a_missed_call_is_not_changed_when_the_customer_calls_again_and_the_dial_is_late(calls):
    host = Host()
    missed(host, "150", "151", "152")
    answered_with_a_late_dial(host.at(30), "151", "150", "151", "152")
    calls.post_all(host.posts)
    assert people(calls) == ["<blockquote expandable>☎️150 ☎️151 ☎️152</blockquote>", "☎️151"]


def test_a_finished_message_is_not_touched_while_the_next_call_of_the_customer_goes_on(calls):
    host = Host()
    missed(host, "150", "151", "152")
    calls.post_all(host.posts)
    (finished,) = calls.texts
    again = Host()
    answered_with_a_late_dial(again.at(30), "151", "150", "151", "152")
    for post in again.posts:
        calls.post(*post)
        assert calls.texts[0] == finished


def test_an_event_that_an_earlier_version_took_spoils_no_call(calls):
    posts, _ = told("incoming_without_extensions_at_the_hangup")
    calls.post_all(posts[:-1])
    calls.spoil("dial")
    calls.post(*posts[-1])
    assert people(calls) == ["☎️151"]


# Whether a hangup is recovered, hosts' clocks or not.


@pytest.mark.parametrize("behind_s", [-90, 0, 90])
def test_the_clock_of_a_host_makes_no_hangup_a_recovered_one(calls, behind_s):
    host = Host()
    for number in range(3):
        missed(host.at(40 * number), "150")
    internal(host.at(150), "152", "153", answered=False)
    calls.post_all([(at_s + behind_s, path, body) for at_s, path, body in host.posts])
    assert first_lines(calls)[-1] == "❌ Коллега не поднял трубку"
    recovered = Host()
    internal(recovered.at(160), "152", "154", answered=False, counter=41)
    ((at_s, path, body),) = recovered.posts
    calls.post(at_s + behind_s + 300, path, body)
    assert first_lines(calls)[-1] == "❌🔄 Коллега не поднял трубку"


# Internal calls are consultations of who talks with a customer only.


def internal(host, caller, callee, *, answered=True, counter=31):
    began_s = host.now_s
    near, far = (
        (host.uid(counter), f"SIP/{caller}-1f", caller, callee),
        (host.uid(counter + 1), f"SIP/{callee}-20", callee, ""),
    )
    if not answered:
        host.at(began_s + 15).hangup(near[0], caller, callee, call_type=2, status="0", began_s=began_s)
        return
    bridge = f"bi{counter}"
    host.at(began_s + 5).create(bridge).talk(bridge, near, far).at(began_s + 25).part(bridge, near, far)
    host.hangup(near[0], caller, callee, call_type=2, began_s=began_s)


def answered(host, number="151"):
    customer = (host.uid(1), "SIP/0001101-00000001", CUSTOMER, LINE)
    manager = (host.uid(3), f"SIP/{number}-00000003", number, "")
    host.start(customer[0]).at(host.now_s + 1).dial(customer[0], "150", "151").at(host.now_s + 7)
    host.talk("b1", manager, customer)
    return customer, manager


def test_who_has_handed_his_customer_over_makes_calls_of_his_own(calls):
    host = Host()
    customer, manager = answered(host)
    host.at(20).part("b1", manager, customer)
    taker = (host.at(21).uid(5), "SIP/152-00000005", "152", "")
    host.at(26).talk("b2", taker, (*customer[:3], "152"))
    internal(host.at(60), "151", "153")
    internal(host.at(200), "151", "154", answered=False, counter=41)
    internal(host.at(250), "152", "155", counter=51)
    host.at(400).part("b2", taker, customer).hangup(customer[0], CUSTOMER, "152", call_type=2)
    calls.post_all(host.posts)
    assert first_lines(calls) == [
        "✅Успешный входящий звонок",
        "✅Успешный внутренний звонок",
        "❌ Коллега не поднял трубку",
    ]


def test_who_has_transferred_in_vain_makes_calls_of_his_own(calls):
    host = Host()
    customer, manager = answered(host)
    host.at(20).part("b1", manager, customer)
    internal(host.at(35), "151", "153", answered=False)
    host.at(60).hangup(customer[0], CUSTOMER, "152", call_type=2, status="0")
    calls.post_all(host.posts)
    assert first_lines(calls) == ["❌ Мы не подняли трубку", "❌ Коллега не поднял трубку"]


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize("after_s", [2, 3, 5, 8])
def test_an_internal_call_right_after_a_talk_is_a_call(calls, after_s, is_answered):
    host = Host()
    customer, manager = answered(host)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "151")
    internal(host.at(40 + after_s), "151", "153", answered=is_answered)
    calls.post_all(host.posts)
    assert len(calls.texts) == 2


# Calls to a manager's mobile are legs while a customer waits for it only.


def rung_with_a_mobile(host):
    customer = (host.uid(1), "SIP/0001101-00000001", CUSTOMER, LINE)
    host.start(customer[0]).at(host.now_s + 1).dial(customer[0], "150", MOBILE)
    return customer


def outgoing(host, number, phone):
    began_s = host.now_s
    manager, called = (host.uid(61), f"SIP/{number}-3d", number, phone), (host.uid(62), "SIP/0001101-3e", phone, "")
    host.dial(manager[0], number, phone=phone, call_type=1).at(began_s + 8).talk("b6", manager, called)
    host.at(began_s + 40).part("b6", manager, called).hangup(manager[0], phone, number, call_type=1, began_s=began_s)


@pytest.mark.parametrize("began_s", [100, 250, 290])
def test_a_call_to_a_mobile_while_the_customer_talks_is_a_call(calls, began_s):
    host = Host()
    customer = rung_with_a_mobile(host)
    manager = (host.uid(3), "SIP/150-00000003", "150", "")
    host.at(8).talk("b1", manager, customer)
    outgoing(host.at(began_s), "155", MOBILE)
    host.at(600).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "150")
    calls.post_all(host.posts)
    assert first_lines(calls) == ["✅Успешный входящий звонок", "✅Успешный исходящий звонок"]


@pytest.mark.parametrize("began_s", [10, 22, 24, 27])
def test_an_answered_call_to_a_mobile_of_a_missed_call_is_a_call(calls, began_s):
    host = Host()
    customer = rung_with_a_mobile(host)
    outgoing(host.at(began_s), "155", MOBILE)
    host.at(20).hangup(customer[0], CUSTOMER, status="0")
    calls.post_all(host.posts)
    assert sorted(first_lines(calls)) == ["✅Успешный исходящий звонок", "❌ Мы не подняли трубку"]


def test_an_event_costs_no_more_after_many_calls_of_its_group(calls):
    """Calls of the last minutes by the same managers and mobile are near each other, and yet few may be of one."""
    made = {}
    for number in range(120):
        host = Host().at(4 * number)
        rung_with_a_mobile(host)
        leg = host.uid(5)
        host.callerid(leg, f"Local/{MOBILE}@5b7d10aa-00000{number:03};2", CUSTOMER, LINE, MOBILE, "5b7d10aa")
        host.dial(leg, CUSTOMER, phone=MOBILE, call_type=1)
        with function_calls() as counted:
            calls.post_all(later(host.posts, 0, f"3752900{number:05}"))
        made[number] = counted[0]
    assert len(calls.texts) == 120
    assert made[119] < 1.3 * made[39]


@contextmanager
def function_calls():
    """Count calls of Python functions: what work is, on a machine of any load."""
    counted = [0]

    def count(_frame, event, _arg):
        counted[0] += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield counted
    finally:
        sys.setprofile(before)


# Calls of hours.


def test_a_consultation_of_a_long_call_stays_hidden_when_it_is_judged_anew(calls):
    """By an internal call of the same manager, too late in the call to be taken for a consultation as well."""
    host = Host()
    customer, manager = answered(host)
    internal(host.at(13_680), "151", "152")
    internal(host.at(16_560), "151", "153", counter=41)
    host.at(18_000).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "151")
    calls.post_all(host.posts)
    calls.wait_until(40_000)
    assert people(calls) == ["☎️151", "☎️151➡️☎️153"]


# Names that become known.


def test_a_managers_name_changes_only_the_messages_that_show_him(calls):
    """All of a group were rung for each call of the last days, and few of them talked."""
    for number, who in enumerate(("150", "151", "150", "1151")):
        host = Host()
        customer, manager = answered(host, who)
        host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER, who)
        calls.post_all(later(host.posts, 100 * number, f"3752900{number:05}", number=number))
    before = calls.texts
    assert calls.learn(1000, "manager", "151", "Иванова Анна") <= 2
    calls.wait_until(1001)
    assert calls.texts == [text.replace("☎️151", "☎️Иванова Анна (151)") for text in before]
    assert calls.texts != before
    calls.learn(1002, "manager", "151", "Петрова Анна")
    calls.wait_until(1003)
    assert calls.texts == [text.replace("☎️151", "☎️Петрова Анна (151)") for text in before]


def test_the_name_of_a_managers_mobile_changes_the_messages_that_show_it(calls):
    posts, _ = told("incoming_answered_on_a_mobile")
    calls.post_all(posts)
    calls.wait_until(500)
    calls.learn(1000, "manager", MOBILE, "Иванова Анна")
    calls.wait_until(1001)
    assert people(calls) == ["📱Иванова Анна (+375 (29) 000-99-01)"]
