"""Refusals of a person: «не надо оператора», «не соединяйте», «без оператора, пожалуйста».

Told by the negation of the verb or the person. «Не хочу говорить с роботом» and «почему не соединяете» want one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.agent.wishes import CONNECT, phrases
from voxbot.knowledge.words import lemmatize
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_NEED = (
    r"(?:надо|нужно|нужен|нужна|нужны|требуется|хочу|хотим|хотел|хотела|хотелось|хочется|буду|будем|стоит|желаю|прошу"
    r"|просил|просила|просили|собираюсь)(?: бы)?"
)
_OBJECT = (
    r"(?:(?:я|мы|меня|мне|нам|нас|вам|вас|ваш\w*|их|ни с кем|ни|никак\w+|никого|никому|никуда|никем|ничьего|живого"
    r"|живым|этого|этих|пока|сейчас|больше|пожалуйста|там|тут|еще|вообще|совсем|уже|мой|самого) )*"
)
_PUT_THROUGH = (
    r"(?:соедин(?:ять|ить|яли)|переключ(?:ать|ить|али)|перев(?:одить|ести|одили)|подключать|звать|позвать|приглашать"
    r"|вызывать|связывать|переадресовывать)"
)
_TALK = (
    rf"(?:(?:чтобы? )?{_OBJECT}(?:{_PUT_THROUGH}|связываться|соединяться|переключаться|говорить|поговорить"
    r"|разговаривать|общаться|беседовать|давать|соединения) )?"
)
_REFUSAL = phrases(
    # «не надо оператора», «я не хочу говорить с вашим оператором»
    rf"не {_NEED} {_OBJECT}{_TALK}{_OBJECT}(?:(?:с|со|на|к) {_OBJECT})?PERSON(?: {_PUT_THROUGH})?",
    # «с оператором говорить не хочу», «оператор мне не нужен»
    rf"(?:(?:соединять|переключать|переводить|звать) )?(?:(?:с|со|на|к|никак\w+) )?PERSON {_OBJECT}{_TALK}{_OBJECT}"
    rf"не {_NEED}(?!(?: \w+){{0,2}} (?:робот|бот|авто|жд|машин))"
    rf"(?: (?:{_PUT_THROUGH}|говорить|поговорить|разговаривать|общаться))?",
    # «не соединяйте с оператором»: the perfective «не соедините?» asks politely
    rf"не (?:соединяй|переключай|переводи|подключай|зови|вызывай|связывай|приглашай|давай)(?:те)? "
    rf"{_OBJECT}(?:(?:с|со|на|к) {_OBJECT})?PERSON",
    r"не (?:соединяй|переключай|переводи|подключай|переадресовывай)(?:те)?(?: меня| нас)?"
    r"(?: никуда| ни с кем| никого)?",
    rf"не (?:надо|нужно|хочу|просила?|стоит) {_OBJECT}{_PUT_THROUGH}(?: меня| нас)?(?: никуда| ни с кем)?",
    rf"(?:(?:обойдусь|обойдемся|справлюсь|разберусь|давайте|лучше|можно) )?без {_OBJECT}PERSON"
    r"(?!(?: \w+)? (?:не (?!надо|нужно|хочу)|никак|нельзя|невозможно))"
    r"(?: обойдусь| обойдемся| разберусь| разберемся| справлюсь)?",
    rf"(?:только )?(?<!\bвы )(?<!\bты )(?<!\bэто )не (?:с |на |к )?{_OBJECT}PERSON",
    r"(?:только )?(?:никак\w+|ни с каким\w*) PERSON",
)
"""The caller wants no person. Over words with every word for a person put as PERSON."""
BESIDE = word_set("""
    сам сама сами обойдусь обойдемся разберусь разберемся справлюсь ничего никого пока потом позже стоп подождите
    подожди погодите постойте минуту секунду отмена отмените передумал передумала ой ох ни рано хватит
""")
_OR_QUESTION = phrases(r"PERSON (?:\w+ )?не нуж\w+", r"без (?:\w+ )?PERSON")
"""With a question mark these ask («оператор не нужен?»)."""
_REQUEST_REACH = 3


def without_refusal(words: Sequence[str], persons: Collection[int]) -> Sequence[str] | None:
    """What is said beside a refusal of a person («не надо оператора»); None: there is none.

    `persons`: at which indices of `words` (lower case, «ё» as «е») a person is named.
    """
    flat = _with_persons(words, persons)
    left = list(words)
    found = False
    for match in reversed([*_REFUSAL.finditer(flat)]):
        first = flat.count(" ", 0, match.start())
        if _requests(words[max(0, first - _REQUEST_REACH) : first]):  # «соедините с оператором, не хочу ждать»
            continue
        found = True
        del left[first : first + len(match[0].split())]
    return left if found else None


def _requests(words: Sequence[str]) -> bool:
    """Whether a person is asked for by these words: «соедините меня», «можно поговорить»; not by «не надо звать»."""
    return any(
        word.endswith(("те", "и", "ть"))
        and not word.endswith("ете")
        and lemmatize(word).lemmas[0] in CONNECT
        and "не" not in words[:index]
        for index, word in enumerate(words)
    )


def may_ask(words: Sequence[str], persons: Collection[int]) -> bool:
    """Whether the refusal is a question if a question mark ends it: «оператор не нужен?»."""
    return _OR_QUESTION.search(_with_persons(words, persons)) is not None


def _with_persons(words: Sequence[str], persons: Collection[int]) -> str:
    return " ".join("PERSON" if index in persons else word for index, word in enumerate(words))
