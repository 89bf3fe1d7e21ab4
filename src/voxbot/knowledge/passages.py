"""A chunk's text to the passages that are matched against a question.

One vector of a long text is an average of all its facts and close to none of them. Each passage therefore holds
a few sentences, list items or table rows, with the titles above them in front, because a fact rarely names its own
subject («Срок: 45 дней»).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from voxbot.knowledge.markdown import headings_of, is_fence

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE_CHARS = 420
"""A chunk whose plain text is no longer is one passage."""
PASSAGE_CHARS = 320

_TABLE_RULE = re.compile(r"^\|?[ :|-]*-[ :|-]*\|?$")
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)])\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[«\"(]?[А-ЯЁA-Z0-9])")


def split_passages(text: str, title: str) -> tuple[str, ...]:
    """Divide a chunk's Markdown into passages of plain text, at least one, each led by its titles."""
    blocks = list(_blocks(text, title))
    whole = "\n".join(dict.fromkeys(line for heading, line in blocks for line in (heading, line) if line))
    if len(whole) <= WHOLE_CHARS:
        return (whole or title,)
    passages: list[str] = []
    heading, held = "", ""
    for block_heading, line in blocks:
        for sentence in _sentences(line):
            if held and (block_heading != heading or len(held) + len(sentence) > PASSAGE_CHARS):
                passages.append(_led(heading, held))
                held = ""
            heading = block_heading
            held = f"{held} {sentence}" if held else sentence
    if held:
        passages.append(_led(heading, held))
    return tuple(dict.fromkeys(passages))


def plain(line: str) -> str:
    """Remove Markdown's marks from one line."""
    line = _LIST_MARK.sub("", line)
    line = _LINK.sub(r"\1", line)
    return _EMPHASIS.sub("", line).strip()


def _blocks(text: str, title: str) -> Iterator[tuple[str, str]]:
    """Yield (titles above, plain line) for every line that holds words, headings themselves left out."""
    lines = text.split("\n")
    own = list(headings_of(lines))
    titles = {found[1] for found in own if found}
    heading, columns = title, []
    for (line, following), found in zip(pairwise([*lines, ""]), own, strict=True):
        if found:
            heading = title if found[1] == title else f"{title}. {found[1]}"
        elif is_fence(line) or not re.search(r"\w", line):
            continue
        elif "|" in line and (line.lstrip().startswith("|") or _TABLE_RULE.match(following.strip())):
            cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
            if _TABLE_RULE.match(following.strip()):
                columns = cells
            else:
                yield heading, _row(columns, cells)
        elif line.strip() and line.strip() not in titles:
            columns = []
            yield heading, plain(line)


def _row(columns: list[str], cells: list[str]) -> str:
    if len(columns) != len(cells):
        return ", ".join(cell for cell in cells if cell) + "."
    named = [f"{column}: {cell}" if column else cell for column, cell in zip(columns, cells, strict=True) if cell]
    return ", ".join(named) + "."


def _sentences(line: str) -> Iterator[str]:
    """Yield the line's sentences; one that is far too long is cut at spaces."""
    for sentence in _SENTENCE_END.split(line):
        rest = sentence
        while len(rest) > PASSAGE_CHARS:
            cut = rest.rfind(" ", 0, PASSAGE_CHARS)
            cut = cut if cut > 0 else PASSAGE_CHARS
            yield rest[:cut]
            rest = rest[cut:].strip()
        if rest:
            yield rest


def _led(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if heading else text
