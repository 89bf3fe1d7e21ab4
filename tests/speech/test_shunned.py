"""When the breakers leave nobody to ask, whoever may be well again soonest is asked, and then the others."""

import asyncio

import pytest
from fakes.scripted_engines import HANG, ScriptedAsr, sound
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import ProviderAuthError, ProviderUnavailableError
from voxbot.speech.asr import AsrHints
from voxbot.speech.budget import Budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.switches import Switches

BUDGET = Budget(total_s=6.0, hedge_min_s=0.3, hedge_max_s=1.0)
REFUSED = ProviderAuthError("engine", "bad key")
BUSY = ProviderUnavailableError("engine", "busy")


class Engines:
    """Recognisers in order, named after their numbers."""

    def __init__(self, *scripts, local=True):
        self.each = [ScriptedAsr(str(number), *script, local=local) for number, script in enumerate(scripts, 1)]
        self._switches = Switches()
        self._asr = FallbackAsr(self.each, budget=BUDGET, switches=self._switches)

    async def shut_out(self, number, error):
        """Let an engine fail until its breaker opens, whatever it is told to do."""
        guard = self._asr._recognisers[number - 1].guard
        while guard.breaker.state != "open":
            guard.begin().failed(error)

    async def heard(self):
        """The text and how long it took."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        text = (await self._asr.transcribe(sound(1), AsrHints())).text
        return text, round(loop.time() - started_s, 3)

    @property
    def asked(self):
        return [len(engine.lengths) for engine in self.each]

    @property
    def states(self):
        return [state for *_, state in self._switches.states()]


def test_a_spare_that_stumbled_is_asked_before_an_engine_whose_key_is_refused():
    async def main():
        engines = Engines((REFUSED,), (0.1, "слова"))
        await engines.shut_out(1, REFUSED)
        await engines.shut_out(2, BUSY)
        assert await engines.heard() == ("слова", 0.1)
        assert engines.asked == [0, 1]
        assert engines.states == ["open", "closed"]

    run_virtual(main())


def test_of_equals_the_preferred_one_is_asked_first():
    async def main():
        engines = Engines((0.1, "первый"), (0.1, "второй"))
        await engines.shut_out(1, BUSY)
        await engines.shut_out(2, BUSY)
        assert (await engines.heard())[0] == "первый"

    run_virtual(main())


@pytest.mark.parametrize(("fault", "took_s"), [((0.2, BUSY), 0.3), ((HANG,), 2.1)], ids=["fails", "hangs"])
def test_one_after_the_other_has_its_chance_within_the_budget(fault, took_s):
    async def main():
        engines = Engines((REFUSED,), fault, (0.1, "слова"))
        await engines.shut_out(1, REFUSED)
        await engines.shut_out(2, BUSY)
        await asyncio.sleep(0.5)
        await engines.shut_out(3, BUSY)
        assert await engines.heard() == ("слова", took_s)
        assert engines.asked == [0, 1, 1]

    run_virtual(main())


def test_all_of_them_fail_in_no_more_than_the_budget():
    async def main():
        engines = Engines((HANG,), (HANG,), (1.0, BUSY))
        for number in (1, 2, 3):
            await engines.shut_out(number, BUSY)
        loop = asyncio.get_running_loop()
        with pytest.raises(ProviderUnavailableError):
            await engines.heard()
        assert loop.time() == pytest.approx(6.0)
        assert engines.asked == [1, 1, 1]

    run_virtual(main())


@pytest.mark.parametrize("local", [True, False])
def test_behind_one_that_hangs_the_shunned_one_is_asked_when_its_part_of_the_time_is_over(local):
    async def main():
        engines = Engines((HANG,), (0.1, "слова"), local=local)
        await engines.shut_out(2, REFUSED)
        assert await engines.heard() == ("слова", 3.1)

    run_virtual(main())


def test_beside_one_that_is_only_late_the_shunned_one_is_left_in_peace():
    async def main():
        engines = Engines((2.5, "слова"), ("быстрее",), local=False)
        await engines.shut_out(2, REFUSED)
        assert await engines.heard() == ("слова", 2.5)
        assert engines.asked == [1, 0]

    run_virtual(main())
