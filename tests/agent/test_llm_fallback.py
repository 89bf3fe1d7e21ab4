"""The next model writes when one fails, is slower than usual or breaks off; a dead one is left alone for a while."""

import asyncio
from contextlib import aclosing

import pytest
from fakes.virtual_time import run_virtual

from voxbot.agent.llm import ChatRequest, ModelGuards, ToolCall, stream_with_fallback
from voxbot.agent.tools import TOOLS
from voxbot.domain.errors import ProviderAuthError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.speech.switches import Switches

REQUEST = ChatRequest("", (), "сколько стоит", 0.0, TOOLS)
HANG = object()
BROKEN = ProviderUnavailableError("openai", "broke off")


class PacedLlm:
    """Numbers are seconds to wait, errors are raised, text is streamed."""

    name = "paced"

    def __init__(self, model, *script):
        self.model = model
        self.script = script
        self.asked = []

    async def stream(self, request):
        self.asked.append(request)
        for step in self.script:
            if step is HANG:
                await asyncio.Event().wait()
            elif isinstance(step, Exception):
                raise step
            elif isinstance(step, int | float):
                await asyncio.sleep(step)
            else:
                yield step

    async def warm_up(self):
        pass

    async def close(self):
        pass


class Pair:
    """A primary and a spare with what is learned about them."""

    def __init__(self, *primary, spare=("запасной",)):
        self.switches = Switches()
        self.primary, self.spare = PacedLlm("main", *primary), PacedLlm("spare", *spare)
        self._guards = ModelGuards(self.switches)

    async def ask(self, **options):
        """The text, and when its first word came."""
        loop = asyncio.get_running_loop()
        started, first_s, text = loop.time(), None, ""
        pieces = stream_with_fallback(
            [self.primary, self.spare], REQUEST, first_token_s=3.0, guards=self._guards, **options
        )
        async with aclosing(pieces) as source:
            async for piece in source:
                first_s = round(loop.time() - started, 3) if first_s is None else first_s
                text += piece.content if isinstance(piece.content, str) else "!"
        return text, first_s


@pytest.mark.parametrize(
    ("fault", "first_s", "reason"),
    [
        ((BROKEN,), 0.0, "provider_unavailable"),
        ((0.2, ProviderAuthError("openai", "no")), 0.2, "provider_auth"),
        ((ProviderRateLimitError("openai", "slow", retry_after_s=60),), 0.0, "provider_rate_limit"),
        ((HANG,), 3.0, None),
        ((0.4,), 0.4, "provider_unavailable"),
    ],
    ids=["fails", "bad key", "429", "hangs", "empty answer"],
)
def test_the_spare_model_answers_and_the_switch_is_counted(fault, first_s, reason):
    async def main():
        pair = Pair(*fault)
        before = asyncio.all_tasks()
        assert await pair.ask() == ("запасной", first_s)
        assert asyncio.all_tasks() == before
        found = [count for count in pair.switches.counts() if count.event == "switches"]
        assert [(count.kind, count.engine, count.to) for count in found] == [("llm", "main", "spare")]
        assert reason in (None, found[0].reason)

    run_virtual(main())


def test_a_model_that_is_slower_than_it_usually_is_gets_company():
    async def main():
        pair = Pair(0.5, "основной", spare=(0.4, "запасной"))
        for _ in range(12):
            assert await pair.ask() == ("основной", 0.5)
        pair.primary.script = (HANG,)
        assert await pair.ask() == ("запасной", 1.025)
        assert pair.switches.total("hedges_won", engine="spare") == 1
        assert await pair.ask(hedging=False) == ("запасной", 3.4)

    run_virtual(main())


def test_a_dead_model_is_not_waited_for_again_and_again():
    async def main():
        pair = Pair(HANG)
        waits = [(await pair.ask())[1] for _ in range(6)]
        assert waits == [3.0, 3.0, 3.0, 0.0, 0.0, 0.0]
        await asyncio.sleep(5)
        pair.primary.script = ("основной",)
        assert await pair.ask() == ("основной", 0.0)

    run_virtual(main())


def test_a_rate_limit_is_kept_to():
    async def main():
        pair = Pair(ProviderRateLimitError("openai", "slow", retry_after_s=60))
        for _ in range(4):
            await pair.ask()
            await asyncio.sleep(10)
        assert len(pair.primary.asked) == 1
        await asyncio.sleep(20)
        await pair.ask()
        assert len(pair.primary.asked) == 2

    run_virtual(main())


def test_in_mid_answer_the_other_model_goes_on_and_the_switch_is_counted():
    async def main():
        pair = Pair("Машина стоит ", "рубль. ", BROKEN, spare=("Машина стоит рубль. ", "Срок месяц."))
        assert (await pair.ask())[0] == "Машина стоит рубль. Срок месяц."
        assert pair.switches.total("switches", engine="main", to="spare", reason="provider_unavailable") == 1

    run_virtual(main())


def test_a_hedge_that_won_and_broke_off_is_followed_by_the_model_it_had_beaten():
    async def main():
        pair = Pair(0.5, "основной", spare=("Машина стоит рубль. ", BROKEN))
        for _ in range(12):
            await pair.ask()
        pair.primary.script = (2.0, "Срок месяц.")
        assert (await pair.ask())[0] == "Машина стоит рубль. Срок месяц."
        assert "Машина стоит рубль." in pair.primary.asked[-1].system

    run_virtual(main())


def test_an_answer_that_nobody_waits_for_is_nobody_s_failure():
    async def main():
        pair = Pair("слово ", 1.0, "ещё")
        for _ in range(5):
            pieces = stream_with_fallback([pair.primary], REQUEST, first_token_s=3.0, guards=pair._guards)
            await anext(pieces)
            await pieces.aclose()
        assert pair.switches.total("failures") == 0

    run_virtual(main())


def test_a_tool_call_ends_the_answer():
    async def main():
        pair = Pair(ToolCall("end_call"), HANG)
        assert (await pair.ask())[0] == "!"
        assert [state for *_, state in pair.switches.states()] == ["closed", "closed"]

    run_virtual(main())
