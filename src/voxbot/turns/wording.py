"""What recognised words tell about the turn: finished or not, a backchannel, a request to wait, a number.

Pure and fast: about 0.05 ms a call once the dictionary is loaded (`warm_up`, 0.2 s). Texts are what recognisers write,
with any punctuation and in any case; the examples of whisper-base are measured on telephone sound.
"""

from __future__ import annotations

import re

from voxbot.knowledge.words import fold
from voxbot.text.numbers import words_to_digits
from voxbot.text.wordlist import word_set
from voxbot.turns.completeness import Completeness, completeness
from voxbot.turns.dictation import asks_for_number, dictates_number

__all__ = [
    "Completeness",
    "asks_for_number",
    "asks_to_wait",
    "completeness",
    "dictates_number",
    "is_backchannel",
    "is_murmur",
    "same_words",
    "warm_up",
]

_WORD = re.compile(r"[а-яa-z]+|\d+")

_HUM = re.compile(
    r"у+г+у+|у+м+|у{2,}|а+г+а+|а+х+а+|м+г+м+|м{2,}|г+м+|х+м+|а{2,}|о{2,}|э+|м+|угум|ого|ага(?:ага)+|(?:да){2,}"
)
"""Sounds of a listener, also as recognisers glue or stretch them: «Угу», «У-у», «М-м», «Агага»."""
_HUM_JOINED = re.compile(r"(?:[аоумэ]-)+[аоумэ]+|у-гу|а-га|м-гм")
_AGREEING = word_set("""
    да ну так вот понятно понятненько ясно хорошо ладно окей ок о'кей конечно верно правильно точно именно понял поняла
    поняли понимаю слушаю отлично прекрасно замечательно здорово супер класс интересно согласен согласна угу ага нуда
    дада естественно разумеется вижу
""")
_WITH_THEM = word_set("я вас и очень все это мне а")
"""May stand beside the others («я вас понял», «всё понятно»), never alone."""
_LISTENING_TO_QUESTION = word_set("понятно ясно угу ага ого интересно хорошо")
"""Recognisers put a question mark after these without reason («Понятно?»); «Да?», «Так?» want an answer."""
_BACKCHANNEL_WORDS = 5

_MURMUR_CONFIDENCE = 0.45
_MURMUR_WORDS = 2
_NEVER_MURMUR = word_set("""
    нет стоп алло алле подождите подожди погодите хватит оператор оператора оператором помогите повторите извините
    простите здравствуйте спасибо
""")

_WAIT = re.compile(
    r"\b(?:подожд(?:и|ите|ем)|погоди(?:те)?|обождите|минут(?:оч)?ку|секунд(?:оч)?ку|момент(?:ик)?|минуточку"
    r"|(?:одну |буквально )(?:минуту|секунду)|не (?:кладите|бросайте|вешайте) трубк[уи]|не (?:отключайтесь|отключайте)"
    r"|дайте (?:мне |нам )?(?:минуту|секунду|подумать|вспомнить|записать|ручку|посмотреть|время)"
    r"|(?:сейчас|щас|ща) (?:я |мы |только |быстро )*(?:гляну|найд[уе]м?|возьму|запиш[уе]м?|уточн[юи]м?|спрошу|спросим"
    r"|узна[юе]м?|провер[юи]м?|посмотр[юи]м?|вспомню|подойду|вернусь|открою|достану|подниму|продиктую|скажу)"
    r"|(?:я |мы )?(?:записываю|ищу|ищем|иду за|беру) ?(?:ручк[уи]|бумаг[уи]|карандаш|документы?|договор)?$"
    r"|(?:возьму|найду) (?:ручку|бумагу|карандаш|листок))\b"
)
_WAIT_ALONE = re.compile(r"^(?:ну |так |да |ой |пожалуйста )*(?:минуту|секунду|сек|мгновение)\b")
_NO_WAIT = re.compile(
    r"\b(?:сколько|долго|почему|зачем|когда|где|куда|цена|стоит|надо ли|нужно ли|можно ли|не (?:надо|буду) ждать)\b"
)
_WAIT_WORDS = 10

_TRAILING = word_set("ну вот это значит типа короче угу ага мгм мм ммм м э ээ эээ эм пожалуйста")


def is_backchannel(text: str) -> bool:
    """Whether the words only show that the caller listens («Угу.», «да-да», «понятно», «ага, хорошо»).

    False for anything that wants something: «нет», «стоп», «да, но …», «алло», a question.
    """
    flat = fold(text)
    if _HUM_JOINED.fullmatch(flat.strip(" .,!?…")):
        return True
    words: list[str] = _WORD.findall(flat)
    if not words or len(words) > _BACKCHANNEL_WORDS:
        return False
    if "?" in text and not all(word in _LISTENING_TO_QUESTION or _HUM.fullmatch(word) for word in words):
        return False
    agreeing = [word for word in words if word in _AGREEING or _HUM.fullmatch(word)]
    return bool(agreeing) and all(word in _WITH_THEM for word in words if word not in agreeing)


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


def asks_to_wait(text: str) -> bool:
    """Whether the caller asks the bot to wait («подождите минутку», «сейчас посмотрю», «не кладите трубку»)."""
    words: list[str] = _WORD.findall(fold(text))
    flat = " ".join(words)
    if len(words) > _WAIT_WORDS or _NO_WAIT.search(flat):
        return False
    return bool(_WAIT.search(flat) or _WAIT_ALONE.search(flat))


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
