"""The language model protocol, and the wrapper that goes on with the next model when one fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import structlog

from voxbot.agent.thoughts import Thoughts
from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.speech.budget import Budget
from voxbot.speech.guard import Guard
from voxbot.speech.hedging import Entrant, HedgeSlots, Race
from voxbot.speech.switches import Switches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.agent.tools import Tool
    from voxbot.domain.dialogue import Utterance

log = structlog.get_logger(__name__)

_ALREADY_SAID = (
    "\n\nНачало твоего ответа звонящий уже услышал: «{said}». "
    "Продолжи ровно с этого места и ничего из него не повторяй."
)
_SENTENCE = re.compile(r"[^|.!?…\n]*(?:[|.!?…\n]+(?=\s|\||$)|[|\n.!?…])")
_WHOLE_SENTENCE = re.compile(r"[^\W_][^|.!?…\n]*[|.!?…\n]+(?=\s|\||$)")
_MIN_OVERLAP_CHARS = 8
_HEDGE_MIN_S = 0.5
"""Two models at work cost twice; earlier than this the caller does not gain by it."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: `system` carries the instructions and the context found, `question` the caller's words.

    `tools` are what the model may call instead of answering.
    """

    system: str
    history: Sequence[Utterance]
    question: str
    temperature: float
    tools: Sequence[Tool] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants one of the tools it was offered, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The last item of an answer that the server ended before the model did (OpenAI's `finish_reason`)."""

    reason: Literal["length", "content_filter"]


Written: TypeAlias = str | ToolCall | Stopped
"""What a model streams: text in pieces of any size, calls of tools, and how it was stopped if it was."""


class Llm(Protocol):
    """A chat model."""

    name: str
    model: str

    def stream(self, request: ChatRequest) -> AsyncGenerator[Written, None]:
        """Stream the answer. Raises ProviderError, also in mid-answer.

        A server that does not stream, or takes no tools, is asked without.
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

    def switched(self, from_: Llm, to: Llm, error: ProviderError) -> None:
        """Take note that a model broke off and another went on."""
        self._switches.switched("llm", from_.model, to.model, error.code, str(error))


async def stream_with_fallback(
    models: Sequence[Llm],
    request: ChatRequest,
    *,
    first_token_s: float,
    guards: ModelGuards | None = None,
    hedging: bool = True,
) -> AsyncGenerator[Piece, None]:
    """Stream the answer of the first model that works; raises the last ProviderError when none does.

    The next model takes over on an error, on an answer that is empty (or thoughts only), filtered, or cut off within
    its first sentence, and when no text comes for `first_token_s`, at the beginning or in the middle; with `hedging`
    it is asked beside one whose first text is later than it usually is. In the middle it is asked to go on from what
    was said, and what it repeats all the same is left out. A tool call ends the answer.
    """
    guards = guards or ModelGuards()
    left: list[Llm] = list(models)
    said = ""
    broken: tuple[Llm, ProviderError] | None = None
    while left:
        ask = request if not said else replace(request, system=request.system + _ALREADY_SAID.format(said=said))
        hedge_min_s = min(_HEDGE_MIN_S, first_token_s) if hedging else first_token_s
        budget = Budget(first_token_s * len(left), hedge_min_s, first_token_s)
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
    novelty = Continuation(said)
    empty = True
    async with aclosing(llm.stream(request)) as stream, aclosing(_patient(stream, llm, patience_s)) as source:
        async for item in source:
            match item:
                case str():
                    empty = False
                    if new := novelty.push(item):
                        said += new
                        yield new
                case ToolCall():
                    yield item
                    return
                case Stopped(reason):
                    if rest := novelty.flush():
                        yield rest
                    if reason != "length" or not _WHOLE_SENTENCE.search(said + rest):
                        raise ProviderUnavailableError(llm.name, f"model {llm.model} was stopped ({reason})")
                    yield item
                    return
    if empty:
        raise ProviderUnavailableError(llm.name, f"model {llm.model} gave an empty answer")
    if rest := novelty.flush():
        yield rest


async def _patient(source: AsyncGenerator[Written, None], llm: Llm, patience_s: float) -> AsyncGenerator[Written, None]:
    """Pass it on without thoughts; raises ProviderUnavailableError when nothing comes for `patience_s`."""
    thoughts = Thoughts()
    while True:
        try:
            async with asyncio.timeout(patience_s):
                item = await _next_visible(source, thoughts)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise ProviderUnavailableError(llm.name, f"no text from {llm.model} for {patience_s:g} s") from error
        if not isinstance(item, str) and (rest := thoughts.flush()):
            yield rest
        yield item
    if rest := thoughts.flush():
        yield rest


async def _next_visible(source: AsyncGenerator[Written, None], thoughts: Thoughts) -> Written:
    """The next text that is no thought, tool call or stop. Raises StopAsyncIteration at the end."""
    while True:
        item = await anext(source)
        if not isinstance(item, str):
            return item
        if visible := thoughts.push(item):
            return visible


class Continuation:
    """Leaves out of a second answer what the first one had said already, whole or from the middle.

    The beginning of the new text is held back while it may still be a repetition: a repeated start, a repeated
    half sentence, or whole sentences that were said.
    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._known = {_key(match.group()) for match in _SENTENCE.finditer(said)} - {""}
        self._held = ""
        self._open = not said

    def push(self, text: str) -> str:
        """Take text of the new answer; return what of it is to be said now."""
        if self._open:
            return text
        self._held += text
        if self._held.lstrip() in self._said:
            return ""
        return self._release(final=False)

    def flush(self) -> str:
        """Return what is still held at the end."""
        return "" if self._open else self._release(final=True)

    def _release(self, *, final: bool) -> str:
        held = self._held.lstrip()
        if held.startswith(self._said):
            return self._opened(held[len(self._said) :])
        if final and self._said.startswith(held):
            return self._opened("")
        if overlap := self._overlap(held):
            return self._opened(held[overlap:])
        while match := _SENTENCE.match(held):
            if _key(match.group()) not in self._known:
                return self._opened(self._joint(held) + held)
            held = held[match.end() :].lstrip()
            self._held = held
        if final or not any(sentence.startswith(_key(held)) for sentence in self._known):
            return self._opened(self._joint(held) + held)
        return ""

    def _overlap(self, held: str) -> int:
        """Length of the longest beginning of `held` that `said` ends with."""
        for length in range(min(len(held), len(self._said)), _MIN_OVERLAP_CHARS - 1, -1):
            if self._said.endswith(held[:length]):
                return length
        return 0

    def _joint(self, held: str) -> str:
        """A space where the new text begins a word."""
        if not held or self._said[-1:].isspace() or self._held[:1].isspace():
            return " " if held and not self._said[-1:].isspace() else ""
        return " " if self._said[-1:] in "|.!?…" or held[:1].isupper() else ""

    def _opened(self, text: str) -> str:
        self._open, self._held = True, ""
        return text


def _key(sentence: str) -> str:
    """The sentence without what does not change its meaning."""
    return "".join(char for char in sentence.lower() if char.isalnum())
