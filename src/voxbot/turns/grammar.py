"""The words of a caller's turn with what grammar says of them, as far as judging its completeness needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from voxbot.knowledge.words import fold, lemmatize, morphology

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[а-яa-z]+(?:-[а-яa-z]+)*")
_LIKELY = 0.12
_MAX_PARSES = 6
_PREDICATES = frozenset({"VERB", "ADJS", "PRTS", "PRED"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a word form. Tags as in OpenCorpora (pymorphy3): «femn», «plur», «nomn»."""

    part: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Word:
    """A word form, lower case, «ё» written «е»."""

    form: str
    lemma: str
    part: str
    readings: tuple[Reading, ...]
    known: bool
    is_number: bool

    def may_be(self, *parts: str) -> bool:
        """Whether a likely reading is one of these parts of speech."""
        return any(reading.part in parts for reading in self.readings)

    def has(self, tag: str) -> bool:
        """Whether a likely reading carries the tag."""
        return any(tag in reading.tags for reading in self.readings)

    @property
    def is_predicate(self) -> bool:
        """Whether a clause can rest on it: a finite verb, a short adjective, «нужно»."""
        return self.part in _PREDICATES

    def agrees_with(self, noun: Word) -> bool:
        """Whether an adjective and a noun can belong together: the same case, number and, if singular, gender."""
        return any(
            _agree(mine.tags, other.tags)
            for mine in self.readings
            if mine.part in ("ADJF", "PRTF")
            for other in noun.readings
            if other.part == "NOUN"
        )


def read_words(text: str) -> list[Word]:
    """Divide a text into words and numbers; punctuation is dropped."""
    return [_read(form) for form in _WORD.findall(fold(text))]


@lru_cache(maxsize=20_000)
def _read(form: str) -> Word:
    if form[0].isdigit():
        return Word(form, form, "NUMR", (), known=True, is_number=True)
    lemma = lemmatize(form)
    readings = tuple(
        Reading(str(parse.tag.POS or ""), frozenset(str(parse.tag).replace(" ", ",").split(",")))
        for index, parse in enumerate(morphology().parse(form)[:_MAX_PARSES])
        if index == 0 or parse.score >= _LIKELY
    )
    is_number = lemma.number is not None and lemma.part != "ADJF"
    return Word(form, lemma.lemmas[0], lemma.part, readings, lemma.known, is_number)


def _agree(adjective: frozenset[str], noun: frozenset[str]) -> bool:
    cases = ("nomn", "gent", "datv", "accs", "ablt", "loct")
    if not any(case in adjective and case in noun for case in cases):
        return False
    if "plur" in adjective or "plur" in noun:
        return "plur" in adjective and "plur" in noun
    return any(gender in adjective and gender in noun for gender in ("masc", "femn", "neut"))
