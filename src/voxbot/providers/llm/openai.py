"""OpenAI's chat protocol, spoken by OpenAI, vLLM, Ollama, YandexGPT and proxies of others; through LangChain."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from pydantic import SecretStr

from voxbot.agent.llm import Stopped, ToolCall, Whole
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.openai_api import NAME, Variables, find_account, kept_connections, names_model, translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.agent.llm import ChatRequest, Written
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_CONNECT_S = 5.0
_READ_S = 30.0
_PIECE_CHARS = 40
_SENTENCE_ENDS = (".", "!", "?", "…", "|", "»")
_REFUSALS = frozenset({400, 404, 405, 406, 415, 422, 500, 501})
"""What servers answer that cannot do what a request asks: stream, or take tools."""
_UNEXPLAINED = frozenset({400, 405, 406, 415, 422, 501})
"""Of those, the ones that may mean either even if they do not say so."""
_NO_STREAMS_KNOWN = 2
"""So many answers in a row that were no stream, or were refused for no reason given, and the server is taken for one
that never streams."""


_Messages: TypeAlias = list[tuple[str, str]]


def create(settings: Settings, model: str) -> OpenAiLlm:
    """Make the client of one model; nothing is sent yet. Raises ConfigError without a key or an address."""
    account = find_account(settings, "LLM_PROVIDER=extractive")
    return OpenAiLlm(model, key=account.key, base_url=account.base_url)


class OpenAiLlm:
    """One model. Its own retries are off: the wrapper of agent/llm.py goes on with the next model instead."""

    name = NAME

    def __init__(self, model: str, *, key: str, base_url: str | None) -> None:
        self.model = model
        self._key = key
        self._base_url = base_url
        self._chat: Any = None
        self._manner = _Manner(streams=True, tools=True, temperature=True)
        self._no_streams = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Written, None]:
        """See Llm.stream. What a server refuses to do is left out at once, and from then on if that helped."""
        manner = fullest = replace(self._manner, tools=self._manner.tools and bool(request.tools))
        while True:
            begun = False
            try:
                async with aclosing(self._ask(request, manner)) as source:
                    async for item in source:
                        begun = begun or not isinstance(item, Whole)
                        yield item
            except Exception as error:
                plainer = None if begun else _plainer(manner, error, fullest)
                if plainer is None:
                    raise translated(error, Variables(), read_s=_READ_S) from error
                if manner.streams and not plainer.streams:
                    self._no_streams = _NO_STREAMS_KNOWN if _names_streaming(error) else self._no_streams + 1
                manner = plainer
            else:
                self._learn(manner, offered=bool(request.tools), answered=begun)
                return

    def _ask(self, request: ChatRequest, manner: _Manner) -> AsyncGenerator[Written, None]:
        options: dict[str, Any] = {"temperature": request.temperature} if manner.temperature else {}
        if manner.tools:
            options["tools"] = [_function(tool.name, tool.description) for tool in request.tools]
        return (self._stream if manner.streams else self._whole)(_messages(request), options)

    async def _stream(self, messages: _Messages, options: dict[str, Any]) -> AsyncGenerator[Written, None]:
        last, finish, called, came = "", "", False, False
        try:
            async with aclosing(self._client().astream(messages, **options)) as chunks:
                async for chunk in chunks:
                    came = True
                    finish = finish or str(chunk.response_metadata.get("finish_reason") or "")
                    for call in chunk.tool_call_chunks:
                        if call["name"]:
                            called = True
                            yield ToolCall(call["name"])
                    if text := str(chunk.text):
                        last = text
                        yield text
        except (json.JSONDecodeError, ValueError) as error:
            if came:
                raise
            raise _NoStreamError from error
        if stopped := _stopped(finish):
            yield stopped
        elif not finish and not called and not last.rstrip().endswith(_SENTENCE_ENDS):
            raise ProviderUnavailableError(NAME, "ответ оборвался посреди предложения")

    async def _whole(self, messages: _Messages, options: dict[str, Any]) -> AsyncGenerator[Written, None]:
        yield Whole()
        answer = await self._client().ainvoke(messages, **options)
        for piece in _pieces(str(answer.text)):
            yield piece
        for call in (*answer.tool_calls, *answer.invalid_tool_calls):
            yield ToolCall(call["name"])
        if stopped := _stopped(str(answer.response_metadata.get("finish_reason") or "")):
            yield stopped

    def _learn(self, manner: _Manner, *, offered: bool, answered: bool) -> None:
        """Remember what the server does not do; one answer that was no stream may be an accident."""
        if not answered:
            return
        if manner.streams:
            self._no_streams = 0
        streams = manner.streams or 0 < self._no_streams < _NO_STREAMS_KNOWN
        tools = manner.tools or not offered
        if self._manner.streams and not streams:
            log.warning("Сервер модели не умеет отвечать потоком, ответы приходят целиком", model=self.model)
        if self._manner.tools and not tools:
            log.warning("Сервер модели не принимает инструменты, желания звонящих узнают правила", model=self.model)
        if self._manner.temperature and not manner.temperature:
            log.warning("Модель не принимает LLM_TEMPERATURE, отвечает со своей", model=self.model)
        self._manner = _Manner(
            streams=streams and self._manner.streams,
            tools=tools and self._manner.tools,
            temperature=manner.temperature,
        )

    async def warm_up(self) -> None:
        """Load the client library: about a second, in a thread."""
        await asyncio.to_thread(self._client)

    async def close(self) -> None:
        """Close the connections."""
        if self._chat is not None:
            await self._chat.root_async_client.close()
            self._chat.root_client.close()
            self._chat = None

    def _client(self) -> Any:
        if self._chat is None:
            import openai  # noqa: PLC0415 - both are loaded only where a language model is configured
            from langchain_openai import ChatOpenAI  # noqa: PLC0415

            timeout = openai.Timeout(_READ_S, connect=_CONNECT_S)
            self._chat = ChatOpenAI(
                model=self.model,
                api_key=SecretStr(self._key),
                base_url=self._base_url,
                max_retries=0,
                timeout=timeout,
                http_async_client=kept_connections(timeout),
                stream_usage=False,
                use_responses_api=False,
            )
        return self._chat


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a server is asked: with `stream: true`, with tools, with a temperature (reasoning models know only 1)."""

    streams: bool
    tools: bool
    temperature: bool


class _NoStreamError(Exception):
    """Status 200 and not one event: the answer was no event stream."""


def _plainer(manner: _Manner, error: Exception, fullest: _Manner) -> _Manner | None:
    """The request without what the server's refusal is about; None when it is about something else.

    A refusal that names nothing may be about either: tools are left out first, then the stream, then both.
    """
    if names_model(error):
        return None
    status, text = getattr(error, "status_code", None), str(error).lower()
    refused, unexplained = status in _REFUSALS, status in _UNEXPLAINED
    if manner.temperature and refused and "temperature" in text:
        return replace(manner, temperature=False)
    if manner.tools and refused and ("tool" in text or "function" in text):
        return replace(manner, tools=False)
    if manner.streams and (isinstance(error, _NoStreamError) or (refused and _names_streaming(error))):
        return replace(manner, streams=False)
    if manner.tools and unexplained:
        return replace(manner, tools=False)
    return replace(manner, streams=False, tools=fullest.tools) if manner.streams and unexplained else None


def _names_streaming(error: Exception) -> bool:
    return "stream" in str(error).lower()


def _stopped(finish_reason: str) -> Stopped | None:
    match finish_reason:
        case "length" | "content_filter":
            return Stopped(finish_reason)
        case "blacklist":  # GigaChat's name for it
            return Stopped("content_filter")
        case _:
            return None


def _function(name: str, description: str) -> dict[str, Any]:
    """A tool in the form of the chat protocol."""
    parameters = {"type": "object", "properties": dict[str, Any]()}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _messages(request: ChatRequest) -> _Messages:
    said = [("human" if turn.speaker == "user" else "ai", turn.text) for turn in request.history]
    return [("system", request.system), *said, ("human", request.question)]


def _pieces(text: str) -> list[str]:
    """A whole answer as if it were streamed: whole words of about 40 characters."""
    pieces, line = list[str](), ""
    for word in text.split(" "):
        line += word + " "
        if len(line) >= _PIECE_CHARS:
            pieces.append(line)
            line = ""
    return [*pieces, line.rstrip(" ")] if line.strip() else pieces
