"""Cut a text into pieces that are synthesised one after another: the first is heard while the next is made."""

from __future__ import annotations

import re

_FIRST_CHARS = 60
_LONGEST_CHARS = 120
_SHORTEST_SENTENCE_CHARS = 12
"""A shorter «sentence» is an abbreviation or an interjection and stays with what follows."""

_SENTENCE_END = re.compile(r"[.!?…]+[»\")]*\s+")
_CLAUSE_END = re.compile(r"(?:[,:;]|\s[—–-])\s+")


def split_clauses(text: str) -> list[str]:
    """Cut at sentence ends, and long sentences at clauses or, failing that, at words. Nothing but spaces is lost."""
    pieces: list[str] = []
    for sentence in _sentences(text):
        waiting = ""
        for part in _parts(sentence, _CLAUSE_END):
            for words in _lines(part):
                limit = _LONGEST_CHARS if pieces else _FIRST_CHARS
                if waiting and len(waiting) + 1 + len(words) > limit:
                    pieces.append(waiting)
                    waiting = words
                else:
                    waiting = f"{waiting} {words}".strip()
        if waiting:
            pieces.append(waiting)
    return pieces


def _sentences(text: str) -> list[str]:
    sentences: list[str] = []
    for part in _parts(text, _SENTENCE_END):
        if sentences and len(sentences[-1]) < _SHORTEST_SENTENCE_CHARS:
            sentences[-1] = f"{sentences[-1]} {part}"
        else:
            sentences.append(part)
    return sentences


def _parts(text: str, end: re.Pattern[str]) -> list[str]:
    parts: list[str] = []
    start = 0
    for match in end.finditer(text):
        parts.append(text[start : match.end()].strip())
        start = match.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _lines(clause: str) -> list[str]:
    """Cut what has no comma for too long between words, and a word without end wherever the limit falls."""
    lines = [""]
    for word in clause.split():
        for start in range(0, len(word), _LONGEST_CHARS):
            piece = word[start : start + _LONGEST_CHARS]
            if lines[-1] and len(lines[-1]) + 1 + len(piece) > _LONGEST_CHARS:
                lines.append(piece)
            else:
                lines[-1] = f"{lines[-1]} {piece}".strip()
    return lines
