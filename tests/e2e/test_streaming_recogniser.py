"""Real calls with Yandex's recogniser on its double: the words are there before the turn is taken."""

import asyncio
import sys

import numpy as np
import pytest
from e2e.test_scenarios import PATH_MS, REAL, _as_told
from fakes.sounds import SoundBook
from fakes.yandex_stt import SttDouble
from scenarios.outcome import judge
from scenarios.real import hold_calls

from voxbot.domain.events import CallerTurn
from voxbot.providers.asr import yandex
from voxbot.settings.loader import load_settings

CALLS = [scenario for scenario in REAL if scenario.file.stem in {"answering", "barge_in", "endpointing"}]
FINAL_MS = 150
OWN_MS = 25
"""What may pass between the service's last word and the turn machine, on a machine that runs Asterisk, too."""


@pytest.fixture(scope="module")
def outcomes(lab, tmp_path_factory):
    async def hold():
        everything = SoundBook()
        async with SttDouble(everything.hear, final_ms=FINAL_MS) as stt:
            asr = yandex.create(
                load_settings(None, {"YANDEX_API_KEY": "AQVN-test", "YANDEX_STT_ENDPOINT": stt.endpoint})
            )
            await asr.warm_up()

            def recogniser(book, _engine):
                everything.add(book)
                return asr

            folder, environ = tmp_path_factory.mktemp("calls"), {"MEDIA_TRANSPORT": "websocket"}
            try:
                return await hold_calls(lab, CALLS, folder, environ=environ, recogniser=recogniser), stt.sessions
            finally:
                await asr.close()

    return asyncio.run(hold())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", CALLS, ids=lambda scenario: scenario.id)
def test_a_call_on_a_recogniser_of_streams(scenario, outcomes):
    outcome = outcomes[0][scenario.id]
    assert outcome.turns() == [turn for turn in map(_as_told, scenario.events) if turn]
    assert judge(outcome, scenario.limits, path_ms=PATH_MS, words=False) == []


def test_nobody_waits_for_words_after_the_turn_is_taken(outcomes, capsys):
    turns = [event for outcome in outcomes[0].values() for _, event in outcome.told if isinstance(event, CallerTurn)]
    took, waited = ([turn.ms[name] for turn in turns if name in turn.ms] for name in ("asr", "asr_wait"))
    with capsys.disabled():
        sys.stdout.write(
            f"words {np.median(took):.0f} ms after the pause was noticed, waited for: {max(waited):.0f} ms\n"
        )
    assert len(turns) >= len(CALLS)
    assert FINAL_MS <= np.median(took) <= FINAL_MS + OWN_MS
    assert max(waited) < 1


def test_each_utterance_was_one_session_that_was_ended(outcomes):
    assert all(session.over for session in outcomes[1])
    assert all(session.received_ms < 30_000 for session in outcomes[1])
