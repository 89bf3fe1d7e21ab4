"""How much of a chunk's title a question names.

A short question («а гарантия какая») names the whole title «Гарантия» but only a part of «Что не покрывает гарантия»:
the section on the subject itself should win over one on an aspect of it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxbot.knowledge.arrays import Rows
from voxbot.knowledge.words import pair_terms, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voxbot.knowledge.arrays import Arrays
    from voxbot.knowledge.lexical import Concept

Weights: TypeAlias = NDArray[np.float64]
"""Shape (words of all titles,)."""


class TitleIndex:
    """The titles of all chunks; immutable once made."""

    def __init__(self, count: int, rows: Rows, codes: Rows, owners: NDArray[np.intp], weights: Weights) -> None:
        """Take the words of `count` titles: `owners[i]` is the title of word i, `weights[i]` its weight.

        `rows` holds the words that have a term, `codes` the titles that have a word and number together in them or
        in a title above: «Масса» under «Пресс ПГМ-500» is about that press.
        """
        self._count, self._rows, self._codes, self._owners, self._weights = count, rows, codes, owners, weights
        totals = np.bincount(owners, weights, minlength=count)
        self._totals = np.where(totals > 0, totals, 1.0)

    @classmethod
    def of(
        cls, titles: Sequence[str], paths: Sequence[Sequence[str]], rarity: Callable[[tuple[str, ...]], float]
    ) -> TitleIndex:
        """Index `titles`; `paths[i]` are all titles above chunk i, `rarity` weighs a word given as its terms."""
        weigh = cache(rarity)  # titles repeat their words
        rows: defaultdict[str, list[int]] = defaultdict(list)
        owners: list[int] = []
        weights: list[float] = []
        codes: defaultdict[str, list[int]] = defaultdict(list)
        for owner, (title, path) in enumerate(zip(titles, paths, strict=True)):
            named = (terms for text in path or (title,) for terms in pair_terms(tokenize(text)))
            for term in dict.fromkeys(term for terms in named for term in terms):
                codes[term].append(owner)
            for token in tokenize(title):
                for term in token.terms:
                    rows[term].append(len(owners))
                owners.append(owner)
                weights.append(weigh(token.terms))
        places = np.array(owners, np.intp)
        return cls(len(titles), Rows.of(rows), Rows.of(codes), places, np.array(weights, np.float64))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> TitleIndex:
        """Take what `arrays(name)` gave. Raises KeyError."""
        return cls(
            int(arrays[f"{name}.count"]),
            Rows.from_arrays(arrays, f"{name}.rows"),
            Rows.from_arrays(arrays, f"{name}.codes"),
            arrays[f"{name}.owners"],
            arrays[f"{name}.weights"],
        )

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return {
            f"{name}.count": np.array(self._count),
            f"{name}.owners": self._owners,
            f"{name}.weights": self._weights,
            **self._rows.arrays(f"{name}.rows"),
            **self._codes.arrays(f"{name}.codes"),
        }

    def shares(self, concepts: Sequence[Concept]) -> NDArray[np.float64]:
        """Return the share (0-1) of each title's weight that the question names, shape (chunks,)."""
        named = np.zeros(len(self._owners))
        for concept in concepts:
            for term, weight in concept.terms:
                rows = self._rows.get(term)
                named[rows] = np.maximum(named[rows], weight)
        return np.bincount(self._owners, named * self._weights, minlength=self._count) / self._totals

    def coded(self, concepts: Sequence[Concept]) -> NDArray[np.float64]:
        """Return 1.0 for each title that has, in it or above, a model of the question («рэм-100»), else 0.0."""
        found = np.zeros(self._count)
        for concept in concepts:
            for term, _weight in concept.terms:
                found[self._codes.get(term)] = 1.0
        return found
