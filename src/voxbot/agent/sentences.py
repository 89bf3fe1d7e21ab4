"""A passage of Markdown to the sentences that can be spoken: no markup, lists and tables turned into sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.knowledge.markdown import enter, titles_of
from voxbot.text.segmenter import split_sentences

if TYPE_CHECKING:
    from voxbot.knowledge.markdown import Headings

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+(.*)$")
_ROW = re.compile(r"^\s*\|(.*)\|\s*$")
_RULE = re.compile(r"^[\s|:\-=_*]+$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`|~~)(.+?)\1")
_MARK = re.compile(r"[*`#]+|<[^>]+>|<<->>")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A speakable sentence.

    `lead` is what introduces it (the heading, the line above its list); `fragment` tells that it cannot stand
    without the lead; `group` numbers the list or paragraph that it belongs to; `above` are all headings over it,
    outermost first.
    """

    text: str
    lead: str
    fragment: bool
    group: int
    above: tuple[str, ...] = ()


def sentences_of(passage: str) -> list[Sentence]:
    """Divide a passage; headings become leads, also when they are repeated as a plain line."""
    reader = _Reader()
    for line in passage.splitlines():
        reader.take(line.rstrip())
    return reader.sentences


def plain(text: str) -> str:
    """Markdown's marks removed from a line."""
    text = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text)))
    return " ".join(_MARK.sub(" ", text).replace("|", " ").split())


class _Reader:
    """Goes over the lines once and remembers what the next one belongs to."""

    def __init__(self) -> None:
        self.sentences: list[Sentence] = []
        self._heading = ""
        self._path: Headings = ()
        self._lead = ""
        self._header: list[str] = []
        self._group = 0
        self._in_list = False

    def take(self, line: str) -> None:
        if heading := _HEADING.match(line):
            self._heading, self._lead, self._header = plain(heading.group(2)), "", []
            self._path = enter(self._path, (len(heading.group(1)), self._heading))
            self._next_group()
        elif not line.strip():
            self._header = []
            if self._in_list:
                self._lead = ""
            self._next_group()
        elif row := _ROW.match(line):
            self._row([plain(cell) for cell in row.group(1).split("|")], is_rule=bool(_RULE.match(line)))
        elif _RULE.match(line):
            pass
        elif item := _ITEM.match(line):
            self._item(plain(item.group(1)))
        else:
            self._paragraph(plain(line))

    def _next_group(self) -> None:
        self._in_list = False
        self._group += 1

    def _add(self, text: str, *, fragment: bool) -> None:
        if any(map(str.isalnum, text)):
            lead = self._lead.rstrip(" :.") or self._heading.rstrip(" :.")
            self.sentences.append(Sentence(_ended(text), lead, fragment, self._group, titles_of(self._path)))

    def _paragraph(self, text: str) -> None:
        if not text or text.rstrip(" .:") == self._heading.rstrip(" .:"):
            return
        if self._in_list:
            self._lead = ""
            self._next_group()
        if text.endswith(":"):
            *before, last = split_sentences(text) or [text]
            for sentence in before:
                self._add(sentence, fragment=_is_fragment(sentence))
            self._lead = last
            return
        for sentence in split_sentences(text):
            self._add(sentence, fragment=_is_fragment(sentence))

    def _item(self, text: str) -> None:
        self._in_list = True
        pieces = split_sentences(text)
        for index, sentence in enumerate(pieces):
            self._add(sentence, fragment=index == 0 and (bool(self._lead) or _is_fragment(sentence)))

    def _row(self, cells: list[str], *, is_rule: bool) -> None:
        if is_rule:
            return
        if not self._header:
            self._header = cells
            self._next_group()
            return
        pairs = [
            f"{name[:1].lower()}{name[1:]} — {value}"
            for name, value in zip(self._header[1:], cells[1:], strict=False)
            if value
        ]
        self._add(f"{cells[0]}: {', '.join(pairs)}" if pairs else cells[0], fragment=False)


def _ended(text: str) -> str:
    text = text.rstrip(" ;,")
    return text if text[-1:] in ".!?…" else text + "."


def _is_fragment(sentence: str) -> bool:
    """A value without its subject: «от 690 000 рублей», «24 месяца»."""
    return len(sentence.split()) <= 4 and not re.search(r"[—–:]", sentence) and not sentence[:1].isupper()  # noqa: PLR2004
