"""Every scenario in virtual time. `pytest tests/scenarios --update-scenarios` writes the snapshots anew."""

import pytest
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
