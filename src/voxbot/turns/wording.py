"""What recognised words tell about the turn: finished or not, a backchannel, a request to wait, a number.

Pure and fast: about 0.05 ms a call once the dictionary is loaded (`warm_up`, 0.2 s). Texts are what recognisers write,
with any punctuation and in any case; the examples of whisper-base are measured on telephone sound.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from voxbot.knowledge.words import fold
from voxbot.text.numbers import words_to_digits
from voxbot.text.wordlist import word_set
from voxbot.turns.completeness import Completeness, completeness
from voxbot.turns.dictation import asks_for_number, dictates_number
from voxbot.turns.waiting import asks_to_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Completeness",
    "asks_for_number",
    "asks_to_wait",
    "completeness",
    "dictates_number",
    "is_backchannel",
    "is_murmur",
    "may_become_backchannel",
    "same_words",
    "warm_up",
]

_WORD = re.compile(r"[а-яa-z]+|\d+")

_HUM = re.compile(
    r"у+г+у+|у+м+|у{2,}|а+г+а+|а+х+а+|м+г+м+|м{2,}|г+м+|х+м+|а{2,}|о{2,}|э+|м+|угум|ого|ага(?:ага)+|(?:да){2,}"
)
"""Sounds of a listener, also as recognisers glue or stretch them: «Угу», «У-у», «М-м», «Агага»."""
_HUM_JOINED = re.compile(r"(?:[аоумэ]-)+[аоумэ]+|у-гу|а-га|м-гм")
_PARTICLES = word_set("ну так вот")
_UNDERSTOOD = word_set("""
    понятно понятненько ясно ясненько понял поняла поняли понимаю верно правильно точно отлично прекрасно
    замечательно хорошо записал записала записали запомнил запомнила
""")
_AGREEING = (
    _PARTICLES
    | _UNDERSTOOD
    | word_set("""
    да ладно ладненько окей ок о'кей конечно именно слушаю здорово супер класс интересно согласен согласна угу ага нуда
    дада естественно разумеется вижу записываю пишу принято
""")
)
_WITH_THEM = word_set("я мы вас и очень все это мне а спасибо")
"""May stand beside the others («я вас понял», «понял, спасибо»), never alone."""
_LEADING_ON = word_set("я мы и очень это мне а")
"""With these last the caller goes on («да и …»)."""
_WONDERING = re.compile(r"(?:да |ну |ого )?(?:во[тн] (?:оно )?(?:как|что)|надо же|ничего себе)")
_LISTENING_TO_QUESTION = word_set("понятно ясно понял поняла угу ага ого интересно хорошо")
"""Recognisers put a question mark after these without reason («Понятно?»); «Да?», «Так?» want an answer."""
_BACKCHANNEL_WORDS = 5

_MURMUR_CONFIDENCE = 0.45
_MURMUR_WORDS = 2
_NEVER_MURMUR = word_set("""
    нет стоп алло алле подождите подожди погодите хватит оператор оператора оператором помогите повторите извините
    простите здравствуйте спасибо
""")

_TRAILING = word_set("ну вот это значит типа короче угу ага мгм мм ммм м э ээ эээ эм пожалуйста")


def is_backchannel(text: str) -> bool:
    """Whether the words only show that the caller listens («Угу.», «да-да», «понятно», «ага, хорошо»).

    False for anything that wants something: «нет», «стоп», «да, но …», «алло», a question.
    """
    flat = fold(text)
    if _HUM_JOINED.fullmatch(flat.strip(" .,!?…")):
        return True
    words: list[str] = [word for word, _ in groupby(_WORD.findall(flat))]
    if not words or len(words) > _BACKCHANNEL_WORDS:
        return False
    if "?" in text and not all(word in _LISTENING_TO_QUESTION or _HUM.fullmatch(word) for word in words):
        return False
    return _WONDERING.fullmatch(" ".join(words)) is not None or _only_agrees(words)


def may_become_backchannel(text: str) -> bool:
    """Whether words to come may make it a backchannel («да, я …» → «да, я понял»)."""
    words: list[str] = _WORD.findall(fold(text))
    known = _AGREEING | _WITH_THEM | _LEADING_ON
    return len(words) < _BACKCHANNEL_WORDS and all(word in known or _HUM.fullmatch(word) for word in words)


def _only_agrees(words: Sequence[str]) -> bool:
    agreeing = [word for word in words if word in _AGREEING or _HUM.fullmatch(word)]
    others = [word for word in words if word not in agreeing]
    if not agreeing or not _WITH_THEM.issuperset(others) or words[-1] in _LEADING_ON:
        return False
    if "все" in others:  # «всё понятно» listens, «ну всё» and «хорошо, всё» have heard enough
        return not _UNDERSTOOD.isdisjoint(agreeing) and words[-2:] != ["хорошо", "все"]
    return not others or not _PARTICLES.issuperset(agreeing)


def is_murmur(text: str, confidence: float) -> bool:
    """Whether one or two words said over the bot are more likely a hum or a cough than words.

    whisper-base, told the trade's terms, writes «Белару.», «МК МКМ», «Лом.» for «угу», «мгм», «у-у» with a
    `confidence` (Transcript) of 0.24-0.40; words it truly heard got 0.47 («Алло!») to 0.86. Comparable for that
    engine only: an engine that reports no confidence gives 1 and is believed.
    """
    words: list[str] = _WORD.findall(fold(text))
    if len(words) > _MURMUR_WORDS or any(word in _NEVER_MURMUR or word.isdigit() for word in words):
        return False
    return not words or confidence < _MURMUR_CONFIDENCE


def same_words(a: str, b: str) -> bool:
    """Whether two recognitions say the same: case, «ё», punctuation, spelled numbers and trailing fillers aside."""
    return _bare(a) == _bare(b)


def warm_up() -> None:
    """Load the dictionary (0.2 s)."""
    completeness("сколько стоит машина")


def _bare(text: str) -> list[str]:
    words: list[str] = _WORD.findall(words_to_digits(fold(text)))
    end = len(words)
    while end and words[end - 1] in _TRAILING:
        end -= 1
    return words[:end] or words
