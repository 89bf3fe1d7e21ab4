"""How the agent of a unit is put together."""

import asyncio

import pytest
from fakes.openai_server import Reply, openai_server
from fakes.search import ScriptedSearch, hit, result

from voxbot.domain.dialogue import AnswerInfo
from voxbot.main.agent import build_agent, language_models
from voxbot.settings.loader import load_settings
from voxbot.speech.budget import LLM_SHARE

pytestmark = pytest.mark.enable_socket


async def test_slow_whole_answers_leave_the_caller_time_for_a_quotation(tmp_path):
    async with openai_server() as server:
        for model in ("gpt-4o-mini", "gpt-4o"):
            server.answer(model, Reply("Два года.", refuse_stream=True, latency_s=30))
        environ = {
            "OPENAI_BASE_URL": server.base_url,
            "AI_PROCESSING_TIMEOUT": "4",
            "PROMPTS_FILE_PATH": str(tmp_path / "prompts.json"),
        }
        found = result(hit("# Гарантия\nГарантия на станки — 24 месяца.", title="Гарантия"))
        agent = build_agent(load_settings(environ=environ), ScriptedSearch(found))
        await agent.warm_up()
        async with asyncio.timeout(12):  # LLM_WHOLE_ANSWER_TIMEOUT alone would be 16 s
            items = [item async for item in agent.reply("какая гарантия на станки", ())]
        await agent.close()
    assert "".join(item for item in items if isinstance(item, str)) == "Гарантия на станки — 24 месяца."
    assert next(item for item in reversed(items) if isinstance(item, AnswerInfo)).model == "extractive"
    assert [body.get("stream", False) for body in server.requests] == [True, False] * 2


@pytest.mark.parametrize("models", [1, 2])
async def test_models_of_a_reload_share_the_caller_s_patience(models):
    spares = {1: "gpt-4o-mini", 2: "gpt-4o"}  # the primary named twice is one model
    environ = {"OPENAI_API_KEY": "k", "AI_PROCESSING_TIMEOUT": "10"}
    current = [load_settings(environ={**environ, "LLM_MODEL_FALLBACK": spares[3 - models]})]
    agent = build_agent(current[0], ScriptedSearch(result()), current=lambda: current[0])
    current[0] = load_settings(environ={**environ, "LLM_MODEL_FALLBACK": spares[models]})
    await agent.use(language_models(current[0]))
    given = agent._settings()
    await agent.close()
    assert given.first_token_s * models <= LLM_SHARE * 10
    assert given.whole_answer_s * models <= 0.8 * 10
    assert given.whole_answer_s == 0.8 * 10 / models
