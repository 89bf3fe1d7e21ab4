"""A reasoning model's thoughts, left out of the text that it streams."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING

from voxbot.agent.llm import THOUGHTS_END, Whole

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.agent.llm import ChatRequest, Llm, Written

_NAMES = ("think", "thinking", "thought", "reasoning")
"""How DeepSeek-R1, QwQ and Qwen3 mark their thoughts where the server does not separate them (chat templates of the
models; vLLM without `--reasoning-parser`, Ollama without `think`), and how others do."""
_OPENINGS = tuple(f"<{name}>" for name in _NAMES)
_CLOSINGS = tuple(f"</{name}>" for name in _NAMES)
_CLOSING = re.compile("|".join(_CLOSINGS))
_LONGEST = max(map(len, _CLOSINGS))


class Thoughts:
    """Takes streamed text and gives back what is meant to be read; thoughts stand at the beginning only.

    `unannounced`: the text begins with thoughts, their opening tag stands in the prompt (templates of DeepSeek-R1 and
    QwQ). If they begin without it and that is not known, the text is given back until their end is seen; then comes
    THOUGHTS_END, and `unannounced` is set.
    """

    def __init__(self, *, unannounced: bool = False) -> None:
        self.unannounced = unannounced
        self._held = ""
        self._inside = unannounced
        self._begun = False
        self._over = False
        self._after_tag = False

    def push(self, text: str) -> str:
        """Take the next piece; return what of it is part of the answer."""
        if self._over:
            return self._answer(text)
        self._held += text
        if not self._begun and not self._begin():
            return ""
        if closing := _CLOSING.search(self._held):
            rest, self._held, self._over = self._held[closing.end() :], "", True
            if self._inside:
                self._after_tag = True
                return self._answer(rest)
            self.unannounced = True
            return THOUGHTS_END + rest
        if self._inside:
            return ""
        kept = _may_be_closing(self._held)
        answer, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return answer

    def flush(self, *, cut: bool = False) -> str:
        """Return what was held at the end; thoughts that never ended are no answer, least of all if it was `cut`.

        Whoever was expected to think and did not has given an answer: it is returned, `unannounced` is unset.
        """
        held, self._held = self._held, ""
        if self._over or held.lstrip().startswith(_OPENINGS):
            return ""
        if self._inside:
            if cut:
                return ""
            self.unannounced = False
        return held

    def _begin(self) -> bool:
        """Whether it is known by now if the text opens with a tag."""
        start = self._held.lstrip()
        if start.startswith(_OPENINGS):
            self._inside = self._begun = True
        elif not any(opening.startswith(start) for opening in _OPENINGS):
            self._begun = True
        return self._begun

    def _answer(self, text: str) -> str:
        """The answer, without the empty lines between the thoughts and it."""
        if self._after_tag:
            text = text.lstrip()
            self._after_tag = not text
        return text


class WithoutThoughts:
    """A model whose thoughts are left out, also those of a model that was seen to think unannounced before.

    An Llm itself, around another one.
    """

    def __init__(self, llm: Llm) -> None:
        self.name = llm.name
        self.model = llm.model
        self._llm = llm
        self._unannounced = False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Written, None]:
        """See Llm.stream."""
        thoughts = Thoughts(unannounced=self._unannounced)
        async with aclosing(self._llm.stream(request)) as source:
            async for item in source:
                if isinstance(item, str):
                    visible = thoughts.push(item)
                    self._unannounced = thoughts.unannounced
                    if visible:
                        yield visible
                    continue
                if not isinstance(item, Whole) and (rest := thoughts.flush(cut=True)):
                    yield rest
                yield item
        if rest := thoughts.flush():
            yield rest
            self._unannounced = thoughts.unannounced

    async def warm_up(self) -> None:
        """See Llm.warm_up."""
        await self._llm.warm_up()

    async def close(self) -> None:
        """See Llm.close."""
        await self._llm.close()


def _may_be_closing(text: str) -> int:
    """How many characters at the end may be the beginning of a closing tag."""
    at = text.rfind("<", max(0, len(text) - _LONGEST))
    return len(text) - at if at >= 0 and any(tag.startswith(text[at:]) for tag in _CLOSINGS) else 0
