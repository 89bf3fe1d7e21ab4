"""The scenarios that matter most, as real calls through the real Asterisk, on both ways of sound that are live.

(What the third one, files, delivers has no frames that the scripted recogniser could know again: test_transports.)
"""

import asyncio

import pytest
from scenarios.outcome import judge
from scenarios.reading import scenarios
from scenarios.real import hold_calls

REAL = [scenario for scenario in scenarios() if scenario.real]
PATH_MS = 120
"""Beyond the limits of virtual time: the telephone path (about 40 ms, FINDINGS, section 2), the detector's own time
(64 ms), and the grid of frames."""


@pytest.fixture(scope="module", params=["websocket", "audiosocket"])
def outcomes(request, lab, tmp_path_factory):
    environ = {"MEDIA_TRANSPORT": request.param}
    return asyncio.run(hold_calls(lab, REAL, tmp_path_factory.mktemp("calls"), environ=environ))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", REAL, ids=lambda scenario: scenario.id)
def test_scenario_on_the_telephone(scenario, outcomes):
    outcome = outcomes[scenario.id]
    assert outcome.turns() == [turn for turn in map(_as_told, scenario.events) if turn]
    assert judge(outcome, scenario.limits, path_ms=PATH_MS, words=False) == []


def _as_told(event):
    """An event of the snapshot as a real call can show it: where exactly an answer was cut differs by a word."""
    ((kind, text),) = event.items()
    if kind == "bot cut":
        return {kind: "…"}
    return {kind: text} if kind in {"bot", "caller", "end"} else None
