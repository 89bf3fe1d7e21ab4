"""An answer that breaks off anywhere and is finished by another model sounds like one answer."""

import itertools

import pytest
from fakes.scripted_llm import FAIL, ScriptedLlm

from voxbot.agent.continuation import Continuation
from voxbot.agent.llm import ChatRequest, stream_with_fallback
from voxbot.agent.spoken import SpokenAnswer
from voxbot.text.segmenter import split_segments

ANSWER = (
    "РЭМ-50 стоит от миллиона рублей, гарантия 24 месяца. "
    "Доставка в Москву занимает три дня. | Мы работаем с 9 до 18 часов."
)
SEGMENTS = split_segments(ANSWER)
REQUEST = ChatRequest("", (), "?", 0.0)


def continued(said, again, size):
    continuation = Continuation(said)
    new = "".join(continuation.push(again[at : at + size]) for at in range(0, len(again), size))
    return (new + continuation.flush()).strip()


async def spoken(*models):
    """The segments that reach the voice."""
    answer = SpokenAnswer(2000)
    said = []
    async for piece in stream_with_fallback(models, REQUEST, first_token_s=1, rewind=answer.rewind):
        said += answer.take(piece.content)
    return [*said, *answer.finish()]


class GoesOn:
    """The fallback, which answers according to what it is told was heard."""

    name = model = "spare"

    def __init__(self, how):
        self._how = how

    async def stream(self, request):
        heard = request.system.partition("услышал: «")[2].rpartition("». Продолжи")[0]
        for token in self._how(heard).split("\0"):
            yield token


def over_again(_heard):
    return "\0".join(ANSWER)


def over_again_in_other_marks(_heard):
    return "**" + ANSWER.replace(" | ", "\n").replace("24", "24\u00a0")


def rest(heard):
    """What is left of the answer after what was heard, as it is written, with the space before it."""
    left = len([char for char in heard if char.isalnum()])
    for index, char in enumerate(ANSWER):
        if not left:
            return ANSWER[index:].lstrip(".,|")
        left -= char.isalnum()
    return ""


def goes_on(heard):
    return rest(heard).lstrip(" |")


def goes_on_with_the_last_segment(heard):
    return f"{split_segments(heard)[-1] if heard else ''} {rest(heard)}"


@pytest.mark.parametrize("how", [over_again, over_again_in_other_marks, rest, goes_on, goes_on_with_the_last_segment])
@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_every_point_of_breaking_off(how, size):
    for cut in range(len(ANSWER)):
        begun = ANSWER[:cut]
        main = ScriptedLlm("main", *(begun[at : at + size] for at in range(0, cut, size)), FAIL)
        assert await spoken(main, GoesOn(how)) == SEGMENTS, f"broke off after «{begun}»"


async def test_two_models_that_break_off_leave_whole_segments():
    for first, second in itertools.product(range(0, len(ANSWER), 7), range(0, len(ANSWER), 11)):
        main, spare = ScriptedLlm("main", ANSWER[:first], FAIL), ScriptedLlm("spare", ANSWER[:second], FAIL)
        assert await spoken(main, spare, GoesOn(goes_on)) == SEGMENTS


async def test_another_wording_begins_at_a_segment_and_keeps_no_scraps():
    main = ScriptedLlm("main", "Гарантия на все машины два года. На", FAIL)
    assert await spoken(main, GoesOn(lambda _: "Также на захваты полгода.")) == [
        "Гарантия на все машины два года.",
        "Также на захваты полгода.",
    ]


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize(
    ("said", "again", "new"),
    [
        ("Да. Стоит рубль, и", "Да. Стоит рубль, и доставка.", "доставка."),
        ("Да. Стоит рубль, и", "Стоит рубль, и доставка.", "доставка."),
        ("Да. Стоит", "рубль.", "рубль."),
        ("Да. Стоит рубль.", "Да. Стоит рубль.", ""),
        ("Есть в наличии.", "Есть в наличии.|Стоит рубль.", "Стоит рубль."),
        ("Да. Есть. Да.", "Да. Цена миллион.", "Цена миллион."),
        ("Да. Нет.", "Да. Может быть. Нет. Не знаю.", "Может быть. Не знаю."),
        ("РЭМ-50 стоит миллион,", "Конечно! РЭМ-50 стоит миллион, РЭМ-100 — два.", "Конечно! РЭМ-100 — два."),
        ("РЭМ-50 стоит миллион.", "…РЭМ-100 — два.", "РЭМ-100 — два."),
        ("Стоит два миллиона.", "Стоит 2,5 рубля.", "Стоит 2,5 рубля."),
        ("Масса 5 кг,", "Масса 50 кг.", "Масса 50 кг."),
        ("Гарантия два года,", "гарантия два года», и ещё.", "и ещё."),
        ("Температура до 20,", "Температура до 20, -5 ночью.", "-5 ночью."),
        ("Есть доставка.", "Доставка есть. Доставка в Москву.", "Доставка есть. Доставка в Москву."),
        ("Да.", "...", ""),
    ],
)
def test_what_was_said_is_left_out(said, again, new, size):
    assert continued(said, again, size) == new


def test_new_words_are_not_held_back():
    continuation = Continuation("Гарантия два года.")
    assert continuation.push("Дос") == " Дос"
    assert continuation.push("тавка") == "тавка"
