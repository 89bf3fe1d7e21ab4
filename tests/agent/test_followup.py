"""A question that leans on the dialogue reaches the search whole."""

import pytest

from voxbot.agent.followup import self_contained
from voxbot.domain.dialogue import Utterance


def dialogue(*turns):
    return [Utterance("user" if index % 2 == 0 else "bot", text) for index, text in enumerate(turns)]


PRICE = ("Сколько стоит разрывная машина на сто кН?", "Разрывная машина РЭМ-100 стоит 2 350 000 рублей.")
DELIVERY = ("какие сроки доставки в Екатеринбург", "От 5 до 7 рабочих дней.")


@pytest.mark.parametrize(
    ("history", "question", "whole"),
    [
        (PRICE, "а на двести?", "Сколько стоит разрывная машина на 200 кН"),
        (PRICE, "а на пятьсот ньютонов", "Сколько стоит разрывная машина на 500 ньютонов"),
        (PRICE, "а пресс на двести кН?", "Сколько стоит разрывная машина на 200 кН пресс"),
        (DELIVERY, "а в Новосибирск?", "какие сроки доставки в Новосибирск"),
        (("какая скорость у РЭМ пятьдесят", "500 мм/мин"), "а РЭМ сто?", "какая скорость у РЭМ 100"),
    ],
)
def test_the_new_part_takes_the_place_of_the_old(history, question, whole):
    assert self_contained(question, dialogue(*history)) == whole


def test_a_new_question_on_the_same_subject_names_the_subject():
    whole = self_contained("и сколько она весит?", dialogue(*PRICE))
    assert whole.startswith("сколько она весит")
    assert "разрывная машина" in whole
    assert "РЭМ-100" in whole
    assert "стоит" not in whole


def test_follow_ups_build_on_each_other():
    history = dialogue(*PRICE, "а на двести?", "3 460 000 рублей.")
    assert "200 кН" in self_contained("а вес какой?", history)


@pytest.mark.parametrize(
    "question",
    [
        "а гарантия какая?",
        "сколько стоит доставка в Казань",
        "где вы находитесь",
        "а скидки у вас есть?",
        "РЭМ-50 цена",
        "сколько стоит рэм-20",
    ],
)
def test_whole_questions_are_left_alone(question):
    assert self_contained(question, dialogue(*PRICE)) == question


def test_nothing_to_lean_on():
    assert self_contained("а на двести?", []) == "а на двести?"


@pytest.mark.parametrize("question", ["А где вы находитесь?", "а когда вы работаете?", "А кто у вас директор?"])
def test_a_question_about_the_firm_itself_takes_nothing_from_the_dialogue(question):
    history = [Utterance("user", "какие сроки доставки в Екатеринбург"), Utterance("bot", "От 5 до 7 рабочих дней.")]
    assert self_contained(question, history) == question


@pytest.mark.parametrize("question", ["где вы", "А где вы?", "скажите, где вы"])
def test_where_are_you_is_a_question_of_place(question):
    assert self_contained(question, ()).endswith("находитесь")


@pytest.mark.parametrize(
    ("before", "question", "whole"),
    [
        ("сколько стоит твердомер по роквеллу", "а универсальный", "сколько стоит твердомер универсальный"),
        ("сколько стоит обучение у вас на заводе", "а выездное", "сколько стоит обучение выездное"),
        ("сколько стоит пресс пгм две тысячи", "а срок изготовления какой", "срок изготовления какой пгм 2000"),
        ("есть ли на складе пгм тысяча", "и почём он", "почём он пгм 1000"),
    ],
)
def test_the_thing_talked_about_stays(before, question, whole):
    history = [Utterance("user", before), Utterance("bot", "Да.")]
    assert self_contained(question, history) == whole


@pytest.mark.parametrize("question", ["чем вы занимаетесь", "а что вы вообще делаете", "расскажите о вашей компании"])
def test_what_the_firm_does_is_a_whole_question(question):
    history = [Utterance("user", "сколько стоит рэм сто"), Utterance("bot", "Два миллиона.")]
    assert self_contained(question, history).startswith("о компании")
    assert "рэм" not in self_contained(question, history)
