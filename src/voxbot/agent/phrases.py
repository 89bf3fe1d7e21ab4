"""Everything the bot says in its own words, beside the greeting, which is in the prompts file.

`|` divides segments and is never spoken. Lines that a caller may hear several times come in variants; which one is
said follows from the length of the dialogue, so that a call can be replayed exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.text.segmenter import split_segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APOLOGY = "Извините, сейчас не получается ответить."
"""Said when every engine failed or none answered in time; one segment."""

OPERATOR = ("Соединяю вас с оператором.",)
GOODBYE = ("Спасибо за звонок.|До свидания!", "Всего доброго!|До свидания!")
HELLO = ("Здравствуйте!|Слушаю вас.", "Да, я вас слышу.|Задайте, пожалуйста, вопрос.")
THANKS = ("Пожалуйста!|Остались ещё вопросы?", "Рад помочь.|Что-нибудь ещё?")
ROBOT = ("Да, я голосовой помощник.|Отвечаю на вопросы, а если нужно, соединю с оператором.",)
DECLINED = ("Хорошо.|Чем ещё могу помочь?", "Понял вас.|Спрашивайте, если что-то ещё интересует.")
STOPPED = ("Хорошо, слушаю вас.", "Да, слушаю вас.")
GO_ON = ("Слушаю вас.", "Да, слушаю.|Какой у вас вопрос?")
WAIT = ("Хорошо, жду.",)
LOUDER = ("Громче я, к сожалению, не могу, но повторю.",)
NOTHING_TO_REPEAT = ("Я пока ничего не говорил.|Задайте, пожалуйста, вопрос.",)
UNKNOWN = (
    "К сожалению, этого я не знаю.|Соединить вас с оператором?",
    "На этот вопрос у меня нет ответа.|Хотите, соединю вас с оператором?",
    "Боюсь ошибиться, таких сведений у меня нет.|Соединить вас с оператором?",
)
WHICH = ("Уточните, пожалуйста, о каком оборудовании речь?",)
FAILED = (APOLOGY + "|Соединить вас с оператором?",)
CUT_SHORT = "Извините, не получилось договорить.|Повторите, пожалуйста, вопрос."

_FIRST_FILLERS = ("Секунду…", "Сейчас посмотрю.", "Одну минуту.", "Так, смотрю.")
_MORE_FILLERS = ("Ещё секунду.", "Подождите, пожалуйста.", "Ещё немного.", "Спасибо, что ждёте.")
"""Short: the answer waits for a filler to end. They promise nothing, and fit in mid-answer too."""

_LINES = {
    "not_heard": "Извините, я вас не расслышал.|Повторите, пожалуйста.",
    "reprompt": "Вы на линии?|Задайте, пожалуйста, ваш вопрос.",
    "waiting": WAIT[0],
    "silence_goodbye": "Вас не слышно.|Перезвоните нам, пожалуйста.|До свидания!",
    "too_long_goodbye": "Извините, время разговора вышло.|Перезвоните нам, пожалуйста.|До свидания!",
    "operator": OPERATOR[0],
    "operator_busy": "Оператор сейчас занят.|Задайте вопрос мне или перезвоните, пожалуйста, позже.",
    "operator_silent": "Оператор сейчас не отвечает.|Задайте вопрос мне или перезвоните, пожалуйста, позже.",
    "unanswered": APOLOGY + "|Соединяю вас с оператором.",
    "deaf": "Извините, мне вас не слышно.|Соединяю вас с оператором.",
}
_VARIANTS: tuple[Sequence[str], ...] = (
    OPERATOR, GOODBYE, HELLO, THANKS, ROBOT, DECLINED, STOPPED, GO_ON, LOUDER, NOTHING_TO_REPEAT, UNKNOWN, WHICH,
    FAILED,
)  # fmt: skip


def line_text(line: str) -> str:
    """Text of a line that the turn machine asks for by name (turns.events.Line). Raises KeyError for another."""
    return _LINES[line]


def variant(lines: Sequence[str], turn: int) -> str:
    """The variant to be said at the given turn of the dialogue."""
    return lines[turn % len(lines)]


def filler(in_turn: int, in_call: int) -> str:
    """What to say to a caller who waits: the `in_turn`th time (from 0) for this answer, the `in_call`th in the call.

    Never the same twice in a row.
    """
    return variant(_MORE_FILLERS if in_turn else _FIRST_FILLERS, in_call)


def canned_texts() -> Iterator[str]:
    """Every fixed segment, cut as it will be spoken, so that its sound can be made beforehand."""
    fillers = (*_FIRST_FILLERS, *_MORE_FILLERS)
    texts = (*fillers, *_LINES.values(), APOLOGY, CUT_SHORT, *(text for texts in _VARIANTS for text in texts))
    yield from dict.fromkeys(segment for text in texts for segment in split_segments(text))
