"""The questions that callers are likely to ask first, read off the headings of the knowledge bases.

A caller's first words are often a section's subject and nothing else («доставка», «режим работы»), or the price of
something that has a section of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxbot.knowledge.documents import Chunk

_LONGEST_WORDS = 5
_QUOTES = re.compile(r"[«»\"“”„()]")
_PRICE = "сколько стоит {}"


def likely_questions(chunks: Sequence[Chunk], limit: int) -> list[str]:
    """Return at most `limit` questions, likeliest first, each once: main sections before their subsections."""
    ranked = sorted(chunks, key=lambda chunk: (chunk.kb == "tech", len(chunk.headings)))
    return list(dict.fromkeys(question for chunk in ranked for question in _asked(chunk)))[:limit]


def _asked(chunk: Chunk) -> Iterator[str]:
    title = " ".join(_QUOTES.sub(" ", chunk.title).lower().split())
    if not 0 < len(title.split()) <= _LONGEST_WORDS:
        return
    yield title
    first, joined, second = title.partition(" и ")
    if joined and " " not in first and " " not in second:  # «оплата и аванс» are two subjects
        yield from (first, second)
    if chunk.kb == "tech" and any(character.isdigit() for character in title):
        yield _PRICE.format(title)
