"""Whether a caller's words look finished: rules over the last words and over what the clause still lacks.

Recognisers put a full stop or a question mark after everything, cut or not («Сколько стоит машина на?»), so these
say nothing. Dots they write after unfinished speech only; a comma too, but for one whole question in ten. Telephone
Russian is elliptic («РЭМ сто почём», «горантия на машину какая»): a rule holds only where nobody would stop so.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from voxbot.text.wordlist import word_set
from voxbot.turns.dictation import dictates_number, ends_with_whole_number
from voxbot.turns.grammar import Word, read_words

if TYPE_CHECKING:
    from collections.abc import Sequence


class Completeness(Enum):
    """Whether a caller's words look finished."""

    COMPLETE = "complete"
    UNSURE = "unsure"
    INCOMPLETE = "incomplete"


_COMPLETE, _UNSURE, _INCOMPLETE = Completeness.COMPLETE, Completeness.UNSURE, Completeness.INCOMPLETE

_TRAILS_OFF = re.compile(r"(?:\.\.|…|[–—-])\s*$")
_GOES_ON = re.compile(r"[,:;]\s*$")
_HESITATION = re.compile(
    r"э+м*|а{2,}|м{2,}|э+-э+|м-м+|ну|как (?:его|ее|их|там|бы|это)|так сказать|типа|короче|в общем|то есть|например"
    r"|допустим|скажем|собственно|потому что|так как|кстати|вообще-то|ну вот|секунду|секундочку|минутку|минуточку"
)
_HESITATION_WORDS = 3

_LEADS_ON = word_set("""
    в во на с со к ко у о об обо от ото до для из изо за под по при про без между через над перед около против среди
    ради насчет вместо кроме ввиду вроде согласно порядка
    и а но или либо чтобы чтоб если когда-то хотя поскольку пока будто словно причем зато однако
    не ни бы ли даже именно очень более
    самый самая самое самые самую самого самой самом самому самым самых самыми менее слишком
    почти примерно приблизительно
    который которая которое которые которую которого которой которых которому которым котором
    ваш ваша ваше ваши вашу вашего вашей вашем вашему вашим ваших вашими
    наш наша наше наши нашу нашего нашей нашем нашему нашим наших моя мое мои мою моего моей моем моему моим свой свою
""")
"""Nobody ends a turn with these, unless the word they belong to stands before them («машина ваша»)."""
_WHOLE_PAIRS = frozenset({("или", "без")})
_POSSESSIVES = ("ваш", "наш", "мой", "мое", "мои", "мою", "свой")
_NOUNLIKE = word_set("добавочный выходной рабочий мобильный сотовый главный ответственный дежурный сам сама сами")
"""Adjectives that stand for a noun by themselves."""
_QUESTION_WORDS = word_set(
    "где куда откуда когда почему зачем как сколько насколько что чего чем чему кто кого кому ли"
)
_WHICH = frozenset({"какой", "чей"})
_ASKING = _QUESTION_WORDS | word_set("почем какой чей который каков")
_COMPLETE_ALONE = word_set("да нет угу ага конечно хорошо ладно понятно ясно алло спасибо стоп верно правильно все")
_YES_NO = word_set("да нет ага угу конечно давайте хорошо")
_ANSWER_WORDS = 4
_CLOSING = re.compile(
    r"\b(?:до ?свидани\w|всего (?:вам )?(?:доброго|хорошего)|до (?:встречи|связи)|хорошего дня|больше вопросов нет"
    r"|вопросов (?:больше )?нет|(?:со|с) \w*(?:оператор|менеджер|человек|специалист|сотрудник)\w*|это все|у меня все"
    r"|спасибо(?: большое)?|повторите(?: пожалуйста)?|еще раз|что-нибудь еще)$"
)
_GREETING = word_set("""
    здравствуйте здравствуй добрый доброе день вечер утро алло алле привет девушка мужчина да слушайте извините
    простите ну а и так вот значит меня пожалуйста будьте добры любезны
""")
_INTRODUCTION = word_set("""
    я мы вы мне нам меня нас бы ли тут вот просто еще такой один у сначала сейчас вас не это
    хотел хотела хотели хочу хотим хотелось хочется звоню звоним узнать спросить уточнить поинтересоваться выяснить
    интересует интересуют интересно интересуюсь подскажите подсказать скажите сказать расскажите рассказать
    ответьте объясните посоветуйте назовите продиктуйте покажите дайте пришлите вышлите можете могли можно
    нужен нужна нужно нужны надо необходимо понадобился требуется вопрос поговорить купить заказать приобрести
    посмотреть выбрать подобрать получить оформить сделать зовут поводу планируем собираемся думаем
""")
"""A turn of nothing but these has not come to its question."""
_NO_INTRODUCTION = word_set("я мы вы не сейчас один вас у")
"""One of these beside a greeting is an answer: «да, я»."""
_WANTING = word_set("""
    купить заказать приобрести узнать уточнить спросить выяснить подобрать выбрать получить оформить
    испытывать испытать измерить измерять проверить проверять
""")
_MODAL = word_set("можно нужно надо нельзя хотим хочу хотите хочет хотят")
_ABLE = word_set(
    "может могут можете можем могу могли мог могла умеет умеют умеете должен должна должны сможет сможете сможем"
)
"""Verbs that are nothing without an infinitive; it may stand before them («привезти можете»)."""
_REACH = 3
_LINKING = word_set("есть был была было были будет будут являет является называется составляет")
_NOT_OBJECTS = word_set("слышите понимаете знаете видите понял поняли слушаете говорите работаете молчите поможете")
_ADDRESSES = word_set("вас нас вам нам меня мне вами нами вы мы я он она они")
_SUBJECTS = word_set("вы мы я он она они")
_ASKING_OF_PERSONS = word_set("где кто как что откуда куда")
"""«Где вы», «кто вы» can be whole questions, «до скольки вы» cannot."""
_CONDITION = re.compile(r"^(?:а |и |ну |но |вот |так )*(?:если|когда|раз)\b")
_WISHING = word_set("можно интересует интересуют есть")
_ASKING_OBJECTS = word_set("что чего кого сколько это")
_PRICE = frozenset({"почем"})
_SHORT = 2
"""«Сколько стоит», «какая цена» can stand alone and seldom do."""
_MIN_KNOWN_CHARS = 4


def completeness(text: str, *, expects_number: bool = False) -> Completeness:
    """Judge whether the caller's recognised words look finished.

    `expects_number`: the bot has asked for a number; one at the end of the text is then taken to be going on until
    it has the digits of a telephone number.
    """
    words = read_words(text)
    if not words:
        return _UNSURE
    if dictates_number(text, expects_number=expects_number):
        return _INCOMPLETE
    if ends_with_whole_number(text):
        return _COMPLETE
    flat = " ".join(word.form for word in words)
    if _is_cut(flat, words):
        return _INCOMPLETE
    found = _COMPLETE if _is_whole(flat, words) else _UNSURE
    if _TRAILS_OFF.search(text) and found is _UNSURE:
        return _INCOMPLETE
    return _UNSURE if _TRAILS_OFF.search(text) or _GOES_ON.search(text) else found


# --- what is missing ---------------------------------------------------------------------------


def _is_cut(flat: str, words: Sequence[Word]) -> bool:
    if flat in _COMPLETE_ALONE or _CLOSING.search(flat):
        return False
    if _hesitates(words) or _last_word_leads_on(words):
        return True
    if _answers(words):
        return False
    return (
        _only_introduces(words)
        or _lacks_object(words)
        or _lacks_infinitive(words)
        or _lacks_predicate(words)
        or _lacks_main_clause(flat, words)
    )


def _answers(words: Sequence[Word]) -> bool:
    """«Да, можно», «не надо», «есть»: short because the bot's question holds the rest."""
    if len(words) > _ANSWER_WORDS:
        return False
    refuses = len(words) > 1 and words[-2].form == "не"
    return words[0].form in _YES_NO or refuses or (len(words) == 1 and words[0].form in _LINKING)


def _hesitates(words: Sequence[Word]) -> bool:
    """«Сколько стоит эээ», «мне нужно это», «сейчас»; but «что это» asks."""
    last = words[-1].form
    for count in range(1, _HESITATION_WORDS + 1):
        tail = " ".join(word.form for word in words[-count:])
        if _HESITATION.fullmatch(tail) and (count == 1 or not _asks(words[:-count])):
            return True
    if last == "это":
        return not _asks(words[-_REACH:])
    return last == "сейчас" and all(word.form in _GREETING for word in words[:-1])


def _last_word_leads_on(words: Sequence[Word]) -> bool:
    last, before = words[-1], words[:-1]
    if last.form in _LEADS_ON:
        if before and (before[-1].form, last.form) in _WHOLE_PAIRS:
            return False
        return not (last.form.startswith(_POSSESSIVES) and before and last.agrees_with(before[-1]))
    if last.lemma in _WHICH:
        return not any(last.agrees_with(word) for word in before)
    if last.form in _QUESTION_WORDS:
        return not _has_content(before)
    if last.form == "номер":
        return bool(before) and before[-1].part == "NOUN"
    return last.part in ("ADJF", "PRTF") and last.form not in _NOUNLIKE and _waits_for_noun(before)


def _waits_for_noun(before: Sequence[Word]) -> bool:
    """Whether adjectives at the end go back to a word that announces a noun: «какой максимальный …», «это новый …»."""
    for word in reversed(before):
        if word.lemma in _WHICH or word.form == "это" or word.form.startswith(_POSSESSIVES):
            return True
        if word.part not in ("ADJF", "PRTF"):
            break
    return False


def _only_introduces(words: Sequence[Word]) -> bool:
    """«Здравствуйте, я хотел узнать», «подскажите, пожалуйста»: the question itself has not begun."""
    own = [word.form for word in words if word.form not in _GREETING or word.form == "меня"]
    if len(own) == 1 and own[0] in _NO_INTRODUCTION:
        return len(words) == 1
    return bool(own) and _INTRODUCTION.issuperset(own)


def _lacks_object(words: Sequence[Word]) -> bool:
    """«Мы хотим купить», «вы продаёте», «у вас есть»: a verb that nothing was said to yet."""
    last, before = words[-1], words[:-1]
    if _has_object(before):
        return False
    if last.form in _WANTING or last.form in _LINKING or last.form in _MODAL:
        return last.form in _WANTING or not any(_is_infinitive(word) for word in before)
    second_person = last.part == "VERB" and last.has("2per") and last.has("tran") and not last.has("impr")
    return second_person and last.form not in _NOT_OBJECTS


def _lacks_infinitive(words: Sequence[Word]) -> bool:
    """«Программа умеет», «можем сами», «в комнате может»."""
    able = any(word.form in _ABLE for word in words[-_REACH:])
    if not able or any(_is_infinitive(word) or word.form == "что" for word in words):
        return False
    return words[-1].form in _ABLE or words[-1].part in ("ADVB", "NPRO", "ADJF", "PRCL")


def _lacks_predicate(words: Sequence[Word]) -> bool:
    """«А кто у вас», «в субботу к вам», «до скольки вы сегодня»: a pronoun of which nothing is said yet."""
    last = words[-1]
    if any((word.is_predicate or word.may_be("INFN")) and word.form != "есть" for word in words):
        return False
    if last.part == "ADVB" and last.form not in _ASKING:
        return _asks(words) and len(words) > 2 and words[-2].form in _SUBJECTS  # noqa: PLR2004 - «где вы сейчас»
    if last.form not in _ADDRESSES:
        return False
    if last.form in _SUBJECTS:
        return len(words) < 2 or words[-2].form not in _ASKING_OF_PERSONS  # noqa: PLR2004 - the pronoun alone
    said_of = any(word.lemma in _WHICH or word.form == "есть" for word in words)
    return not (said_of and any(word.part == "NOUN" for word in words))


def _lacks_main_clause(flat: str, words: Sequence[Word]) -> bool:
    """«Если мы сами перегрузим машину»: what follows from it is still to be said."""
    if _asks(words) or not _CONDITION.match(flat):
        return False
    verbs = sum(word.is_predicate or word.part == "INFN" for word in words)
    links = any(word.form in ("то", "это", "тогда") for word in words[1:-1])
    return verbs < 2 and not links  # noqa: PLR2004 - one verb for the condition, one for what follows


# --- what is there ---------------------------------------------------------------------------


def _is_whole(flat: str, words: Sequence[Word]) -> bool:
    """Whether the turn may well end here. A bare statement may also be the beginning of a story."""
    last = words[-1]
    if flat in _COMPLETE_ALONE or _CLOSING.search(flat):
        return True
    if not _has_content(words) or not _wants_something(words):
        return False
    if last.form in _PRICE:
        return True
    own = [word for word in words if word.form not in _GREETING]
    return len(own) > _SHORT and not _ends_open(words)


def _wants_something(words: Sequence[Word]) -> bool:
    return _asks(words) or any(
        word.form in _WISHING or word.has("impr") or (word.part == "VERB" and word.has("2per")) for word in words
    )


def _ends_open(words: Sequence[Word]) -> bool:
    """Whether the last word often has something after it: a number its unit, an adjective its noun."""
    last, before = words[-1], words[-2]
    if last.is_number:  # whole after a model («РЭМ 100»), not after «на машине»
        return before.is_number or not _is_name(before)
    if before.is_number:  # «на 100 кН»
        return False
    if last.part in ("ADJF", "PRTF", "ADVB", "PREP", "CONJ", "PRCL"):
        return last.lemma not in _WHICH
    if last.form in _LINKING or last.form in _MODAL:
        return not any(word.part == "NOUN" for word in words)
    if last.part == "NOUN" and before.lemma in _WHICH:  # «от какой сети»
        return not any(word.is_predicate for word in words)
    return (len(last.form) < _MIN_KNOWN_CHARS and _is_name(last)) or _awaits_object(words)


def _awaits_object(words: Sequence[Word]) -> bool:
    """Whether a transitive verb at the end still has no object: «как быстро вы выставите», «надо ли заливать»."""
    last = words[-1]
    if last.part not in ("VERB", "INFN") or not last.has("tran"):
        return False
    if last.has("3per"):
        return not any(word.form == "сколько" for word in words[-_REACH:])
    objects = _ASKING_OBJECTS - {"сколько"} if last.part == "INFN" else _ASKING_OBJECTS
    return not any(word.form in objects or word.lemma in _WHICH for word in words)


def _is_name(word: Word) -> bool:
    """A model or an abbreviation rather than a plain noun."""
    return not word.known or any(map(word.has, ("Name", "Abbr", "Fixd")))


def _is_infinitive(word: Word) -> bool:
    return word.part == "INFN" and word.form != "есть"


def _asks(words: Sequence[Word]) -> bool:
    return any(word.form in _ASKING or word.lemma in _ASKING for word in words)


def _has_content(words: Sequence[Word]) -> bool:
    """Whether anything but politeness and question words was said."""
    return any(
        (word.part in ("NOUN", "VERB", "INFN", "ADJF", "ADJS") or word.is_number or not word.known)
        and word.form not in _GREETING
        and word.lemma not in _ASKING
        and word.form not in _INTRODUCTION
        for word in words
    )


def _has_object(words: Sequence[Word]) -> bool:
    return any(
        (word.part == "NOUN" and word.form not in _GREETING)
        or word.is_number
        or word.lemma in _ASKING
        or word.form in ("это", "его", "ее", "их", "меня", "нас", "все", "так", "такое", "такие", "ничего")
        or not word.known
        for word in words
    )
