"""What a question costs: requests counted at the model's server and at the embedder."""

import asyncio

import pytest
from fakes.embedder import TrigramEmbedder
from fakes.openai_server import Reply, openai_server

from voxbot.agent.agent import Agent
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.dialogue import Utterance
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.providers.llm.openai import OpenAiLlm
from voxbot.settings.schema import KnowledgeSettings, LlmSettings

pytestmark = pytest.mark.enable_socket

HISTORY = (Utterance("user", "сколько стоит машина на сто кН"), Utterance("bot", "Миллион."))


@pytest.fixture
async def server():
    async with openai_server() as running:
        yield running


@pytest.fixture
def embedder():
    return TrigramEmbedder()


@pytest.fixture
async def agent(server, embedder, tmp_path):
    """The agent over a real index and the real client."""
    sources = {"general": tmp_path / "general.md", "tech": tmp_path / "tech.md"}
    sources["general"].write_text("# Цены\nМашина на 100 кН стоит миллион рублей.", encoding="utf-8")
    sources["tech"].write_text("# Машины\nМашина на 100 кН весит тонну.", encoding="utf-8")
    await build_index(tmp_path / "index", sources, embedder)
    retriever = Retriever(tmp_path / "index", QuestionEmbedder(embedder, MemoryEmbeddingCache()), KnowledgeSettings)
    await retriever.open()
    agent = Agent(
        retriever,
        prompts=lambda: DEFAULT_PROMPTS,
        settings=lambda: LlmSettings(contextualize_s=2),
        threshold=lambda: 0.5,
        models=[OpenAiLlm(name, key="k", base_url=server.base_url) for name in ("main", "spare")],
    )
    yield agent
    await agent.close()


async def ask(agent, question, history=()):
    return "".join([item async for item in agent.reply(question, history) if isinstance(item, str)])


@pytest.mark.parametrize("history", [(), HISTORY])
async def test_question_that_stands_by_itself_is_one_embedding_and_one_request(agent, server, embedder, history):
    server.answer("main", Reply("Миллион рублей. Доставка отдельно."))
    assert await ask(agent, "сколько стоит машина на сто кН", history) == "Миллион рублей.|Доставка отдельно."
    assert (len(embedder.queries), len(server.requests)) == (1, 1)
    await ask(agent, "сколько стоит машина на сто кН", history)
    assert (len(embedder.queries), len(server.requests)) == (1, 2)


async def test_follow_up_is_rewritten_by_one_request_beside_the_search(agent, server, embedder):
    server.answer("main", Reply("Сколько весит машина на 100 кН?"), Reply("Тонну."))
    assert await ask(agent, "а сколько она весит?", HISTORY) == "Тонну."
    rewriting, answering = server.requests
    assert rewriting["messages"][0]["content"] == DEFAULT_PROMPTS.contextualize_q_system_prompt
    assert "весит тонну" in answering["messages"][0]["content"]
    assert len(embedder.queries) <= 3


async def test_wish_costs_nothing(agent, server, embedder):
    await ask(agent, "соедините с оператором", HISTORY)
    assert (embedder.queries, server.requests) == ([], [])


async def test_first_segment_does_not_wait_for_the_rest(agent, server):
    server.answer("main", Reply("Миллион рублей.| Доставка", hang_after=3))
    reply = agent.reply("сколько стоит машина на сто кН", ())
    async with asyncio.timeout(2):
        async for item in reply:
            if isinstance(item, str):
                break
    assert item == "Миллион рублей.|"
    await reply.aclose()
