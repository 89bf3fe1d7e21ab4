import pytest

from voxbot.knowledge.slips import same_root
from voxbot.knowledge.words import pair_terms, tokenize


def terms(text):
    return {term for token in tokenize(text) for term in token.terms}


def pairs(text):
    return {term for alternatives in pair_terms(tokenize(text)) for term in alternatives}


@pytest.mark.parametrize(
    ("said", "written", "pair"),
    [
        ("рэм сто", "РЭМ-100", "рэм_100"),
        ("на сто килоньютонов", "на 100 кН", "100_кн"),
        ("на сто килоньютон", "100кН", "100_кн"),
        ("тысячу килоньютонов", "1000 кН", "1000_кн"),
        ("гост двадцать восемь тысяч восемьсот сорок", "ГОСТ 28840-90", "гост_28840"),
        ("гост двадцать восемь восемьсот сорок", "ГОСТ 28840", "гост_28840"),
        ("гост четырнадцать девяносто семь", "ГОСТ 1497", "гост_1497"),
        ("класс ноль пять", "класс 0,5", "класс_0.5"),
        ("два миллиона триста пятьдесят тысяч рублей", "2 350 000 руб.", "2350000_руб"),
        ("полтора киловатта", "1,5 кВт", "1.5_квт"),
    ],
)
def test_what_is_said_and_what_is_written_meet(said, written, pair):
    assert pair in pairs(said)
    assert pair in pairs(written)


def test_cases_and_the_letter_yo_do_not_matter():
    assert terms("маятникового копра") & terms("Маятниковый копёр")
    assert terms("о поверке") == terms("поверка")


def test_numbers_apart_stay_apart():
    assert {"50", "100", "200"} <= terms("50, 100 и 200 кН")
    assert "50100" not in terms("50, 100 и 200 кН")


def test_fillers_of_a_telephone_question_say_nothing():
    assert not tokenize("здравствуйте подскажите пожалуйста а у вас есть")


def test_a_preposition_is_not_a_unit_but_the_symbol_after_a_number_is():
    assert "в" not in terms("в цехе")
    assert "220_в" in pairs("питание 220 В")


def test_an_adjective_of_a_short_noun_has_its_root():
    assert same_root("обед", "обеденный")
    assert not same_root("порт", "портативный")
