"""Evidence from meaning (vectors) and from words, fused into one calibrated score."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from voxbot.knowledge.embedder import Vectors
    from voxbot.knowledge.space import SearchSpace

ChunkScores: TypeAlias = NDArray[np.float64]
"""Shape (chunks,)."""

_BIAS = -6.0
_DENSE = 1.0
_COVERAGE = 4.0
_BM25 = 3.0
_MIN_DEVIATION = 0.01


def features(space: SearchSpace, question: str, vector: Vectors) -> NDArray[np.float64]:
    """Return the evidence per passage, shape (passages, 3): dense, coverage, BM25."""
    cosine = (space.records.vectors @ vector).astype(np.float64)
    dense = (cosine - cosine.mean()) / max(float(cosine.std()), _MIN_DEVIATION)
    concepts = space.lexical.understand(question)
    lexical = space.lexical.score(concepts)
    return np.stack([dense, lexical.coverage, lexical.bm25], axis=1)


def chunk_logits(space: SearchSpace, evidence: NDArray[np.float64]) -> ChunkScores:
    """Fuse the evidence and give each chunk the log-odds of its best passage."""
    passages = evidence @ np.array([_DENSE, _COVERAGE, _BM25]) + _BIAS
    return np.maximum.reduceat(passages, space.first_rows)


def probability(logit: float) -> float:
    """Log-odds to 0-1."""
    return float(1 / (1 + np.exp(-logit)))
