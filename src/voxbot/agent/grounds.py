"""Whether sentences speak of what a question is about: of its place, of the property asked for, of its owner.

A sentence of the right kind («8 800 000 00 00» for a telephone) is no answer when it is of another place, and the data
of a thing are none when the property asked for («какого цвета») is not among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from voxbot.agent.cues import fold, without_cues
from voxbot.knowledge.asking import asked_nouns
from voxbot.knowledge.hearing import LETTERS_SAID
from voxbot.knowledge.vocabulary import UNITS
from voxbot.knowledge.words import tokenize
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from voxbot.agent.cues import Cue
    from voxbot.knowledge.lexical import LexicalIndex
    from voxbot.knowledge.words import Token

_HELD = 0.5
_NAMED = 0.3
"""The share of the owners' weight that the facts must name: «датчик силы», not only «машина»."""
_SERIES = 4
_UNITS = frozenset(UNITS) | frozenset(UNITS.values())
_EXISTENCE = re.compile(r"\b(?:есть|имеется|бывают|прода[её]т|дела[её]те|выпускаете|занимаетесь)")
"""Asks whether there is such a thing at all."""
_ORIGIN = re.compile(r"\b(?:из|от|с)(?: город[а-я]*)? ([а-я-]+)")
"""Where a thing comes from is not where it goes to."""
_FIRM = word_set("""
    фирма компания организация предприятие завод контора офис магазин производство вопрос помощь информация данные
    свидание здоровье время день срок раз сколько девушка человек случай пример связь дело город страна клиент
    покупатель заказчик
""")
"""The firm itself and the caller, of whom everything is told that names no other owner."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What sentences must speak of to answer one question; `places`, `properties` and `owners` are its word forms.

    `existence`: it asks whether there is such a thing at all; `coded`: it names a model.
    """

    places: tuple[str, ...]
    properties: tuple[str, ...]
    owners: tuple[str, ...]
    existence: bool
    coded: bool

    @classmethod
    def of(cls, question: str, cues: Sequence[Cue]) -> Grounds:
        """Read a question, whose misheard words are set right; `cues` are the kinds of fact that it asks for."""
        folded = fold(question)
        rest = without_cues(folded, cues)
        tokens = tokenize(rest)
        origins = set(_ORIGIN.findall(folded))
        places = [token.form for token in tokens if token.is_place]
        return cls(
            places=tuple([form for form in places if form not in origins] or places),
            properties=tuple(asked_nouns(folded) & {token.form for token in tokens}),
            owners=tuple(token.form for token, after in zip_longest(tokens, tokens[1:]) if _owns(token, after)),
            existence=bool(_EXISTENCE.search(folded)),
            coded=any(_is_series(token, after) for token, after in zip_longest(tokens, tokens[1:])),
        )


def _is_series(token: Token, after: Token | None) -> bool:
    """Whether a word is the letters of a model: «рэм 100»."""
    return after is not None and after.is_number and not token.is_number and len(token.form) <= _SERIES


def _owns(token: Token, after: Token | None) -> bool:
    """Whether a word may name what the fact is of; the letters of a model are left to `figures`."""
    is_noun = token.part == "NOUN" or not (token.known or token.is_number)
    return (
        is_noun
        and not _is_series(token, after)
        and token.form not in LETTERS_SAID
        and _FIRM.isdisjoint(token.terms)
        and _UNITS.isdisjoint(token.terms)
    )


class Texts:
    """The sentences at hand and what stands over each, to be asked whether they name a thing."""

    def __init__(self, index: LexicalIndex, above: Sequence[Sequence[int]]) -> None:
        """`index` holds the sentences first, then their leads; `above[i]` are the rows of the leads of sentence i."""
        self._index, self._above = index, above
        self._held: dict[str, NDArray[np.float32]] = {}

    def names(self, form: str, row: int, *, leads: bool = True) -> bool:
        """Whether sentence `row`, or with `leads` what stands over it, names the thing."""
        rows = [row, *self._above[row]] if leads else [row]
        return bool(self.held(form)[rows].max() >= _HELD)

    def knows(self, form: str) -> bool:
        """Whether any text names it."""
        return bool(self.held(form).max(initial=0.0) >= _HELD)

    def weight(self, form: str) -> float:
        """How rare the thing is among the texts."""
        return sum(concept.weight for concept in self._index.understand(form))

    def held(self, form: str) -> NDArray[np.float32]:
        """How far each text names the thing (0-1), shape (texts,)."""
        if form not in self._held:
            self._held[form] = self._index.score(self._index.understand(form)).coverage
        return self._held[form]


def is_grounded(
    grounds: Grounds,
    texts: Texts,
    chosen: Sequence[int],
    facts: Sequence[int],
    *,
    unknown: Collection[str],
    in_section: Sequence[int],
) -> bool:
    """Whether the `chosen` sentences answer.

    `facts` are those that hold the kinds of fact asked for, if any were; `unknown` the words that no base has;
    `in_section` the sentences that may name the owner of the fact in their stead.
    """
    telling = facts or chosen
    elsewhere = any(not any(texts.names(place, row) for row in telling) for place in grounds.places)
    if elsewhere or any(not any(texts.names(word, row) for row in chosen) for word in grounds.properties):
        return False
    owners = [word for word in grounds.owners if word not in grounds.places]
    absent = [word for word in owners if word in unknown]
    if not owners or (not absent and (grounds.places or (facts and grounds.coded))):
        return True
    if grounds.existence and not facts:
        return 2 * sum(any(texts.names(word, row) for row in chosen) for word in owners) > len(owners)
    if not facts:
        return not absent or len(absent) < len(owners) - len(absent)
    rows = telling if absent else [*telling, *in_section]
    named = [word for word in owners if any(texts.names(word, row) for row in rows)]
    known = sum(texts.weight(word) for word in owners if texts.knows(word))
    return bool(named) and sum(map(texts.weight, named)) >= _NAMED * known
