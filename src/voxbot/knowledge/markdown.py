"""Which lines of a Markdown text are headings, and which of them stand above a line.

A heading has one to six `#` and stands outside of code blocks.

Code blocks are read as CommonMark 0.31 (section 4.5) says: one ends with a fence of the same sign, at least as long as
the one it began with, and with nothing after it. A separator of sections ends it too: a fence that somebody forgot to
close must not swallow the rest of the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SEPARATOR = "<<->>"
"""Stands between the sections of a knowledge base."""

Heading: TypeAlias = tuple[int, str]
"""Level (1-6) and title."""

Headings: TypeAlias = tuple[Heading, ...]
"""The headings above a line, outermost first; levels ascend."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")


def find_headings(text: str) -> list[Heading]:
    """Return every heading in `text`, in order."""
    return [heading for heading in headings_of(text.split("\n")) if heading]


def headings_of(lines: Sequence[str]) -> Iterator[Heading | None]:
    """Yield for each line its heading, or None."""
    for line, is_code in zip(lines, code_lines(lines), strict=True):
        match = None if is_code else _HEADING.match(line)
        title = match[2].strip() if match else ""
        yield (len(match[1]), title) if match and title else None


def enter(path: Headings, heading: Heading) -> Headings:
    """Return the path under `heading`, given the path of the line before it."""
    return (*(above for above in path if above[0] < heading[0]), heading)


def paths_of(lines: Sequence[str], above: Headings = ()) -> Iterator[tuple[Heading | None, Headings]]:
    """Yield for each line its heading, or None, and the headings over it, its own included.

    `above` is the path over the first line.
    """
    path = above
    for heading in headings_of(lines):
        path = enter(path, heading) if heading else path
        yield heading, path


def titles_of(path: Iterable[Heading]) -> tuple[str, ...]:
    """Return the path's titles; one that repeats the title above it is left out."""
    titles: list[str] = []
    for _, title in path:
        if titles[-1:] != [title]:
            titles.append(title)
    return tuple(titles)


def under(above: str, text: str) -> str:
    """Put a text under the Markdown headings `above`, if there are any."""
    return f"{above}\n{text}" if above else text


def code_lines(lines: Sequence[str]) -> Iterator[bool]:
    """Yield for each line whether it is of a code block, its fences included."""
    fence = ""
    for line in lines:
        if SEPARATOR in line:
            fence = ""
        match = _FENCE.match(line)
        if not fence:
            fence = match[1] if match else ""
            yield bool(fence)
        else:
            yield True
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""


def is_fence(line: str) -> bool:
    """Tell whether the line begins or ends a code block."""
    return bool(_FENCE.match(line))
