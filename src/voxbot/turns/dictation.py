"""Numbers that a caller dictates: when the bot asks for one, and whether one is still being said.

Callers dictate in groups with pauses of up to a second between them: «восемь … девятьсот двенадцать … триста сорок
пять …». What shows that more is to come is the kind of number (a mobile number has 11 digits, an ИНН 10 or 12) or,
where its length is unknown, only that a word like «номер» announced it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxbot.text.numbers import words_to_digits
from voxbot.text.wordlist import word_set

_KINDS = r"номер\w*|телефон\w*|инн|кпп|огрн|бик|код\w{0,2}|артикул\w*|цифр\w+|добавочн\w+|индекс\w*|пароль"
_ASKED = re.compile(rf"\b(?:{_KINDS})\b")
_ASKING = re.compile(
    r"\b(?:назовите|скажите|подскажите|продиктуйте|диктуйте|укажите|введите|наберите|нажмите|сообщите|уточните"
    r"|оставьте|повторите|напомните|как(?:ой|ие|ов)|по какому)\b"
)
_SENTENCE = re.compile(r"[^.!?|]+")
_SENTENCES = 2
"""«Назовите номер заказа. Можно набрать на клавиатуре.» asks in the last sentence but one."""

_TOKEN = re.compile(r"[а-яa-z]+|\d+|\+")
_NOUN = re.compile(
    r"(?:номер|телефон|инн|кпп|огрн|бик|код|артикул|добавочный|факс|индекс|мобильный|сотовый)(?:а|у|ом|е)?"
)
_BETWEEN = word_set("""
    заказ заказа заказу заявка заявки договор договора счет счета машина машины мой наш ваш вот это мобильный сотовый
    рабочий контактный телефон телефона серийный заводской у меня нас такой следующий будет есть компании организации
    накладной тире точка дробь черта
""")
_NOUN_REACH = 4
_ANNOUNCED = re.compile(
    r"\b(?:мой|наш|мои|наши)(?: \w+){0,2} (?:номер|телефон|инн|кпп|код|артикул)$"
    r"|\b(?:мой|наш|записывайте|пишите)(?: \w+)? номер (?:телефона|заказа|заявки|договора|счета)$"
    r"|^(?:номер|телефон|инн|кпп|артикул)$|^номер (?:телефона|заказа|заявки|договора|счета)$"
)
_OPENING = word_set(
    "да так ну вот пишите записывайте диктую значит хорошо ага сейчас это мой наш пожалуйста запишите и в"
)
"""«В» is what recognisers make of «восемь»: «В 8912»."""
_PHONE_START = re.compile(r"(?:[78][3489]|9)\d*")
_PHONE_DIGITS = 11
_LOCAL_PHONE_DIGITS = 10
_WHOLE: dict[str, tuple[int, ...]] = {"инн": (10, 12), "кпп": (9,), "огрн": (13, 15), "бик": (9,), "индекс": (6,)}
_LONGEST = 12
"""A number of unknown length is taken to be whole from here on."""


@dataclass(frozen=True, slots=True)
class _Dictated:
    """The number a text ends with: its digits, its groups as they were said, the words before it."""

    digits: str
    groups: int
    before: tuple[str, ...]


def asks_for_number(bot_text: str) -> bool:
    """Whether the bot's last words ask the caller to say or key in a number («Назовите номер заказа.»)."""
    sentences = [sentence for sentence in _SENTENCE.findall(bot_text.lower().replace("ё", "е")) if sentence.strip()]
    return any(_ASKED.search(sentence) and _ASKING.search(sentence) for sentence in sentences[-_SENTENCES:])


def dictates_number(text: str, *, expects_number: bool = False) -> bool:
    """Whether the text ends inside a number that is being dictated: «8 912», «номер заказа 45», «мой телефон».

    `expects_number`: the bot has asked for one, so any number at the end of the text is taken for it.
    """
    found = _ending(text)
    if not found.digits:
        return _ANNOUNCED.search(" ".join(found.before)) is not None
    noun = _noun(found.before)
    if noun:
        return not _is_whole(noun, found.digits)
    if _looks_like_phone(found):
        return not _is_whole("телефон", found.digits)
    return expects_number and len(found.digits) < _LOCAL_PHONE_DIGITS


def ends_with_whole_number(text: str) -> bool:
    """Whether the text ends with a number that needs no more digits: a whole telephone number, an ИНН."""
    found = _ending(text)
    noun = _noun(found.before)
    if noun:
        return _is_whole(noun, found.digits)
    return len(found.digits) == _PHONE_DIGITS and _looks_like_phone(found)


def _ending(text: str) -> _Dictated:
    tokens: list[str] = _TOKEN.findall(words_to_digits(text.lower().replace("ё", "е")))
    start = len(tokens)
    while start and not tokens[start - 1][0].isalpha():
        start -= 1
    groups = [token for token in tokens[start:] if token != "+"]  # noqa: S105 - the sign before a country's code
    return _Dictated("".join(groups), len(groups), tuple(tokens[:start]))


def _noun(before: tuple[str, ...]) -> str:
    """The word that announced the number: over «заказа», «у меня» and numbers misheard as words, at most."""
    for word in reversed(before[-_NOUN_REACH:]):
        if match := _NOUN.fullmatch(word):
            return match[0]
        if word not in _BETWEEN and not word.isdigit():
            break
    return ""


def _is_whole(noun: str, digits: str) -> bool:
    if noun.startswith(("телефон", "мобильн", "сотов", "факс")):
        return len(digits) >= (_PHONE_DIGITS if digits.startswith(("7", "8")) else _LOCAL_PHONE_DIGITS)
    if noun in _WHOLE:
        return len(digits) in _WHOLE[noun] or len(digits) > max(_WHOLE[noun])
    return len(digits) >= _LONGEST or (digits.startswith(("7", "8")) and len(digits) == _PHONE_DIGITS)


def _looks_like_phone(found: _Dictated) -> bool:
    """Nothing but the number, and it begins as Russian telephone numbers do: 8 9…, 7 4…, +7 8…, 9…."""
    several = found.groups > 1 or len(found.digits) > len("8912") - 1
    return several and _OPENING.issuperset(found.before) and _PHONE_START.fullmatch(found.digits) is not None
