"""How much of a chunk's title a question names.

A short question («а гарантия какая») names the whole title «Гарантия» but only a part of «Что не покрывает гарантия»:
the section on the subject itself should win over one on an aspect of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from voxbot.knowledge.words import pair_terms, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from voxbot.knowledge.lexical import Concept


class TitleIndex:
    """The titles of all chunks; immutable once made."""

    def __init__(self, titles: Sequence[str], rarity: Callable[[Sequence[str]], float]) -> None:
        """Index `titles`; `rarity` weighs a word given as its terms."""
        self._count = len(titles)
        rows: defaultdict[str, list[int]] = defaultdict(list)
        owners: list[int] = []
        weights: list[float] = []
        codes: defaultdict[str, list[int]] = defaultdict(list)
        for owner, title in enumerate(titles):
            tokens = tokenize(title)
            for terms in pair_terms(tokens):
                for term in terms:
                    codes[term].append(owner)
            for token in tokens:
                for term in token.terms:
                    rows[term].append(len(owners))
                owners.append(owner)
                weights.append(rarity(token.terms))
        self._codes = dict(codes)
        self._rows = {term: np.array(places, np.int32) for term, places in rows.items()}
        self._owners = np.array(owners, np.intp)
        self._weights = np.array(weights, np.float64)
        totals = np.bincount(self._owners, self._weights, minlength=self._count)
        self._totals = np.where(totals > 0, totals, 1.0)

    def shares(self, concepts: Sequence[Concept]) -> NDArray[np.float64]:
        """Return the share (0-1) of each title's weight that the question names, shape (chunks,)."""
        named = np.zeros(len(self._owners))
        for concept in concepts:
            for term, weight in concept.terms:
                rows = self._rows.get(term)
                if rows is not None:
                    named[rows] = np.maximum(named[rows], weight)
        return np.bincount(self._owners, named * self._weights, minlength=self._count) / self._totals

    def coded(self, concepts: Sequence[Concept]) -> NDArray[np.float64]:
        """Return 1.0 for each title that holds a word and number the question has together («рэм-100»), else 0.0."""
        found = np.zeros(self._count)
        for concept in concepts:
            for term, _weight in concept.terms:
                found[self._codes.get(term, [])] = 1.0
        return found
