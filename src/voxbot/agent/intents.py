"""What a caller wants of the conversation itself, told by rules over lemmas: no language model, under a millisecond.

A wish is recognised when nothing else is asked in the same turn: «сколько стоит пульт оператора» and
«до свидания, а нет, какая гарантия?» are questions.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.knowledge.words import fold, lemmatize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.domain.dialogue import Utterance

Act: TypeAlias = Literal["operator", "goodbye", "repeat", "slower", "robot", "thanks", "hello", "declined", "go_on"]
"""`declined`: «нет» to the offer of an operator; `go_on`: an answer that leaves the bot to ask on."""

_WORD = re.compile(r"[а-яa-z]+")

_PERSONS = frozenset("оператор менеджер человек специалист сотрудник консультант администратор секретарь диспетчер".split())
_ANYONE = frozenset("живой реальный настоящий нормальный кто-нибудь кто-то".split())
_CONNECT = frozenset(
    "соединить соединять переключить переключать перевести переводить связать связывать позвать пригласить дать"
    " давать подключить подозвать поговорить пообщаться поговорите разговаривать переговорить попросить".split(),
)
_PUT_THROUGH = _CONNECT - {"разговаривать", "поговорите"} | {"хотеть", "нужный"}
_ROBOTS = frozenset("робот бот автоответчик автомат".split())
_WANT = frozenset("хотеть мочь можно нужный нужно надо прошу просить желать требовать хотеться давать дать".split())
_POLITE = frozenset(
    "пожалуйста спасибо благодарить большой огромный ну а и да нет так вот же бы ли уже еще то это все я мы вы ты меня мне"
    " нас нам вам вас тебя там тут здесь просто сразу сейчас лучше быстро скорее быть есть алло алле ладно хорошо ок окей"
    " понять понятно понятный ясно ясный здравствовать здравствуйте привет добрый день вечер утро очень с со на к у по до"
    " для мой свой ваш наш девушка мужчина помочь помощь какой-нибудь кто-нибудь любой уж тогда значит прямо извинить"
    " не ага угу простить спросить узнать подсказать сказать слушать слышать говорить разговор хотеть мочь можно нужный нужно надо".split(),
)
_ASKING = frozenset(
    "сколько какой каков где куда откуда когда почему зачем как чем что чего который чей почем ли кто кого".split(),
)
_GOODBYE = re.compile(
    r"\b(?:до ?св[ие]дани[яеь]|до ?свидань?[яе]|до сведани[яе]|до ?встречи|до ?связи|всего (?:вам )?(?:самого )?(?:доброго|хорошего|наилучшего)"
    r"|прощайте|счастливо|хорошего (?:вам )?дня|до завтра|бай|пока[- ]пока)\b",
)
_NO_MORE = re.compile(
    r"\b(?:больше (?:у меня )?(?:вопросов|ничего)(?: (?:у меня|больше))* (?:нет|не (?:надо|нужно|интересует|имею))"
    r"|(?:у меня )?(?:больше )?(?:нет|нету) (?:больше )?вопросов|вопросов (?:у меня )?(?:больше )?(?:нет|нету|не имею)"
    r"|(?:это|у меня|на этом|вот и|пожалуй) (?:пока )?вс[её]|вс[её] (?:понятно|ясно) (?:спасибо|до)|спасибо (?:это )?вс[её]"
    r"|больше ничего не (?:надо|нужно)|я вс[её] узнала?)\b",
)
_THANKS = re.compile(r"\b(?:спасибо|благодарю|благодарим)\b")
_REPEAT = re.compile(
    r"\b(?:повтори(?:те|ть)?|повторить|ещ[её] раз(?:ок)?|(?:не|плохо) (?:расслышала?|слышно|услышала?|разобрала?)|что вы сказали|что ты сказал"
    r"|как вы сказали|не понял[аи]?(?: вас)?|чего-чего|что-что)\b",
)
_SLOWER = re.compile(r"\b(?:помедленн?ее|(?:по)?медленн?е[ей]?|не так быстро|слишком быстро|не спешите|не торопитесь|потише говорите)\b")
_ROBOT = re.compile(
    r"\b(?:(?:вы|ты|это|с) (?:что )?(?:робот|роботом|бот|ботом|автоответчик|автоответчиком|машина|компьютер|автомат|нейросеть|искусственный интеллект)"
    r"|(?:вы|ты) (?:живой |настоящий |реальный )?человек|робот(?: или человек)?|человек или робот|я (?:сейчас )?с (?:роботом|человеком|ботом) (?:говорю|разговариваю)"
    r"|я (?:говорю|разговариваю) с (?:роботом|ботом|человеком))\b",
)
_HELLO = re.compile(r"\b(?:здравствуй(?:те)?|привет|добрый (?:день|вечер)|доброе утро|алл?[оеё]|приветствую|вы (?:меня )?слышите|меня слышно)\b")
_YES = frozenset("да ага угу конечно давайте давай соедините хочу ладно хорошо пожалуйста можно соединяйте согласен согласна".split())
_NO = frozenset("нет неа не".split())
_OFFER = "с оператором?"
_MORE = re.compile(r"(?:ещ[её] (?:\w+ )?(?:вопрос|могу)|что-нибудь ещ[её])[^.!]*\?\s*$")
_MAX_REST = 1
_PERSON_LIKENESS = 0.8
_MIN_PERSON_CHARS = 7


def recognise(text: str, history: Sequence[Utterance] = ()) -> Act | None:
    """What the caller wants of the conversation, or None for a question to be answered.

    `history` tells whether the bot has just offered an operator or asked for more questions.
    """
    words = _WORD.findall(fold(text).replace("-", " "))
    if not words:
        return None
    flat = " ".join(words)
    if reply := _reply_to_bot(words, history):
        return reply
    if _asks_robot(flat, words):
        return "robot"
    if _asks_person(words):
        return "operator"
    asks = "?" in text or any(word in _ASKING or lemmatize(word).lemmas[0] in _ASKING for word in words)
    if not asks and (_GOODBYE.search(flat) or _NO_MORE.search(flat)) and _rest(_without_farewell(flat)) <= _MAX_REST:
        return "goodbye"
    if _SLOWER.search(flat) and _rest(_SLOWER.sub(" ", flat)) <= _MAX_REST:
        return "slower"
    if _REPEAT.search(flat) and _rest(_REPEAT.sub(" ", flat)) <= _MAX_REST:
        return "repeat"
    if _rest(flat) == 0 and not asks:
        return "thanks" if _THANKS.search(flat) else "hello" if _HELLO.search(flat) else _filler(words)
    return None


def _reply_to_bot(words: Sequence[str], history: Sequence[Utterance]) -> Act | None:
    """«Да» and «нет» mean what the bot has just asked."""
    last = next((turn.text for turn in reversed(history) if turn.speaker == "bot"), "")
    if len(words) > 5:  # noqa: PLR2004 - a yes or no with more in it is judged as a whole
        return None
    meaning = [word for word in words if word in _YES | _NO]
    others = [word for word in words if word not in _YES | _NO and not _is_polite(word)]
    if not meaning or others:
        return None
    if _OFFER in last:
        return "declined" if meaning[0] in _NO else "operator"
    if meaning[0] in _NO and _MORE.search(last):
        return "goodbye"
    return None


def _filler(words: Sequence[str]) -> Act | None:
    """«Да», «понятно», «ага» by themselves."""
    return "go_on" if len(words) <= 3 and not _THANKS.search(" ".join(words)) else None  # noqa: PLR2004


def _asks_robot(flat: str, words: Sequence[str]) -> bool:
    if any(lemmatize(word).lemmas[0] in _PUT_THROUGH for word in words):
        return False
    return bool(_ROBOT.search(flat)) and _rest(_ROBOT.sub(" ", flat)) <= _MAX_REST


def _asks_person(words: Sequence[str]) -> bool:
    """Whether the caller asks to be put through: a person is named, and is what the sentence is about."""
    persons = [index for index, word in enumerate(words) if _is_person(word)]
    lemmas = [lemmatize(word).lemmas[0] for word in words]
    if not persons:  # «не хочу говорить с роботом»
        return "не" in words and "хотеть" in lemmas and not _ROBOTS.isdisjoint(lemmas)
    if "ли" in words or "сколько" in words or "стоить" in lemmas:
        return False
    for index in persons:
        before = _before_person(words, lemmas, index)
        connects = any(lemma in _CONNECT for lemma in lemmas[:index])
        if before in ("с", "со", "на", "к") and (connects or _rest_of(words, index) <= _MAX_REST + 1):
            return not _asks_how(lemmas[:index])
        if before in _CONNECT and not _asks_how(lemmas[:index]):
            return True
    others = (word for word, lemma in zip(words, lemmas, strict=True) if lemma not in _ROBOTS and not _is_person(word))
    return _rest(" ".join(others)) == 0 and not _asks_how(lemmas)


def _before_person(words: Sequence[str], lemmas: Sequence[str], index: int) -> str:
    """The word that governs the person, over adjectives and pronouns: «соедините меня с *вашим живым* оператором»."""
    for position in range(index - 1, -1, -1):
        word, lemma = words[position], lemmas[position]
        if lemma in _ANYONE or word in ("мне", "нам", "меня", "пожалуйста", "сюда", "там") or lemmatize(word).part in ("ADJF", "PRCL"):
            continue
        return word if word in ("с", "со", "на", "к") else lemma
    return ""


def _asks_how(lemmas: Sequence[str]) -> bool:
    return any(lemma in ("как", "где", "какой", "что", "почему", "зачем") for lemma in lemmas)


def _rest_of(words: Sequence[str], person: int) -> int:
    """Content words beside the person; a word the dictionary does not know is a misheard verb, not a subject."""
    others = (word for index, word in enumerate(words) if index != person)
    return sum(not _is_polite(word) and lemmatize(word).known for word in others)


def _rest(text: str) -> int:
    """How many words are left that neither are polite nor name the wish."""
    return sum(not _is_polite(word) for word in text.split())


def _without_farewell(flat: str) -> str:
    return _NO_MORE.sub(" ", _GOODBYE.sub(" ", flat))


@lru_cache(maxsize=20_000)
def _is_polite(word: str) -> bool:
    lemma = lemmatize(word).lemmas[0]
    return word in _POLITE or lemma in _POLITE or lemma in _ANYONE or lemma in _CONNECT or lemma in _WANT


@lru_cache(maxsize=20_000)
def _is_person(word: str) -> bool:
    if not _PERSONS.isdisjoint(lemmatize(word).lemmas):
        return True
    if len(word) < _MIN_PERSON_CHARS or lemmatize(word).known:
        return False
    return max(SequenceMatcher(None, word, form).ratio() for form in ("оператор", "оператором", "оператора")) >= _PERSON_LIKENESS
