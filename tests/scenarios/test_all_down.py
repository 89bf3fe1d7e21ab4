"""Everything of a kind is down at once, the spare too: the caller hears so in time, and is passed on or asks again."""

from pathlib import Path

import pytest
from fakes.engines import BookAsr, StampedTts, StreamingBookAsr
from fakes.search import ScriptedSearch, hit, result
from scenarios import virtual
from scenarios.language import Engine, Limits, Says, Scenario, Stays, Waits, Words
from scenarios.outcome import judge
from scenarios.test_switches import DEAD_AIR_MS, FAULTS, PATH_MS, Model

from voxbot.agent import phrases
from voxbot.agent.agent import Agent
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.settings.loader import load_settings
from voxbot.settings.schema import LlmSettings
from voxbot.speech.budget import asr_budget, tts_budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.fallback_tts import FallbackTts
from voxbot.text.segmenter import split_segments

WELL, DEAF_MS = {}, 45_000
QUESTION = "какая гарантия на станки"
QUOTATION = "Гарантия на станки двадцать четыре месяца."
FOUND = result(hit(f"# Гарантия\n{QUOTATION}", title="Гарантия", chunk_id="w1"))


def says(text):
    return Says("says", (Words(text, len(text) * 70),))


ASKING_TWICE = (Waits(), says(QUESTION), Waits(2500), says(QUESTION), Waits(2500))


def call(caller, *, asr=WELL, tts=WELL, llm=WELL, recogniser=BookAsr):
    """Hold the call with two engines of each kind, both of which do the same; return the outcome."""
    settings = load_settings(environ={})

    def wire(first_asr, first_tts, _agent):
        spare_asr, spare_tts = BookAsr(first_asr._book, Engine(100, asr)), StampedTts(Engine(100, tts))
        spare_tts._stamps = first_tts._stamps
        spare_asr.name = spare_tts.name = "spare"
        agent = Agent(
            ScriptedSearch(FOUND),
            prompts=lambda: DEFAULT_PROMPTS,
            settings=lambda: LlmSettings(contextualize_s=0),
            threshold=lambda: 0.5,
            models=[Model("main", Engine(400, llm)), Model("spare", Engine(100, llm))],
        )
        recognisers = FallbackAsr([first_asr, spare_asr], budget=asr_budget(settings))
        return recognisers, FallbackTts([first_tts, spare_tts], budget=tts_budget(settings)), agent

    scenario = Scenario(
        file=Path("all_down"), title="all down", caller=caller, asr=Engine(200, asr), tts=Engine(100, tts)
    )
    return virtual.run(scenario, recogniser, wire=wire)


def check(outcome, **limits):
    limits = Limits(dead_air_ms=DEAD_AIR_MS + PATH_MS, **limits)
    assert judge(outcome, limits) == [], outcome.events()
    return " ".join(word.word for word in outcome.words)


@pytest.mark.parametrize("recogniser", [BookAsr, StreamingBookAsr])
@pytest.mark.parametrize("fault", ["fail", "hang", "limit", "auth"])
def test_a_bot_whose_recognisers_are_all_down_says_so_and_passes_the_caller_on(fault, recogniser):
    caller = (Waits(), says(QUESTION), Waits(2500), says(QUESTION), Waits(2500), says(QUESTION), Stays(60_000))
    outcome = call(caller, asr={0: fault}, recogniser=recogniser)
    deaf = phrases.line_text("deaf").split("|")
    check(outcome, end="error", heard=(phrases.line_text("not_heard").split("|")[0], *deaf), length_ms=DEAF_MS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bot_whose_voices_are_all_down_announces_a_person_with_what_was_spoken_beforehand(fault):
    outcome = call((Waits(), says(QUESTION), Stays(60_000)), tts={0: fault})
    announced = split_segments(phrases.line_text("unanswered"))
    check(outcome, end="unanswered", heard=tuple(announced), never_heard=(phrases.CUT_SHORT.split("|")[0],))


@pytest.mark.parametrize("fault", [*FAULTS, "break", "stall"])
def test_a_bot_whose_models_are_all_down_quotes_what_it_has_found(fault):
    outcome = call(ASKING_TWICE, llm={0: fault})
    heard = check(outcome, end="caller_hangup")
    if fault not in ("break", "stall"):
        assert heard.count(QUOTATION) == 2, heard
