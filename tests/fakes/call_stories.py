"""Calls as they really go (DOMAIN, sections 5 and 6), and what of each should remain in a chat."""

from fakes.call_host import CUSTOMER, LINE, MOBILE, RESERVE_LINE, Host

OTHER_CUSTOMER = "375290001002"
_STORIES = {}


def story(*remains):
    """Register a story; `remains` are the final messages of its calls, without the lines of time."""

    def register(tell):
        _STORIES[tell.__name__] = (tell, sorted(remains))
        return tell

    return register


def names():
    return sorted(_STORIES)


def told(name):
    """The posts of a story, and the messages that should remain."""
    tell, remains = _STORIES[name]
    host = Host()
    tell(host)
    return host.posts, remains


def _customer(host, counter, exten=LINE):
    return (host.uid(counter), "SIP/0001101-00000001", CUSTOMER, exten)


def _manager(host, counter, number):
    return (host.uid(counter), f"SIP/{number}-000000{counter}", number, "")


def _answered(host, number="151", *, rung=("150", "151")):
    """An incoming call up to the talk: the customer's and the manager's side."""
    customer, manager = _customer(host, 1), _manager(host, 3, number)
    host.start(customer[0]).at(1).dial(customer[0], *rung)
    host.at(6).create("b1").talk("b1", customer, manager)
    return customer, manager


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101")
def incoming_without_extensions_at_the_hangup(host):
    customer, manager = _answered(host)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER)


@story("❌ Мы не подняли трубку\n💰+375 (29) 000-10-01\n📡Линия: 0001101")
def incoming_given_up_in_the_menu(host):
    customer = _customer(host, 1)
    host.start(customer[0]).at(20).hangup(customer[0], CUSTOMER, status="0")


@story(
    "❌ Мы не подняли трубку\n💰+375 (29) 000-10-01\n<blockquote expandable>☎️150 📱+375 (29) 000-99-01 ☎️151"
    "</blockquote>\n📡Линия: 0001101"
)
def incoming_cascade_missed(host):
    main = host.uid(1)
    host.start(main).at(1).dial(main, "150").at(9).dial(main, "150", "151").at(17).dial(main, "150", MOBILE, "151")
    host.at(40).hangup(main, CUSTOMER, status="0")


@story("❌ Мы не подняли трубку\n💰Номер не определен\n☎️150\n📡Линия: 0001101")
def incoming_of_a_hidden_number(host):
    main = host.uid(1)
    host.start(main, phone=LINE).at(1).dial(main, "150", phone="Anonymous")
    host.at(9).hangup(main, "<unknown>", status="0")


@story("✅Успешный исходящий звонок\n☎️151\n💰+375 (29) 000-10-01\n📡Линия: 0001101")
def outgoing_begun_by_a_program(host):
    manager = (host.uid(1), "SIP/151-00000001", "151", CUSTOMER)
    host.create("b1").enter(manager[0], "b1", manager[1], "151", exten=CUSTOMER, ExternalInitiated=True)
    host.at(2).dial(manager[0], "151", phone=CUSTOMER, call_type=1, ExternalInitiated=True)
    called = (host.uid(2), "SIP/0001101-00000002", CUSTOMER, "")
    host.callerid(called[0], called[1], CUSTOMER, "151", CUSTOMER)
    host.at(15).enter(called[0], "b1", called[1], CUSTOMER, "151", ExternalInitiated=True)
    host.at(40).leave(manager[0], "b1", manager[1], "151", CUSTOMER, left="1").destroy("b1")
    host.hangup(manager[0], CUSTOMER, call_type=1, ExternalInitiated=True)
    host.at(41).hangup(host.uid(9), "<unknown>", call_type=2, status="0", ExternalInitiated=True)


@story("✅Успешный исходящий звонок\n☎️151\n💰+375 (29) 000-10-01\n📡Линия: 0001102")
def outgoing_over_the_reserve_line(host):
    manager = (host.uid(1), "SIP/151-00000001", "151", CUSTOMER)
    host.dial(manager[0], "151", phone=CUSTOMER, call_type=1)
    host.at(1).callerid(host.uid(2), "SIP/0001101-00000002", CUSTOMER, "151", CUSTOMER)
    host.at(3).dial(manager[0], "151", phone=CUSTOMER, call_type=1, line=RESERVE_LINE)
    called = (host.uid(3), "SIP/0001102-00000003", CUSTOMER, "")
    host.callerid(called[0], called[1], CUSTOMER, "151", CUSTOMER)
    host.at(12).create("b1").talk("b1", called, manager).at(40).part("b1", called, manager)
    host.hangup(manager[0], CUSTOMER, call_type=1, line=RESERVE_LINE)


@story("✅Успешный исходящий звонок\n☎️151\n↪️ переведен на 152\n💰+375 (29) 000-10-01\n📡Линия: 0001101")
def outgoing_blind_transfer(host):
    manager = (host.uid(1), "SIP/151-00000001", "151", CUSTOMER)
    host.dial(manager[0], "151", phone=CUSTOMER, call_type=1)
    called = (host.at(1).uid(2), "SIP/0001101-00000002", CUSTOMER, "")
    host.at(12).create("b1").talk("b1", called, manager).at(30).part("b1", manager, called)
    host.hangup(manager[0], CUSTOMER, "151", call_type=1)
    taker = _manager(host, 5, "152")
    host.at(36).create("b2").talk("b2", taker, (*called[:3], "152")).at(70).part("b2", taker, called)
    host.hangup(called[0], CUSTOMER, "152", call_type=2)


@story("✅Успешный исходящий звонок\n☎️151\n↪️ переведен на 152\n💰+375 (29) 000-10-01\n📡Линия: 0001101")
def outgoing_attended_transfer_accepted(host):
    manager = (host.uid(1), "SIP/151-00000001", "151", CUSTOMER)
    host.dial(manager[0], "151", phone=CUSTOMER, call_type=1)
    called = (host.at(1).uid(2), "SIP/0001101-00000002", CUSTOMER, "")
    host.at(12).create("b1").talk("b1", called, manager)
    host.at(25)
    near, far = host.uid(5), host.uid(6)
    host.callerid(far, "Local/152@dialexecute-00000000;2", "151", "152", "152", "dialexecute")
    host.callerid(near, "Local/152@dialexecute-00000000;1", "152", "151", "152", "dialexecute")
    taker = _manager(host, 7, "152")
    host.at(30).create("b2").enter(near, "b2", "Local/152@dialexecute-00000000;1", "152", "151")
    host.enter(manager[0], "b2", manager[1], "151", "152").create("b3").enter(taker[0], "b3", taker[1], "152", "151")
    host.enter(far, "b3", "Local/152@dialexecute-00000000;2", "151", "152")
    host.at(40).hangup(manager[0], CUSTOMER, "151", call_type=1)
    host.at(41).enter(near, "b1", "Local/152@dialexecute-00000000;1", "152", CUSTOMER)
    host.at(70).leave(called[0], "b1", called[1], CUSTOMER, "152").destroy("b1").destroy("b2").destroy("b3")


@story("✅Успешный исходящий звонок\n☎️151\n💰+375 (29) 000-10-01\n📡Линия: 0001101")
def outgoing_attended_transfer_refused(host):
    manager = (host.uid(1), "SIP/151-00000001", "151", CUSTOMER)
    host.dial(manager[0], "151", phone=CUSTOMER, call_type=1)
    called = (host.at(1).uid(2), "SIP/0001101-00000002", CUSTOMER, "")
    host.at(12).create("b1").talk("b1", called, manager)
    second_line, asked = (host.at(25).uid(5), "SIP/151-00000005", "151", "152"), _manager(host, 6, "152")
    host.at(30).create("b2").talk("b2", second_line, asked).at(40).part("b2", asked, second_line)
    host.hangup(second_line[0], "151", "152", call_type=2, began_s=25)
    host.at(70).part("b1", manager, called).hangup(manager[0], CUSTOMER, "151", call_type=1)


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n↪️ переведен на 152\n📡Линия: 0001101")
def incoming_attended_transfer_accepted(host):
    customer, manager = _answered(host)
    second_line, asked = (host.at(25).uid(5), "SIP/151-00000005", "151", "152"), _manager(host, 6, "152")
    host.at(30).create("b2").talk("b2", second_line, asked)
    host.at(40).leave(manager[0], "b1", manager[1], "151", CUSTOMER, left="1")
    host.leave(customer[0], "b1", customer[1], CUSTOMER, "151").destroy("b1")
    host.enter(customer[0], "b2", customer[1], CUSTOMER, "152", LINE)
    host.leave(second_line[0], "b2", second_line[1], "151", "152", left="2")
    host.hangup(second_line[0], CUSTOMER, "152", call_type=2, began_s=25)
    host.at(70).part("b2", asked, customer).hangup(customer[0], CUSTOMER, "151")


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101")
def incoming_consultation_not_answered(host):
    customer, manager = _answered(host)
    second_line = host.at(25).uid(5)
    host.at(40).hangup(second_line, "151", call_type=2, status="0", began_s=25)
    host.at(70).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "151")


@story("❌ Мы не подняли трубку\n💰+375 (29) 000-10-01\n☎️151\n↪️ переводили на 152, нет ответа\n📡Линия: 0001101")
def incoming_blind_transfer_not_answered(host):
    customer, manager = _answered(host)
    host.at(20).part("b1", manager, customer)
    host.at(42).hangup(customer[0], CUSTOMER, "152", call_type=2, status="0")


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n↪️ переведен на 153\n📡Линия: 0001101")
def incoming_blind_transfer_to_a_group(host):
    customer, manager = _answered(host)
    host.at(20).part("b1", manager, customer)
    host.at(27).dial(customer[0], "152", "153")
    taker = _manager(host, 8, "153")
    host.at(35).create("b2").talk("b2", taker, (*customer[:3], "300")).at(60).part("b2", taker, customer)
    host.hangup(customer[0], CUSTOMER, "153", call_type=2)


def _mobile_rings(host, customer):
    """A mobile is called for the customer: the halves of the Local channel and the channel on the line."""
    near, far, outside = host.uid(5), host.uid(6), host.uid(7)
    local = f"Local/{MOBILE}@5b7d10aa-00000004"
    host.callerid(near, f"{local};1", LINE, CUSTOMER, LINE, "5b7d10aa")
    host.callerid(far, f"{local};2", CUSTOMER, LINE, MOBILE, "5b7d10aa")
    host.dial(far, CUSTOMER, phone=MOBILE, call_type=1)
    host.callerid(outside, "SIP/0001101-00000007", MOBILE, CUSTOMER, MOBILE)
    return near, far, outside, local


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n📱+375 (29) 000-99-01\n📡Линия: 0001101")
def incoming_answered_on_a_mobile(host):
    customer = _customer(host, 1)
    host.start(customer[0]).at(1).dial(customer[0], "150", MOBILE)
    near, far, outside, local = _mobile_rings(host.at(2), customer)
    host.at(12).create("b1").enter(outside, "b1", "SIP/0001101-00000007", MOBILE, CUSTOMER)
    host.enter(far, "b1", f"{local};2", CUSTOMER, MOBILE, MOBILE)
    host.create("b2").enter(near, "b2", f"{local};1", LINE, CUSTOMER)
    host.enter(customer[0], "b2", customer[1], CUSTOMER, LINE, LINE)
    host.at(50).leave(customer[0], "b2", customer[1], CUSTOMER, LINE).destroy("b2").destroy("b1")
    host.hangup(far, MOBILE, CUSTOMER, call_type=1, began_s=2)


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n📱+375 (29) 000-99-01\n📡Линия: 0001101")
def incoming_followed_to_a_mobile_as_if_the_manager_called(host):
    customer = _customer(host, 1)
    host.start(customer[0]).at(1).dial(customer[0], "150").at(9).dial(customer[0], "150", MOBILE)
    leg, outside = host.uid(5), host.uid(6)
    host.dial(leg, "151", phone=MOBILE, call_type=1)
    host.callerid(outside, "SIP/0001101-00000007", MOBILE, CUSTOMER, MOBILE)
    host.at(15).create("b1").enter(outside, "b1", "SIP/0001101-00000007", MOBILE, CUSTOMER)
    host.enter(customer[0], "b1", customer[1], CUSTOMER, MOBILE, LINE)
    host.at(50).leave(customer[0], "b1", customer[1], CUSTOMER, MOBILE).destroy("b1")
    host.hangup(leg, MOBILE, "151", call_type=1, began_s=9)


@story("✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️150\n📡Линия: 0001101")
def incoming_answered_while_a_mobile_rings(host):
    customer, manager = _customer(host, 1), _manager(host, 3, "150")
    host.start(customer[0]).at(1).dial(customer[0], "150", MOBILE)
    _, far, _, _ = _mobile_rings(host.at(2), customer)
    host.at(8).create("b1").talk("b1", manager, customer)
    host.hangup(far, MOBILE, CUSTOMER, call_type=1, status="0", began_s=2)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER)


@story("❌ Коллега не поднял трубку\n☎️152➡️\n☎️153")
def internal_not_answered(host):
    host.hangup(host.uid(1), "152", "153", call_type=2, status="0")


@story("✅Успешный внутренний звонок\n☎️152➡️\n☎️153")
def internal_to_a_department(host):
    caller, called = (host.uid(1), "SIP/152-00000001", "152", "900"), _manager(host, 2, "153")
    host.at(5).create("b1").talk("b1", caller, called).at(20).part("b1", called, caller)
    host.hangup(caller[0], "152", "153", line="")


@story(
    "✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101",
    "✅Успешный внутренний звонок\n☎️151➡️\n☎️152",
)
def internal_after_a_talk(host):
    customer, manager = _answered(host)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "151")
    caller, called = (host.at(50).uid(5), "SIP/151-00000005", "151", "152"), _manager(host, 6, "152")
    host.at(53).create("b2").talk("b2", caller, called).at(60).part("b2", called, caller)
    host.hangup(caller[0], "151", "152", call_type=2, began_s=50)


@story(
    "✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101",
    "❌ Мы не подняли трубку\n💰+375 (29) 000-10-01\n☎️150\n📡Линия: 0001101",
)
def the_same_customer_calls_again(host):
    customer, manager = _answered(host)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER, "151")
    again = host.at(43).uid(9)
    host.start(again).at(44).dial(again, "150").at(60).hangup(again, CUSTOMER, status="0", began_s=43)


@story(
    "✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101",
    "✅Успешный входящий звонок\n💰+375 (29) 000-10-02\n☎️150\n📡Линия: 0001102",
)
def two_customers_ring_one_group(host):
    customer, manager = _answered(host)
    second, other = (host.at(3).uid(7), "SIP/0001102-00000007", OTHER_CUSTOMER, RESERVE_LINE), _manager(host, 8, "150")
    host.start(second[0], OTHER_CUSTOMER, RESERVE_LINE)
    host.at(4).dial(second[0], "150", "151", phone=OTHER_CUSTOMER, line=RESERVE_LINE)
    host.at(12).create("b2").talk("b2", other, second).at(30).part("b2", other, second)
    host.hangup(second[0], OTHER_CUSTOMER, line=RESERVE_LINE, began_s=3)
    host.at(40).part("b1", manager, customer).hangup(customer[0], CUSTOMER)


@story(
    "✅Успешный входящий звонок\n💰+375 (29) 000-10-01\n☎️151\n📡Линия: 0001101",
    "✅Успешный исходящий звонок\n☎️152\n💰+375 (29) 000-10-02\n📡Линия: 0001102",
)
def a_consultation_with_a_busy_manager(host):
    manager = (host.uid(20), "SIP/152-00000020", "152", OTHER_CUSTOMER)
    called = (host.uid(21), "SIP/0001102-00000021", OTHER_CUSTOMER, "")
    host.dial(manager[0], "152", phone=OTHER_CUSTOMER, call_type=1, line=RESERVE_LINE)
    host.at(2).create("b9").talk("b9", called, manager)
    customer, talking = _answered(host.at(3))
    second_line, asked = (host.at(25).uid(5), "SIP/151-00000005", "151", "152"), _manager(host, 6, "152")
    host.at(30).create("b2").talk("b2", second_line, asked).at(40).part("b2", asked, second_line)
    host.hangup(second_line[0], "151", "152", call_type=2, began_s=25)
    host.at(60).part("b1", talking, customer).hangup(customer[0], CUSTOMER, "151", began_s=3)
    host.at(80).part("b9", manager, called).hangup(manager[0], OTHER_CUSTOMER, "152", call_type=1, line=RESERVE_LINE)
