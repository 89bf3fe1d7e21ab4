"""A chunk's text to the passages that are matched against a question.

One vector of a long text is an average of all its facts and close to none of them. Each passage therefore holds
a few sentences, list items or table rows, with all titles above them in front, because a fact rarely names its own
subject («Срок: 45 дней»), and neither does its own title («Масса» under «Пресс ПГМ-500»).
"""

from __future__ import annotations

import re
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from voxbot.knowledge.markdown import is_fence, paths_of, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voxbot.knowledge.markdown import Heading, Headings

WHOLE_CHARS = 420
"""A chunk whose plain text, the titles above its own not counted, is no longer is one passage."""
PASSAGE_CHARS = 320

ABOVE = "↑ "
"""Begins the line of a passage that holds the titles above its own."""

_TABLE_RULE = re.compile(r"^\|?[ :|-]*-[ :|-]*\|?$")
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)])\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[«\"(]?[А-ЯЁA-Z0-9])")


def split_passages(text: str, above: Headings, title: str) -> tuple[str, ...]:
    """Divide a chunk's Markdown into passages of plain text, at least one, each led by the titles above it.

    `above` is the path over the text's first line; `title` leads what has no heading.
    """
    blocks = list(_blocks(text, above))
    shared = common(path for path, _ in blocks)
    whole = _whole(blocks, shared, title)
    if len(whole) - len(_label(shared)) + len(_label(shared[-1:])) <= WHOLE_CHARS:
        return (whole or title,)
    passages: list[str] = []
    path, held = shared, ""
    for block_path, line in blocks:
        for sentence in _sentences(line):
            if held and (block_path != path or len(held) + len(sentence) > PASSAGE_CHARS):
                passages.append(_led(path, title, held))
                held = ""
            path = block_path
            held = f"{held} {sentence}" if held else sentence
    if held:
        passages.append(_led(path, title, held))
    return tuple(dict.fromkeys(passages))


def common(paths: Iterable[Headings]) -> Headings:
    """Return the headings that all paths begin with."""
    shared: Headings | None = None
    for path in paths:
        shared = path if shared is None else tuple(one for one, _ in takewhile(_same, zip(shared, path, strict=False)))
    return shared or ()


def _same(pair: tuple[Heading, Heading]) -> bool:
    return pair[0] == pair[1]


def plain(line: str) -> str:
    """Remove Markdown's marks from one line."""
    line = _LIST_MARK.sub("", line)
    line = _LINK.sub(r"\1", line)
    return _EMPHASIS.sub("", line).strip()


def _blocks(text: str, above: Headings) -> Iterator[tuple[Headings, str]]:
    """Yield (path, plain line) for every line that holds words; a heading only where nothing stands under it."""
    lines = text.split("\n")
    own = list(paths_of(lines, above))
    titles = {heading[1] for heading, _ in own if heading}
    bare: Headings = ()
    columns: list[str] = []
    for (line, following), (heading, path) in zip(pairwise([*lines, ""]), own, strict=True):
        if heading:
            yield from _alone(bare, path)
            bare = path
        elif is_fence(line) or not re.search(r"\w", line) or line.strip() in titles:
            continue
        elif "|" in line and (line.lstrip().startswith("|") or _TABLE_RULE.match(following.strip())):
            bare = ()
            cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
            if _TABLE_RULE.match(following.strip()):
                columns = cells
            else:
                yield path, _row(columns, cells)
        else:
            bare, columns = (), []
            yield path, plain(line)
    yield from _alone(bare, ())


def _alone(bare: Headings, following: Headings) -> Iterator[tuple[Headings, str]]:
    """Yield the heading that ends `bare`, which has no text, unless the heading that follows is under it."""
    if bare and following[: len(bare)] != bare:
        yield bare[:-1], bare[-1][1]


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


def _whole(blocks: Sequence[tuple[Headings, str]], shared: Headings, title: str) -> str:
    """Everything in one text: the titles that all has above it, then each line under what is above it alone."""
    lines = [] if not shared and any(not path for path, _ in blocks) else [_label(shared)]
    before = shared
    for path, line in blocks:
        if path != before:
            lines.append(". ".join(titles_of(path[len(common((before, path))) :])))
        before = path
        lines.append(line)
    return "\n".join(line for line in lines if line) or title


def _led(path: Headings, title: str, text: str) -> str:
    return f"{_label(path) or title}\n{text}"


def _label(path: Headings) -> str:
    """The titles above a passage: its own as the first line, where words weigh most, and those above it as another."""
    *above, own = titles_of(path) or ("",)
    return f"{own}\n{ABOVE}{'. '.join(above)}" if above else own
