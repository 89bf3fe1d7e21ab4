"""Writing Markdown of a knowledge base: a section for each heading, so that facts are found under their titles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.knowledge.markdown import SEPARATOR, headings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_LEVEL = 6
_MARKUP = re.compile(r"^(\s*)([#>]|[-+*](?=\s)|\d+[.)](?=\s)|```|~~~)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(text: str) -> str:
    """Make a piece of text one line without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def heading(level: int, text: str) -> str:
    """Write a heading."""
    return f"{'#' * min(max(level, 1), MAX_LEVEL)} {clean(text)}"


def paragraph(text: str) -> str:
    """Write a paragraph whose first characters must not be taken for Markdown."""
    return _MARKUP.sub(r"\1\\\2", clean(text))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table; the first row is its head."""
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        return ""
    cells = [[clean(cell).replace("|", "\\|") for cell in row] + [""] * (columns - len(row)) for row in rows]
    head, *rest = cells
    lines = [head, ["---"] * columns, *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def document(blocks: Iterable[str], title: str) -> str:
    """Join blocks, each heading in a section of its own; text without any heading is under `title`."""
    written = [block for block in blocks if block.strip()]
    if not any(_is_heading(block) for block in written):
        written.insert(0, heading(1, title))
    parts: list[str] = []
    for block in written:
        if _is_heading(block) and parts:
            parts.append(SEPARATOR)
        parts.append(block)
    return "\n\n".join(parts) + "\n"


def _is_heading(block: str) -> bool:
    return next(iter(headings_of([block])), None) is not None
