"""Questions that lean on the dialogue («а на двести?», «и сколько он весит?») made to stand by themselves.

By rules, for the search only: what is added are the words of the earlier question that the new one leaves out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.knowledge.words import fold, lemmatize
from voxbot.text.numbers import words_to_digits
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.domain.dialogue import Utterance

_OPENING = re.compile(r"^\s*(?:ну )?(?:а|и|но|а ещ[её]|и ещ[её]|тогда)\b[\s,]*(?:если\b\s*)?", re.IGNORECASE)
_PRONOUNS = word_set(
    "он она оно они его ее ей ему им них нем ней него нее ними этот это эта эти этой этого этом таком такой такая"
)
_ASKING = word_set("сколько какой каков где куда когда почем во как почему зачем кто чем что до")
_PROPERTIES = word_set("""
    цена стоимость масса вес скорость мощность питание габарит размер высота ширина длина точность погрешность
""")
"""What is always asked of some thing: «а вес какой?» leans on the dialogue."""
_OF_A_THING = _PROPERTIES | {"срок", "комплектация", "комплект"}
"""«А срок изготовления?» asks it of the thing talked about."""
_ASKED_FOR = _PROPERTIES | word_set("""
    срок адрес гарантия стоить весить здравствуйте добрый день вечер пожалуйста подсказать весь какой
""")
"""Words of an earlier question that are not its subject."""
_WHOLE = word_set("где куда откуда когда кто")
"""Asked of the firm, these make a whole question; «сколько у вас стоит» still lacks its subject."""
_COMPANY = word_set("вы вас вам вами ваш ваша ваше ваши")
_PREPOSITIONS = word_set("на в во до от для из по с со к за при о об без через")
_WORD = re.compile(r"[^\W_]+(?:[-–][^\W_]+)*")
_CODE = re.compile(r"\b[А-ЯЁ]{2,5}[- ]?\d+\b|\b[а-яё]{2,5}-\d+\b")
_SPOKEN_CODE = re.compile(r"\b(?!от\b|до\b|на\b|из\b|не\b)[а-яё]{2,4}[- ]?\d+\b", re.IGNORECASE)
_UNITS = r"(?:кн|н|кгс|тс|мпа|мм|см|м|кг|т|дж|килоньютон\w*|ньютон\w*|тонн\w*|джоул\w*|миллиметр\w*|градус\w*)"
_AMOUNT = re.compile(rf"\d+(?:[.,]\d+)?(?:\s*{_UNITS}\b)?", re.IGNORECASE)
_BARE_PLACE = re.compile(r"^\W*(?:(?:ну|а|и|так|скажите|подскажите)\W+)*где (?:же )?(?:вы|вас)\W*$", re.IGNORECASE)
"""«Где вы?» is a question in speech, but has no word to search for."""
_OVERVIEW = re.compile(
    r"^\W*(?:(?:ну|а|и|так|скажите|подскажите|расскажите|здравствуйте)\W+)*"
    r"(?:чем (?:\w+ ){0,3}занима\w+|что (?:\w+ ){0,3}(?:делаете|производите|выпускаете)"
    r"|(?:о|про) (?:себе|себя|вас|вашей? (?:компани|фирм)\w+))"
    r"(?: (?:вы|ваша|фирма|компания|вообще|и|что|делаете|производите|выпускаете|занимаетесь)){0,5}\W*$",
    re.IGNORECASE,
)
"""«Чем вы занимаетесь?» asks of the firm itself."""
_SHORT_WORDS = 5
_LOOK_BACK = 6


def self_contained(question: str, history: Sequence[Utterance]) -> str:
    """Return `question` with what it takes from the dialogue; unchanged when it needs nothing."""
    if _BARE_PLACE.search(question):
        return f"{question.strip(' ?.!')} находитесь"
    if _OVERVIEW.search(question):
        return "о компании: разрабатывает, делает и выпускает"
    if not leans_on(question, history):
        return question
    earlier = _earlier(history)
    topic = earlier[0].text
    for turn in earlier[1:]:
        topic = _merge(turn.text, topic) if needs_dialogue(turn.text) else turn.text
    merged = _merge(question, topic)
    models = _CODE.findall(next((turn.text for turn in reversed(history) if turn.speaker == "bot"), ""))
    if len(set(models)) == 1 and not _CODE.search(merged) and _refers(question):
        return f"{merged} {models[0]}"
    return merged


def leans_on(question: str, history: Sequence[Utterance]) -> bool:
    """Whether the question needs something of this dialogue to be understood."""
    whole = _BARE_PLACE.search(question) or _OVERVIEW.search(question)
    return bool(_earlier(history)) and not whole and needs_dialogue(question)


def needs_dialogue(question: str) -> bool:
    """Whether the question cannot be understood alone: it begins as a continuation, points back, or lacks a subject."""
    words = _words(question)
    body = _words(_OPENING.sub("", question))
    if not body:
        return False
    opened = len(body) < len(words) and len(body) <= _SHORT_WORDS
    nouns = [word for word in body if lemmatize(word).part == "NOUN" and not re.fullmatch(_UNITS, word)]
    if _CODE.search(words_to_digits(question)):  # «а РЭМ-100?» names the subject only
        return opened and not _asks_something(body)
    if _refers(question) and len(nouns) <= 1:
        return True
    about_company = not _COMPANY.isdisjoint(body)
    if about_company and not _WHOLE.isdisjoint(body):  # «а где вы находитесь?»: the firm itself is the subject
        return False
    if opened:
        of_a_thing = lemmatize(body[0]).lemmas[0] in _OF_A_THING
        properties_only = bool(nouns) and all(lemmatize(word).lemmas[0] in _PROPERTIES for word in nouns)
        partial = not nouns or (body[0] in _PREPOSITIONS and len(nouns) == 1)
        return of_a_thing or properties_only or partial or (len(nouns) == 1 and not _asks_something(body))
    return len(body) <= 3 and not nouns and not about_company  # noqa: PLR2004 - «сколько весит», «на двести»


def _earlier(history: Sequence[Utterance]) -> Sequence[Utterance]:
    return [turn for turn in history[-_LOOK_BACK:] if turn.speaker == "user"]


def _words(text: str) -> list[str]:
    return [fold(word) for word in _WORD.findall(text)]


def _asks_something(body: Sequence[str]) -> bool:
    """Whether there is a question word or a verb: «а гарантия какая?» is whole, «а у пресса?» is not."""
    return _has_question_word(body) or any(lemmatize(word).part in ("VERB", "INFN", "ADJS", "PRED") for word in body)


def _has_question_word(body: Sequence[str]) -> bool:
    return any(lemmatize(word).lemmas[0] in _ASKING for word in body if word not in _PREPOSITIONS)


def _refers(question: str) -> bool:
    return any(fold(word) in _PRONOUNS for word in _WORD.findall(question))


def _merge(question: str, topic: str) -> str:
    """The earlier question with the new one's part in place of its own, or both one after the other."""
    new = words_to_digits(_OPENING.sub("", question)).strip(" ?.!,")
    old = words_to_digits(topic).strip(" ?.!,")
    body = _words(new)
    if _has_question_word(body) or any(lemmatize(word).lemmas[0] in _ASKED_FOR for word in body):
        return f"{new} {_subject(old)}".strip()  # a new thing is asked of the same subject
    if (whole := _put_adjective(body, old)) is not None:
        return whole
    if (code := _CODE.search(new)) and _CODE.search(old):
        return _CODE.sub(code.group(), old)
    amounts = _AMOUNT.findall(new)
    if len(amounts) == 1 and len(body) <= _SHORT_WORDS and (replaced := _put_amount(new, amounts[0], old)):
        return replaced
    if body and body[0] in _PREPOSITIONS and (replaced := _put_phrase(body[0], new, old)):
        return replaced
    return f"{old} {new}"


def _put_adjective(body: Sequence[str], old: str) -> str | None:
    """«а универсальный?» after «сколько стоит твердомер по роквеллу» → «сколько стоит твердомер универсальный»."""
    if len(body) != 1 or lemmatize(body[0]).part != "ADJF" or body[0].isdigit():
        return None
    words = old.split()
    nouns = [index for index, word in enumerate(words) if lemmatize(fold(word)).part == "NOUN"]
    if not nouns:
        return None
    place = nouns[0]
    before = [word for word in words[:place] if lemmatize(fold(word)).part != "ADJF"]
    after = words[place + 1 :] if any(map(str.isdigit, old)) else []
    return " ".join([*before, words[place], body[0], *after])


def _put_amount(new: str, amount: str, old: str) -> str | None:
    """«а на 200?» after «сколько стоит машина на 100 кН» → «сколько стоит машина на 200 кН»."""
    found = list(_AMOUNT.finditer(old))
    if not found:
        return None
    last = found[-1]
    unit = re.sub(r"^[\d.,]+\s*", "", last.group())
    has_unit = not re.fullmatch(r"[\d.,]+", amount.strip())
    value = amount.strip() if has_unit or not unit else f"{amount.strip()} {unit}"
    replaced = old[: last.start()] + value + old[last.end() :]
    others = [word for word in _WORD.findall(new) if not _AMOUNT.fullmatch(word) and word.lower() not in _PREPOSITIONS]
    others = [word for word in others if not re.fullmatch(_UNITS, word, re.IGNORECASE)]
    return " ".join([replaced, *others])


def _put_phrase(preposition: str, new: str, old: str) -> str | None:
    """«а в Новосибирск?» after «сроки доставки в Екатеринбург» → «сроки доставки в Новосибирск»."""
    match = list(re.finditer(rf"\b{preposition}\s+[^\W\d_][\w-]*", old, re.IGNORECASE))
    if not match:
        return None
    last = match[-1]
    return old[: last.start()] + new + old[last.end() :]


def _subject(old: str) -> str:
    """What the earlier question was about: without its question words, verbs and prices."""
    if (model := _SPOKEN_CODE.search(old)) and not any(lemmatize(fold(word)).is_place for word in _WORD.findall(old)):
        return model[0]
    kept: list[str] = []
    words = _WORD.findall(old)
    for index, word in enumerate(words):
        lemma = lemmatize(fold(word))
        if (
            lemma.lemmas[0] in _ASKED_FOR
            or lemma.lemmas[0] in _ASKING
            or lemma.part in ("VERB", "INFN", "CONJ", "PRCL", "NPRO", "INTJ")
        ):
            continue
        if word.lower() in _PREPOSITIONS and (index + 1 == len(words) or not words[index + 1][0].isdigit()):
            continue
        kept.append(word)
    return " ".join(kept)
