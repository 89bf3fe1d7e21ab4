"""The language model protocol, and the wrapper that goes on with the next model when one fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from voxbot.domain.errors import ProviderError, ProviderUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.domain.dialogue import Utterance

log = structlog.get_logger(__name__)

_ALREADY_SAID = (
    "\n\nНачало твоего ответа звонящий уже услышал: «{said}». "
    "Продолжи ровно с этого места и ничего из него не повторяй."
)
_SENTENCE = re.compile(r"[^|.!?…\n]*(?:[|.!?…\n]+(?=\s|\||$)|[|\n.!?…])")
_MIN_OVERLAP_CHARS = 8


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: `system` carries the instructions and the context found, `question` the caller's words."""

    system: str
    history: Sequence[Utterance]
    question: str
    temperature: float


class Llm(Protocol):
    """A chat model."""

    name: str
    model: str

    def stream(self, request: ChatRequest) -> AsyncGenerator[str, None]:
        """Stream the answer's text in pieces of any size. Raises ProviderError, also in mid-answer."""
        ...

    async def warm_up(self) -> None:
        """Load what the first request would otherwise wait for; nothing is sent."""
        ...

    async def close(self) -> None:
        """Free what is held."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer and the model that wrote it."""

    text: str
    model: str


async def stream_with_fallback(
    models: Sequence[Llm], request: ChatRequest, *, first_token_s: float
) -> AsyncGenerator[Piece, None]:
    """Stream the answer of the first model that works; raises the last ProviderError when none does.

    The next model takes over on an error and when no text comes for `first_token_s`, at the beginning or in the
    middle. In the middle it is asked to go on from what was said, and what it repeats all the same is left out.
    """
    said = ""
    last_error: ProviderError | None = None
    for llm in models:
        ask = request if not said else replace(request, system=request.system + _ALREADY_SAID.format(said=said))
        novelty = Continuation(said)
        try:
            async with aclosing(llm.stream(ask)) as source:
                async for text in _patient(source, llm, first_token_s):
                    if new := novelty.push(text):
                        said += new
                        yield Piece(new, llm.model)
            if rest := novelty.flush():
                said += rest
                yield Piece(rest, llm.model)
        except ProviderError as error:
            log.warning("Модель не ответила до конца", model=llm.model, error=str(error), begun=bool(said))
            last_error = error
            continue
        if said:
            return
        last_error = ProviderUnavailableError(llm.name, f"model {llm.model} gave an empty answer")
    raise last_error or ProviderUnavailableError("llm", "no language model is configured")


async def _patient(source: AsyncGenerator[str, None], llm: Llm, patience_s: float) -> AsyncGenerator[str, None]:
    """Pass the text on; raises ProviderUnavailableError when none comes for `patience_s`."""
    while True:
        try:
            async with asyncio.timeout(patience_s):
                text = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ProviderUnavailableError(llm.name, f"no text from {llm.model} for {patience_s:g} s") from error
        if text:
            yield text


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
