"""The language model protocol, and the wrapper that goes on with the next model when one fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import structlog

from voxbot.agent.continuation import Continuation
from voxbot.domain.errors import ProviderError, ProviderUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from voxbot.agent.tools import Tool
    from voxbot.domain.dialogue import Utterance

log = structlog.get_logger(__name__)

_ALREADY_SAID = (
    "\n\nНачало твоего ответа звонящий уже услышал: «{said}». "
    "Продолжи ровно с этого места и ничего из него не повторяй."
)
_WHOLE_SENTENCE = re.compile(r"[^\W_][^|.!?…\n]*[|.!?…\n]+(?=\s|\||$)")
_WHOLE_ANSWER_S = 8.0
THOUGHTS_END = "</think>"
"""Comes in the text, whole, where thoughts end that nothing had announced: what stands before it is no answer."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: `system` carries the instructions and the context found, `question` the caller's words.

    `tools` are what the model may call instead of answering. `whole_s` is how long an answer may take that a server
    does not stream.
    """

    system: str
    history: Sequence[Utterance]
    question: str
    temperature: float
    tools: Sequence[Tool] = ()
    whole_s: float = _WHOLE_ANSWER_S


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants one of the tools it was offered, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The last item of an answer that the server ended before the model did (OpenAI's `finish_reason`)."""

    reason: Literal["length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Whole:
    """The server has been asked not to stream: what comes next comes late, and all at once."""


Written: TypeAlias = str | ToolCall | Stopped | Whole
"""What a model streams: text in pieces of any size, calls of tools, and how it was stopped if it was."""


class Llm(Protocol):
    """A chat model."""

    name: str
    model: str

    def stream(self, request: ChatRequest) -> AsyncGenerator[Written, None]:
        """Stream the answer. Raises ProviderError, also in mid-answer.

        A server that does not stream, or takes no tools, is asked without; Whole comes before it is waited for.
        """
        ...

    async def warm_up(self) -> None:
        """Load what the first request would otherwise wait for; nothing is sent."""
        ...

    async def close(self) -> None:
        """Free what is held."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer and the model that wrote it; Stopped comes for `length` only, after a whole sentence."""

    content: Written
    model: str


async def stream_with_fallback(
    models: Sequence[Llm], request: ChatRequest, *, first_token_s: float, rewind: Callable[[], str] | None = None
) -> AsyncGenerator[Piece, None]:
    """Stream the answer of the first model that works; raises the last ProviderError when none does.

    The next model takes over on an error, on an answer that is empty (or thoughts only), filtered, or cut off within
    its first sentence, and when no text comes for `first_token_s`, at the beginning or in the middle. In the middle
    it is asked to go on from what was said, and what it repeats all the same is left out. A tool call ends the answer.
    `rewind` is called then: whoever speaks forgets what has not been handed to the voice and returns what has; without
    it everything counts as said.
    """
    said = ""
    last_error: ProviderError | None = None
    for llm in models:
        if said and rewind:
            said = rewind()
        ask = request if not said else replace(request, system=request.system + _ALREADY_SAID.format(said=said))
        try:
            async with aclosing(_answer(llm, ask, said, first_token_s)) as source:
                async for item in source:
                    yield Piece(item, llm.model)
                    if not isinstance(item, str):
                        return
                    said += item
        except ProviderError as error:
            log.warning("Модель не ответила до конца", model=llm.model, error=str(error), begun=bool(said))
            last_error = error
        else:
            return
    raise last_error or ProviderUnavailableError("llm", "no language model is configured")


async def _answer(llm: Llm, request: ChatRequest, said: str, patience_s: float) -> AsyncGenerator[Written, None]:
    """One model's answer without what was `said`. Raises ProviderError."""
    draft = _Draft(llm, request, said)
    stream = llm.stream(request)
    async with aclosing(stream), aclosing(_patient(stream, llm, patience_s, request.whole_s)) as source:
        async for item in source:
            for new in draft.take(item):
                yield new
            if draft.ended:
                return
    for new in draft.finish():
        yield new


class _Draft:
    """What one model writes, and what of it is to be said after what was `said`; `ended` when nothing more counts."""

    def __init__(self, llm: Llm, request: ChatRequest, said: str) -> None:
        self._llm = llm
        self._offered = {tool.name for tool in request.tools}
        self._said = said
        self._written = ""
        self._novelty = Continuation(said)
        self.ended = False

    def take(self, item: Written) -> list[Written]:
        """Take the next thing; return what is to be passed on. Raises ProviderUnavailableError for a filtered answer.

        An answer that is too long for the model's limit counts as far as its sentences are whole. A tool that was
        never offered is nothing.
        """
        match item:
            case str():
                return self._text(item)
            case ToolCall(name):
                self.ended = name in self._offered
                return [item] if self.ended else []
            case Stopped(reason):
                if reason != "length" or not _WHOLE_SENTENCE.search(self._said + self._written):
                    raise ProviderUnavailableError(self._llm.name, f"model {self._llm.model} was stopped ({reason})")
                self.ended = True
                return [*self.finish(), item]
            case Whole():
                return []

    def finish(self) -> list[Written]:
        """Return what is still to be said. Raises ProviderUnavailableError for an answer of nothing but marks."""
        if not any(map(str.isalnum, self._written)):
            raise ProviderUnavailableError(self._llm.name, f"model {self._llm.model} gave an empty answer")
        rest = self._novelty.flush()
        return [rest] if rest else []

    def _text(self, text: str) -> list[Written]:
        _, thoughts_end, answer = text.rpartition(THOUGHTS_END)
        if thoughts_end:
            self._written, self._novelty = "", Continuation(self._said)
        self._written += answer
        new = thoughts_end + self._novelty.push(answer)
        return [new] if new else []


async def _patient(
    source: AsyncGenerator[Written, None], llm: Llm, patience_s: float, whole_s: float
) -> AsyncGenerator[Written, None]:
    """Pass it on; raises ProviderUnavailableError when nothing comes for `patience_s`, for `whole_s` after Whole."""
    limit_s = patience_s
    while True:
        try:
            async with asyncio.timeout(limit_s):
                item = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ProviderUnavailableError(llm.name, f"no text from {llm.model} for {limit_s:g} s") from error
        limit_s = whole_s if isinstance(item, Whole) else patience_s
        yield item
