"""Texts of messages."""

from dataclasses import replace

import pytest
from fakes.call_events import BEGAN_AT, sample, stored

from voxbot.domain.errors import ConfigError
from voxbot.notifier.calls import CallRules, view
from voxbot.notifier.messages import MAX_CHARACTERS, Names, Texts
from voxbot.notifier.phones import Masking

NAMES = Names(
    managers={"151": "Иванова Анна"},
    lines={"0001101": "Линия 1"},
    customer="Петров",
    recording_url="https://records.example/1?a=1&b=2",
    details_url="https://notifier.example/call/details/1?signature=x",
)


def shown(name, events=None):
    posts = sample(name)[:events]
    return view(stored(posts), CallRules(), now=BEGAN_AT + posts[-1][0])


def text(call, names=NAMES, texts=None, **options):
    return (texts or Texts()).render(call, names, enterprise="0367", **options).text


@pytest.mark.parametrize(
    ("name", "events", "lines"),
    [
        ("01-incoming-answered", 1, ["📞 Входящий звонок", "💰+375 (29) 000-10-01 (Петров)", "📡Линия 1"]),
        (
            "01-incoming-answered",
            3,
            [
                "📞 Входящий звонок",
                "💰+375 (29) 000-10-01 (Петров) ➡️",
                "☎️150",
                "☎️Иванова Анна (151)",
                "☎️152",
                "📡Линия 1",
            ],
        ),
        (
            "01-incoming-answered",
            6,
            ["☎️Иванова Анна (151) 📞➡️ 💰+375 (29) 000-10-01 (Петров)", "📡Линия 1"],
        ),
        (
            "01-incoming-answered",
            None,
            [
                "✅Успешный входящий звонок",
                "💰+375 (29) 000-10-01 (Петров)",
                "☎️Иванова Анна (151)",
                "📡Линия 1",
                "⏰Начало звонка 09:12",
                "⌛ Длительность: 00:34",
                '🔉<a href="https://records.example/1?a=1&amp;b=2">Запись разговора</a>',
                '🔎<a href="https://notifier.example/call/details/1?signature=x">Детали звонка</a>',
            ],
        ),
        (
            "02-incoming-missed",
            None,
            [
                "❌ Мы не подняли трубку",
                "💰+375 (29) 000-10-02 (Петров)",
                "<blockquote expandable>☎️150 ☎️Иванова Анна (151) ☎️152</blockquote>",
                "📡Линия 1",
                "⏰Начало звонка 10:03",
                "⌛ Дозванивался: 00:21",
                '🔎<a href="https://notifier.example/call/details/1?signature=x">Детали звонка</a>',
            ],
        ),
        (
            "03-outgoing-answered",
            1,
            ["📞 Исходящий звонок", "☎️Иванова Анна (151) ➡️ 💰+375 (29) 000-10-03 (Петров)", "📡Линия 1"],
        ),
        ("05-internal", 2, ["☎️152 📞➡️ ☎️153"]),
        ("07-group-plus-mobile", 3, None),
    ],
)
def test_each_moment_is_shown_as_managers_know_it(name, events, lines):
    written = text(shown(name, events)).splitlines()
    if lines is None:
        lines = [line for line in written if line.startswith("📱")]
        assert lines == ["📱+375 (29) 000-99-01"]
    else:
        assert written == lines


def test_an_internal_call_handed_over_names_both_colleagues():
    call = replace(shown("05-internal"), managers=("153", "154"))
    assert text(call).splitlines()[:4] == [
        "✅Успешный внутренний звонок",
        "☎️152➡️",
        "☎️153",
        "↪️ переведен на 154",
    ]


def test_what_is_not_known_is_left_out():
    call = replace(shown("01-incoming-answered"), line=None, managers=(), rang=(), started_at=None, duration_s=None)
    assert text(call, Names()) == "✅Успешный входящий звонок\n💰+375 (29) 000-10-01"


def test_many_who_ring_are_folded_and_the_list_is_bounded():
    call = replace(shown("01-incoming-answered", 3), rang=tuple(str(number) for number in range(1000, 1200)))
    names = Names(managers=dict.fromkeys(call.rang, "Имя" * 50))
    written = text(call, names)
    assert "<blockquote expandable>☎️" in written
    assert " и ещё 170</blockquote>" in written
    assert len(written) <= MAX_CHARACTERS


def test_values_are_escaped_and_stay_on_their_line():
    hostile = 'ООО "Ро&ма"\n<unknown>'
    written = text(
        shown("01-incoming-answered"), Names(customer=hostile, managers={"151": "<b>"}, lines={"0001101": "&"})
    )
    assert 'ООО "Ро&amp;ма" &lt;unknown&gt;' in written.splitlines()[1]
    assert "☎️&lt;b&gt; (151)" in written
    assert "📡&amp;" in written


def test_what_hosts_name_a_person_makes_no_line_of_its_own():
    call = replace(shown("01-incoming-answered", 3), rang=("151\n✅Успешный входящий звонок", "x" * 5000))
    written = text(call, Names())
    assert "☎️151 ✅Успешный входящий звонок" in written.splitlines()
    assert len(written) < 300


@pytest.mark.parametrize("name", ["01-incoming-answered", "03-outgoing-answered", "02-incoming-missed"])
def test_a_call_of_a_hundred_managers_with_long_names_fits(name):
    numbers = tuple(str(number) for number in range(100, 200))
    managers = () if name == "02-incoming-missed" else numbers
    call = replace(shown(name), managers=managers, rang=numbers, unanswered="199")
    names = Names(managers=dict.fromkeys(numbers, "Константинопольский-Задунайский Александр Александрович, отдел"))
    written = text(call, names)
    assert len(written) <= MAX_CHARACTERS
    assert " и ещё " in written
    assert "(100)" in written


def test_even_numbers_that_are_none_fit():
    numbers = tuple(f"{number}{'x' * 5000}" for number in range(40))
    call = replace(shown("02-incoming-missed"), rang=numbers, customer="я" * 5000)
    assert len(text(call, Names(managers=dict.fromkeys(numbers, "и" * 5000)))) <= MAX_CHARACTERS


def test_who_talks_now_is_shown_however_many_did_before():
    call = replace(shown("01-incoming-answered", 6), managers=tuple(str(number) for number in range(100, 200)))
    assert text(call).startswith("☎️199 📞➡️")


def test_only_web_addresses_become_links():
    names = Names(recording_url="javascript:alert(1)", details_url='https://x.example/"><b>')
    written = text(shown("01-incoming-answered"), names)
    assert "javascript" not in written
    assert '<a href="https://x.example/&#34;&gt;&lt;b&gt;">' in written


@pytest.mark.parametrize(("name", "sign"), [("01-incoming-answered", "✅🔄"), ("02-incoming-missed", "❌🔄 ")])
def test_a_recovered_hangup_differs_by_its_sign_alone(name, sign):
    call = shown(name)
    live, recovered = text(call), text(replace(call, recovered=True))
    assert recovered.startswith(sign)
    assert recovered.replace("🔄", "", 1) == live


def test_masking_hides_the_customers_number():
    written = text(shown("01-incoming-answered"), masking=Masking.CUSTOMERS)
    assert "000-10" not in written
    assert "+375 (29) ***-**-01 (Петров)" in written


@pytest.mark.parametrize(
    ("masking", "mobile"),
    [(Masking.CUSTOMERS, "📱+375 (29) 000-99-01"), (Masking.ALL, "📱+375 (29) ***-**-01")],
)
def test_managers_mobiles_are_masked_only_when_all_numbers_are(masking, mobile):
    ringing = text(shown("07-group-plus-mobile", 3), masking=masking)
    assert mobile in ringing
    assert "+375 (29) ***-**-07" in ringing


def test_masking_hides_numbers_wherever_they_stand():
    call = replace(shown("01-incoming-answered"), customer="sip:375290001001@gw", customer_name="Анна 375290001001")
    written = text(call, Names(managers={"151": "Иванова 375290009901"}), masking=Masking.ALL)
    assert "3752900" not in written
    assert "sip:**********01@gw (Анна **********01)" in written


def test_an_enterprise_has_its_own_texts(tmp_path):
    (tmp_path / "0367").mkdir()
    (tmp_path / "0367" / "start.html.j2").write_text("Звонит {{ customer }}", encoding="utf-8")
    texts = Texts(tmp_path)
    call = shown("01-incoming-answered", 1)
    assert text(call, texts=texts) == "Звонит +375 (29) 000-10-01 (Петров)"
    for other in ("0368", "..", "../0367", ""):
        assert texts.render(call, NAMES, enterprise=other).text.startswith("📞 Входящий звонок")


def test_a_broken_override_is_told_at_the_start(tmp_path):
    (tmp_path / "dial.html.j2").write_text("\n{% if %}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"dial\.html\.j2, строка 2"):
        Texts(tmp_path)


@pytest.mark.parametrize("template", ["{{ nobody.name }}", "{{ 1 / 0 }}", " ", "а" * 5000, "{{ call.line.x.y }}"])
def test_an_override_that_fails_later_costs_no_message(tmp_path, template):
    (tmp_path / "start.html.j2").write_text(template, encoding="utf-8")
    assert text(shown("01-incoming-answered", 1), texts=Texts(tmp_path)).startswith("📞 Входящий звонок")


def test_a_leg_has_no_message():
    call = replace(shown("01-incoming-answered"), shown=False)
    assert Texts().render(call, NAMES, enterprise="0367") is None
