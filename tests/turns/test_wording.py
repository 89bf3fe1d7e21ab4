"""What recognised words tell about a turn."""

import json
from pathlib import Path

import pytest

from voxbot.turns.wording import (
    Completeness,
    asks_for_number,
    completeness,
    dictates_number,
    is_backchannel,
    is_murmur,
    same_words,
)

DATA = Path(__file__).parents[2] / "bench/data"


def read(name):
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


UNFINISHED = [
    "Сколько стоит машина на",
    "Сколько стоит машины на?",  # as whisper-base writes it
    "Скажите о!",
    "А если мы сами?",
    "Если мы сами перегрузим машину, то.",
    "А если мы сами перегрузим машину",
    "Здравствуйте, я хотел узнать.",
    "Я хотел бы",
    "Подскажите, пожалуйста.",
    "Скажите,",
    "Меня интересует.",
    "Мы хотим купить.",
    "Нам нужен пресс для.",
    "Сколько стоит эээ",
    "Сколько стоит, ну",
    "Мне нужно это.",
    "Как его?",
    "Сейчас.",
    "Какая гарантия на ваши испытательные",
    "Какой пресс, который",
    "А кто у вас",
    "Программа умеет",
    "А свидетельство о поверке...",
    "Мы техникум и нам...",
    "Я хочу узнать про.",
    "Подскажите, что с моим заказом номер",
]
FINISHED = [
    "Здравствуйте, сколько стоит разрывная машина на сто килоньютонов?",
    "Сколько стоит машина на 100 кН?",
    "А свидетельство о поверке вы выдаёте вместе с машиной?",
    "Какие сроки доставки в Екатеринбург?",
    "Какая гарантия на ваши испытательные машины?",
    "Какие твердомеры у вас есть?",
    "А где вы находитесь?",
    "Подскажите, пожалуйста, ваш адрес и часы работы.",
    "Соедините меня с оператором.",
    "Спасибо, больше вопросов нет.",
    "До свидания!",
    "Да.",
    "Нет.",
    "Экстензометр навесной почём",
    "8 912 345 67 89",
]
EITHER = ["А на сто?", "Здравствуйте.", "Да, можно.", "Нет, не надо.", "Есть.", "Сколько стоит?", "Гарантия.", "",
          "Автомобиль у вас есть, где оставить,", "Какие твердомеры у вас есть,"]  # fmt: skip


@pytest.mark.parametrize("text", UNFINISHED)
def test_words_that_wait_for_more(text):
    assert completeness(text) is Completeness.INCOMPLETE


@pytest.mark.parametrize("text", FINISHED)
def test_words_that_are_whole(text):
    assert completeness(text) is Completeness.COMPLETE


@pytest.mark.parametrize("text", EITHER)
def test_words_that_may_be_either(text):
    assert completeness(text) is Completeness.UNSURE


def test_no_whole_question_is_held_back():
    held = [row["q"] for row in read("questions.jsonl") if completeness(row["q"]) is Completeness.INCOMPLETE]
    assert held == []


def test_cut_questions_are_told_from_whole_ones():
    """Questions cut at random places; hand-labelled, some could be either."""
    rows = [(row["turn"], completeness(row["text"])) for row in read("cut_questions.jsonl")]
    held = [turn for turn, found in rows if found is Completeness.INCOMPLETE]
    cut = [found for turn, found in rows if turn == "incomplete"]
    assert held.count("incomplete") / len(held) >= 0.95
    assert cut.count(Completeness.INCOMPLETE) / len(cut) >= 0.6
    assert cut.count(Completeness.COMPLETE) / len(cut) <= 0.1


@pytest.mark.parametrize(
    "text",
    ["восемь девятьсот двенадцать", "8 912", "В 8912.", "8,912,345,", "+7 912 345", "номер заказа 45",
     "мой телефон восемь", "наш ИНН семь семь ноль один", "Мой номер телефона", "Пишите: 8 912 345 67"],
)  # fmt: skip
def test_a_number_that_goes_on(text):
    assert dictates_number(text)
    assert completeness(text) is Completeness.INCOMPLETE


@pytest.mark.parametrize(
    "text",
    ["8 912 345 67 89", "наш ИНН 7701234567", "сколько стоит РЭМ 50", "машина на сто", "на сто килоньютонов",
     "сто двадцать", "какой у вас телефон", "ГОСТ 28840", "телефон 9123456789"],
)  # fmt: skip
def test_a_number_that_is_whole_or_is_not_dictated(text):
    assert not dictates_number(text)


def test_any_number_is_dictated_once_the_bot_has_asked():
    assert completeness("четыреста двенадцать") is not Completeness.INCOMPLETE
    assert completeness("четыреста двенадцать", expects_number=True) is Completeness.INCOMPLETE
    assert completeness("я его не помню", expects_number=True) is not Completeness.INCOMPLETE


@pytest.mark.parametrize(
    "text",
    ["Угу.", "У-у", "М-м.", "Мгм", "Ага, ага", "Ага. Ага.", "Да-да", "Дада!", "НУДА!", "Понятно?",
     "Так, так.", "Хорошо!", "Ясно.", "Окей.", "Да, понятно.", "Я вас понял", "Всё понятно", "Ого", "Да, да, да.",
     "Да, да.", "Ага.", "Угу, угу.", "Так, так", "Ну да", "Всё, понял", "понял, спасибо", "да", "Да.",
     "да да да да да да", "ну да да", "да я понял", "я понял", "поняла вас", "ага понятно", "угу хорошо",
     "так так так", "хорошо хорошо", "ясно понятно", "всё ясно", "всё понятно спасибо", "хорошо спасибо",
     "да понятно", "да конечно", "конечно", "окей", "ок", "м-м", "ммм", "вот как", "надо же", "вот оно что",
     "ага записываю", "записал", "да слушаю", "я вас слушаю", "ну понятно", "ну хорошо", "да верно",
     "всё верно", "да да я вас понял", "интересно", "ладно", "точно", "Понял?", "я слушаю", "это понятно",
     "ну да понятно", "вижу да", "ну ладно", "так понятно", "очень хорошо", "мы поняли", "Всё, понятно.",
     "да-да-да", "ого", "Угум", "ну"],
)  # fmt: skip
def test_backchannels(text):
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["Нет.", "Стоп!", "Да, но подождите!", "Подождите", "Алло!", "Да?", "Так?", "Угу, а сколько стоит?",
     "Понятно, а цена", "Спасибо", "Всё", "Я", "Хорошо, соедините с оператором", "Не понятно", "",
     "да, но", "да, но подождите", "да но сколько стоит", "нет", "стоп", "алло", "подождите", "что?", "как?",
     "что", "как", "нет нет", "не", "не понял", "не понятно", "ну всё", "всё", "хорошо всё", "ладно всё",
     "всё спасибо", "спасибо", "да?", "так?", "а", "и", "ну а", "ну и", "ну я", "так а", "да а", "хватит",
     "понятно а цена", "ага щас", "угу а сколько", "да нет", "ладно хватит", "хорошо перезвоню",
     "да соедините", "можно", "давайте", "оператор", "да алло", "алло да", "понял до свидания",
     "хорошо до свидания", "ну и что", "так что", "что это", "вот это", "хорошо а", "да и", "я", "сто",
     "да сто", "зачем", "не надо", "да не надо", "так стоп", "Верно?", "да мне", "повторите", "слушайте",
     "скажите", "понятно но", "хорошо тогда", "ну как", "Вот что?", "и всё", "да и всё", "так всё"],
)  # fmt: skip
def test_words_that_want_something_are_no_backchannels(text):
    assert not is_backchannel(text)


def test_what_whisper_makes_of_hums_is_a_murmur():
    """Texts and confidences of whisper-base on «угу», «мгм», «у-у», «м-м» in telephone sound."""
    for text, confidence in (("Белару.", 0.25), ("МК МКМ", 0.40), ("Лом.", 0.28), ("", 0.0)):
        assert is_murmur(text, confidence)
    for text, confidence in (("Стоп!", 0.72), ("Алло!", 0.27), ("Нет.", 0.31), ("Какая гарантия на", 0.3), ("45", 0.2)):
        assert not is_murmur(text, confidence)


@pytest.mark.parametrize(
    "text",
    ["Назовите, пожалуйста, номер заказа.", "Продиктуйте ваш ИНН.", "Какой у вас номер телефона?",
     "Хорошо.|Скажите номер договора.|Можно набрать его на клавиатуре.", "Уточните артикул детали."],
)  # fmt: skip
def test_the_bot_asks_for_a_number(text):
    assert asks_for_number(text)


@pytest.mark.parametrize(
    "text",
    ["Наш телефон восемь восемьсот.", "Какой у вас вопрос?", "РЭМ-100 стоит два миллиона.", "Назовите город доставки.",
     "Назовите номер заказа.|Спасибо, нашёл.|Он отгружен.", ""],
)  # fmt: skip
def test_the_bot_asks_for_something_else(text):
    assert not asks_for_number(text)


def test_the_same_words_in_another_spelling():
    assert same_words("Сколько стоит ёлка?", "сколько стоит елка")
    assert same_words("машина на сто", "Машина на 100.")
    assert same_words("Какая гарантия", "какая гарантия, эээ, ну")
    assert same_words("Угу.", "угу")
    assert not same_words("машина на сто", "машина на двести")
    assert not same_words("какая гарантия", "какая гарантия на пресс")
    assert not same_words("угу", "ага")
