"""Models and amounts that a question names, and whether a sentence is about them or about others.

«РЭМ-400» and «150 кН» name one certain thing: the data of another model, or of another load, are no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.knowledge.vocabulary import UNITS
from voxbot.knowledge.words import fold, lemmatize, tokenize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Stand: TypeAlias = Literal["holds", "spans", "open", "differs"]
"""What a text is to the question's figures: about them, about a range they are in, bound to none, about others."""


@dataclass(frozen=True, slots=True)
class Code:
    """A model or standard: «РЭМ-100», «ГОСТ 1497»; the series is folded."""

    series: str
    number: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with a unit, in the basic unit of its quantity; `low` and `high` differ in a range."""

    quantity: str
    low: float
    high: float


_CODE = re.compile(r"(?<![\w-])([А-ЯЁA-Z]{2,5})(?:\s+Р)?[-– ]?(\d+(?:[.,]\d+)?)")
_SPAN = re.compile(r"(?<![\w-])([А-ЯЁA-Z]{2,5}) (?:от (\d+)(?: до (\d+))?|до (\d+))(?!\d)")
"""«Машины РЭМ от 200 до 600 кН»: every model of the series with a number between."""
_STANDARDS = frozenset({"гост", "iso", "исо", "astm"})
_BOUNDS = frozenset({"до", "от", "с", "свыше", "выше", "ниже", "кроме", "более", "менее"})
"""Before a code or an amount these make it the end of a range."""
_SCALES: dict[str, tuple[str, float]] = {
    "н": ("force", 1), "кн": ("force", 1e3), "мн": ("force", 1e6), "кгс": ("kgf", 1),
    "г": ("mass", 1e-3), "кг": ("mass", 1), "т": ("mass", 1e3),
    "дж": ("energy", 1), "кдж": ("energy", 1e3),
    "л": ("volume", 1), "вт": ("power", 1), "квт": ("power", 1e3),
    "па": ("stress", 1), "кпа": ("stress", 1e3), "мпа": ("stress", 1e6), "гпа": ("stress", 1e9),
    "мкм": ("length", 1e-6), "мм": ("length", 1e-3), "см": ("length", 1e-2), "м": ("length", 1),
}  # fmt: skip
_NUMBER = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)?"
_AMOUNT = re.compile(rf"(?P<before>(?:не\s+)?[а-я]+\s+)?(?P<number>{_NUMBER})(?:(?=(?P<after>\s*[а-я]+)))?")
_LINKS = frozenset({"и", "или", "на", "до", "от"})


def codes_of(text: str) -> frozenset[Code]:
    """Models and standards of a written text, without those that end a range («мощнее РЭМ-100»)."""
    found: set[Code] = set()
    for match in _CODE.finditer(text):
        before = re.search(r"([а-яё]+)\s+$", text[: match.start()], re.IGNORECASE)
        word = fold(before[1]) if before else ""
        if word not in _BOUNDS and not (word and lemmatize(word).part == "COMP"):
            found.add(Code(fold(match[1]), match[2].replace(",", ".")))
    return frozenset(found)


def series_of(texts: Iterable[str]) -> frozenset[str]:
    """Letters of the models in the texts."""
    return frozenset(fold(match[1]) for text in texts for match in _CODE.finditer(text))


def classifiers(texts: Iterable[str], series: Collection[str]) -> frozenset[str]:
    """Lemmas of the nouns that stand right before models of the series: «пресс ПГМ-500», «машины РЭМ»."""
    words = {
        fold(match[1])
        for text in texts
        for match in re.finditer(r"([А-ЯЁа-яё]{3,})\s+([А-ЯЁA-Z]{2,5})(?![а-яё])", text)
        if fold(match[2]) in series
    }
    return frozenset(lemma for word in words for lemma in lemmatize(word).lemmas)


def codes_asked(question: str, series: Collection[str]) -> frozenset[Code]:
    """Models that the question (misheard words set right) names, given the letters that models begin with."""
    tokens = tokenize(question)
    return frozenset(
        Code(left.form, number)
        for left, right in pairwise(tokens)
        if right.is_number and left.form in series
        for number in right.terms[:1]
    )


def amounts_of(text: str) -> list[Amount]:
    """Numbers with units; «1, 5 и 10 кН» gives each, «от 1 до 50 кН» and «до 50 кН» the range."""
    folded = fold(text)
    amounts: list[Amount] = []
    unit: tuple[str, float] | None = None
    upper: float | None = None
    for match in reversed(list(_AMOUNT.finditer(folded))):
        unit_here = _unit(match["after"])
        word = (match["after"] or "").strip()
        if unit_here is None and word and word not in _LINKS:
            unit, upper = None, None
            continue
        unit = unit_here or unit
        before = (match["before"] or "").split()
        if unit is None or _in_code(folded, match.start("number")):
            continue
        value = float(re.sub(r"\s", "", match["number"]).replace(",", ".")) * unit[1]
        bound = before[-1] if before else ""
        if bound and ("не" in before or lemmatize(bound).part == "COMP"):  # a limit says something of every number
            amounts.append(Amount(unit[0], 0.0, float("inf")))
        elif bound == "до":
            amounts.append(Amount(unit[0], 0.0, value))
            upper = value
        elif bound in ("от", "с", "свыше"):
            if upper is not None and amounts and amounts[-1].high == upper and amounts[-1].low == 0.0:
                amounts[-1] = Amount(unit[0], value, upper)
            else:
                amounts.append(Amount(unit[0], value, float("inf")))
            upper = None
        else:
            amounts.append(Amount(unit[0], value, value))
    return amounts


def amounts_asked(question: str) -> list[Amount]:
    """Amounts that the question names, read as one number each."""
    asked: list[Amount] = []
    for left, right in pairwise(tokenize(question)):
        scale = _SCALES.get(right.terms[0])
        if left.is_number and scale and not right.is_number:
            value = float(left.terms[0]) * scale[1]
            asked.append(Amount(scale[0], value, value))
    return asked


class Figures:
    """What one question names, judged against the texts that may answer it."""

    def __init__(self, question: str, texts: Sequence[str]) -> None:
        """`question` with misheard words set right; `texts` are all sentences and headings at hand."""
        self.codes = codes_asked(question, series_of(texts))
        self.amounts = [] if self.codes else amounts_asked(question)
        self._loads = {f"{amount.low:g}" for amount in self.amounts} | {
            f"{amount.low / 1e3:g}" for amount in self.amounts if amount.quantity == "force"
        }
        self._bearers = {
            code
            for text in texts
            if self.amounts and all(_among(asked, amounts_of(text)) is True for asked in self.amounts)
            for code in _models(codes_of(text))
        }

    def stand(self, sentence: str, leads: Iterable[str]) -> Stand:
        """What a sentence is to the question; one that is open by itself is what its headings are."""
        own = self._stand(sentence)
        if own != "open":
            return own
        above = {self._stand(lead, exact=True) for lead in leads}
        return "holds" if "holds" in above else "differs" if "differs" in above else "open"

    def _stand(self, text: str, *, exact: bool = False) -> Stand:
        codes = codes_of(text)
        if self.codes:
            return self._stand_to_codes(codes, text)
        if not self.amounts:
            return "open"
        amounts = [amount for amount in amounts_of(text) if not exact or amount.low == amount.high]
        held = [_among(asked, amounts) for asked in self.amounts]
        models = _models(codes)
        bears = any(model in self._bearers or model.number in self._loads for model in models)
        if bears or all(held):
            exact_ones = [amount for amount in amounts if amount.low == amount.high]
            return "holds" if bears or all(_among(asked, exact_ones) for asked in self.amounts) else "spans"
        return "differs" if models or False in held else "open"

    def _stand_to_codes(self, codes: Collection[Code], text: str) -> Stand:
        if not self.codes.isdisjoint(codes):
            return "holds"
        spanned = [
            float(low or 0) <= float(code.number) <= float(high or upper or "inf")
            for series, low, high, upper in _SPAN.findall(text)
            for code in self.codes
            if code.series == fold(series)
        ]
        if spanned:
            return "holds" if any(spanned) else "differs"
        series, numbers = {code.series for code in self.codes}, {code.number for code in self.codes}
        rivals = [code for code in codes if code.series in series or (code.number in numbers and _models([code]))]
        return "differs" if rivals else "open"


def _among(asked: Amount, amounts: Sequence[Amount]) -> bool | None:
    """Whether the amounts hold the one asked for; None when there are none of its quantity."""
    same = [amount for amount in amounts if amount.quantity == asked.quantity]
    return any(amount.low <= asked.low <= amount.high for amount in same) if same else None


def _models(codes: Iterable[Code]) -> list[Code]:
    return [code for code in codes if code.series not in _STANDARDS]


def _unit(word: str | None) -> tuple[str, float] | None:
    form = (word or "").strip()
    if not form:
        return None
    if form in _SCALES:
        return _SCALES[form]
    return next((_SCALES[UNITS[lemma]] for lemma in lemmatize(form).lemmas if UNITS.get(lemma) in _SCALES), None)


def _in_code(text: str, start: int) -> bool:
    return bool(re.search(r"[a-zа-я]-$", text[:start]))
