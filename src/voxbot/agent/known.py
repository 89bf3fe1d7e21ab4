"""Whether what a language model wrote tells the caller something, or only that it does not know."""

from __future__ import annotations

import re

from voxbot.text.numbers import words_to_digits
from voxbot.text.segmenter import split_sentences

_REFUSAL = re.compile(
    r"не знаю|не располага\w+|не наш(?:ёл|ел|л[аио]|лось)|затрудняюсь"
    r"|(?:нет|не имею) (?:\w+ ){0,2}(?:информации|сведений|данных|ответа)"
    r"|(?:информации|сведений|данных|ответа)\b[^.!?]* (?:нет|не (?:нашл[ао]сь|имею))\b"
    r"|не (?:могу|смогу) (?:\w+ )?(?:ответить|подсказать|сказать|помочь|назвать|найти|уточнить)"
    r"|не (?:указан|сказано|упомина|упомянут|приведен|содерж)\w*"
    r"|уточните у (?:оператора|менеджера|специалиста)"
    r"|в (?:базе|справке|контексте|документах|тексте)[^.!?]* (?:нет|не)\b",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    r"(?:к сожалению|извините|простите|увы|боюсь|спасибо|(?:хороший|отличный|интересный) вопрос|понял[аи]? вас|так"
    r"|я (?:внимательно )?(?:посмотрел|проверил|поискал)|по вашему вопросу|здравствуйте|добрый день|хорошо|конечно)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[А-ЯЁA-Z]{2,}[-– ]?\d+")
_CLAUSE = re.compile(r"[,;:—–(]")
_YES_OR_NO = re.compile(r"^(?:да|нет)\b(?! (?:информации|сведений|данных|ответа))", re.IGNORECASE)
_PREAMBLE_WORDS = 6


def tells_something(text: str) -> bool:
    """Whether an answer tells anything before it says that it does not know; `|` may divide it.

    «Гарантия два года. Срок продления не указан» does, «Цена не указана. Масса — 650 кг» does not: what was asked
    comes first. A question back is no refusal, an offer to call an operator alone is one.
    """
    sentences = split_sentences(text)
    for sentence in sentences:
        if refusal := _REFUSAL.search(sentence):
            return _tells(sentence[: refusal.start()])
        if not sentence.endswith("?") and not _is_preamble(sentence):
            return True
    return not any("оператор" in sentence for sentence in sentences)


def _tells(before: str) -> bool:
    """Whether a clause before the refusal gives a figure or a yes or no («Да, есть, но срок не указан»)."""
    clauses = _CLAUSE.split(_CODE.sub(" ", before))[:-1]
    told = " ".join(clause for clause in clauses if not _PREAMBLE.search(clause))
    return bool(_YES_OR_NO.search(before) and clauses) or any(map(str.isdigit, words_to_digits(told)))


def _is_preamble(sentence: str) -> bool:
    return bool(_PREAMBLE.match(sentence)) and len(sentence.split()) <= _PREAMBLE_WORDS
