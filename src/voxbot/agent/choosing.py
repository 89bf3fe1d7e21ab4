"""Which sentences make the answer: the best one, those that hold what it lacks, a price list, a comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.agent.cues import asks_price
from voxbot.agent.figures import codes_of
from voxbot.agent.sentences import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from voxbot.agent.cues import Cue
    from voxbot.agent.figures import Code
    from voxbot.agent.grounds import Grounds, Texts
    from voxbot.agent.sentences import Sentence
    from voxbot.knowledge.search import Hit

_MAX_SENTENCES = 3
_OPEN_SHARE = 0.55
_FACT_SHARE = 0.35
"""Share of the best sentence's score from which another is added to it; less is asked of one with a missing fact."""
_GAIN = 0.3
_OPEN_GAIN = 0.1
"""How much more of the question's weight an added sentence must hold; less while the question is not settled."""
_NEAR_SHARE = 0.7
"""A missing fact is taken from the best sentence's own passage when it is there nearly as good as elsewhere."""
_LIST_SHARE = 0.95
"""Prices of one list are told together when each is about as good an answer as the best."""
_COMPARED = re.compile(r"отлич|разниц|сравн|чем лучше")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit that may answer; `folded` is its form for cues."""

    hit: Hit
    sentence: Sentence
    folded: str

    @property
    def leads(self) -> tuple[str, ...]:
        """What stands over the sentence: its own lead, and all headings above."""
        above = self.sentence.above or (plain(self.hit.title),)
        return tuple(dict.fromkeys((self.sentence.lead, *reversed(above))))

    @property
    def near(self) -> tuple[str, ...]:
        """Those of the leads that surely speak of it: its own, its section's, and titles with a model."""
        own = {self.sentence.lead, *(self.sentence.above or (plain(self.hit.title),))[-1:]}
        return tuple(lead for lead in self.leads if lead in own or codes_of(lead))


@dataclass(frozen=True, slots=True)
class Rating:
    """`scores` (sentences,), `held` (sentences, concepts) 0-1, `weights` (concepts,) adding up to 1.

    `weighty` are the concepts that an answer should not lack; `gap`: there is such a word in no sentence at all.
    """

    scores: NDArray[np.float64]
    held: NDArray[np.float64]
    weights: NDArray[np.float64]
    grounds: Grounds
    texts: Texts
    weighty: Sequence[int] = ()
    gap: bool = False

    def lacks(self, chosen: Sequence[int]) -> bool:
        """Whether the chosen sentences leave out what the question is chiefly about."""
        held = self.held[list(chosen)].max(axis=0)
        return self.gap or any(not held[concept] for concept in self.weighty)


def missing_of(cues: Sequence[Cue], text: str) -> list[Cue]:
    """The kinds of fact that a (folded) text does not hold."""
    return [cue for cue in cues if not cue.answered.search(text)]


def choose(cues: Sequence[Cue], rating: Rating, candidates: Sequence[Candidate]) -> list[int]:
    """The best sentence, then those that hold what it lacks, in the order of their passage.

    While a kind of fact that was asked for is missing, a sentence that holds it comes first; without such kinds,
    sentences of the same passage or with more of the question's words are added.
    """
    order = [int(index) for index in np.argsort(-rating.scores, kind="stable")]
    best = order[0]
    if rows := _listed(cues, rating, candidates, best):
        return rows
    share = rating.scores / rating.scores[best]
    chosen = [best]
    missing = missing_of(cues, candidates[best].folded)
    while missing and len(chosen) < _MAX_SENTENCES:
        left = [missing_of(missing, candidate.folded) for candidate in candidates]
        helping = [row for row in order if len(left[row]) < len(missing) and share[row] >= _FACT_SHARE]
        near = [
            row
            for row in helping  # of the same thing
            if candidates[row].hit is candidates[best].hit and share[row] >= _NEAR_SHARE * share[helping[0]]
        ]
        helpful = next(iter(near or helping), None)
        if helpful is None:
            break
        chosen.append(helpful)
        missing = left[helpful]
    settled = bool(cues)
    for row in order[1:]:
        if len(chosen) >= _MAX_SENTENCES or share[row] < _OPEN_SHARE:
            break
        gain = float(np.maximum(rating.held[row] - rating.held[chosen].max(axis=0), 0) @ rating.weights)
        wanted = gain > _GAIN if settled else gain > _OPEN_GAIN or candidates[row].hit is candidates[best].hit
        if row not in chosen and wanted:
            chosen.append(row)
    return sorted(chosen, key=lambda row: (row != best, candidates[row].hit is not candidates[best].hit, row))


def _listed(cues: Sequence[Cue], rating: Rating, candidates: Sequence[Candidate], best: int) -> list[int]:
    """The prices of one list that answer a question for no certain one of its things equally well; else nothing."""
    if not asks_price(cues) or len(cues) > 1:
        return []
    score = rating.scores[best]
    rows = [
        row
        for row, candidate in enumerate(candidates)
        if candidate.hit is candidates[best].hit
        and not missing_of(cues, candidate.folded)
        and rating.scores[row] >= _LIST_SHARE * score
        and len(codes_of(candidate.sentence.text)) == 1
    ]
    return rows[:_MAX_SENTENCES] if len(rows) >= _MAX_SENTENCES else []


def compared(question: str, codes: Collection[Code], candidates: Sequence[Candidate]) -> list[int] | None:
    """What each of several models is («РЭМ-50 — напольная…») where a (folded) question compares them.

    None: it compares none; empty: one of them is not told of.
    """
    if len(codes) < 2 or not _COMPARED.search(question):  # noqa: PLR2004
        return None
    rows = [
        next((row for row, candidate in enumerate(candidates) if _defines(candidate.sentence.text, code)), -1)
        for code in sorted(codes, key=lambda code: (code.series, float(code.number)))
    ]
    return [] if -1 in rows else rows


def _defines(sentence: str, code: Code) -> bool:
    opening = re.match(r"[^—]{2,40} — ", sentence)
    return bool(opening) and codes_of(opening[0]) == frozenset((code,))
