"""What a question asks for: the property it wants to know («какого цвета», «сколько ступеней»), and fixed phrases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.knowledge.vocabulary import IMPLIED, UNITS
from voxbot.knowledge.words import Token, fold, lemmatize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[a-zа-я]+|\d+")
_WHICH = frozenset({"какой", "каков"})
_REACH = 3
_PREPOSITIONS = frozenset({
    "у", "в", "во", "на", "от", "до", "для", "из", "по", "с", "со", "к", "о", "об", "за", "при", "про", "под",
})  # fmt: skip
_COUNTED = frozenset({
    "деньги", "деньга", "сумма", "время", "день", "год", "час", "раз", "рубль", "минута", "неделя", "месяц",
    "лето", "лет", "сутки", "процент", "человек", "штука", "срок",
})  # fmt: skip
"""«Сколько дней» asks for a term, whatever the words of the answer."""
_GENERAL = frozenset({
    "образ", "способ", "вид", "тип", "смысл", "причина", "число", "модель", "вариант", "случай", "степень",
})  # fmt: skip


def asked_nouns(question: str) -> frozenset[str]:
    """Return the (folded) forms of nouns that `question` asks to be told: «какая зарплата», «сколько ступеней»."""
    words = _WORD.findall(fold(question))
    found: set[str] = set()
    for index, word in enumerate(words):
        if _WHICH.isdisjoint(lemmatize(word).lemmas) and word != "сколько":
            continue
        before = words[index - 1] if index else ""
        if word != "сколько" and _is_asked(before, words[index - 2] if index > 1 else ""):
            found.add(before)
            continue
        reach = _REACH if word != "сколько" else 1
        for place in range(index + 1, min(index + 1 + reach, len(words))):
            lemma = lemmatize(words[place])
            if lemma.part == "NOUN" and words[place - 1] not in _PREPOSITIONS and lemma.number is None:
                if _is_asked(words[place], ""):
                    found.add(words[place])
                break
            if lemma.part in ("VERB", "INFN"):
                break
    return frozenset(found)


def _is_asked(word: str, before: str) -> bool:
    """Whether a noun can be what is asked for («мощность какая»), after the word `before` it."""
    lemma = lemmatize(word) if word else None
    return (
        lemma is not None
        and lemma.part == "NOUN"
        and lemma.number is None
        and before not in _PREPOSITIONS
        and (_COUNTED | _GENERAL | UNITS.keys()).isdisjoint(lemma.lemmas)
    )


def implied(question: str, tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield what the question asks for without its word: «во сколько встанет» asks what it costs."""
    folded = fold(question)
    for pattern, lemma in IMPLIED:
        if re.search(pattern, folded) and not any(lemma in token.terms for token in tokens):
            yield Token(lemma, (lemma,), is_number=False)
