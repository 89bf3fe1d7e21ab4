"""Each engine hangs, fails or stalls at each moment of a dialogue: the caller never waits in silence for long."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes.engines import BookAsr, StreamingBookAsr
from scenarios import virtual
from scenarios.language import Answer, Engine, Noise, Says, Scenario, Waits, Words
from scenarios.outcome import judge

DEAD_AIR_MS = 1200
PATH_MS = 60
"""The filler's own way to the ear, and the grid of 20 ms on which the line is looked at."""

LONG = "Машина стоит два миллиона рублей. Срок поставки один месяц. Гарантия два года."
QUESTIONS = ("сколько стоит разрывная машина", "какие сроки поставки", "какая гарантия")
ENDS = {"caller_hangup", "operator", "unanswered", "error", "silence"}


def ask(text, manner="says", after_ms=None):
    return Says(manner, (Words(text, len(text) * 70),), after_ms)


DIALOGUE = Scenario(
    file=Path("faults"),
    title="a dialogue with an interruption and a cough",
    settings={"AI_PROCESSING_TIMEOUT": "8"},
    answers={question: Answer(LONG) for question in QUESTIONS},
    caller=(
        Waits(),
        ask(QUESTIONS[0]),
        Noise("cough", 500, after_ms=1500),
        ask(QUESTIONS[1], "interrupts", after_ms=1500),
        Waits(1500),
        ask(QUESTIONS[2]),
        Waits(2500),
    ),
)


def engines():
    for fault in ("hang", "fail"):
        for call in range(7):
            yield replace(DIALOGUE, title=f"asr: {fault} at call {call}", asr=Engine(200, {call: fault}))
    for fault in ("hang", "fail", "stall"):
        for call in range(10):
            yield replace(DIALOGUE, title=f"tts: {fault} at call {call}", tts=Engine(100, {call: fault}))


def agents():
    for which in QUESTIONS:
        for words in (0, 1, 4, 5, 8):
            for broken in (Answer(LONG, hangs_after=words), Answer(LONG, fails_after=words)):
                kind = "hangs" if broken.hangs_after is not None else "fails"
                answers = {**DIALOGUE.answers, which: broken}
                yield replace(DIALOGUE, title=f"agent {kind} after {words} words of «{which}»", answers=answers)
    for delay_ms in (500, 900, 1300, 2500, 6000, 9000, 60_000):
        slow = {question: Answer(LONG, delay_ms=delay_ms) for question in QUESTIONS}
        yield replace(DIALOGUE, title=f"agent needs {delay_ms} ms", answers=slow)


def cases():
    for scenario in [*engines(), *agents()]:
        yield pytest.param(scenario, BookAsr, id=scenario.title)
        if scenario.asr.faults:
            yield pytest.param(scenario, StreamingBookAsr, id=f"stream of {scenario.title}")


@pytest.mark.parametrize(("scenario", "recogniser"), [*cases()])
def test_no_fault_leaves_the_caller_in_silence(scenario, recogniser):
    outcome = virtual.run(scenario, recogniser)
    assert outcome.end in ENDS
    assert outcome.length_ms < 120_000
    assert outcome.dead_air_ms <= DEAD_AIR_MS + PATH_MS, outcome.events()
    # How much of a segment its sound was, nobody knows where a voice stalls for good in the middle of it.
    assert judge(outcome, scenario.limits, words="stall" not in scenario.title) == [], outcome.events()
