"""Search by words: BM25 over lemmas, numbers, units and their pairs, robust to words that were misheard.

Formula: Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009). Beside the BM25
score each passage gets its coverage: what share of the question's weight it holds. Coverage does not depend on the
length of the question, which makes it fit for calibrated scores.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxbot.knowledge.arrays import Rows, Texts, sorted_texts
from voxbot.knowledge.asking import asked_nouns, implied
from voxbot.knowledge.hearing import LETTERS_SAID, Hearing
from voxbot.knowledge.passages import ABOVE
from voxbot.knowledge.slips import same_root
from voxbot.knowledge.vocabulary import MEANING_GROUPS, SYNONYMS
from voxbot.knowledge.words import Token, lemmatize, pair_terms, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voxbot.knowledge.arrays import Arrays

Scores: TypeAlias = NDArray[np.float32]
"""Shape (passages,)."""

_K1 = 1.2
_B = 0.5
_TITLE_COUNT = 2
"""How often a word of the title counts."""
_ABOVE_SHARE = 0.5
"""What a word counts for that a passage has only in the titles above its own, which often name no more than a group:
«оборудование» of «Как заказать оборудование» says little of tenders. A title with a model in it counts in full."""
_SYNONYM_WEIGHT = 0.75
_ROOT_WEIGHT = 0.8
_ADJECTIVE_ROOT_WEIGHT = 0.4
"""«Цветные металлы» say little of a colour, a table nothing of a canteen («столовая»)."""
_OTHER_PARTS = ("ADJF", "ADVB", "PREP")
_OF_ADJECTIVES = ("ая", "ое", "ый", "ой", "ий")
_HELD = 0.5
"""From this weight a word counts as held."""
_ASKED_FACTOR = 1.3
_ASKED_MIN = 2.5
"""Words of the meaning groups name what is asked for (price, address, weight): they weigh more than their rarity,
because a base may use them in every section."""
_ASKED = frozenset(word for line in MEANING_GROUPS for word in line.split())
_PAIR_WEIGHT = 0.6
_MISSING_UNKNOWN = 0.6
"""A word that the dictionary does not know was probably misheard: its absence says less."""
_NAME, _SHORT_NAME = 5, 3
"""Letters that the name of a series has at most: any, and one that is also a word («мк»)."""
_PART_FACTORS = {"VERB": 0.6, "INFN": 0.6, "GRND": 0.6, "ADVB": 0.6, "COMP": 0.6, "PRED": 0.6, "NPRO": 0.3, "PREP": 0.2}
"""What a question is about stands in its nouns and adjectives; the rest is said in many ways."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that the question asks for: any of `terms` (with its weight, 0–1) stands for it.

    `weight` is its share in coverage before normalising, `form` the word as it was understood. `noun`: it names a
    thing; `place`: it names a town or a country; `asked`: what the caller wants to be told («какого цвета»); `alien`:
    a model of a series of the base that the base does not have («РЭМ-400»).
    """

    terms: tuple[tuple[str, float], ...]
    weight: float
    form: str = ""
    noun: bool = False
    place: bool = False
    asked: bool = False
    alien: bool = False


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """Per passage: BM25 as a share of the best possible (0–1), and coverage (0–1).

    `elsewhere` is 1 where a place of the question is not named, `unasked` where the very thing asked for is not.
    `weight` is the whole weight of the question, 0 if it holds nothing but fillers; `missing` the share of it (0–1)
    that no passage has, `nouns` the share that stands in nouns which none has; `alien`: the question names a model
    like the base's that it does not have.
    """

    bm25: Scores
    coverage: Scores
    elsewhere: Scores
    unasked: Scores
    weight: float
    missing: float
    nouns: float
    alien: bool


class LexicalIndex:
    """An inverted index of passages; immutable once made."""

    def __init__(
        self, owners: NDArray[np.int32], postings: Rows, values: Scores, shares: Scores, words: Texts, hearing: Hearing
    ) -> None:
        """Take the passages of each term (`postings`, with BM25's `values` and the words' `shares` in the same order).

        `owners[i]` is the chunk of passage i; `words` are the terms that are neither numbers nor pairs.
        """
        self.size = len(owners)
        self._chunks = int(owners.max(initial=-1)) + 1
        self._owners, self._postings, self._values, self._shares = owners, postings, values, shares
        self._words, self._hearing = words, hearing
        self._groups = _groups(postings.words)

    @classmethod
    def of(cls, passages: Sequence[str], owners: Sequence[int]) -> LexicalIndex:
        """Index `passages`; `owners[i]` numbers the chunk that passage i belongs to."""
        forms: defaultdict[str, set[str]] = defaultdict(set)
        counts = [_count(text, forms) for text in passages]
        lengths = [sum(count.values()) for count, _ in counts]
        mean_length = sum(lengths) / len(lengths) if lengths else 1.0
        rows: defaultdict[str, list[int]] = defaultdict(list)
        values: defaultdict[str, list[float]] = defaultdict(list)
        shares: defaultdict[str, list[float]] = defaultdict(list)
        for index, (count, own) in enumerate(counts):
            norm = _K1 * (1 - _B + _B * lengths[index] / mean_length)
            for term, times in count.items():
                share = 1.0 if term in own else _ABOVE_SHARE
                rows[term].append(index)
                shares[term].append(share)
                values[term].append(share * times * (_K1 + 1) / (times + norm))
        postings = Rows.of(rows)
        size = len(postings.lists.values)
        return cls(
            np.array(owners, np.int32),
            postings,
            np.fromiter((value for term in postings.words for value in values[term]), np.float32, size),
            np.fromiter((share for term in postings.words for share in shares[term]), np.float32, size),
            sorted_texts(term for term in rows if "_" not in term and not term[0].isdigit()),
            Hearing.of(forms),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> LexicalIndex:
        """Take what `arrays(name)` gave. Raises KeyError."""
        return cls(
            arrays[f"{name}.owners"],
            Rows.from_arrays(arrays, f"{name}.postings"),
            arrays[f"{name}.values"],
            arrays[f"{name}.shares"],
            Texts.from_arrays(arrays, f"{name}.words"),
            Hearing.from_arrays(arrays, f"{name}.hearing"),
        )

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return {
            f"{name}.owners": self._owners,
            **self._postings.arrays(f"{name}.postings"),
            f"{name}.values": self._values,
            f"{name}.shares": self._shares,
            **self._words.arrays(f"{name}.words"),
            **self._hearing.arrays(f"{name}.hearing"),
        }

    def understand(self, question: str) -> list[Concept]:
        """Read what the question asks for."""
        tokens = self._hearing.correct(tokenize(question))
        asked = asked_nouns(question)
        concepts = [
            replace(concept, form=token.form, asked=token.form in asked)
            for token in (*tokens, *implied(question, tokens))
            if (concept := self._concept(token))
        ]
        for terms in pair_terms(tokens):
            known = tuple((term, 1.0) for term in terms if term in self._postings.words)
            if known:
                concepts.append(Concept(known, _PAIR_WEIGHT * self._idf(known)))
        if any(self._is_alien(left, right) for left, right in pairwise(tokens)):
            concepts.append(Concept((), 0.0, alien=True))
        return concepts

    def rewrite(self, question: str) -> str:
        """Return the question with its misheard words set right."""
        return self._hearing.rewrite(question)

    def score(self, concepts: Sequence[Concept]) -> LexicalScores:
        """Score every passage."""
        bm25 = np.zeros(self.size, np.float32)
        coverage = np.zeros(self.size, np.float32)
        elsewhere, unasked = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        total = sum(concept.weight for concept in concepts)
        for concept in concepts:
            found = np.zeros(self.size, np.float32)
            held = np.zeros(self.size, np.float32)
            for term, weight in concept.terms:
                span = self._postings.lists.span(self._postings.words.find(term))
                rows, values = self._postings.lists.values[span], self._values[span]
                found[rows] = np.maximum(found[rows], weight * values)
                held[rows] = np.maximum(held[rows], weight * self._shares[span])
            bm25 += concept.weight * found
            coverage += concept.weight * held
            if concept.place:
                elsewhere[held == 0] = 1.0
            if concept.asked:
                unasked[held < _HELD] = 1.0
        alien = any(concept.alien for concept in concepts)
        if not total:
            return LexicalScores(bm25, coverage, elsewhere, unasked, 0.0, 1.0, 0.0, alien)
        missing = sum(concept.weight for concept in concepts if not concept.terms)
        nouns = sum(concept.weight for concept in concepts if not concept.terms and concept.noun)
        return LexicalScores(
            bm25=bm25 / (total * (_K1 + 1)),
            coverage=coverage / total,
            elsewhere=elsewhere,
            unasked=unasked,
            weight=total,
            missing=missing / total,
            nouns=nouns / total,
            alien=alien,
        )

    def rarity(self, terms: Sequence[str]) -> float:
        """Return the weight of a word of the base, given as its terms."""
        return self._idf(tuple((term, 1.0) for term in terms if term in self._postings.words))

    def _concept(self, token: Token) -> Concept | None:
        terms = {term: token.likeness for term in token.terms if term in self._postings.words}
        if not token.is_number:
            for term, weight in self._related(token):
                terms[term] = max(terms.get(term, 0.0), weight * token.likeness)
        if terms:
            found = tuple(terms.items())
            weight = self._idf(found) * _PART_FACTORS.get(token.part, 1.0)
            if not _ASKED.isdisjoint(token.terms):
                weight = max(weight * _ASKED_FACTOR, _ASKED_MIN)
            return Concept(found, weight, noun=token.part == "NOUN", place=token.is_place)
        missing = math.log(1 + self._chunks / 0.5)
        noun = (token.part == "NOUN" or not (token.known or token.is_number)) and token.form not in LETTERS_SAID
        if token.is_number or not token.known:
            return Concept((), missing * _MISSING_UNKNOWN, noun=noun, place=token.is_place)
        return Concept((), missing * _PART_FACTORS.get(token.part, 1.0), noun=noun, place=token.is_place)

    def _is_alien(self, left: Token, right: Token) -> bool:
        """Whether the two name a model of a series of the base that the base does not have («рэм 400»)."""
        is_series = (
            not left.is_number and len(left.form) > 1 and len(left.form) <= (_SHORT_NAME if left.known else _NAME)
        )
        if not is_series or not right.is_number:
            return False
        start = f"{left.terms[0]}_"
        words = self._postings.words
        place = words.begin(start)
        numbered = [word for word in words[place : place + 2] if word.startswith(start) and word[len(start)].isdigit()]
        return len(numbered) > 1 and not any(f"{start}{number}" in words for number in right.terms)

    def _related(self, token: Token) -> Iterator[tuple[str, float]]:
        for term in token.terms:
            for group in self._groups.get(term, ()):
                yield from ((word, _SYNONYM_WEIGHT) for word in group)
            start = term[:4]
            for position in range(self._words.begin(start), len(self._words)):
                word = self._words[position]
                if not word.startswith(start):
                    break
                if same_root(term, word):
                    short = token.part == "NOUN" and len(min(term, word, key=len)) == len(start)
                    derived = short and (lemmatize(word).part in _OTHER_PARTS or term.endswith(_OF_ADJECTIVES))
                    yield word, _ADJECTIVE_ROOT_WEIGHT if derived else _ROOT_WEIGHT

    def _idf(self, terms: Sequence[tuple[str, float]]) -> float:
        held = np.zeros(self._chunks, np.bool_)
        for term, _ in terms:
            span = self._postings.lists.span(self._postings.words.find(term))
            own = self._shares[span] == 1
            rows = self._postings.lists.values[span]
            held[self._owners[rows[own] if own.any() else rows]] = True
        holders = int(np.count_nonzero(held))
        return math.log(1 + (self._chunks - holders + 0.5) / (holders + 0.5))


def _count(text: str, forms: defaultdict[str, set[str]]) -> tuple[Counter[str], set[str]]:
    """Count the terms of a passage, and note in `forms` which terms each of its word forms has.

    Also return the terms that it has in more than the titles above its own.
    """
    title, _, rest = text.partition("\n")
    above = ""
    if rest.startswith(ABOVE):
        above, _, rest = rest.removeprefix(ABOVE).partition("\n")
    count: Counter[str] = Counter()
    own: set[str] = set()
    parts = [(title, _TITLE_COUNT if rest else 1, True), (rest, 1, True)]
    for part, times, is_own in (*parts, *((group, 1, False) for group in above.split(". "))):
        tokens = tokenize(part)
        pairs = list(pair_terms(tokens))
        for token in tokens:
            for term in token.terms:
                count[term] += times
            if not token.is_number:
                forms[token.form].update(token.terms)
        for terms in pairs:
            count.update(terms)
        if is_own or pairs:
            own.update(term for terms in (*pairs, *(token.terms for token in tokens)) for term in terms)
    return count, own


def _groups(vocabulary: Texts) -> dict[str, list[list[str]]]:
    """Map each word of a meaning group to the group's words that the base has."""
    groups: defaultdict[str, list[list[str]]] = defaultdict(list)
    for line in (*MEANING_GROUPS, *SYNONYMS):
        words = line.split()
        present = [word for word in words if word in vocabulary]
        for word in words:
            groups[word].append(present)
    return dict(groups)
