"""Questions of one meaning, put together as they come: nothing is kept of a question but its share in its group.

The likeness of two questions is `0.6 * cosine + 0.4 * words`. The cosine is taken after subtracting the mean vector of
everyday questions: what all questions have in common is most of an embedding of a short text, and differs from
model to model. `words` is the cosine of their lemmas weighted by rarity in the knowledge bases; words that the bases
lack weigh most, and those are what an unanswered question is about. A group's likeness to a question is the mean of
that to its members (average linkage), so that a group does not grow from neighbour to neighbour.

The shares and thresholds come from 46 spoken questions of 21 meanings that the shipped bases do not answer: 30 of
33 pairs of one meaning are at 0.4 or above, 1 of 1,002 others is; in any order they fell into their 21 groups. Of
32 others of 12 meanings none fell into a wrong group; 3 that share no word with their like stood alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from voxbot.knowledge.words import tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.knowledge.embedder import Vectors

EVERYDAY_QUESTIONS = (
    "сколько это стоит",
    "где вы находитесь",
    "какая гарантия",
    "до скольки вы работаете",
    "есть ли доставка в мой город",
    "как с вами связаться",
    "можно ли оплатить картой",
    "какой срок изготовления",
    "что это такое",
    "как это работает",
    "у вас есть скидки",
    "какие нужны документы",
    "сколько он весит",
    "кто этим занимается",
    "почему он не включается",
    "когда можно приехать",
)
"""Their mean vector stands for what all questions have in common."""

ALIKE_FROM = 0.4
MERGE_FROM = 0.35
"""Lower, for the mean over two groups says more than one pair."""
_DENSE_SHARE = 0.6
_ASIDE_PARTS = frozenset(
    {"VERB", "INFN", "PRED", "ADVB", "ADJS", "PRTS", "GRND", "COMP", "PREP", "CONJ", "PRCL", "NPRO"}
)
_ASIDE_WEIGHT = 0.4
"""«можно», «возможна», «есть»: rare in knowledge bases, but not what a question is about."""
_WORD_COLUMNS = 1024
"""Lemmas share these columns by hash: two words of one column are rare enough to do no harm."""


class Likeness:
    """Questions as points whose dot product is their likeness.

    `everyday` are the vectors of EVERYDAY_QUESTIONS, shape (n, dimension); `rarity` weighs a word given as its terms.
    """

    def __init__(self, everyday: Vectors, rarity: Callable[[Sequence[str]], float]) -> None:
        self._common = everyday.mean(axis=0)
        self._rarity = rarity

    def point(self, question: str, vector: Vectors) -> Vectors | None:
        """Return the question's point, None if it has no word that means anything."""
        words = np.zeros(_WORD_COLUMNS, np.float32)
        for token in tokenize(question):
            weight = self._rarity(token.terms) * (_ASIDE_WEIGHT if token.part in _ASIDE_PARTS else 1.0)
            words[crc32(token.terms[0].encode()) % _WORD_COLUMNS] += weight
        if not words.any():
            return None
        dense = _unit(vector - self._common) * np.sqrt(_DENSE_SHARE)
        return np.concatenate([dense, _unit(words) * np.sqrt(1 - _DENSE_SHARE)]).astype(np.float32)


class Groups:
    """Groups of points, numbered as they arise. A point costs nothing, a group one row of 4 bytes a column."""

    def __init__(self) -> None:
        self._sums = np.zeros((0, 0), np.float32)
        self._sizes = np.zeros(0, np.float32)
        self._count = 0

    def add(self, point: Vectors) -> int:
        """Put a point into the group that it is like, or into a new one; return the group's number."""
        return self._put(point, 1.0, ALIKE_FROM)

    def merged(self) -> list[int]:
        """Put together groups that came apart by the order of their points; return each group's new number."""
        whole = Groups()
        numbers = [0] * self._count
        for number in np.argsort(-self._sizes[: self._count], kind="stable").tolist():
            numbers[number] = whole._put(self._sums[number], float(self._sizes[number]), MERGE_FROM)
        return numbers

    def _put(self, total: Vectors, size: float, alike_from: float) -> int:
        """Add so many points with the sum `total`."""
        if self._count:
            likeness = self._sums[: self._count] @ total / (self._sizes[: self._count] * size)
            best = int(likeness.argmax())
            if likeness[best] >= alike_from:
                self._sums[best] += total
                self._sizes[best] += size
                return best
        if self._count == len(self._sizes):
            self._grow(len(total))
        self._sums[self._count], self._sizes[self._count] = total, size
        self._count += 1
        return self._count - 1

    def _grow(self, columns: int) -> None:
        rows = max(64, 2 * self._count)
        sums, sizes = np.zeros((rows, columns), np.float32), np.ones(rows, np.float32)
        sums[: self._count], sizes[: self._count] = self._sums[: self._count].reshape(-1, columns), self._sizes
        self._sums, self._sizes = sums, sizes


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
