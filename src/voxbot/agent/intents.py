"""What a caller wants of the conversation itself, told by rules over lemmas: no language model, under a millisecond.

A wish is recognised when nothing else is asked in the same turn: «сколько стоит пульт оператора» and
«до свидания, а нет, какая гарантия?» are questions.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.agent import refusals, wishes
from voxbot.knowledge.words import fold, lemmatize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.domain.dialogue import Utterance

Act: TypeAlias = Literal[
    "operator",
    "goodbye",
    "repeat",
    "slower",
    "louder",
    "robot",
    "thanks",
    "hello",
    "stop",
    "wait",
    "declined",
    "go_on",
]
"""`declined`: «нет» to the offer of an operator; `stop`: the bot is to be silent; `wait`: the caller will go on soon;
`go_on`: an answer that leaves the bot to ask on."""

_WORD = re.compile(r"[а-яa-z]+")
_MAX_REST = 1
"""So many words that say nothing known may stand beside a wish: recognition garbles one now and then."""
_REPLY_WORDS = 5
_FILLER_WORDS = 3
_PARTING_WORDS = 16
_PERSON_LIKENESS = 0.8
_MIN_PERSON_CHARS = 7
_PERSON_FORMS = ("оператор", "оператором", "оператора")
_PLACE_WORDS = 4
_ADDRESSED = ("меня", "нас", "мне", "нам")
_LINKS = ("с", "со", "на", "к")


def recognise(text: str, history: Sequence[Utterance] = ()) -> Act | None:
    """What the caller wants of the conversation, or None for a question to be answered.

    `history` tells whether the bot has just offered an operator or asked for more questions.
    """
    words = _WORD.findall(fold(text))
    if not words:
        return None
    said_to_bot = _reply_to_bot(words, history)
    if said_to_bot:
        return said_to_bot
    left = refusals.without_refusal(words, _persons(words))
    return _by_rules(text, words) if left is None else _refuses_person(text, left, words)


def _by_rules(text: str, words: Sequence[str]) -> Act | None:
    return next((act for act, wanted in _RULES if wanted(text, words)), None)


def _reply_to_bot(words: Sequence[str], history: Sequence[Utterance]) -> Act | None:
    """«Да» and «нет» mean what the bot has just asked."""
    last = next((turn.text for turn in reversed(history) if turn.speaker == "bot"), "")
    if len(words) > _REPLY_WORDS:  # a yes or no with more in it is judged as a whole
        return None
    meaning = [word for word in words if word in wishes.YES | wishes.NO]
    others = [word for word in words if word not in {*wishes.YES, *wishes.NO, "пока"} and not _is_polite(word)]
    if not meaning or others:
        return None
    if wishes.OFFER in last:
        return "declined" if _says_no(meaning) else "operator"
    if _says_no(meaning) and wishes.ANYTHING_ELSE.search(fold(last)):
        return "goodbye"
    return None


def _says_no(meaning: Sequence[str]) -> bool:
    """«Нет», «да нет», «хорошо, не надо»; but «нет, соедините» agrees."""
    if meaning[-1] in wishes.AGREES and (len(meaning) == 1 or meaning[-2] != "не"):
        return False
    return not wishes.NO.isdisjoint(meaning)


def _refuses_person(text: str, left: Sequence[str], words: Sequence[str]) -> Act | None:
    """What is wanted instead of the person that was refused: another («не оператора, а менеджера»), or nothing."""
    if "?" in text and refusals.may_ask(words, _persons(words)):
        return None
    others = [word for word in left if word not in refusals.BESIDE]
    if not others:
        return "declined"
    instead = _by_rules(" ".join(left), left)
    if instead in ("operator", "goodbye", "repeat", "slower", "louder", "robot"):
        return instead
    return "declined" if _rest(" ".join(others)) == 0 and not _asks("", others) else None


def _calls_back(text: str, words: Sequence[str]) -> bool:
    """«Ладно, перезвоню», «я подумаю и вам потом позвоню»."""
    flat = " ".join(words)
    if "?" in text or len(words) > _PARTING_WORDS or not wishes.CALL_BACK.search(flat):
        return False
    return wishes.BESIDE_CALL_BACK.issuperset(wishes.GOODBYE.sub(" ", wishes.CALL_BACK.sub(" ", flat)).split())


def _asks(text: str, words: Sequence[str]) -> bool:
    return "?" in text or any(word in wishes.ASKING or lemmatize(word).lemmas[0] in wishes.ASKING for word in words)


def _says_goodbye(text: str, words: Sequence[str]) -> bool:
    flat = " ".join(words)
    if "?" not in text and wishes.BYE.fullmatch(flat):
        return True
    if _asks(text, words) or not (wishes.GOODBYE.search(flat) or wishes.NO_MORE.search(flat)):
        return False
    return _rest(wishes.NO_MORE.sub(" ", wishes.GOODBYE.sub(" ", flat))) <= _MAX_REST


def _only(pattern: re.Pattern[str], *, may_ask: bool = True) -> Callable[[str, Sequence[str]], bool]:
    """The wish stands alone: what is left of the turn is politeness. `may_ask`: also with a question mark."""

    def wanted(text: str, words: Sequence[str]) -> bool:
        flat = " ".join(words)
        left = pattern.sub(" ", flat).split()
        return bool(pattern.search(flat)) and _is_noise(left) and not _asks("" if may_ask else text, left)

    return wanted


def _nothing_else(pattern: re.Pattern[str]) -> Callable[[str, Sequence[str]], bool]:
    """Politeness and nothing that asks."""

    def wanted(text: str, words: Sequence[str]) -> bool:
        flat = " ".join(words)
        left = pattern.sub(" ", flat)
        asks = _asks(pattern.sub(" ", fold(text)).strip(" ?"), left.split())
        return bool(pattern.search(flat)) and _rest(left) == 0 and not asks

    return wanted


def _asks_to_wait(text: str, words: Sequence[str]) -> bool:
    flat = " ".join(words)
    return (
        "?" not in text
        and bool(wishes.WAIT.search(flat))
        and not _rest(wishes.DOING.sub(" ", wishes.WAIT.sub(" ", flat)))
    )


def _is_filler(text: str, words: Sequence[str]) -> bool:
    """«Да», «понятно», «ага» by themselves."""
    # A recogniser writes «Понятно?» as readily as «Понятно.»
    return len(words) <= _FILLER_WORDS and _rest(" ".join(words)) == 0 and not _asks(text.replace("?", ""), words)


def _asks_robot(_text: str, words: Sequence[str]) -> bool:
    flat = " ".join(words)
    if any(lemmatize(word).lemmas[0] in wishes.PUT_THROUGH for word in words):
        return False
    return bool(wishes.ROBOT.search(flat)) and _is_noise(wishes.ROBOT.sub(" ", flat).split())


def _asks_person(_text: str, words: Sequence[str]) -> bool:
    """Whether the caller asks to be put through: a person is named, and is what the sentence is about."""
    persons = _persons(words)
    lemmas = [lemmatize(word).lemmas[0] for word in words]
    if not persons:  # «не хочу говорить с роботом», «позовите кого-нибудь живого»
        anybody = wishes.ANYBODY.search(" ".join(words)) and not wishes.CONNECT.isdisjoint(lemmas)
        if anybody and _rest(wishes.ANYBODY.sub(" ", " ".join(words))) == 0:
            return not _asks_how(lemmas)
        return "не" in words and "хотеть" in lemmas and not wishes.ROBOTS.isdisjoint(lemmas)
    if "сколько" in words or "стоить" in lemmas:
        return False
    if any(_is_object_of_request(words, lemmas, index) for index in persons):
        return True
    others = (word for index, word in enumerate(words) if index not in persons and lemmas[index] not in wishes.ROBOTS)
    return "ли" not in words and _rest(" ".join(others)) == 0 and not _asks_how(lemmas)


def _is_object_of_request(words: Sequence[str], lemmas: Sequence[str], person: int) -> bool:
    """«Соедините с …», «позовите …», «не могу дозвониться до …»."""
    before = _before_person(words, lemmas, person)
    if _asks_how(lemmas[:person]) and not _complains(words[:person]):
        return False
    if before in _LINKS and any(lemma in wishes.CONNECT for lemma in lemmas[:person]):
        return True
    if "ли" in words:  # «нельзя ли поговорить с менеджером» asks for one, «нужен ли оператор» about one
        return False
    if before in _LINKS:
        return wishes.WHEN.isdisjoint(words) and _rest_of(words, person) <= _MAX_REST + 1
    return before in wishes.CONNECT or (before == "до" and wishes.REACH in lemmas[:person])


def _complains(words: Sequence[str]) -> bool:
    """«Почему вы не соединяете …», «почему нельзя поговорить …»."""
    return "почему" in words and not {"не", "нельзя", "никак"}.isdisjoint(words)


def _asks_transfer(_text: str, words: Sequence[str]) -> bool:
    """«Соедините с бухгалтерией», «можете переключить на склад»: a verb of transfer and where to, if anywhere."""
    lemmas = [lemmatize(word) for word in words]
    if _asks_how([lemma.lemmas[0] for lemma in lemmas]) or "ли" in words:
        return False
    for index, lemma in enumerate(lemmas):
        if wishes.TRANSFER.isdisjoint(lemma.lemmas) or not _is_asked_of_bot(words, index):
            continue
        after = index + 1
        while after < len(words) and (words[after] in _ADDRESSED or _is_polite(words[after])):
            if words[after] in _LINKS:
                break
            after += 1
        if after < len(words) and words[after] in _LINKS:
            place = lemmas[after + 1 :]
            named = not any(wishes.NO_PLACE.intersection(word.lemmas) for word in place)
            return named and 0 < len(place) <= _PLACE_WORDS and any(word.part == "NOUN" for word in place)
    bare = any(word.endswith("те") and wishes.TRANSFER.intersection(lemmatize(word).lemmas) for word in words)
    return bare and "не" not in words and _rest(" ".join(words)) == 0


def _is_asked_of_bot(words: Sequence[str], index: int) -> bool:
    """An imperative («соедините»), or an infinitive that a request governs («можно соединить»)."""
    if words[index].endswith(("те", "и")):
        return True
    return any(_is_polite(word) for word in words[:index])


def _before_person(words: Sequence[str], lemmas: Sequence[str], index: int) -> str:
    """The word that governs the person, over adjectives and pronouns: «соедините меня с *вашим живым* оператором»."""
    for position in range(index - 1, -1, -1):
        word, lemma = words[position], lemmas[position]
        if (
            lemma in wishes.LIVING
            or word in ("мне", "нам", "меня", "пожалуйста", "сюда", "там")
            or lemmatize(word).part in ("ADJF", "PRCL")
        ):
            continue
        return word if word in _LINKS else lemma
    return ""


def _asks_how(lemmas: Sequence[str]) -> bool:
    return not wishes.HOW.isdisjoint(lemmas)


def _rest_of(words: Sequence[str], person: int) -> int:
    """Content words beside the person; a word the dictionary does not know is a misheard verb, not a subject."""
    others = (word for index, word in enumerate(words) if index != person)
    return sum(not _is_polite(word) and lemmatize(word).known for word in others)


def _rest(text: str) -> int:
    """How many words are left that neither are polite nor name the wish."""
    return sum(not _is_polite(word) for word in text.split())


def _is_noise(left: Sequence[str]) -> bool:
    """Whether what is left beside a wish says nothing: politeness, and a garbled word that tells of no thing."""
    others = [word for word in left if not _is_polite(word)]
    return len(others) <= _MAX_REST and not any(map(_tells_of_thing, others))


def _tells_of_thing(word: str) -> bool:
    """A noun, or a verb in the third person («изнашивается»)."""
    lemma = lemmatize(word)
    return lemma.known and (lemma.part == "NOUN" or (lemma.part == "VERB" and word.endswith(("т", "тся"))))


@lru_cache(maxsize=20_000)
def _is_polite(word: str) -> bool:
    lemma = lemmatize(word).lemmas[0]
    return word in wishes.POLITE or lemma in wishes.POLITE or lemma in wishes.LIVING or lemma in wishes.CONNECT


def _persons(words: Sequence[str]) -> list[int]:
    return [index for index, word in enumerate(words) if _is_person(word)]


@lru_cache(maxsize=20_000)
def _is_person(word: str) -> bool:
    if not wishes.PERSONS.isdisjoint(lemmatize(word).lemmas):
        return True
    if len(word) < _MIN_PERSON_CHARS or lemmatize(word).known:
        return False
    return max(SequenceMatcher(None, word, form).ratio() for form in _PERSON_FORMS) >= _PERSON_LIKENESS


_RULES: tuple[tuple[Act, Callable[[str, Sequence[str]], bool]], ...] = (
    ("robot", _asks_robot),
    ("operator", _asks_person),
    ("operator", _asks_transfer),
    ("goodbye", _says_goodbye),
    ("goodbye", _calls_back),
    ("slower", _only(wishes.SLOWER)),
    ("louder", _only(wishes.LOUDER)),
    ("repeat", _only(wishes.REPEAT)),
    ("thanks", _nothing_else(wishes.THANKS)),
    ("hello", _nothing_else(wishes.HELLO)),
    ("stop", _only(wishes.STOP, may_ask=False)),
    ("wait", _asks_to_wait),
    ("go_on", _is_filler),
)
"""Tried in this order."""
