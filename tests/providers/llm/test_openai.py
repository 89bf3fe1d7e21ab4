"""The OpenAI protocol as servers really speak it, failures included."""

import asyncio

import pytest
from fakes.openai_server import Reply, openai_server

from voxbot.agent.llm import ChatRequest, Stopped, ToolCall, Whole, stream_with_fallback
from voxbot.agent.tools import TOOLS
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
WITH_TOOLS = ChatRequest("Ты помощник.", (), "позовите Петрова", 0.3, TOOLS)


@pytest.fixture
async def server():
    async with openai_server() as running:
        yield running


@pytest.fixture
async def llm(server):
    client = OpenAiLlm("main", key="k", base_url=server.base_url)
    yield client
    await client.close()


async def collect(llm, request=REQUEST):
    return [piece async for piece in llm.stream(request) if piece != Whole()]


def manners(server):
    """How each request was asked: streamed, with tools."""
    return [(bool(body.get("stream")), "tools" in body) for body in server.requests]


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


async def test_status_501_about_streaming_is_a_refusal_to_stream(server, llm):
    server.answer("main", Reply("Да.", refuse_stream=True, refusal=(501, "Streaming not implemented")))
    assert await collect(llm) == ["Да."]
    await collect(llm)
    assert manners(server) == [(True, False), (False, False), (False, False)]


async def test_answer_that_is_no_stream_is_asked_for_whole_and_known_when_it_repeats(server, llm):
    server.answer("main", Reply("Стоит два миллиона.", no_sse=True))
    for _ in range(3):
        assert "".join(await collect(llm)) == "Стоит два миллиона."
    assert [streamed for streamed, _ in manners(server)] == [True, False, True, False, False]


async def test_one_accident_does_not_end_streaming(server, llm):
    server.answer("main", Reply("Да.", no_sse=True), Reply("Да."), Reply("Да, есть."), Reply("Да.", no_sse=True),
                  Reply("Да."), Reply("Да, есть."))  # fmt: skip
    for _ in range(4):
        await collect(llm)
    assert [streamed for streamed, _ in manners(server)] == [True, False, True, True, False, True]


async def test_server_that_refuses_even_the_whole_answer_is_an_error_and_nothing_is_concluded(server, llm):
    server.answer("main", Reply(refuse_stream=True), Reply(status=500), Reply("Да."))
    with pytest.raises(ProviderUnavailableError):
        await collect(llm)
    assert await collect(llm) == ["Да."]
    assert [streamed for streamed, _ in manners(server)] == [True, False, True]


@pytest.mark.parametrize("whole", [False, True])
async def test_tool_call_comes_as_one_with_the_text_before_it(server, llm, whole):
    server.answer("main", Reply("Соединяю.", tool="transfer_to_operator", finish="tool_calls", no_sse=whole))
    assert await collect(llm, WITH_TOOLS) == ["Соединяю.", ToolCall("transfer_to_operator")]
    (function, _) = [tool["function"] for tool in server.requests[0]["tools"]]
    assert function["name"] == "transfer_to_operator"
    assert function["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "registry.ollama.ai/library/gemma does not support tools"),
        (400, '"auto" tool choice requires --enable-auto-tool-choice'),
        (500, "tools param requires --jinja flag"),
        (422, "Extra inputs are not permitted"),
    ],
)
async def test_server_that_rejects_tools_is_asked_without_and_then_known(server, llm, refusal):
    server.answer("main", Reply("Да.", refuse_tools=True, refusal=refusal))
    assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert manners(server) == [(True, True), (True, False), (True, False)]


async def test_server_that_can_do_neither_still_answers(server, llm):
    server.answer("main", Reply("Да.", refuse_tools=True, refuse_stream=True))
    assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert manners(server)[-2:] == [(False, False), (False, False)]
    assert len(server.requests) == 4


UNEXPLAINED = [(400, "bad request"), (405, "x"), (406, "x"), (415, "x"), (422, "unprocessable"), (501, "x")]


@pytest.mark.parametrize("refusal", UNEXPLAINED)
async def test_refusal_to_stream_that_does_not_say_so_is_found_out_and_tools_stay(server, llm, refusal):
    server.answer("main", Reply("Да.", refuse_stream=True, refusal=refusal))
    for _ in range(3):
        assert await collect(llm, WITH_TOOLS) == ["Да."]
    first = [(True, True), (True, False), (False, True)]
    assert manners(server) == [*first, *first, (False, True)]


@pytest.mark.parametrize("refusal", UNEXPLAINED)
async def test_server_that_refuses_both_and_does_not_say_so_answers_at_last(server, llm, refusal):
    server.answer("main", Reply("Да.", refuse_tools=True, refuse_stream=True, refusal=refusal))
    for _ in range(3):
        assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert manners(server)[:4] == [(True, True), (True, False), (False, True), (False, False)]
    assert manners(server)[-1] == (False, False)


async def test_bad_question_takes_nothing_away(server, llm):
    server.answer("main", *[Reply(status=400)] * 4, Reply("Да."))
    with pytest.raises(ProviderError):
        await collect(llm, WITH_TOOLS)
    assert await collect(llm, WITH_TOOLS) == ["Да."]
    assert manners(server)[-1] == (True, True)


async def test_whole_answer_is_announced_before_it_is_waited_for(server, llm):
    server.answer("main", Reply("Да.", refuse_stream=True), Reply("Да.", hang_after=0))
    assert [piece async for piece in llm.stream(REQUEST)] == [Whole(), "Да."]
    assert await anext(llm.stream(REQUEST)) == Whole()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_how_the_server_stopped_the_answer_is_told(server, llm, reason, whole):
    server.answer("main", Reply("Стоит два", finish=reason, no_sse=whole))
    *pieces, last = await collect(llm)
    assert ("".join(pieces), last) == ("Стоит два", Stopped(reason))


async def test_reasoning_alone_is_an_empty_answer_and_the_fallback_answers(server, llm):
    spare = OpenAiLlm("spare", key="k", base_url=server.base_url)
    server.answer("main", Reply("", reasoning="Надо подумать.", finish="length"))
    server.answer("spare", Reply("Два миллиона.", reasoning="Просто."))
    pieces = [piece async for piece in stream_with_fallback([llm, spare], REQUEST, first_token_s=2)]
    assert "".join(piece.content for piece in pieces) == "Два миллиона."
    assert {piece.model for piece in pieces} == {"spare"}
    await spare.close()


async def test_too_many_requests_are_not_waited_out(server, llm):
    spare = OpenAiLlm("spare", key="k", base_url=server.base_url)
    server.answer("main", Reply(status=429, headers={"Retry-After": "60"}))
    server.answer("spare", Reply("Да."))
    async with asyncio.timeout(5):
        pieces = [piece async for piece in stream_with_fallback([llm, spare], REQUEST, first_token_s=4)]
    assert [piece.model for piece in pieces] == ["spare"]
    assert len(server.asked("main")) == 1
    await spare.close()


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
    await llm.warm_up()
    await spare.warm_up()
    pieces = [piece async for piece in stream_with_fallback([llm, spare], REQUEST, first_token_s=1)]
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
