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

from voxbot.agent import phrases
from voxbot.agent.choosing import Candidate, Rating, choose, compared, missing_of
from voxbot.agent.cues import asked, asks_price, by_section, fold, lacks_thing, without_cues
from voxbot.agent.figures import Figures, classifiers, codes_asked, codes_of, series_of
from voxbot.agent.grounds import Grounds, Texts, is_grounded
from voxbot.agent.sentences import sentences_of
from voxbot.agent.superlatives import limited_to, superlatives
from voxbot.knowledge.lexical import LexicalIndex
from voxbot.knowledge.vocabulary import UNITS
from voxbot.knowledge.words import tokenize
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from voxbot.agent.cues import Cue
    from voxbot.domain.ids import ChunkId
    from voxbot.knowledge.search import Hit, SearchResult

MAX_ANSWER_CHARS = 300
_HITS = 3
_LEAD_SHARE = 0.6
"""What a word of the question counts for when only the heading over the sentence has it."""
_CUE_BONUS = 0.35
_OTHER_NUMBER = 0.75
"""What a sentence keeps of its score for each number of the question that it and its heading lack."""
_SAID_BONUS = 0.02
"""For the very word of the fact asked for; only «4200 кг» and «масса 4200 кг» of one worth are told apart by it."""
_GROUP_BONUS = 0.05
"""For the question's words in all headings over a sentence: of equal ones it takes that under the right thing. A
sentence without any word of the question has them in full, for it cannot tell by itself what it is about."""
_RANGE = 0.5
"""What a sentence with a range around the amount keeps of its score beside one with the amount itself."""
_OPENING = 2
_GAP = 0.3
"""Share of the question's weight that, when no sentence has it, leaves the answer incomplete."""
_PROPERTIES = word_set("""
    цена стоимость прайс расценка деньги деньга рубль масса вес габарит размер высота ширина глубина длина скорость
    мощность питание точность погрешность время срок день
""")
"""What is asked of a thing, not the thing itself."""
_MIN_SCORE = 0.3
_RIVAL_SCORE = 0.5
"""Sentences of a lower hit are looked at only when its score is at least this share of the best one's."""
_UNIT_SYMBOLS = frozenset(UNITS.values())
_ANAPHORA = re.compile(r"^(?:Он|Она|Оно|Они|Это|Эта|Этот|Эти|Такой|Такая|Такие|Его|Её|Их|Там|Также|Поэтому|При этом)\b")


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found: sentences joined by `|`, and the passages they are from.

    `complete` is false when a kind of fact that was asked for (a price, a term, an address) is not in them.
    """

    text: str
    sources: tuple[ChunkId, ...]
    complete: bool


def extract(question: str, result: SearchResult, threshold: float) -> Extract | None:
    """Pick the sentences that answer `question`; None when the bases do not hold the answer.

    `threshold` is the score from which a hit counts as found. A question for the price or size of nothing in
    particular is answered by asking what it is about.
    """
    if result.hits and lacks_thing(fold(question)):
        return Extract(phrases.WHICH[0], (), complete=True)
    if not result.hits or result.hits[0].score < threshold:
        return None
    hits = [hit for hit in result.hits[:_HITS] if hit.score >= _RIVAL_SCORE * result.hits[0].score]
    candidates = [Candidate(hit, sentence, fold(sentence.text)) for hit in hits for sentence in sentences_of(hit.whole)]
    codes = codes_asked(question, series_of(candidate.sentence.text for candidate in candidates))
    rows = compared(fold(question), codes, candidates)
    if rows is not None:
        text, sources = _compose(rows, candidates)
        return Extract(text, sources, complete=True) if rows else None
    return _answer(question, hits, candidates, result.unknown) if candidates else None


def _answer(
    question: str, hits: Sequence[Hit], candidates: Sequence[Candidate], unknown: Collection[str]
) -> Extract | None:
    cues = asked(fold(question))
    rating = _rate(question, cues, hits, candidates)
    if rating.scores.max() < _MIN_SCORE:
        return None
    chosen = choose(cues, rating, candidates)
    facts = [row for row in chosen if len(missing_of(cues, candidates[row].folded)) < len(cues)]
    hit = candidates[chosen[0]].hit
    section = [row for row, candidate in enumerate(candidates) if candidate.hit is hit] if by_section(cues) else []
    grounded = is_grounded(rating.grounds, rating.texts, chosen, facts, unknown=unknown, in_section=section)
    text, sources = _compose(chosen, candidates)
    missing = missing_of(cues, fold(text))
    if not grounded or (cues and len(missing) == len(cues)):  # other facts about the same thing are no answer
        return None
    return Extract(text, sources, complete=not missing and not rating.lacks(chosen))


def _rate(question: str, cues: Sequence[Cue], hits: Sequence[Hit], candidates: Sequence[Candidate]) -> Rating:
    """Rate every sentence by the question's words in it and over it, by the facts asked for, and by its passage."""
    texts = [candidate.sentence.text for candidate in candidates]
    leads = list(dict.fromkeys(lead for candidate in candidates for lead in candidate.leads))
    index = LexicalIndex.of([*texts, *leads], range(len(texts) + len(leads)))
    concepts = [concept for concept in index.understand(question) if concept.terms]
    beside = index.understand(without_cues(fold(question), cues))
    subject = {concept.terms for concept in beside}
    unheld = max((concept.weight for concept in beside if not concept.terms), default=0.0)
    bound = _GAP * sum(concept.weight for concept in beside)
    weighty = [row for row, concept in enumerate(concepts) if concept.terms in subject and concept.weight > bound]
    row_of = {lead: len(texts) + row for row, lead in enumerate(leads)}
    sheet = Texts(index, [[row_of[lead] for lead in candidate.leads] for candidate in candidates])
    grounds = Grounds.of(index.rewrite(question), cues)
    total = sum(concept.weight for concept in concepts)
    if not total:
        return Rating(np.zeros(len(texts)), np.zeros((len(texts), 1)), np.zeros(1), grounds, sheet)
    weights = np.array([concept.weight for concept in concepts]) / total
    held = np.stack([index.score([concept]).coverage for concept in concepts], axis=1).astype(np.float64)
    near, above = (
        np.stack([held[[row_of[lead] for lead in over]].max(axis=0) for over in leads_of])
        for leads_of in zip(*((candidate.near, candidate.leads) for candidate in candidates), strict=True)
    )
    asking = [row for row, concept in enumerate(concepts) if concept.terms not in subject]
    own = held[: len(texts)]
    tells = own.any(axis=1, keepdims=True)
    held = np.maximum(own, _LEAD_SHARE * np.where(tells, near, above))
    said = _SAID_BONUS * held[:, asking].max(axis=1, initial=0.0) + _GROUP_BONUS * (above @ weights)
    for row, candidate in enumerate(candidates):
        if cues and not missing_of(cues, candidate.folded):  # «4200 кг» says all that «весит» asks for
            held[row, asking] = 1.0
    facts = np.array([_facts(cues, candidate.folded) for candidate in candidates])
    likeness = np.array([candidate.hit.score / hits[0].score for candidate in candidates])
    numbers = [row for row, concept in enumerate(concepts) if concept.terms[0][0][0].isdigit()]
    fit = np.where(held[:, numbers] > 0, 1.0, _OTHER_NUMBER).prod(axis=1)
    fit *= _fitting(index.rewrite(question), cues, candidates, index, row_of)
    return Rating(
        (held @ weights + facts + said) * likeness * fit, held, weights, grounds, sheet, weighty, unheld > bound
    )


def _fitting(
    question: str,
    cues: Sequence[Cue],
    candidates: Sequence[Candidate],
    index: LexicalIndex,
    row_of: Mapping[str, int],
) -> NDArray[np.float64]:
    """Per sentence 1.0, or 0.0 where it is about another model, amount, thing or extreme than the question."""
    texts = [*(candidate.sentence.text for candidate in candidates), *row_of]
    figures = Figures(question, texts)
    stands = [figures.stand(candidate.sentence.text, candidate.leads) for candidate in candidates]
    known = not {"holds", "spans"}.isdisjoint(stands)
    bound = bool(figures.codes or figures.amounts)
    extremes = frozenset[int]() if bound else superlatives(fold(question))
    if not (bound or extremes):
        return np.ones(len(candidates))
    series = frozenset(code.series for code in figures.codes)
    nouns = _things(question, classifiers(texts, series) | series)
    named = np.stack([index.score(index.understand(noun)).coverage > 0 for noun in nouns], axis=1) if nouns else None
    words = {token.form for token in tokenize(question)}
    strict = not known or asks_price(cues) or (bool(cues) and named is not None and bool(named.any()))

    def opens_with_thing(candidate: Candidate) -> bool:
        """Whether a sentence with a range is about the thing: «Номиналы датчиков — от 10 до 600 Н»."""
        opening = {term for token in tokenize(candidate.sentence.text)[:_OPENING] for term in token.terms}
        return any(not opening.isdisjoint(tokenize(noun)[0].terms) for noun in nouns)

    def fit(row: int) -> float:
        if not fits(row):
            return 0.0
        return _RANGE if stands[row] == "spans" and "holds" in stands else 1.0

    def fits(row: int) -> bool:
        candidate, stand = candidates[row], stands[row]
        rows = [row, *(row_of[lead] for lead in candidate.leads)]
        if extremes and not (
            extremes <= superlatives(candidate.folded, of_all=not codes_of(candidate.sentence.text))
            and limited_to(candidate.sentence.text) <= words
            and (named is None or bool(named[row].all()))
        ):
            return False
        several = len(figures.codes) > 1 and not cues  # a comparison
        if stand == "differs" or (several and not figures.codes <= codes_of(candidate.sentence.text)):
            return False
        about = named is not None and bool(named[rows].any())
        if figures.amounts:
            return known and (bool(cues) or stand == "holds" or (stand == "spans" and opens_with_thing(candidate)))
        if figures.codes and nouns and strict:
            return about
        return known or not figures.codes

    return np.array([fit(row) for row in range(len(candidates))], np.float64)


def _things(question: str, but: frozenset[str]) -> list[str]:
    """The nouns of the question that are neither properties nor units nor `but`."""
    return [
        token.form
        for token in tokenize(question)
        if token.part == "NOUN"
        and but.isdisjoint((token.form, *token.terms))
        and _PROPERTIES.isdisjoint(token.terms)
        and not set(token.terms) & _UNIT_SYMBOLS
    ]


def _facts(cues: Sequence[Cue], sentence: str) -> float:
    return _CUE_BONUS * (1 - len(missing_of(cues, sentence)) / len(cues)) if cues else 0.0


def _compose(chosen: Sequence[int], candidates: Sequence[Candidate]) -> tuple[str, tuple[ChunkId, ...]]:
    parts: list[str] = []
    sources: dict[ChunkId, None] = {}
    for row in chosen:
        for text in _spoken(row, chosen, candidates):
            if text in parts or (parts and sum(map(len, parts)) + len(text) > MAX_ANSWER_CHARS):
                continue
            parts.append(text)
            sources[candidates[row].hit.chunk_id] = None
    return "|".join(parts), tuple(sources)


def _spoken(row: int, chosen: Sequence[int], candidates: Sequence[Candidate]) -> list[str]:
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
