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
_TAGS = tuple(f"<{slash}{name}>" for slash in ("", "/") for name in _NAMES)
_TAG = re.compile("|".join(_TAGS))
_LONGEST = max(map(len, _TAGS))


class Thoughts:
    """Takes streamed text and gives back what is meant to be read.

    `unannounced`: the text begins with thoughts, their opening tag stands in the prompt (templates of DeepSeek-R1 and
    QwQ). If it does and that is not known, the text is given back until the thoughts' end is seen; then comes
    THOUGHTS_END, and `unannounced` is set.
    """

    def __init__(self, *, unannounced: bool = False) -> None:
        self.unannounced = unannounced
        self._expected = unannounced
        self._inside = unannounced
        self._held = ""
        self._begun = False

    def push(self, text: str) -> str:
        """Take the next piece; return what of it is part of the answer."""
        self._held += text
        answer = ""
        while tag := _TAG.search(self._held):
            before, self._held = self._held[: tag.start()], self._held[tag.end() :]
            ends = tag[0].startswith("</")
            if not self._inside:
                answer = self._begin(before, answer) if not ends else THOUGHTS_END
                self.unannounced = self.unannounced or ends
                self._begun = self._begun and not ends
            self._expected, self._inside = False, not ends
        if self._inside:
            return answer
        end = len(self._held) - _may_be_tag(self._held)
        before, self._held = self._held[:end], self._held[end:]
        return self._begin(before, answer)

    def flush(self, *, cut: bool = False) -> str:
        """Return what was held at the end; thoughts that never ended are no answer, least of all if it was `cut`.

        Whoever was expected to think and did not has given an answer: it is returned, `unannounced` is unset.
        """
        held, self._held = self._held, ""
        if self._inside and (cut or not self._expected):
            return ""
        self.unannounced = self.unannounced and not self._inside
        return held

    def _begin(self, text: str, answer: str) -> str:
        """The answer and what comes next; it does not begin with the empty lines after the thoughts."""
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        return answer + text


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


def _may_be_tag(text: str) -> int:
    """How many characters at the end may be the beginning of a tag."""
    at = text.rfind("<", max(0, len(text) - _LONGEST))
    return len(text) - at if at >= 0 and any(tag.startswith(text[at:]) for tag in _TAGS) else 0
