"""What a question that leans on the dialogue means: by the rules, and by a language model where one is configured.

The model rewrites while the knowledge base is searched for both readings that are there without it, so that a model
that agrees with either, is late or fails costs no further search.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import structlog

from voxbot.agent.llm import THOUGHTS_END, ChatRequest, stream_with_fallback
from voxbot.domain.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from voxbot.agent.llm import Llm
    from voxbot.domain.dialogue import Utterance
    from voxbot.knowledge.search import SearchResult

log = structlog.get_logger(__name__)

_MAX_CHARS = 300
"""A rewritten question is one sentence; what is longer is an answer, or the model's thoughts aloud."""
_QUOTES = " \n\t\"'«»„“”*"


async def search_understood(
    question: str,
    whole: str,
    *,
    search: Callable[[str], Awaitable[SearchResult]],
    rewrite: Awaitable[str | None],
) -> tuple[str, SearchResult]:
    """Return the question that stands by itself, and what is found for it. Raises what `search` raises.

    `whole` is the rules' version of it; `rewrite` gives the model's, or None when there is none in time.
    """
    searches = {text: asyncio.ensure_future(search(text)) for text in dict.fromkeys((whole, question))}
    try:
        rewritten = await rewrite or whole
        chosen = next((text for text in searches if _same(text, rewritten)), rewritten)
        found = await (searches[chosen] if chosen in searches else search(chosen))
    finally:
        for unused in searches.values():
            unused.cancel()
        await asyncio.gather(*searches.values(), return_exceptions=True)
    return chosen, found


async def rewritten(
    question: str, history: Sequence[Utterance], *, system: str, models: Sequence[Llm], limit_s: float
) -> str | None:
    """Return the question as the first model that works rewrites it; None when none does within `limit_s`."""
    request = ChatRequest(system=system, history=tuple(history), question=question, temperature=0.0, whole_s=limit_s)
    text = ""

    def rewind() -> str:
        nonlocal text
        text = ""
        return text

    try:
        async with asyncio.timeout(limit_s):
            async with aclosing(stream_with_fallback(models, request, first_token_s=limit_s, rewind=rewind)) as pieces:
                async for piece in pieces:
                    text += piece.content if isinstance(piece.content, str) else ""
                    if len(text) > _MAX_CHARS:
                        break
    except TimeoutError:
        log.info("Модель не успела переписать вопрос, действует вариант по правилам", limit_s=limit_s)
        return None
    except ProviderError as error:
        log.warning("Модель не переписала вопрос, действует вариант по правилам", error=str(error))
        return None
    return _sentence(text)


def _sentence(text: str) -> str | None:
    """The rewritten question out of the model's text; None when it is no question."""
    line = text.rpartition(THOUGHTS_END)[2].replace("|", " ").strip(_QUOTES)
    if not line or len(line) > _MAX_CHARS or "\n" in line:
        return None
    return line


def _same(one: str, other: str) -> bool:
    """Whether they differ in nothing that is searched for."""
    return _key(one) == _key(other)


def _key(text: str) -> str:
    return "".join(char for char in text.lower().replace("ё", "е") if char.isalnum())
