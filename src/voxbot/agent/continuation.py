"""An answer that another model goes on with: what of it the caller has heard already is left out.

Texts are compared by their letters and digits alone: the second model writes other marks, spaces and markup.
"""

from __future__ import annotations

import re

_ENDED = re.compile(r"[.!?…]+[»”\"')*_]*(?=\s)|[|\n]")
_END_MARKS = ".!?…"
_LEADING = re.compile(r"^(?:[\s.,!?…;:|»”\"')*_–—]|-(?!\d))+")
_WORD = re.compile(r"\w+")
_MIN_OVERLAP_CHARS = 8
"""So many letters and digits, of two words, at the end of what was said are a repetition if the new text begins with
them; fewer may be the same word in another sentence."""


class Continuation:
    """Leaves out of a second answer what was `said`: its beginning over again, its end, and whole sentences of it.

    `said` ends where a segment ends. Text is held back only as long as it may still be a repetition.
    """

    def __init__(self, said: str) -> None:
        self._said = _key(said)
        self._tails = [_key(said[word.start() :]) for word in _WORD.finditer(said)]
        self._sentences = [key for key in map(_key, _sentences(said)) if key]
        self._known = frozenset(self._sentences)
        self._held = ""
        self._at_start = True
        self._in_sentence = False
        self._last = said[-1:]
        self._dropped = True

    def push(self, text: str) -> str:
        """Take text of the new answer; return what of it is to be said now, with a space where it is joined."""
        if not self._said:
            return text
        self._held += text
        return self._released(final=False)

    def flush(self) -> str:
        """Return what is still held at the end."""
        return self._released(final=True) if self._held else ""

    def _released(self, *, final: bool) -> str:
        if self._at_start and not self._past_repetition(final=final):
            return ""
        out = ""
        while self._held:
            if self._in_sentence:
                out += self._rest_of_sentence()
            elif (decided := self._sentence_start(final=final)) is None:
                break
            else:
                out += decided
        return out

    def _past_repetition(self, *, final: bool) -> bool:
        """Drop the start or the end of what was said; False as long as it may go on."""
        key = _key(self._held)
        if not key or any(tail.startswith(key) for tail in self._tails):
            if final:
                self._held = ""
            return False
        for index, tail in enumerate(self._tails):  # the longest first
            if index and (len(tail) < _MIN_OVERLAP_CHARS or index == len(self._tails) - 1):
                break
            if key.startswith(tail) and (end := _end_of(tail, self._held)):
                self._held = self._held[end:]
                break
        self._at_start = False
        return True

    def _sentence_start(self, *, final: bool) -> str | None:
        """What to say of a sentence that begins: all or nothing of it. None as long as that is open."""
        ended = _ENDED.search(self._held)
        sentence = self._held[: ended.end()] if ended else self._held
        key = _key(sentence)
        if ended or final:
            repeats = key in self._known or not key or (not ended and self._repeats(key))
        elif not key or self._repeats(key):
            return None
        else:
            repeats = False
        if repeats:
            self._held, self._dropped = self._held[len(sentence) :], True
            return ""
        last = self._sentences[-1]
        if key.startswith(last) and (end := _end_of(last, self._held)):  # the sentence in which the other broke off
            self._held, self._dropped = self._held[end:], True
            return ""
        self._in_sentence = True
        return self._joint()

    def _repeats(self, key: str) -> bool:
        return any(sentence.startswith(key) for sentence in self._known)

    def _joint(self) -> str:
        """After something that was dropped: a space, and without the marks that belonged to it."""
        if not self._dropped:
            return ""
        self._dropped = False
        self._held = _LEADING.sub("", self._held)
        return "" if self._last.isspace() else " "

    def _rest_of_sentence(self) -> str:
        """Everything up to the sentence's end, or all of it if none is seen."""
        if self._last and self._last in _END_MARKS and self._held[0].isspace():
            end, self._in_sentence = 0, False
        elif ended := _ENDED.search(self._held):
            end, self._in_sentence = ended.end(), False
        else:
            end = len(self._held)
        text, self._held = self._held[:end], self._held[end:]
        self._last = text[-1:]
        return text


def _sentences(text: str) -> list[str]:
    found, at = list[str](), 0
    for ended in _ENDED.finditer(text):
        found.append(text[at : ended.end()])
        at = ended.end()
    return [*found, text[at:]]


def _key(text: str) -> str:
    """The text without what does not change its meaning."""
    return "".join(char for char in text.lower().replace("ё", "е") if char.isalnum())


def _end_of(key: str, text: str) -> int:
    """Index in `text` after the letters of `key` that it begins with; 0 when that is inside a word."""
    left = len(key)
    for index, char in enumerate(text):
        if not left:
            return 0 if char.isalnum() else index
        left -= char.isalnum()
    return 0 if left else len(text)
