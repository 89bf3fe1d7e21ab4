"""«The cheapest», «the most powerful»: only a sentence that says so itself answers; nothing is compared here."""

from __future__ import annotations

import re

from voxbot.knowledge.words import lemmatize

_SUPERLATIVE = re.compile(r"\bсам(?:ый|ая|ое|ые|ого|ой|ую|ым|ых|ом|ому|ыми)\s+([а-я]+)")
_ONE_WORD = {"наим": "маленький", "мини": "маленький", "наиб": "большой", "макс": "большой"}
_WITHIN = re.compile(r"\bсери\w+ ([А-ЯЁA-Z]{2,})\b")
"""«Самая мощная машина серии РЭМ» is not the most powerful of all."""
_SCALES = (
    "дешевый недорогой бюджетный", "дорогой", "мощный сильный", "слабый маломощный", "большой крупный",
    "маленький малый небольшой", "легкий", "тяжелый", "быстрый", "медленный", "точный", "высокий", "низкий", "простой",
)  # fmt: skip
_SCALE_OF = {word: scale for scale, words in enumerate(_SCALES) for word in words.split()}


def superlatives(folded: str, *, of_all: bool = False) -> frozenset[int]:
    """The scales whose extreme a (folded) text names; `of_all` reads «наименьший» as «самый маленький» too.

    Only where a sentence begins with it; said of one model, «наибольшая нагрузка» is its property, not the greatest
    there is.
    """
    words = _SUPERLATIVE.findall(folded)
    if of_all:
        words += [
            _ONE_WORD[match[:4]] for match in re.findall(r"^(?:наименьш|наибольш|минимальн|максимальн)\w+", folded)
        ]
    lemmas = (lemma for word in words for lemma in lemmatize(word).lemmas)
    return frozenset(_SCALE_OF[lemma] for lemma in lemmas if lemma in _SCALE_OF)


def limited_to(sentence: str) -> frozenset[str]:
    """The series (lower case) within which the sentence compares."""
    return frozenset(series.lower() for series in _WITHIN.findall(sentence))
