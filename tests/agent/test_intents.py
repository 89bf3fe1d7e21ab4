"""A wish about the conversation is told from a question, also through the slips of speech recognition."""

import pytest

from voxbot.agent.intents import recognise
from voxbot.domain.dialogue import Utterance


@pytest.mark.parametrize(
    "said",
    [
        "Соедините меня, пожалуйста, с оператором.", "Сыринийте меня пожалуйста с оператором", "оператор",
        "дайте живого человека", "позовите менеджера", "можно поговорить с человеком", "переключите на менеджера",
        "хочу поговорить со специалистом", "соедините меня с оператором у меня вопрос по машине",
        "мне нужен живой человек а не робот", "Соедините с аператором", "соедините с менеджером по продажам",
        "не хочу говорить с роботом", "оператора пожалуйста",
        "соедините с бухгалтерией", "переключите на бухгалтерию", "можете соединить меня с отделом продаж",
    ],
)  # fmt: skip
def test_asks_for_a_person(said):
    assert recognise(said) == "operator"


@pytest.mark.parametrize(
    "said",
    [
        "спасибо больше вопросов нет до свидания", "До свидания.", "всего доброго", "это всё спасибо", "досвидания",
        "нет вопросов больше", "спасибо вам большое я все понял до свидания", "хорошо спасибо до свиданья",
        "у меня всё",
    ],
)  # fmt: skip
def test_says_goodbye(said):
    assert recognise(said) == "goodbye"


@pytest.mark.parametrize(
    "said",
    [
        "сколько стоит пульт оператора", "оператор машины нужен?", "нужен ли оператор для работы на машине",
        "сколько человек у вас работает", "обучение операторов сколько стоит", "как соединить машину с компьютером",
        "до свидания а нет подождите какая гарантия", "свидетельство о поверке есть?", "до какого часа вы работаете",
        "всё понятно а сколько стоит доставка", "как связаться с менеджером", "что входит в рабочее место оператора",
        "пока не знаю какая машина мне нужна", "можно ли подключить пульт оператора", "ещё раз сколько стоит рэм сто",
        "можно заказать генератор", "у вас есть человек который делает поверку?",
        "переведите инструкцию на английский", "можно связаться с директором", "соедините датчик с компьютером как",
    ],
)  # fmt: skip
def test_questions_stay_questions(said):
    assert recognise(said) is None


@pytest.mark.parametrize(
    ("said", "act"),
    [
        ("повторите, пожалуйста", "repeat"), ("не расслышал", "repeat"), ("помедленнее пожалуйста", "slower"),
        ("вы робот?", "robot"), ("а вы живой человек?", "robot"), ("спасибо большое", "thanks"),
        ("алло, вы меня слышите?", "hello"), ("понятно", "go_on"), ("", None),
    ],
)  # fmt: skip
def test_other_wishes(said, act):
    assert recognise(said) == act


OFFERED = (Utterance("user", "х"), Utterance("bot", "К сожалению, этого я не знаю. Соединить вас с оператором?"))
ASKED_ON = (Utterance("bot", "Пожалуйста! Остались ещё вопросы?"),)


@pytest.mark.parametrize(
    ("said", "history", "act"),
    [
        ("да", OFFERED, "operator"), ("да, соедините", OFFERED, "operator"), ("нет спасибо", OFFERED, "declined"),
        ("а сколько стоит РЭМ", OFFERED, None), ("нет", ASKED_ON, "goodbye"), ("да", ASKED_ON, "go_on"),
        ("да", (), "go_on"),
        ("пока нет", OFFERED, "declined"), ("нет пока", ASKED_ON, "goodbye"), ("пока нет", (), None),
    ],
)  # fmt: skip
def test_yes_and_no_mean_what_the_bot_asked(said, history, act):
    assert recognise(said, history) == act
