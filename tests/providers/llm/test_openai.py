"""The OpenAI protocol as servers really speak it, failures included."""

import pytest
from fakes.openai_server import Reply, openai_server

from voxbot.agent.llm import ChatRequest, stream_with_fallback
from voxbot.domain.dialogue import Utterance
from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers.llm.openai import OpenAiLlm, create
from voxbot.settings.loader import load_settings

pytestmark = pytest.mark.enable_socket

REQUEST = ChatRequest("Ты помощник.", (Utterance("user", "привет"), Utterance("bot", "Да?")), "сколько?", 0.3)


@pytest.fixture
async def server():
    async with openai_server() as running:
        yield running


@pytest.fixture
async def llm(server):
    client = OpenAiLlm("main", key="k", base_url=server.base_url)
    yield client
    await client.close()


async def collect(llm):
    return [piece async for piece in llm.stream(REQUEST)]


async def test_streams_piece_by_piece_with_the_whole_dialogue(server, llm):
    server.answer("main", Reply("Стоит два миллиона."))
    assert await collect(llm) == ["Стоит", " два", " миллиона."]
    (body,) = server.requests
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert (body["messages"][-1]["content"], body["temperature"], body["stream"]) == ("сколько?", 0.3, True)


async def test_server_that_refuses_to_stream_is_asked_once_more_and_then_known(server, llm):
    text = "Стоит два миллиона рублей без доставки. Доставка отдельно."
    server.answer("main", Reply(text, refuse_stream=True))
    pieces = await collect(llm)
    assert "".join(pieces) == text
    assert len(pieces) > 1
    await collect(llm)
    assert [bool(body.get("stream")) for body in server.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ProviderAuthError),
        (403, ProviderAuthError),
        (429, ProviderRateLimitError),
        (404, ProviderError),
        (500, ProviderUnavailableError),
        (503, ProviderUnavailableError),
    ],
)
async def test_refusals_become_our_errors_without_a_retry(server, llm, status, error):
    server.answer("main", Reply(status=status))
    with pytest.raises(error) as raised:
        await collect(llm)
    assert type(raised.value) is error
    assert len(server.requests) == 1


async def test_connection_cut_in_mid_answer_is_an_error_after_what_came(server, llm):
    server.answer("main", Reply("Стоит два миллиона рублей.", break_after=2))
    pieces = []
    with pytest.raises(ProviderUnavailableError):  # noqa: PT012 - the pieces before the cut count too
        async for piece in llm.stream(REQUEST):
            pieces.append(piece)  # noqa: PERF401 - a comprehension would lose them
    assert pieces == ["Стоит", " два"]


async def test_nobody_listens():
    client = OpenAiLlm("main", key="k", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ProviderUnavailableError, match="OPENAI_BASE_URL"):
        await collect(client)
    await client.close()


async def test_half_answer_is_finished_by_the_fallback(server, llm):
    spare = OpenAiLlm("spare", key="k", base_url=server.base_url)
    server.answer("main", Reply("Стоит два миллиона рублей.", hang_after=2))
    server.answer("spare", Reply("Стоит два миллиона рублей."))
    pieces = [piece async for piece in stream_with_fallback([llm, spare], REQUEST, first_token_s=0.2)]
    assert "".join(piece.content for piece in pieces) == "Стоит два миллиона рублей."
    assert [piece.model for piece in pieces][-1] == "spare"
    assert len(server.asked("main")) == len(server.asked("spare")) == 1
    await spare.close()


def test_missing_key_is_told_with_the_fix(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    env = tmp_path / "env"
    env.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        create(load_settings(env), "gpt")
