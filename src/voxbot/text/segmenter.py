"""Streamed text to speakable segments.

Pure: text in, segments out; how the text was cut into pieces on its way here does not change the result.
"""

from __future__ import annotations

import re

from voxbot.text.wordlist import word_set

MAX_SEGMENT_CHARS = 200
"""A segment is never longer, so that a voice with a limit on its input is never overrun."""

_FIRST_CLAUSE_CHARS = 8
_FIRST_CLAUSE_WORDS = 2
"""The first segment may end at a clause of this size: speech starts while the rest is still being made."""

_BOUNDARY = re.compile(r"[|\n.!?…,;:—]")
_WORD_BEFORE = re.compile(r"[^\W_]+$")
_CLAUSE_MARKS = ",;:—"
_CLOSING = "»”\"')]"

_NEVER_LAST = word_set("""
    г ул д стр корп оф кв пер пр просп наб пл ш обл р м им т п пп рис табл гл ст ср см напр тел доб проф акад инж гос
    рег зав уч изд англ нем лат мкр пос дер н
""")
"""Abbreviations that stand before what they belong to: «г. Москва», «ул. Ленина», «т. е.»."""

_UNIT_LIKE = word_set("г м т д н ч с")
"""Of those, the ones that after a number are a unit or a year and may end a sentence: «в 2026 г. Машина…»."""


class Segmenter:
    """Cuts a streamed answer into segments at `|`, line ends, sentence ends, and the first clause.

    Segments come out stripped, without `|`, at most `max_chars` characters long, and never without a letter
    or digit. A boundary is decided once the next visible character is known.
    """

    def __init__(self, max_chars: int = MAX_SEGMENT_CHARS, *, first_clause: bool = True) -> None:
        self._max_chars = max_chars
        self._first_clause = first_clause
        self._buffer = ""
        self._scan_from = 0
        self._first = first_clause

    def push(self, piece: str) -> list[str]:
        """Take the next piece of text; return the segments that are complete by now."""
        self._buffer += piece
        return self._take(final=False)

    def flush(self) -> list[str]:
        """Return what is left at the end of the answer, and be ready for another one."""
        segments = self._take(final=True)
        if rest := self._emit(len(self._buffer)):
            segments.append(rest)
        self._first = self._first_clause
        return segments

    def _take(self, *, final: bool) -> list[str]:
        segments: list[str] = []
        while (end := self._next_end(final=final)) is not None:
            if segment := self._emit(end):
                segments.append(segment)
        return segments

    def _emit(self, end: int) -> str:
        segment = self._buffer[:end].replace("|", " ").strip()
        self._buffer = self._buffer[end:].lstrip()
        self._scan_from = 0
        if not any(map(str.isalnum, segment)):
            return ""
        self._first = False
        return segment

    def _next_end(self, *, final: bool) -> int | None:
        """Index after the first complete segment, or None when more text is needed."""
        for match in _BOUNDARY.finditer(self._buffer, self._scan_from):
            if match.start() >= self._max_chars:
                break
            end = self._end_at(match.start(), final=final)
            if end is None:
                self._scan_from = match.start()
                break
            if end:
                return end
            self._scan_from = match.end()
        if len(self._buffer) > self._max_chars:
            return self._forced_end()
        return None

    def _end_at(self, index: int, *, final: bool) -> int | None:
        """Index after a segment that ends at the mark; 0 when none ends there; None when it cannot be told yet."""
        mark = self._buffer[index]
        if mark in "|\n":
            return index + 1
        end = index + 1
        while end < len(self._buffer) and self._buffer[end] in _CLOSING:
            end += 1
        following = self._buffer[end : end + 1]
        follower = self._buffer[end:].lstrip()[:1]
        if not follower and not (following and mark in _CLAUSE_MARKS):
            return 0 if final else None
        if mark in _CLAUSE_MARKS:
            ends = following.isspace() and self._is_first_clause(index)
        else:  # of a run of marks the last decides: it alone is followed by a space
            ends = following == "|" or (following.isspace() and self._is_sentence_end(index, follower))
        return end if ends else 0

    def _is_first_clause(self, index: int) -> bool:
        clause = self._buffer[:index]
        return self._first and len(clause) >= _FIRST_CLAUSE_CHARS and len(clause.split()) >= _FIRST_CLAUSE_WORDS

    def _is_sentence_end(self, index: int, follower: str) -> bool:
        if follower.islower():
            return False
        before = self._buffer[:index]
        match = _WORD_BEFORE.search(before[-12:])
        if self._buffer[index] != "." or match is None:
            return True
        word = match.group()
        rest = before[: len(before) - len(word)].rstrip()
        if word.isdigit():  # «1. Нажмите…» is the number of a list item
            return bool(rest)
        initial = len(word) == 1 and word.isupper()
        if initial or word.lower() in _NEVER_LAST:  # after a number they may be a unit: «на 220 В. Питание…»
            return rest[-1:].isdigit() and (initial or word.lower() in _UNIT_LIKE)
        return True

    def _forced_end(self) -> int:
        """Where an overlong sentence is cut: after its last clause, else its last word, else anywhere."""
        window = self._buffer[: self._max_chars]
        clause = max(window.rfind(mark) for mark in (", ", "; ", ": ", " — "))
        if clause >= self._max_chars // 3:
            return clause + 1
        space = window.rfind(" ")
        return space if space > 0 else self._max_chars


def split_segments(text: str) -> list[str]:
    """Cut a text that is known whole, just as it would be cut when streamed."""
    segmenter = Segmenter()
    return segmenter.push(text) + segmenter.flush()


def split_sentences(text: str) -> list[str]:
    """Cut a text at its sentence ends, line ends and `|` only."""
    segmenter = Segmenter(max_chars=len(text) + 1, first_clause=False)
    return segmenter.push(text) + segmenter.flush()
