"""A reasoning model's thoughts, left out of the text that it streams."""

from __future__ import annotations

_OPENING, _CLOSING = "<think>", "</think>"
"""How DeepSeek-R1, QwQ and Qwen3 mark their thoughts where the server does not separate them (chat templates of the
models; vLLM without `--reasoning-parser`, Ollama without `think`)."""


class Thoughts:
    """Takes streamed text and gives back what is meant to be read; thoughts stand at the beginning only."""

    def __init__(self) -> None:
        self._held = ""
        self._over = False

    def push(self, text: str) -> str:
        """Take the next piece; return what of it is part of the answer."""
        if self._over:
            return text
        self._held += text
        answer = _after_thoughts(self._held)
        self._over = bool(answer)
        return answer

    def flush(self) -> str:
        """Return what was held at the end; thoughts that never ended are no answer."""
        held, self._held = self._held, ""
        return "" if self._over or held.lstrip().startswith(_OPENING) else held


def _after_thoughts(text: str) -> str:
    """The beginning of the answer, empty as long as it may still be thoughts."""
    start = text.lstrip()
    if start.startswith(_OPENING):
        return start.partition(_CLOSING)[2].lstrip()
    return "" if _OPENING.startswith(start) else text
