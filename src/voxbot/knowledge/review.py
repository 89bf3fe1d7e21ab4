"""What a text would be as a knowledge base, before it is one: its chunks, and what looks like a mistake in it.

Two chunks count as near-duplicates by the Jaccard index of their sets of three words in a row (Broder, "On the
resemblance and containment of documents", 1997): a passage copied with a few words changed keeps most of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.knowledge.documents import split_document
from voxbot.knowledge.markdown import SEPARATOR, headings_of, is_fence
from voxbot.knowledge.words import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.documents import Chunk

ALIKE_FROM = 0.5
MAX_PAIRS = 100
_SHINGLE_WORDS = 3
_LEAST_SHINGLES = 5
_COMMON_SHINGLE = 200
"""One that so many chunks have is boilerplate, and comparing by it would take the square of their number."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class EmptyHeading:
    """A heading with no text under it or under its subheadings. `line` counts from 1."""

    line: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two chunks that say nearly the same; `likeness` 0-1. The first is of the new text."""

    first: Chunk
    second: Chunk
    likeness: float


@dataclass(frozen=True, slots=True)
class Review:
    """`added` and `removed` count chunks against the base in force."""

    chunks: tuple[Chunk, ...]
    empty_headings: tuple[EmptyHeading, ...]
    duplicates: tuple[NearDuplicate, ...]
    added: int
    removed: int


def review(kb: KbName, text: str, current: Sequence[Chunk], other: Sequence[Chunk]) -> Review:
    """Look at a text meant for base `kb`. `current` are the chunks in force there, `other` those of the other base.

    Blocking: about 0.1 s for 500 chunks.
    """
    chunks = tuple(split_document(kb, text))
    before, after = {chunk.chunk_id for chunk in current}, {chunk.chunk_id for chunk in chunks}
    return Review(
        chunks=chunks,
        empty_headings=tuple(_empty_headings(text)),
        duplicates=tuple(_duplicates(chunks, other)),
        added=len(after - before),
        removed=len(before - after),
    )


def _empty_headings(text: str) -> list[EmptyHeading]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    open_ones: list[EmptyHeading] = []  # with no text so far
    empty: list[EmptyHeading] = []
    repetition = ""
    for number, (line, found) in enumerate(zip(lines, headings_of(lines), strict=True), 1):
        if found:
            level, title = found
            empty += [above for above in open_ones if above.level >= level]
            open_ones = [above for above in open_ones if above.level < level]
            open_ones.append(EmptyHeading(number, level, title))
            repetition = title
        elif re.search(r"\w", line.replace(SEPARATOR, "")) and not is_fence(line):
            if line.strip() != repetition:
                open_ones.clear()
            repetition = ""
    return sorted([*empty, *open_ones], key=lambda heading: heading.line)


def _duplicates(chunks: Sequence[Chunk], other: Sequence[Chunk]) -> list[NearDuplicate]:
    every = [*chunks, *other]
    shingles = [_shingles(chunk) for chunk in every]
    having: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    found: list[NearDuplicate] = []
    for index, own in enumerate(shingles):
        if len(own) < _LEAST_SHINGLES:
            continue
        shared = Counter[int]()
        for shingle in own:
            owners = having[shingle]
            if len(owners) < _COMMON_SHINGLE:
                # Two chunks of the other base are not this text's fault.
                shared.update(owner for owner in owners if owner < len(chunks))
                owners.append(index)
        for before, count in shared.items():
            likeness = count / (len(own) + len(shingles[before]) - count)
            if likeness >= ALIKE_FROM:
                found.append(NearDuplicate(every[before], every[index], round(likeness, 2)))
    found.sort(key=lambda pair: -pair.likeness)
    return found[:MAX_PAIRS]


def _shingles(chunk: Chunk) -> set[tuple[str, ...]]:
    lines = chunk.text.split("\n")
    titles = {found[1] for found in headings_of(lines) if found}
    said = (line for line, found in zip(lines, headings_of(lines), strict=True) if not found and line not in titles)
    words = _WORD.findall(fold("\n".join(said)))
    return set(zip(*(words[start:] for start in range(_SHINGLE_WORDS)), strict=False))
