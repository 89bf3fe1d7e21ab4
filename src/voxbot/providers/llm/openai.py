"""OpenAI's chat protocol, spoken by OpenAI, vLLM, Ollama, YandexGPT and proxies of others; through LangChain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.agent.llm import ChatRequest
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_NAME = "openai"
_CONNECT_S = 5.0
_READ_S = 30.0
_PIECE_CHARS = 40
_SERVER_ERROR = 500
_SENTENCE_ENDS = (".", "!", "?", "…", "|", "»")
_NO_STREAM_STATUSES = frozenset({400, 404, 405, 406, 415, 422, 501})
"""What servers that cannot stream answer to a request with `stream: true`."""


def create(settings: Settings, model: str) -> OpenAiLlm:
    """Make the client of one model; nothing is sent yet. Raises ConfigError without a key or an address."""
    llm = settings.llm
    if llm.api_key is None and llm.base_url is None:
        raise ConfigError(
            "OPENAI_API_KEY не задан; впишите его (для своего сервера и OPENAI_BASE_URL) или LLM_PROVIDER=extractive"
        )
    key = llm.api_key.get_secret_value() if llm.api_key else "none"
    return OpenAiLlm(model, key=key, base_url=str(llm.base_url) if llm.base_url else None)


class OpenAiLlm:
    """One model. Its own retries are off: the wrapper of agent/llm.py goes on with the next model instead."""

    name = _NAME

    def __init__(self, model: str, *, key: str, base_url: str | None) -> None:
        self.model = model
        self._key = key
        self._base_url = base_url
        self._chat: Any = None
        self._streams = True

    async def stream(self, request: ChatRequest) -> AsyncGenerator[str, None]:
        """Stream the answer; a server that refuses to stream is asked once more for the whole answer."""
        chat = self._client()
        messages = _messages(request)
        last, finished = "", False
        if self._streams:
            try:
                async for chunk in chat.astream(messages, temperature=request.temperature):
                    finished = finished or bool(chunk.response_metadata.get("finish_reason"))
                    if text := str(chunk.text):
                        last = text
                        yield text
            except Exception as error:
                if last or not _refuses_to_stream(error):
                    raise _translated(error) from error
                log.warning("Сервер модели не умеет отвечать потоком, ответы приходят целиком", model=self.model)
                self._streams = False
            else:
                if not finished and not last.rstrip().endswith(_SENTENCE_ENDS):
                    raise ProviderUnavailableError(_NAME, "ответ оборвался посреди предложения")
                return
        try:
            answer = await chat.ainvoke(messages, temperature=request.temperature)
        except Exception as error:
            raise _translated(error) from error
        for piece in _pieces(str(answer.text)):
            yield piece

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
            import httpx  # noqa: PLC0415 - both are loaded only where a language model is configured
            from langchain_openai import ChatOpenAI  # noqa: PLC0415

            self._chat = ChatOpenAI(
                model=self.model,
                api_key=SecretStr(self._key),
                base_url=self._base_url,
                max_retries=0,
                timeout=httpx.Timeout(_READ_S, connect=_CONNECT_S),
                stream_usage=False,
                use_responses_api=False,
            )
        return self._chat


def _messages(request: ChatRequest) -> list[tuple[str, str]]:
    said = [("human" if turn.speaker == "user" else "ai", turn.text) for turn in request.history]
    return [("system", request.system), *said, ("human", request.question)]


def _refuses_to_stream(error: Exception) -> bool:
    """Whether the server's refusal is about streaming and not about the key, the model or the load."""
    status = getattr(error, "status_code", None)
    return status in _NO_STREAM_STATUSES and "stream" in str(error).lower()


def _pieces(text: str) -> list[str]:
    """A whole answer as if it were streamed: whole words of about 40 characters."""
    pieces, line = list[str](), ""
    for word in text.split(" "):
        line += word + " "
        if len(line) >= _PIECE_CHARS:
            pieces.append(line)
            line = ""
    return [*pieces, line.rstrip(" ")] if line.strip() else pieces


def _translated(error: Exception) -> ProviderError:
    import openai  # noqa: PLC0415 - loaded together with the client

    if isinstance(error, ProviderError):
        return error
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            text = f"ключ не принят ({error.status_code}); проверьте OPENAI_API_KEY"
            translated: ProviderError = ProviderAuthError(_NAME, text)
        case openai.RateLimitError():
            translated = ProviderRateLimitError(_NAME, "слишком много запросов или исчерпана квота; проверьте тариф")
        case openai.NotFoundError():
            text = "нет такой модели или адреса; проверьте LLM_MODEL_* и OPENAI_BASE_URL"
            translated = ProviderError(_NAME, text)
        case openai.APITimeoutError():
            translated = ProviderUnavailableError(_NAME, f"нет ответа за {_READ_S:g} с")
        case openai.APIConnectionError():
            translated = ProviderUnavailableError(_NAME, "сервер недоступен; проверьте OPENAI_BASE_URL и сеть")
        case openai.APIStatusError(status_code=status) if status < _SERVER_ERROR:
            translated = ProviderError(_NAME, f"сервер отклонил запрос ({status})")
        case openai.APIStatusError(status_code=status):
            translated = ProviderUnavailableError(_NAME, f"сервер ответил {status}")
        case _:
            translated = ProviderUnavailableError(_NAME, f"ответ оборвался ({type(error).__name__})")
    return translated
