"""Kinds of fact that telephone questions ask for, and how a sentence that holds such a fact looks.

Both sides are matched in lower case with «ё» written «е». They belong to the language, not to any one firm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.knowledge.words import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable

_COUNT = r"(?:\d|один|одного|два|двух|три|трех|четыре\w*|пят\w+|десят\w+|полутор\w+|пол|пар\w|\w+надцат\w+)"


@dataclass(frozen=True, slots=True)
class Cue:
    """One kind of fact: what asks for it, and what gives it."""

    asked: re.Pattern[str]
    answered: re.Pattern[str]


def _cue(asked: list[str], answered: list[str]) -> Cue:
    return Cue(re.compile("|".join(asked)), re.compile("|".join(answered)))


_PRICE = _cue(
    [
        r"сколько (?:\w+ ){0,2}(?:стои|денег|платить|заплатить|прос[ия]т|возьм|берете|выйдет|выходит)",
        r"во (?:сколько|что) (?:\w+ ){0,2}(?:встан|выйд|обойд)", r"стоимост",
        r"\bцен[аыуе](?!.*\b(?:ндс|эн ?дэ ?эс|налог))", r"почем", r"расценк",
        r"прайс", r"обойдется", r"по деньгам", r"в какую сумму", r"дешев", r"дорог[ао]",
    ],
    [r"\d[\d ]*(?:руб|₽|тыс|млн)", r"бесплатн", r"процент\w* от цены", r"скидк", r"дороже \w+ на \d"],
)  # fmt: skip
_PLACE = _cue(
    [
        r"(?<!айпи )(?<!ip )\bадрес(?!\w* (?:сайт|почт|электрон))",
        r"где (?:вы|вас|у вас|ваш|находит|офис|располож)", r"куда (?:подъехать|приехать)",
        r"территориально",
    ],
    [r"(?:улиц|\bул\.|проспект|шоссе|площад|переул|набережн|проезд)[^.!?]*\d", r"\bдом \d", r"\bадрес\w*:"],
)  # fmt: skip
_ROUTE = _cue(
    [r"как (?:\w+ ){0,2}(?:доехать|добраться|проехать|пройти|найти вас)"],
    [r"вокзал", r"остановк", r"\bтрасс", r"такси", r"станци", r"маршрут", r"пешком"],
)
_HOURS = _cue(
    [
        r"час[ыаов]* работ", r"график", r"режим работ", r"[дс]о? скольк", r"во сколько (?:вы|у вас|откр|закр)",
        r"когда (?:\w+ ){0,2}(?:обед|перерыв)",
        r"какого часа", r"когда (?:вы )?(?:работает|открыт|закр)", r"выходн", r"суббот", r"сегодня (?:вы )?работает",
    ],
    [r"\d{1,2}(?::\d\d)? до \d", r"\d:\d\d", r"\d час", r"выходн", r"понедельник", r"суббот", r"круглосуточн"],
)  # fmt: skip
_SINCE = _cue(
    [
        r"с какого года", r"давно (?:ли )?(?:\w+ ){0,2}(?:работает|на рынке|существ)",
        r"сколько (?:\w+ )?лет (?:\w+ )?на рынке",
        r"сколько лет (?:ваше\w+ )?(?:фирм|компани|предприят|завод)", r"когда (?:\w+ ){0,2}(?:основ|созда|появил)",
    ],
    [r"\b(?:19|20)\d\d год"],
)  # fmt: skip
_OFTEN = _cue(
    [r"раз в (?:сколько|как)", r"как часто", r"периодичност", r"интервал", r"через сколько (?:\w+ ){0,2}меня"],
    [r"раз в ", r"кажд", r"ежегодн", r"ежемесячн", r"через \d", r"интервал"],
)
_TERM = _cue(
    [
        r"как(?:ой|ие|ов\w*) срок", r"\bсрок[иоа]?\b", r"как (?:долго|быстро)", r"за сколько",
        r"гарант\w+ (?:какая|сколько|на сколько|срок)", r"(?:какая|какой|сколько) (?:\w+ )?гарант",
        r"сколько (?:\w+ )?(?:ждать|времени|дней|идет|едет|длит|занима|действует|дела[ею]т|вез[уе]т)",
        r"когда (?:\w+ )?(?:привез|достав|отгруз|будет готов)", r"(?:через )?како[ейм]+ время",
        r"на сколько (?:лет|месяц)",
        r"(?<!раз в )сколько (?:\w+ )?лет(?! (?:на рынке|(?:ваше\w+ )?(?:фирм|компани|предприят|завод)))",
    ],
    [
        rf"{_COUNT} (?:\w+ )?(?:дн|день|недел|месяц|лет|час|минут|сут)", rf"(?<!\d\d\d){_COUNT} год",
        r"бессрочн", r"раз в (?:год|месяц|полгода)",
    ],
)  # fmt: skip
_MASS = _cue([r"сколько (?:\w+ )?вес", r"\bмасс[аыу]", r"\bвес\b", r"тяжел"], [r"\d (?:кг|т\b|килограмм|тонн)"])
_SIZE = _cue([r"габарит", r"размер", r"высот", r"ширин", r"глубин"], [r"\d (?:мм|см|м\b|миллиметр|метр)", r"×"])
_DEFINITION = _cue([r"что (?:такое|значит|означает)"], [r"означа", r"— это ", r"это значит", r"называ"])
_TERM_DEFINED = re.compile(r"что (?:такое|значит|означает) ([а-я]{4,})")
_PHONE = _cue(
    [r"телефон", r"позвонить", r"номер (?:тел|отдел)", r"дозвон", r"связаться"],
    [r"\d[\d ()-]{8,}\d", r"внутренн\w+ номер", r"добавочн"],
)
_MAIL = _cue(
    [r"почт", r"e-?mail", r"имейл", r"электронн\w+ адрес", r"куда (?:\w+ )?(?:отправ|присл|присыл|писать|напис)"],
    [r"@", r"почт\w+ —", r"индекс"],
)
_SITE = _cue([r"(?:адрес\w* )?сайт"], [r"сайт\w*[^.]*\w\.[a-zа-я]{2,}", r"\w\.(?:ru|com|рф)\b"])
CUES: tuple[Cue, ...] = (
    _PRICE,
    _PLACE,
    _ROUTE,
    _HOURS,
    _SINCE,
    _OFTEN,
    _TERM,
    _PHONE,
    _MAIL,
    _SITE,
    _MASS,
    _cue([r"скорост", r"как быстро движ"], [r"\d (?:мм/|м/|миллиметр\w* в|метр\w* в|оборот|об/)"]),
    _cue(
        [r"мощност", r"потребля", r"напряжени", r"питани", r"электрич", r"сколько (?:\w+ )?(?:киловатт|вольт)"],
        [r"\d (?:к?вт|киловатт|ватт|в\b|вольт)"],
    ),
    _SIZE,
    _cue([r"точност", r"погрешност"], [r"класс\w*[^.]* \d", r"погрешност", r"\d процент", r"%"]),
    _DEFINITION,
    _cue([r"температур", r"сколько градус"], [r"\d (?:градус|°)"]),
    _cue([r"\bгост", r"стандарт"], [r"гост", r"\biso\b", r"\bисо\b", r"astm"]),
)
_OF_EACH = frozenset({_PRICE, _PLACE, _TERM, _MASS, _SIZE})
_OF_A_THING = (_PRICE, _MASS, _SIZE)


def fold(text: str) -> str:
    """The form that cues are matched in."""
    return re.sub(r"\bскок[ао]\b", "сколько", text.lower().replace("ё", "е"))


def asked(question: str) -> list[Cue]:
    """Kinds of fact that the (folded) question asks for."""
    return [_of_term(cue, question) if cue is _DEFINITION else cue for cue in CUES if cue.asked.search(question)]


def by_section(cues: Iterable[Cue]) -> bool:
    """Whether the facts asked for belong to all that their section tells of; a price is of one thing in it."""
    return _OF_EACH.isdisjoint(cues)


def asks_price(cues: Iterable[Cue]) -> bool:
    """Whether a price is among what is asked for."""
    return _PRICE in cues


def lacks_thing(question: str) -> bool:
    """Whether the (folded) question asks for a price, mass or size, and names nothing that has one."""
    cues = asked(question)
    return bool(cues) and all(cue in _OF_A_THING for cue in cues) and not tokenize(without_cues(question, cues))


def _of_term(cue: Cue, question: str) -> Cue:
    """A sentence that begins with the term defines it too: «Экстензометр измеряет удлинение образца»."""
    term = _TERM_DEFINED.search(question)
    if not term:
        return cue
    return Cue(cue.asked, re.compile(rf"{cue.answered.pattern}|(?:^|\|){term[1]} (?!стоит)[а-я]+[еиюя]т(?:ся)?\b"))


def without_cues(question: str, cues: Iterable[Cue]) -> str:
    """What the (folded) question says beside the kinds of fact it asks for: «рэм 600» of «сколько весит рэм 600»."""
    for cue in cues:
        question = re.sub(rf"\w*(?:{cue.asked.pattern})\w*", " ", question)
    return question
