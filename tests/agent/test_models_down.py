"""Models that are known to be down cost a caller nothing: the knowledge base is quoted at once, until one is back."""

import asyncio

import pytest
from fakes.scripted_llm import FAIL, HANG, ScriptedLlm
from fakes.search import ScriptedSearch, hit, result
from fakes.virtual_time import run_virtual

from voxbot.agent.agent import Agent
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.settings.schema import LlmSettings

WARRANTY = hit("# Гарантия\nГарантия на станки — 24 месяца.", title="Гарантия", chunk_id="w1")
FIRST_TOKEN_S, REWRITING_S = 3.0, 0.8
QUOTED = "Гарантия на станки — 24 месяца."
LEANING = (Utterance("user", "какая гарантия на станки"), Utterance("bot", "Два года."))


def agent(*models):
    return Agent(
        ScriptedSearch(result(WARRANTY)),
        prompts=lambda: DEFAULT_PROMPTS,
        settings=lambda: LlmSettings(first_token_s=FIRST_TOKEN_S, contextualize_s=REWRITING_S),
        threshold=lambda: 0.5,
        models=models,
    )


async def ask(agent, question="какая гарантия на станки", history=()):
    """The text, who wrote it, and how long it took."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    items = [item async for item in agent.reply(question, history)]
    model = next(item.model for item in reversed(items) if isinstance(item, AnswerInfo))
    return "".join(item for item in items if isinstance(item, str)), model, round(loop.time() - started_s, 3)


@pytest.mark.parametrize("history", [(), LEANING], ids=["alone", "leaning on the dialogue"])
def test_hung_models_are_not_waited_for_turn_after_turn(history):
    main, spare = ScriptedLlm("main", HANG), ScriptedLlm("spare", HANG)

    async def main_():
        bot = agent(main, spare)
        for _ in range(3):
            assert (await ask(bot))[2] == 2 * FIRST_TOKEN_S
        asked = len(main.requests) + len(spare.requests)
        question = "а на станки" if history else "какая гарантия на станки"
        _, model, took_s = await ask(bot, question, history)
        assert (model, took_s) == ("extractive", 0.0)
        assert len(main.requests) + len(spare.requests) == asked

    run_virtual(main_())


def test_a_model_that_is_back_answers_again():
    main = ScriptedLlm("main", FAIL)

    async def main_():
        bot = agent(main)
        for _ in range(4):
            assert (await ask(bot))[0] == QUOTED
        main.script = ("Два года.",)
        assert (await ask(bot))[0] == QUOTED
        await asyncio.sleep(5)
        assert (await ask(bot))[:2] == ("Два года.", "main")

    run_virtual(main_())


def test_while_one_call_tries_whether_a_model_is_back_the_others_do_not_wait():
    main = ScriptedLlm("main", HANG)

    async def main_():
        bot = agent(main)
        for _ in range(3):
            await ask(bot)
        await asyncio.sleep(5)
        answers = await asyncio.gather(*(ask(bot) for _ in range(4)))
        assert sorted(took_s for _, _, took_s in answers) == [0.0, 0.0, 0.0, FIRST_TOKEN_S]

    run_virtual(main_())


def test_models_made_anew_begin_with_a_clean_slate():
    """The operator has put the key right."""

    async def main_():
        bot = agent(ScriptedLlm("main", FAIL))
        for _ in range(4):
            await ask(bot)
        await bot.use([ScriptedLlm("main", "Два года.")])
        assert (await ask(bot))[:2] == ("Два года.", "main")

    run_virtual(main_())
