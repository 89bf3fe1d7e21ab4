"""How far a call is, and what time alone does to it."""

import pytest
from fakes.call_events import BEGAN_AT, sample, stored
from fakes.call_host import CUSTOMER, LINE, Host

from voxbot.notifier.calls import CallRules, Stage, view
from voxbot.notifier.parts import summarize

RULES = CallRules(ring_timeout_s=60, talk_timeout_s=600, left_timeout_s=30)


def seen(posts, *, after_s=0.0, rules=RULES):
    return view(stored(posts), rules, now=BEGAN_AT + posts[-1][0] + after_s)


def moments(posts):
    seen_so_far = [seen(posts[: count + 1]).moment for count in range(len(posts))]
    return list(dict.fromkeys(moment for moment in seen_so_far if moment))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01-incoming-answered", ["start:1", "dial:1", "bridge:1", "hangup"]),
        ("02-incoming-missed", ["start:1", "dial:1", "hangup"]),
        ("03-outgoing-answered", ["dial:1", "bridge:1", "hangup"]),
        ("05-internal", ["bridge:1", "hangup"]),
        ("06-blind-transfer", ["start:1", "dial:1", "bridge:1", "bridge:2", "hangup"]),
        ("08-duplicates-out-of-order", ["start:1", "dial:1", "bridge:1", "hangup"]),
    ],
)
def test_each_stage_and_each_manager_is_a_new_moment(name, expected):
    assert moments(sample(name)) == expected


def a_talk(host):
    main = host.uid(1)
    customer, manager = (main, "SIP/0001101-01", CUSTOMER, LINE), (host.uid(2), "SIP/150-02", "150", "")
    host.start(main).at(1).dial(main, "150").at(5).talk("b1", customer, manager)
    return customer, manager


def test_a_longer_list_of_who_rings_is_an_edit():
    host = Host()
    main = host.uid(1)
    host.dial(main, "150").at(8).dial(main, "150", "151")
    assert moments(host.posts) == ["dial:1"]
    assert seen(host.posts).rang == ("150", "151")


def test_ringing_begins_again_after_a_blind_transfer_to_a_group():
    host = Host()
    customer, manager = a_talk(host)
    host.at(20).part("b1", manager, customer).at(25).dial(customer[0], "151", "152")
    shown = seen(host.posts)
    assert (shown.stage, shown.moment, shown.rang) == (Stage.DIAL, "dial:2", ("151", "152"))
    taker = (host.at(33).uid(7), "SIP/152-07", "152", "")
    host.talk("b2", customer, taker)
    assert (seen(host.posts).moment, seen(host.posts).managers) == ("bridge:2", ("150", "152"))


def test_a_late_dial_does_not_undo_the_talk():
    host = Host()
    customer, _ = a_talk(host)
    host.at(8).dial(customer[0], "150", "151")
    assert seen(host.posts).stage is Stage.BRIDGE


@pytest.mark.parametrize("late_s", [3, 6, 9, 30])
def test_the_first_dial_of_a_cascade_undoes_no_talk_however_late(late_s):
    host = Host()
    main = host.uid(1)
    customer, manager = (main, "SIP/0001101-01", CUSTOMER, LINE), (host.at(9).uid(2), "SIP/151-02", "151", "")
    host.start(main).dial(main, "150", "151").at(12).talk("b1", customer, manager)
    host.at(12 + late_s).dial(main, "150")
    shown = seen(host.posts, after_s=300)
    assert (shown.stage, shown.moment, shown.managers) == (Stage.BRIDGE, "bridge:1", ("151",))


def test_a_late_dial_of_others_undoes_no_talk():
    host = Host()
    customer, _ = a_talk(host)
    host.at(14).dial(customer[0], "151", "152")
    assert seen(host.posts, after_s=300).stage is Stage.BRIDGE


def test_ringing_begins_again_when_the_customer_alone_is_known_to_have_left():
    host = Host()
    customer, _ = a_talk(host)
    host.at(20).leave(customer[0], "b1", customer[1], CUSTOMER, "150", left="1").at(26).dial(customer[0], "151", "152")
    assert seen(host.posts).rang == ("151", "152")
    assert seen(host.posts).moment == "dial:2"


def test_what_comes_after_the_hangup_does_not_undo_it():
    host = Host()
    customer, manager = a_talk(host)
    host.at(30).hangup(customer[0], CUSTOMER)
    ended = seen(host.posts)
    host.at(60).talk("b2", customer, manager).dial(customer[0], "150").start(customer[0])
    assert seen(host.posts) == ended


@pytest.mark.parametrize(
    ("tell", "timeout_s", "success"),
    [
        (lambda host: host.start(host.uid(1)), 60, False),
        (lambda host: host.dial(host.uid(1), "150"), 60, False),
        (a_talk, 600, True),
        (lambda host: host.part("b1", *a_talk(host)), 30, True),
    ],
)
def test_a_call_without_its_hangup_is_closed_by_time(tell, timeout_s, success):
    host = Host()
    tell(host)
    before = seen(host.posts, after_s=timeout_s - 1)
    after = seen(host.posts, after_s=timeout_s)
    assert before.stage is not Stage.HANGUP
    assert before.due_at == BEGAN_AT + host.posts[-1][0] + timeout_s
    assert (after.stage, after.presumed, after.success, after.due_at) == (Stage.HANGUP, True, success, None)


def test_a_hangup_after_the_timeout_tells_the_rest():
    host = Host()
    customer, _ = a_talk(host)
    host.at(2000).hangup(customer[0], CUSTOMER)
    shown = seen(host.posts)
    assert (shown.presumed, shown.duration_s) == (False, 2000)


def test_a_start_may_wait_for_its_dial():
    host = Host()
    main = host.uid(1)
    host.start(main)
    patient = CallRules(start_delay_s=3)
    waiting = seen(host.posts, rules=patient)
    assert (waiting.shown, waiting.due_at) == (False, BEGAN_AT + host.posts[0][0] + 3)
    assert seen(host.posts, after_s=3, rules=patient).shown
    host.at(1).dial(main, "150")
    assert seen(host.posts, rules=patient).stage is Stage.DIAL


def late(host, seconds):
    """The last post arrives this much later."""
    at_s, path, body = host.posts[-1]
    host.posts[-1] = (at_s + seconds, path, body)


@pytest.mark.parametrize(("late_s", "recovered"), [(0, False), (20, False), (300, True), (200_000, True)])
def test_a_hangup_out_of_the_hosts_store_is_told_by_its_lateness(late_s, recovered):
    host = Host()
    customer, _ = a_talk(host)
    host.at(40).hangup(customer[0], CUSTOMER)
    late(host, late_s)
    assert seen(host.posts).recovered is recovered


@pytest.mark.parametrize(("late_s", "recovered"), [(0, False), (300, True), (5 * 24 * 3600, False)])
def test_a_lone_hangup_is_recovered_unless_it_is_of_another_day(late_s, recovered):
    host = Host()
    host.hangup(host.uid(1), "152", "153", call_type=2, status="0")
    late(host, late_s)
    assert seen(host.posts).recovered is recovered


def test_a_recovered_repetition_changes_nothing_of_a_hangup_shown():
    host = Host()
    customer, _ = a_talk(host)
    host.at(40).hangup(customer[0], CUSTOMER)
    shown = seen(host.posts)
    host.hangup(customer[0], CUSTOMER, "157")
    late(host, 300)
    assert seen(host.posts) == shown


def test_a_mobile_leg_alone_has_no_message():
    host = Host()
    leg = host.uid(5)
    host.dial(leg, CUSTOMER, phone="375290009901", call_type=1)
    host.hangup(leg, "375290009901", CUSTOMER, call_type=1)
    assert not seen(host.posts).shown


@pytest.mark.parametrize("phone", ["<unknown>", CUSTOMER])
def test_a_parasitic_hangup_has_no_message(phone):
    host = Host()
    host.hangup(host.uid(5), phone, call_type=2, ExternalInitiated=True)
    assert not seen(host.posts).shown


def test_events_with_ids_of_an_unknown_form_still_make_a_call():
    posts = [(0, "/start", {"Token": "1", "UniqueId": "абв", "Phone": CUSTOMER})]
    posts += [(1, "/hangup", {"Token": "1", "UniqueId": "абв", "CallType": 0, "CallStatus": "0", "Phone": CUSTOMER})]
    shown = seen(posts)
    assert (shown.stage, shown.customer, shown.duration_s) == (Stage.HANGUP, CUSTOMER, None)
    assert summarize(stored(posts)).ended_at is None


@pytest.mark.parametrize("unique_id", ["999999999999.1", "253402300800.7", "0.0"])
def test_an_id_of_an_impossible_time_still_makes_a_call(unique_id):
    posts = [(0, "/start", {"Token": "1", "UniqueId": unique_id, "Phone": CUSTOMER})]
    shown = seen(posts, after_s=60)
    assert (shown.stage, shown.presumed, shown.customer) == (Stage.HANGUP, True, CUSTOMER)


def an_internal_call_handed_over(host):
    caller, called = (host.uid(1), "SIP/152-01", "152", "153"), (host.uid(2), "SIP/153-02", "153", "")
    host.at(5).talk("b1", caller, called).at(100).part("b1", called, caller)
    taker = (host.at(101).uid(7), "SIP/154-07", "154", "")
    host.at(106).talk("b2", (*caller[:3], "154"), taker)
    host.at(160).hangup(caller[0], "152", "154", call_type=2, began_s=101)


def test_an_internal_call_handed_over_keeps_its_begin_and_both_colleagues():
    """Its hangup tells the begin of the last leg alone."""
    host = Host()
    an_internal_call_handed_over(host)
    shown = seen(host.posts)
    assert (shown.caller, shown.callee, shown.managers) == ("152", "153", ("153", "154"))
    assert (shown.duration_s, shown.recovered) == (160, False)


def test_a_late_hangup_of_an_internal_call_handed_over_is_recovered():
    host = Host()
    an_internal_call_handed_over(host)
    late(host, 300)
    assert seen(host.posts).recovered


@pytest.mark.parametrize(("usual_lag_s", "recovered"), [(None, True), (93.0, False), (3.0, True)])
def test_a_lone_hangup_is_late_by_the_usual_lag_of_its_host(usual_lag_s, recovered):
    host = Host()
    host.hangup(host.uid(1), "152", "153", call_type=2, status="0")
    late(host, 90)
    shown = view(stored(host.posts), RULES, now=BEGAN_AT + 100, usual_lag_s=usual_lag_s)
    assert shown.recovered is recovered
