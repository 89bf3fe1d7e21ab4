"""The language model protocol, and the wrapper that goes on with the next model when one fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import structlog

from voxbot.agent.continuation import Continuation
from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.speech.budget import Budget
from voxbot.speech.guard import Guard
from voxbot.speech.hedging import Entrant, HedgeSlots, Race
from voxbot.speech.switches import Switches

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
_HEDGE_MIN_S = 0.5
"""Two models at work cost twice; earlier than this the caller does not gain by it."""


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


class ModelGuards:
    """What is known of each model from its requests; one per agent."""

    def __init__(self, switches: Switches | None = None) -> None:
        self._switches = switches or Switches()
        self._guards: dict[str, Guard] = {}
        self.slots = HedgeSlots()

    def of(self, llm: Llm) -> Guard:
        """Give a model's."""
        if llm.model not in self._guards:
            self._guards[llm.model] = Guard("llm", llm.model, self._switches)
        return self._guards[llm.model]

    def admits(self, models: Sequence[Llm]) -> bool:
        """Whether any of them should be asked now: it is not worth a caller's wait to ask one that is down."""
        return any(self.of(llm).breaker.admits for llm in models)

    def switched(self, from_: Llm, to: Llm, error: ProviderError) -> None:
        """Take note that a model broke off and another went on."""
        self._switches.switched("llm", from_.model, to.model, error.code, str(error))


async def stream_with_fallback(
    models: Sequence[Llm],
    request: ChatRequest,
    *,
    first_token_s: float,
    rewind: Callable[[], str] | None = None,
    guards: ModelGuards | None = None,
    hedging: bool = True,
) -> AsyncGenerator[Piece, None]:
    """Stream the answer of the first model that works; raises the last ProviderError when none does.

    The next model takes over on an error, on an answer that is empty (or thoughts only), filtered, or cut off within
    its first sentence, and when no text comes for `first_token_s`, at the beginning or in the middle; with `hedging`
    it is asked beside one whose first text is later than it usually is. In the middle it is asked to go on from what
    was said, and what it repeats all the same is left out. A tool call ends the answer.
    `rewind` is called then: whoever speaks forgets what has not been handed to the voice and returns what has; without
    it everything counts as said.
    """
    guards = guards or ModelGuards()
    left: list[Llm] = list(models)
    said = ""
    broken: tuple[Llm, ProviderError] | None = None
    while left:
        if said and rewind:
            said = rewind()
        ask = request if not said else replace(request, system=request.system + _ALREADY_SAID.format(said=said))
        hedge_min_s = min(_HEDGE_MIN_S, first_token_s) if hedging else first_token_s
        longest_s = max(first_token_s, request.whole_s) * len(left)  # each model's own limits are in _answer
        budget = Budget(longest_s, hedge_min_s, first_token_s)
        entrants = [Entrant(guards.of(llm), partial(_answer, llm, ask, said, first_token_s)) for llm in left]
        async with Race(entrants, budget, guards.slots) as race:
            winner = await race.first()
            llm: Llm = next(each for each in left if guards.of(each) is winner.guard)
            if broken:
                guards.switched(broken[0], llm, broken[1])
            try:
                while True:
                    item = await winner.pump.next()
                    if not isinstance(item, str):
                        winner.attempt.succeeded()
                        yield Piece(item, llm.model)
                        return
                    said += item
                    yield Piece(item, llm.model)
            except StopAsyncIteration:
                winner.attempt.succeeded()
                return
            except ProviderError as error:
                log.warning("Модель не ответила до конца", model=llm.model, error=str(error), begun=bool(said))
                winner.attempt.failed(error)
                broken = llm, error
        left = [other for other in left if other is not llm and guards.of(other) not in race.failed]
    raise broken[1] if broken else ProviderUnavailableError("llm", "no language model is configured")


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
