"""Answers without a language model: the one to three sentences of the knowledge base that answer the question.

Each sentence is scored by what it holds of the question's words, numbers, units and models (weights as in the
lexical index of `knowledge`, made over these few sentences), by its heading, and by whether it holds the kind of fact
that was asked for (a price, hours, a term, an address).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.agent.cues import asked, fold, without_cues
from voxbot.agent.sentences import Sentence, plain, sentences_of
from voxbot.knowledge.lexical import LexicalIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxbot.agent.cues import Cue
    from voxbot.domain.ids import ChunkId
    from voxbot.knowledge.search import Hit, SearchResult

MAX_ANSWER_CHARS = 300
_MAX_SENTENCES = 3
_HITS = 3
_LEAD_SHARE = 0.6
"""What a word of the question counts for when only the heading over the sentence has it."""
_CUE_BONUS = 0.35
_OPEN_SHARE = 0.55
_FACT_SHARE = 0.35
"""Share of the best sentence's score from which another is added to it; less is asked of one with a missing fact."""
_GAIN = 0.3
_OPEN_GAIN = 0.1
"""How much more of the question's weight an added sentence must hold; less while the question is not settled."""
_OTHER_NUMBER = 0.75
"""What a sentence keeps of its score for each number of the question that it and its heading lack."""
_MIN_SCORE = 0.3
_RIVAL_SCORE = 0.5
"""Sentences of a lower hit are looked at only when its score is at least this share of the best one's."""
_ANAPHORA = re.compile(r"^(?:Он|Она|Оно|Они|Это|Эта|Этот|Эти|Такой|Такая|Такие|Его|Её|Их|Там|Также|Поэтому|При этом)\b")


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found: sentences joined by `|`, and the passages they are from.

    `complete` is false when a kind of fact that was asked for (a price, a term, an address) is not in them.
    """

    text: str
    sources: tuple[ChunkId, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    sentence: Sentence
    folded: str

    @property
    def leads(self) -> tuple[str, str]:
        """What stands over the sentence."""
        return self.sentence.lead, plain(self.hit.title)


@dataclass(frozen=True, slots=True)
class _Rating:
    """`scores` (sentences,), `held` (sentences, concepts) 0-1, `weights` (concepts,) adding up to 1."""

    scores: NDArray[np.float64]
    held: NDArray[np.float64]
    weights: NDArray[np.float64]


def extract(question: str, result: SearchResult, threshold: float) -> Extract | None:
    """Pick the sentences that answer `question`; None when the bases do not hold the answer.

    `threshold` is the score from which a hit counts as found.
    """
    if not result.hits or result.hits[0].score < threshold:
        return None
    hits = [hit for hit in result.hits[:_HITS] if hit.score >= _RIVAL_SCORE * result.hits[0].score]
    candidates = [_Candidate(hit, sentence, fold(sentence.text)) for hit in hits for sentence in sentences_of(hit.text)]
    if not candidates:
        return None
    cues = asked(fold(question))
    rating = _rate(question, cues, hits, candidates)
    if rating.scores.max() < _MIN_SCORE:
        return None
    chosen = _choose(cues, rating, candidates)
    text, sources = _compose(chosen, candidates)
    missing = _missing(cues, fold(text))
    if cues and len(missing) == len(cues):  # other facts about the same thing are no answer
        return None
    return Extract(text, sources, complete=not missing)


def _missing(cues: Sequence[Cue], text: str) -> list[Cue]:
    return [cue for cue in cues if not cue.answered.search(text)]


def _rate(question: str, cues: Sequence[Cue], hits: Sequence[Hit], candidates: Sequence[_Candidate]) -> _Rating:
    """Rate every sentence by the question's words in it and over it, by the facts asked for, and by its passage."""
    texts = [candidate.sentence.text for candidate in candidates]
    leads = list(dict.fromkeys(lead for candidate in candidates for lead in candidate.leads))
    index = LexicalIndex([*texts, *leads], range(len(texts) + len(leads)))
    concepts = [concept for concept in index.understand(question) if concept.terms]
    subject = {concept.terms for concept in index.understand(without_cues(fold(question), cues))}
    total = sum(concept.weight for concept in concepts)
    if not total:
        return _Rating(np.zeros(len(texts)), np.zeros((len(texts), 1)), np.zeros(1))
    weights = np.array([concept.weight for concept in concepts]) / total
    held = np.stack([index.score([concept]).coverage for concept in concepts], axis=1).astype(np.float64)
    row_of = {lead: len(texts) + row for row, lead in enumerate(leads)}
    above = np.stack([held[[row_of[lead] for lead in candidate.leads]].max(axis=0) for candidate in candidates])
    held = np.maximum(held[: len(texts)], _LEAD_SHARE * above)
    asking = [row for row, concept in enumerate(concepts) if concept.terms not in subject]
    for row, candidate in enumerate(candidates):
        if cues and not _missing(cues, candidate.folded):  # «4200 кг» says all that «весит» asks for
            held[row, asking] = 1.0
    facts = np.array([_facts(cues, candidate.folded) for candidate in candidates])
    likeness = np.array([candidate.hit.score / hits[0].score for candidate in candidates])
    numbers = [row for row, concept in enumerate(concepts) if concept.terms[0][0][0].isdigit()]
    fit = np.where(held[:, numbers] > 0, 1.0, _OTHER_NUMBER).prod(axis=1)
    return _Rating((held @ weights + facts) * likeness * fit, held, weights)


def _facts(cues: Sequence[Cue], sentence: str) -> float:
    return _CUE_BONUS * (1 - len(_missing(cues, sentence)) / len(cues)) if cues else 0.0


def _choose(cues: Sequence[Cue], rating: _Rating, candidates: Sequence[_Candidate]) -> list[int]:
    """The best sentence, then those that hold what it lacks, in the order of their passage.

    While a kind of fact that was asked for is missing, a sentence that holds it comes first; without such kinds,
    sentences of the same passage or with more of the question's words are added.
    """
    order = [int(index) for index in np.argsort(-rating.scores, kind="stable")]
    best = order[0]
    share = rating.scores / rating.scores[best]
    chosen = [best]
    missing = _missing(cues, candidates[best].folded)
    while missing and len(chosen) < _MAX_SENTENCES:
        left = [_missing(missing, candidate.folded) for candidate in candidates]
        helpful = next((row for row in order if len(left[row]) < len(missing) and share[row] >= _FACT_SHARE), None)
        if helpful is None:
            break
        chosen.append(helpful)
        missing = left[helpful]
    settled = bool(cues) and not missing
    for row in order[1:]:
        if len(chosen) >= _MAX_SENTENCES or share[row] < _OPEN_SHARE:
            break
        gain = float(np.maximum(rating.held[row] - rating.held[chosen].max(axis=0), 0) @ rating.weights)
        wanted = gain > _GAIN if settled else gain > _OPEN_GAIN or candidates[row].hit is candidates[best].hit
        if row not in chosen and wanted:
            chosen.append(row)
    return sorted(chosen, key=lambda row: (row != best, candidates[row].hit is not candidates[best].hit, row))


def _compose(chosen: Sequence[int], candidates: Sequence[_Candidate]) -> tuple[str, tuple[ChunkId, ...]]:
    parts: list[str] = []
    sources: dict[ChunkId, None] = {}
    for row in chosen:
        for text in _spoken(row, chosen, candidates):
            if text in parts or (parts and sum(map(len, parts)) + len(text) > MAX_ANSWER_CHARS):
                continue
            parts.append(text)
            sources[candidates[row].hit.chunk_id] = None
    return "|".join(parts), tuple(sources)


def _spoken(row: int, chosen: Sequence[int], candidates: Sequence[_Candidate]) -> list[str]:
    """The sentence as it can be said by itself: with its lead, its list, or what its pronoun stands for."""
    hit, sentence = candidates[row].hit, candidates[row].sentence
    if sentence.fragment and sentence.lead:
        group = [other.sentence for other in candidates if other.hit is hit and other.sentence.group == sentence.group]
        items = [other.text.rstrip(".") for other in group if other.fragment]
        whole = f"{sentence.lead}: {', '.join(items)}."
        if len(items) > 1 and len(whole) <= MAX_ANSWER_CHARS and not any(map(str.isdigit, "".join(items))):
            return [whole]
        return [f"{sentence.lead}: {sentence.text}"]
    if _ANAPHORA.match(sentence.text) and row and row - 1 not in chosen and candidates[row - 1].hit is hit:
        return [candidates[row - 1].sentence.text, sentence.text]
    return [sentence.text]
