"""Text to terms: lemmas, numbers, units and the pairs they make («рэм-100», «100 кн», «гост 28840»).

Questions and passages go through the same code, so «сто килоньютонов», «100 кН» and «100кн» become one thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from voxbot.knowledge.numerals import MULTIPLIERS, compose, number_value, spelled
from voxbot.knowledge.vocabulary import SHORT_UNITS, STOP_WORDS, UNITS
from voxbot.store.words import morphology

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)?|[a-zа-я]+|[%°]|[^\s\w]")
_SIGNS = "%°"
_DECIMAL_WORDS = frozenset({"целых", "целая", "десятых"})
_MAX_DIGITS = 15
_LEMMA_SCORE = 0.12
_LEMMAS = 3
_UNIT_SYMBOLS = frozenset(UNITS.values())


@dataclass(frozen=True, slots=True)
class Lemma:
    """What the dictionary knows of one word form: its lemmas, likeliest first, its part of speech, its value.

    `is_place`: it may name a town or a country.
    """

    lemmas: tuple[str, ...]
    part: str
    known: bool
    number: float | None
    is_place: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One meaningful word or number of a text. `terms` are what the index is asked for; any of them may match.

    `start` and `end` are its place in the text. A word that was set right (`hearing.py`) is `corrected`, with
    the `likeness` (0-1) of what was heard.
    """

    form: str
    terms: tuple[str, ...]
    is_number: bool
    part: str = ""
    known: bool = True
    likeness: float = 1.0
    corrected: bool = False
    is_place: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    value: float
    start: int
    end: int
    in_digits: bool


def fold(text: str) -> str:
    """Lower case with «ё» as «е»."""
    return text.lower().replace("ё", "е")


def tokenize(text: str) -> list[Token]:
    """Divide a text into its meaningful tokens, in order; stop words are left out."""
    tokens: list[Token] = []
    run: list[_Said] = []
    for match in _TOKEN.finditer(fold(text)):
        form = match[0]
        said = _said(match)
        if said is not None:
            run.append(said)
            continue
        if run and form in _DECIMAL_WORDS:
            continue
        after_number = bool(run)
        tokens.extend(_numbers(run))
        run = []
        if form[0].isalpha() or form in _SIGNS:
            token = _word(match, lemmatize(form), after_number=after_number)
            if token:
                tokens.append(token)
    tokens.extend(_numbers(run))
    return tokens


def pair_terms(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """Yield the terms of each neighbouring word and number: («рэм_100»,), («100_кн»,)."""
    for left, right in pairwise(tokens):
        if left.is_number != right.is_number and not (right.is_number and left.terms[0] in _UNIT_SYMBOLS):
            yield tuple(f"{a}_{b}" for a in left.terms for b in right.terms)


@lru_cache(maxsize=50_000)
def lemmatize(form: str) -> Lemma:
    """Analyse one folded word form."""
    morph = morphology()
    parses = morph.parse(form)
    lemmas = tuple(dict.fromkeys(fold(parse.normal_form) for parse in parses[:6] if parse.score >= _LEMMA_SCORE)) or (
        form,
    )
    first = parses[0]
    known = bool(morph.word_is_known(form))
    is_place = any("Geox" in parse.tag for parse in parses if parse.score >= _LEMMA_SCORE)
    return Lemma(lemmas[:_LEMMAS], str(first.tag.POS or ""), known, number_value(form, lemmas[0]), is_place)


def _word(match: re.Match[str], lemma: Lemma, *, after_number: bool) -> Token | None:
    form = match[0]
    start, end = match.span()
    if form in SHORT_UNITS and after_number:
        return Token(form, (form,), is_number=False, start=start, end=end)
    if form in STOP_WORDS or (len(form) == 1 and form not in _SIGNS) or lemma.lemmas[0] in STOP_WORDS:
        return None
    terms = tuple(dict.fromkeys(UNITS.get(word, word) for word in lemma.lemmas))
    if form in _UNIT_SYMBOLS:
        terms = (form,)
    return Token(
        form,
        terms,
        is_number=False,
        part=lemma.part,
        known=lemma.known,
        is_place=lemma.is_place,
        start=start,
        end=end,
    )


def _said(match: re.Match[str]) -> _Said | None:
    """Read a form as a number in digits or as a number word; account numbers and other long digits stay words."""
    form = match[0]
    if form[0].isdigit():
        compact = re.sub(r"[ \u00a0\u202f]", "", form).replace(",", ".")
        return _Said(float(compact), *match.span(), in_digits=True) if len(compact) <= _MAX_DIGITS else None
    value = lemmatize(form).number if form[0].isalpha() else None
    return None if value is None else _Said(value, *match.span(), in_digits=False)


def _numbers(run: Sequence[_Said]) -> Iterator[Token]:
    """Yield a run's token; numbers that callers read in groups («двадцать восемь восемьсот сорок») also as one."""
    groups: list[list[float]] = []
    for index, said in enumerate(run):
        after_digits = index > 0 and run[index - 1].in_digits
        if not groups or said.in_digits or (after_digits and said.value not in MULTIPLIERS):
            groups.append([])
        groups[-1].append(said.value)
    numbers = [number for group in groups for number in compose(group)]
    if len(numbers) == 2 and numbers[0] == 0 and 0 < numbers[1] < 100:  # noqa: PLR2004 - «ноль пять» is 0.5
        numbers = [float(f"0.{numbers[1]:g}")]
    words = [spelled(number) for number in numbers]
    if words:
        joined = ("".join(words),) if len(words) > 1 else ()
        yield Token(" ".join(words), (*joined, *words), is_number=True, start=run[0].start, end=run[-1].end)
