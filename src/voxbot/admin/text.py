"""Text of unknown origin, made fit for an answer."""

from __future__ import annotations


def readable(value: object) -> str:
    """Return any value as text that UTF-8 can carry: half an emoji, as an older bot may have left it, becomes `?`."""
    try:
        return str(value).encode(errors="replace").decode()
    except RecursionError:  # brackets within brackets, as JSON may hold them
        return "…"


def shortened(text: str, chars: int) -> str:
    """Return the beginning of a text on one line, with … where more follows."""
    line = " ".join(text.split())
    return line if len(line) <= chars else line[: chars - 1].rstrip() + "…"
