"""Words that speech recognition should expect: the knowledge base's own, in the forms callers say.

A recogniser knows everyday Russian; it lacks the trade: series («РЭМ»), machines («маятниковый копёр»), units said
in full, standards, place names. They are found by what they are, not by hand: abbreviations before a number,
adjective and noun that stand together again and again, nouns that hold on to another («свидетельство о поверке»).
What is said more often weighs more. Whisper reads the end of its prompt most closely, so the most telling stand last.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from voxbot.knowledge.vocabulary import COMMON_WORDS, STOP_WORDS
from voxbot.knowledge.words import fold, morphology

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voxbot.knowledge.documents import Chunk

MAX_CHARS = 560
"""About 200 tokens of Whisper: its prompt may have 224."""

_WORD = re.compile(r"[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*|[.,;:!?()\d]+")
_SERIES = re.compile(r"\b([А-ЯЁ]{2,4})-\d")
_AMOUNT = re.compile(r"\b(\d+)\s?(кН|МПа|мм/мин|Дж|HRC|кВт)\b")
_SPOKEN_UNITS = {
    "кН": "килоньютонов", "МПа": "мегапаскалей", "мм/мин": "миллиметров в минуту", "Дж": "джоулей",
    "HRC": "единиц по Роквеллу", "кВт": "киловатт",
}  # fmt: skip
_MIN_WEIGHT = 2
_TITLE_WEIGHT = 3
_PHRASE_FACTOR = 3
"""A phrase tells the recogniser two words and that they go together."""
_PLACE_FACTOR = 4
"""Of all places a recogniser cannot guess which a caller will name."""
_PLACE = "Geox"
_HOLDING = frozenset({"о", "на", "по"})
_EVERYDAY = COMMON_WORDS | STOP_WORDS


def make_terms(chunks: Sequence[Chunk], max_chars: int = MAX_CHARS) -> str:
    """Return the terms of these chunks as one sentence, the most telling last, at most `max_chars` long.

    A capital and a full stop matter: without them Whisper takes the question for the sentence's continuation.
    """
    forms = Counter(word.lower() for chunk in chunks for word in _WORD.findall(chunk.text))
    amounts = Counter(amount for chunk in chunks for amount in _AMOUNT.findall(chunk.text))
    weights: Counter[str] = Counter()
    for chunk in chunks:
        for line in dict.fromkeys(chunk.text.split("\n")):
            weight = _TITLE_WEIGHT if line.strip() in chunk.headings else 1
            for term, factor in _terms(line, forms):
                weights[term] += weight * factor
    weights.update(_spoken_amounts(amounts))
    ranked = sorted((term for term in weights if weights[term] >= _MIN_WEIGHT), key=lambda term: (-weights[term], term))
    told = ", ".join(reversed(list(_fitting(_distinct(ranked), max_chars))))
    return f"{told[0].upper()}{told[1:]}." if told else ""


def _spoken_amounts(amounts: Counter[tuple[str, str]]) -> dict[str, int]:
    """Say each unit once, with the number it has most often («100 килоньютонов»), weighted by all its uses."""
    spoken: dict[str, int] = {}
    for unit, words in _SPOKEN_UNITS.items():
        numbers = Counter({number: count for (number, other), count in amounts.items() if other == unit})
        if numbers:
            spoken[f"{min(numbers, key=lambda number: (-numbers[number], number))} {words}"] = numbers.total()
    return spoken


def _terms(line: str, forms: Counter[str]) -> Iterator[tuple[str, int]]:
    """Yield the terms of one line with their factors."""
    yield from ((series, 1) for series in _SERIES.findall(line))
    words = [_Word(match, forms) for match in _WORD.findall(line)]
    for word in words:
        if word.is_place:
            yield word.alone, _PLACE_FACTOR
        elif word.part == "NOUN" and word.is_telling:
            yield word.alone, 1
    for left, right in pairwise(words):
        if left.part == "ADJF" and right.part == "NOUN" and (left.is_telling or right.is_telling):
            yield f"{left.agreeing_with(right)} {right.alone}", _PHRASE_FACTOR
        elif left.part == right.part == "NOUN" and right.case == "gent" and (left.is_telling or right.is_telling):
            yield f"{left.alone} {right.text}", _PHRASE_FACTOR
    for left, between, right in zip(words, words[1:], words[2:], strict=False):
        held = left.part == right.part == "NOUN" and between.text in _HOLDING
        if held and (left.is_telling or right.is_telling):
            yield f"{left.alone} {between.text} {right.text}", _PHRASE_FACTOR


class _Word:
    """A word of a line, analysed."""

    def __init__(self, text: str, forms: Counter[str]) -> None:
        self.text = text.lower()
        self._parse: Any = _likeliest(self.text, forms)
        self.part = str(self._parse.tag.POS or "")
        self.case = str(self._parse.tag.case or "")
        self.is_place = _PLACE in self._parse.tag and text[0].isupper()
        lemma = fold(self._parse.normal_form)
        self.is_telling = len(lemma) > 4 and lemma not in _EVERYDAY and not self.is_place  # noqa: PLR2004 - short words are common ones
        self.alone = self._parse.normal_form.capitalize() if self.is_place else self._parse.normal_form

    def agreeing_with(self, noun: _Word) -> str:
        """Return this adjective in the nominative singular of the noun's gender."""
        gender = noun._parse.tag.gender
        inflected = self._parse.inflect({"nomn", "sing", gender} if gender else {"nomn", "sing"})
        return str(inflected.word if inflected else self._parse.normal_form)


def _likeliest(form: str, forms: Counter[str]) -> Any:
    """Of the readings of one form take that whose dictionary form the text uses («копра» is of «копёр», not copra)."""
    parses = morphology().parse(form)
    same_part = [parse for parse in parses if parse.tag.POS == parses[0].tag.POS]
    return max(same_part, key=lambda parse: forms[parse.normal_form])


def _distinct(ranked: Iterable[str]) -> Iterator[str]:
    """Leave out a term whose words a weightier one has, in whatever form."""
    kept: list[set[str]] = []
    for term in ranked:
        stems = {_stem(word) for word in fold(term).split()}
        if not any(stems <= other for other in kept):
            kept.append(stems)
            yield term


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]


def _fitting(ranked: Iterable[str], max_chars: int) -> Iterator[str]:
    length = 0
    for term in ranked:
        length += len(term) + 2
        if length > max_chars:
            return
        yield term
