"""Every scenario in virtual time, with a recogniser of whole utterances and with one of streams.

`pytest tests/scenarios --update-scenarios` writes the snapshots anew.
"""

import pytest
from fakes.engines import StreamingBookAsr
from scenarios import virtual
from scenarios.outcome import judge
from scenarios.reading import scenarios
from scenarios.snapshot import write_events


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_scenario(scenario, request):
    outcome = virtual.run(scenario)
    events = outcome.events()
    if request.config.getoption("--update-scenarios", default=False):
        write_events(scenario, events)
    else:
        assert events == list(scenario.events or ()), "the events of the snapshot"
    assert judge(outcome, scenario.limits) == []


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_scenario_with_a_recogniser_of_streams(scenario):
    """The same conversation comes of it; where the recogniser has faults, its second chance may save more of it."""
    outcome = virtual.run(scenario, StreamingBookAsr)
    if not scenario.asr.faults:
        assert outcome.events() == list(scenario.events or ()), "the events of the snapshot"
    assert judge(outcome, scenario.limits) == []
