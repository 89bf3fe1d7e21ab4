"""Which knowledge base a question belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.dialogue import KB_NAMES

if TYPE_CHECKING:
    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.scoring import ChunkScores
    from voxbot.knowledge.space import SearchSpace

_BEST = 3
_WEIGHTS = (0.7, 0.2, 0.1)


def route(space: SearchSpace, logits: ChunkScores) -> KbName:
    """Choose the base whose best passages answer the question better.

    The best passage counts most; the next ones break near ties, because a question at home in a base usually has
    neighbours there. An empty base is never chosen over one with passages.
    """
    return max(KB_NAMES, key=lambda kb: _weight(space, logits, kb))


def _weight(space: SearchSpace, logits: ChunkScores, kb: KbName) -> float:
    own = logits[space.chunks_of[kb]]
    best = np.sort(own if len(own) <= _BEST else np.partition(own, -_BEST)[-_BEST:])[::-1]
    if not len(best):
        return float("-inf")
    weights = np.array(_WEIGHTS[: len(best)])
    return float(weights @ best / weights.sum())
