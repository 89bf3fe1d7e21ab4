"""Events of one call find each other; events of two do not."""

import pytest
from fakes.call_events import BEGAN_AT, folded, sample, stored
from fakes.call_host import CUSTOMER, MOBILE, Host

from voxbot.notifier.families import families
from voxbot.notifier.links import Key, keys, numbers
from voxbot.notifier.parts import Role, summarize


def test_channel_bridge_and_local_pair_identify():
    host = Host()
    host.enter("1.5", "b1", "Local/152@dialexecute-00000000;1", "152")
    host.callerid("1.6", "Local/152@dialexecute-00000000;2", "151").destroy("b1").start("1.7")
    one, other, bridge, alone = (set(keys(event.event)) for event in stored(host.posts))
    assert {Key("channel", "1.5"), Key("bridge", "b1")} <= one
    assert Key("channel", "1.6") in other
    assert (bridge, alone) == ({Key("bridge", "b1")}, {Key("channel", "1.7")})
    assert {key.kind for key in one & other} == {"pair"}


@pytest.mark.parametrize(("apart_s", "same"), [(0, True), (1, True), (30, True), (61, False), (7200, False)])
@pytest.mark.parametrize("begin_s", [0, 29, 30, 59])
def test_a_local_pair_made_later_is_another_of_the_same_name(begin_s, apart_s, same):
    first, second = (Host().at(begin_s + offset_s) for offset_s in (0, apart_s))
    for half, host in enumerate((first, second), 1):
        host.callerid(host.uid(half), f"Local/152@dialexecute-00000000;{half}", "151")
    one, other = (set(keys(event.event)) for event in stored([*first.posts, *second.posts]))
    assert bool(one & other) is same


def test_lines_and_hidden_callers_are_no_numbers_to_meet_by():
    host = Host()
    host.callerid("1.5", f"Local/{MOBILE}@x-00000000;1", "0001101", CUSTOMER, "0001101")
    host.start("1.6", phone="Anonymous")
    assert [numbers(event.event) for event in stored(host.posts)] == [(CUSTOMER, MOBILE), ()]


def a_call_and_its_mobile_leg(host, counter):
    main, leg = host.uid(counter), host.uid(counter + 1)
    host.start(main).dial(main, "150", MOBILE)
    call = stored(host.posts[-2:])
    host.dial(leg, CUSTOMER, phone=MOBILE, call_type=1)
    return call, stored(host.posts[-1:])


def test_a_mobile_leg_finds_its_call_whichever_comes_first():
    call, leg = a_call_and_its_mobile_leg(Host(), 1)
    assert families({"leg": summarize(leg), "call": summarize(call)}) == {"leg": "call"}
    assert families({"leg": summarize(leg)}) == {}


def test_of_two_calls_of_one_customer_each_has_its_own_leg():
    host = Host()
    first, first_leg = a_call_and_its_mobile_leg(host, 1)
    second, second_leg = a_call_and_its_mobile_leg(host.at(4), 11)
    parts = {"1": first, "1-leg": first_leg, "2": second, "2-leg": second_leg}
    assert families({name: summarize(part) for name, part in parts.items()}) == {"1-leg": "1", "2-leg": "2"}


def test_a_leg_of_a_leg_belongs_to_the_call():
    host = Host()
    main, second_line = host.uid(1), host.uid(5)
    host.dial(main, "151", phone=CUSTOMER, call_type=1)
    host.at(5).enter(main, "b1", "SIP/151-01", "151", exten=CUSTOMER)
    call = stored(host.posts)
    host.at(20).enter(second_line, "b2", "SIP/151-05", "151", "152", "152")
    consultation = stored(host.posts[-1:])
    host.at(22).callerid(host.uid(9), "SIP/152-09", "152", "151")
    ringing = stored(host.posts[-1:])
    found = families({"a": summarize(ringing), "b": summarize(consultation), "c": summarize(call)})
    assert found == {"a": "c", "b": "c"}


def test_a_call_to_one_who_talks_is_no_consultation():
    host = Host()
    main = host.uid(1)
    host.start(main).dial(main, "151").enter(host.uid(2), "b1", "SIP/151-02", "151", CUSTOMER)
    host.enter(main, "b1", "SIP/0001101-01", CUSTOMER, "151", "0001101")
    call = stored(host.posts)
    host.at(20).hangup(host.uid(9), "152", "151", call_type=2, status="0")
    assert families({"call": summarize(call), "other": summarize(stored(host.posts[-1:]))}) == {}


def test_a_call_that_lost_its_end_swallows_no_internal_calls():
    host = Host()
    lost, later = host.uid(1), host.uid(5)
    host.dial(lost, "151", phone=CUSTOMER, call_type=1).at(5).enter(lost, "b1", "SIP/151-01", "151", exten=CUSTOMER)
    endless = stored(host.posts)
    inside = host.at(60).hangup(host.uid(8), "151", "152", call_type=2, status="0").posts[-1:]
    parts = {"endless": summarize(endless), "inside": summarize(stored(inside))}
    assert families(parts) == {"inside": "endless"}
    before = len(host.posts)
    host.at(40).dial(later, "151", phone=CUSTOMER, call_type=1).enter(later, "b2", "SIP/151-05", "151", exten=CUSTOMER)
    host.at(50).hangup(later, CUSTOMER, "151", call_type=1)
    parts["newer"] = summarize(stored(host.posts[before:]))
    assert families(parts) == {}


def test_a_call_is_never_a_leg():
    host = Host()
    host.start(host.uid(1))
    host.at(3).start(host.uid(2))
    first, second = (summarize(stored([post])) for post in host.posts)
    assert first.role is second.role is Role.CALL
    assert families({"1": first, "2": second}) == {}


def test_the_sample_with_a_mobile_is_one_call_with_every_event_but_the_leg_first():
    posts = sample("07-group-plus-mobile")
    legs_first = sorted(posts, key=lambda post: post[2]["UniqueId"] != "1794828381.189")
    views = folded(stored(legs_first), now=BEGAN_AT + 60)
    assert [(shown.direction, shown.managers) for shown in views] == [("incoming", ("151",))]
