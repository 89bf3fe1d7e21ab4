"""How long a caller waits for the embedding of a question, and how often a service that is down is asked."""

import asyncio

import pytest
from fakes.embedder import TrigramEmbedder
from fakes.virtual_time import run_virtual
from structlog.testing import capture_logs

from voxbot.domain.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers.embedding.guarded import GuardedEmbedder
from voxbot.speech.switches import Switches

DOWN = ProviderUnavailableError("fake", "down")
BUSY = ProviderRateLimitError("fake", "busy")


class Scripted(TrigramEmbedder):
    """`script` are what the next questions meet: an error, seconds to wait, or None; the last one stays."""

    def __init__(self, *script):
        super().__init__()
        self.script = list(script)

    async def embed_query(self, text):
        vector = await super().embed_query(text)
        match self.script.pop(0) if len(self.script) > 1 else self.script[0]:
            case Exception() as error:
                raise error
            case float() as seconds:
                await asyncio.sleep(seconds)
        return vector


async def asked(guarded, text="вопрос"):
    """The answer or the error, and how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        answer = await guarded.embed_query(text)
    except ProviderError as error:
        answer = error
    return answer, loop.time() - began


async def warmed_up(engine, switches=None):
    guarded = GuardedEmbedder(engine, question_s=1.5, switches=switches)
    script, engine.script = engine.script, [None]
    await guarded.embed_query("адрес")
    engine.script = script
    engine.queries.clear()
    return guarded


@pytest.mark.parametrize(
    "error", [DOWN, BUSY, ProviderRateLimitError("fake", "busy", 0), ProviderRateLimitError("fake", "busy", 1)]
)
def test_one_accident_or_refusal_is_repeated_in_time(error):
    async def story():
        engine, switches = Scripted(error, None), Switches()
        answer, seconds = await asked(await warmed_up(engine, switches))
        assert answer.shape == (256,)
        assert seconds <= 1.5
        assert len(engine.queries) == 2
        assert switches.total("failures") == 0

    run_virtual(story())


@pytest.mark.parametrize(
    "error",
    [ProviderAuthError("fake", "key"), ProviderError("fake", "model"), ProviderRateLimitError("fake", "busy", 60)],
)
def test_what_is_no_use_to_repeat_is_not(error):
    async def story():
        engine = Scripted(error)
        answer, seconds = await asked(await warmed_up(engine))
        assert answer is error
        assert (len(engine.queries), seconds) == (1, 0)

    run_virtual(story())


@pytest.mark.parametrize("script", [[100.0], [DOWN, 100.0], [BUSY, 100.0]])
def test_a_caller_waits_so_long_for_a_hung_service_and_no_longer(script):
    async def story():
        answer, seconds = await asked(await warmed_up(Scripted(*script)))
        assert isinstance(answer, ProviderUnavailableError)
        assert seconds == pytest.approx(1.5)

    run_virtual(story())


def test_the_first_question_of_the_process_may_take_longer():
    async def story():
        guarded = GuardedEmbedder(Scripted(4.0), question_s=1.5)
        assert (await asked(guarded))[0].shape == (256,)
        assert (await asked(guarded))[1] == pytest.approx(1.5)

    run_virtual(story())


def test_a_model_of_this_machine_gets_the_time_that_it_needs():
    async def story():
        engine = Scripted(20.0)
        engine.is_local = True
        assert (await asked(await warmed_up(engine)))[0].shape == (256,)

    run_virtual(story())


def test_a_service_that_is_down_is_left_alone_and_tried_again():
    """A caller who asks every two seconds waits three times, not sixty; the log has a line for each switch."""

    async def story():
        engine, switches = Scripted(100.0), Switches()
        guarded = await warmed_up(engine, switches)
        waits = []
        with capture_logs() as logs:
            for number in range(60):
                _, seconds = await asked(guarded, f"слова {number}")
                waits.append(seconds)
                await asyncio.sleep(2)
            assert sum(wait > 0 for wait in waits) <= 8
            assert switches.total("switches", kind="embedding", engine="fake", to="words") == 60
            assert switches.total("switches", kind="embedding", reason="open") == waits.count(0)
            assert len(logs) <= 2 * 8
            assert "слова" not in str(logs)
            engine.script = [None]
            await asyncio.sleep(60)
            assert (await asked(guarded, "ещё вопрос"))[0].shape == (256,)
        assert logs[-1]["event"] == "Движок снова работает"
        assert list(switches.states()) == [("embedding", "fake", "closed")]

    run_virtual(story())


def test_the_other_base_is_not_waited_for_with_the_same_question():
    async def story():
        engine = Scripted(100.0)
        guarded = await warmed_up(engine)
        first, second = await asked(guarded), await asked(guarded)
        assert (first[1], second[1]) == (pytest.approx(1.5), 0)
        assert len(engine.queries) == 1
        engine.script = [None]
        await asyncio.sleep(6)
        assert (await asked(guarded))[0].shape == (256,)

    run_virtual(story())


def test_a_caller_who_hangs_up_says_nothing_against_the_service():
    async def story():
        engine, switches = Scripted(100.0), Switches()
        guarded = await warmed_up(engine, switches)
        for number in range(20):
            asking = asyncio.create_task(guarded.embed_query(f"слова {number}"))
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.wait({asking})
        assert switches.total("failures") == 0
        assert list(switches.states()) == [("embedding", "fake", "closed")]

    run_virtual(story())
