"""What a question asks to be told."""

import pytest

from voxbot.knowledge.asking import asked_nouns
from voxbot.knowledge.lexical import LexicalIndex


@pytest.mark.parametrize(
    ("question", "nouns"),
    [
        ("какого цвета станок", {"цвета"}),
        ("какой у вас пароль от программы", {"пароль"}),
        ("сколько ступеней защиты у станка", {"ступеней"}),
        ("мощность какая", {"мощность"}),
        ("для резины какая машина нужна", {"машина"}),
        ("сколько дней идёт доставка", set()),
        ("какой в среднем выходит срок", set()),
        ("где вы находитесь", set()),
    ],
)
def test_the_thing_that_is_asked_for(question, nouns):
    assert asked_nouns(question) == nouns


TEXTS = [
    "Станок СТ-50\nСтанок СТ-50 весит 650 кг.",
    "Станок СТ-5\nСтанок СТ-5 весит 110 кг, окрашен в цвета заказчика.",
    "Доставка\nДоставка в Казань стоит 30 000 рублей.",
    "Доставка\nДоставка в Самару стоит 40 000 рублей.",
]


@pytest.fixture(scope="module")
def index():
    return LexicalIndex.of(TEXTS, range(len(TEXTS)))


def test_a_passage_without_the_property_is_told_from_one_with_it(index):
    found = index.score(index.understand("какого цвета станок"))
    assert found.unasked.tolist() == [1.0, 0.0, 1.0, 1.0]


def test_a_passage_of_another_town_is_told(index):
    found = index.score(index.understand("сколько стоит доставка в самару"))
    assert found.elsewhere.tolist() == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("question", "alien"), [("сколько весит СТ четыреста", True), ("сколько весит СТ пять", False)]
)
def test_a_model_that_the_series_does_not_have(index, question, alien):
    assert index.score(index.understand(question)).alien is alien


def test_nouns_that_no_passage_has_weigh_apart(index):
    unknown = index.score(index.understand("какая зарплата на станке"))
    known = index.score(index.understand("какая доставка на станке"))
    assert unknown.nouns > 0.4
    assert known.nouns == 0


@pytest.mark.parametrize(
    ("said", "meant"), [("эс тэ пятьдесят", "ст 50"), ("сэ тэ пятьдесят", "ст 50"), ("доставочка", "доставка")]
)
def test_letters_and_diminutives_are_set_right(index, said, meant):
    assert index.rewrite(said) == meant


def test_what_is_implied_is_asked_for(index):
    found = index.score(index.understand("во сколько встанет доставка в казань"))
    assert found.coverage.argmax() == 2


def test_a_word_of_other_sounds_is_not_taken_for_one_of_the_base():
    index = LexicalIndex.of(["новый станок", "авиационный завод"], [0, 1])
    assert index.rewrite("есть ли вайфай") == "есть ли вайфай"
    assert index.rewrite("какая операционка") == "какая операционка"
