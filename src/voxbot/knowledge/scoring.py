"""Evidence from meaning (vectors) and from words, fused into one calibrated score.

A passage's log-odds are a weighted sum of eleven pieces of evidence, none of which depends on the scale of one
embedder or the size of one base:

    dense      how far its cosine stands out from those of all passages, in standard deviations
    coverage   the share of the question's weight that it holds (0-1)
    bm25       BM25 as a share of the best possible (0-1)
    matched    the weight of what it holds, at most 12: a question of one common word proves little
    missing    the share of the question's weight that neither base knows (0-1): the caller asks for something else
    nouns      that part of `missing` which stands in nouns (0-1): what a question is about is seldom said otherwise
    unasked    1 where it lacks the very thing that the question wants to be told («какого цвета»)
    elsewhere  1 where it does not name a town or country of the question
    alien      1 when the question names a model of a series of the bases that they do not have («РЭМ-400»)
    title      the share of its chunk's title that the question names (0-1)
    code       whether the title holds a model or amount of the question, letters and number together (0 or 1)

The first five weights come from a logistic regression on 121 answerable and 65 unanswerable questions written for
this purpose; those of the title and the code were found by trial. Those of what is not told were chosen on the sets of
`bench/data` for two firms so that the weights that suit one refuse as well on the others, and the bias puts 0.5 where
one answerable question in twenty is refused. `bench/retrieval.py` checks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.knowledge.embedder import Vectors
    from voxbot.knowledge.lexical import Concept
    from voxbot.knowledge.space import SearchSpace

ChunkScores: TypeAlias = NDArray[np.float64]
"""Shape (chunks,)."""

_MIN_DEVIATION = 0.01
_UNSEEN_DENSE = 2.4
"""Stands for `dense` where there is no vector: between what answers (median 3.5) and what does not (2.1). On the sets
of `bench/data` words alone then refuse as many questions as both together do, and find the right section of 86 %
instead of 88 % for the one firm, of 89 % instead of 93 % for the other."""
_MAX_MATCHED = 12.0


@dataclass(frozen=True, slots=True)
class _Weights:
    dense: float = 0.84
    coverage: float = 2.6
    bm25: float = 3.2
    matched: float = 0.2
    missing: float = -1.7
    title: float = 0.7
    code: float = 0.7
    elsewhere: float = -1.5
    unasked: float = -2.0
    nouns: float = -4.0
    alien: float = -4.0
    bias: float = -4.5


_WEIGHTS = _Weights()


def chunk_logits(space: SearchSpace, concepts: Sequence[Concept], vector: Vectors | None) -> ChunkScores:
    """Return each chunk's log-odds of answering the question: those of its best passage.

    The question comes as what it asks for (LexicalIndex.understand) and as its vector, None to go by words alone.
    """
    dense = _UNSEEN_DENSE if vector is None else _dense(space, vector)
    words = space.lexical.score(concepts)
    matched = np.minimum(words.coverage * words.weight, _MAX_MATCHED)
    passages = (
        _WEIGHTS.dense * dense
        + _WEIGHTS.coverage * words.coverage
        + _WEIGHTS.bm25 * words.bm25
        + _WEIGHTS.matched * matched
        + _WEIGHTS.missing * words.missing
        + _WEIGHTS.elsewhere * words.elsewhere
        + _WEIGHTS.unasked * words.unasked
        + _WEIGHTS.nouns * words.nouns
        + _WEIGHTS.alien * words.alien
        + _WEIGHTS.bias
    )
    titles = _WEIGHTS.title * space.titles.shares(concepts) + _WEIGHTS.code * space.titles.coded(concepts)
    return np.maximum.reduceat(passages, space.first_rows) + titles


def _dense(space: SearchSpace, vector: Vectors) -> ChunkScores:
    """Shape (passages,)."""
    cosine = (space.records.vectors @ vector).astype(np.float64)
    return (cosine - cosine.mean()) / max(float(cosine.std()), _MIN_DEVIATION)


def probability(logit: float) -> float:
    """Log-odds to 0-1."""
    return float(1 / (1 + np.exp(-logit)))
