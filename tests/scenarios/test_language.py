"""The scenario language says what is wrong with a scenario, and its measures measure."""

import pytest
from scenarios import virtual
from scenarios.language import CHAR_MS, Gap, Says, ScenarioError, Waits, Words
from scenarios.outcome import HeardWord, Outcome, judge
from scenarios.reading import read_file
from scenarios.snapshot import write_events

from voxbot.domain.events import BotTurn

GOOD = """\
title: A question  # by ear
answers: {сколько стоит: Два миллиона.}
caller:
  - waits
  - says: [сколько, {pause: 300}, стоит]
    ms: 1200
expect:
  end: caller_hangup
---
title: Another
caller: [waits]
"""


def write(tmp_path, text):
    file = tmp_path / "theme.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_scenario_is_read_with_its_defaults(tmp_path):
    first, second = read_file(write(tmp_path, GOOD))
    assert first.id == "theme: A question"
    assert first.caller == (Waits(600), Says("says", (Words("сколько", 700), Gap(300), Words("стоит", 500)), None))
    assert (first.asr.delay_ms, first.limits.end, first.events) == (200, "caller_hangup", None)
    assert second.caller == (Waits(),)


def test_words_without_a_length_take_as_long_as_their_letters(tmp_path):
    (scenario,) = read_file(write(tmp_path, "title: x\ncaller: [{says: алло}]\n"))
    assert scenario.caller[0].pieces == (Words("алло", 4 * CHAR_MS),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title: x\n", "`caller` is missing"),
        ("caller: [waits]\n", "`title` is missing"),
        ("title: x\ncaller: [shouts]\n", "step 1: unknown step `shouts`; there are says"),
        ("title: x\ncaller: [{says: a, atfer_ms: 1}]\n", "step 1: unknown `atfer_ms`; there are ms, wav, after_ms"),
        ("title: x\ncaller: [{noise: thunder, ms: 5}]\n", "'thunder' is none of babble, music"),
        ("title: x\ncaller: [{noise: music}]\n", "`ms` is missing"),
        ("title: x\ncaller: [{says: [a, {wait: 5}]}]\n", "unknown `wait`; there are pause"),
        ("title: x\ncaller: [{hangs_up: lunch}]\n", "'lunch' is none of greeting, listening"),
        ("title: x\ncaller: [{line: {burns: true}}]\n", "unknown `burns`; there are closes"),
        ("title: x\ncaller: [waits]\nexpect: {speed: 3}\n", "expect: unknown `speed`; there are end"),
        ("title: x\ncaller: [waits]\nengines: {asr: {faults: {1: melt}}}\n", "asr: fault 1: melt"),
        ("title: x\ncaller: [waits]\nextra: 1\n", "unknown `extra`"),
        ("title: [\n", "not YAML"),
    ],
)
def test_a_slip_of_the_pen_is_an_error_with_its_place(tmp_path, text, complaint):
    with pytest.raises(ScenarioError) as caught:
        read_file(write(tmp_path, text))
    assert complaint in str(caught.value)
    assert "theme.yaml" in str(caught.value)


def test_a_snapshot_changes_its_own_scenario_and_nothing_else(tmp_path):
    file = write(tmp_path, GOOD)
    first, second = read_file(file)
    write_events(second, [{"bot": "Да: нет"}])
    write_events(first, [{"bot": "старое"}, {"end": "goodbye"}])
    write_events(first, [{"caller": "сколько стоит"}, {"end": "caller_hangup"}])
    assert "# by ear" in file.read_text()
    first, second = read_file(file)
    assert first.events == ({"caller": "сколько стоит"}, {"end": "caller_hangup"})
    assert second.events == ({"bot": "Да: нет"},)
    assert first.limits.end == "caller_hangup"


def heard(*words):
    return [HeardWord(start, end, "раз два три", index, word) for index, (start, end, word) in enumerate(words)]


def outcome(words, spoken=(), told=()):
    return Outcome("caller_hangup", 10_000, words, list(spoken), [], list(told), [])


def turn(text, *, cut=False):
    return BotTurn("call", 0, text, "раз два три" if cut else text, cut)


@pytest.mark.parametrize(
    ("logged", "true"),
    [(turn("раз два"), False), (turn("раз два три"), True), (turn("раз", cut=True), False),
     (turn("раз два", cut=True), True)],
)  # fmt: skip
def test_a_transcript_that_differs_from_what_was_heard_is_found(logged, true):
    words = heard((0, 200, "раз"), (200, 400, "два"), (400, 600, "три"))
    assert (outcome(words, told=[(700, logged)]).untruths() == []) is true


def test_what_the_recogniser_hears_is_what_was_in_the_sound(tmp_path):
    text = "title: x\ncaller: [waits, {says: [раз два, {pause: 2000}, три]}]\n"
    (scenario,) = read_file(write(tmp_path, text))
    assert virtual.run(scenario).asked[:1] == ["раз два"]


def test_dead_air_and_cut_offs_are_seen(tmp_path):
    text = (
        "title: x\nsettings: {TURN_MAX_SPECULATIONS: 0}\nanswers: {раз два: {say: Три., delay_ms: 900}}\n"
        "caller: [waits, {says: [раз два, {pause: 2500}, три]}, waits]\n"
        "expect: {dead_air_ms: 100, never_heard: [Три]}\n"
    )
    (scenario,) = read_file(write(tmp_path, text))
    complaints = " ".join(judge(virtual.run(scenario), scenario.limits))
    assert "into the caller's words 1 times" in complaints
    assert "dead air" in complaints
    assert "«Три» was heard" in complaints
