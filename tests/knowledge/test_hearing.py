import pytest

from voxbot.knowledge.lexical import LexicalIndex

BASE = [
    "Разрывная машина РЭМ-100\nУсилие сто килоньютонов.",
    "Гидравлическая машина РГМ-1000\nМасла 90 литров.",
    "Поверка\nСвидетельство о поверке выдаётся с машиной.",
    "Твердомер Роквелла ТР-150\nОбслуживаем и Instron.",
    "Доставка\nВ Екатеринбург за пять дней.",
]


@pytest.fixture(scope="module")
def lexical():
    return LexicalIndex.of(BASE, list(range(len(BASE))))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("разравная машина на сто кило ньютонов", "разрывная машина на 100 килоньютонов"),
        ("масса у рем сто", "масса у рэм 100"),
        ("сколько масла в эр гэ эм тысяча", "сколько масла в ргм 1000"),
        ("твердомер роквела", "твердомер роквелла"),
        ("осведетельство опыверки", "свидетельство поверке"),
        ("доставка в екатиринбурк", "доставка в екатеринбург"),
        ("чините ли вы инстрон", "чините ли вы instron"),
    ],
)
def test_a_slip_becomes_the_word_of_the_base_that_it_sounds_like(lexical, heard, meant):
    assert lexical.rewrite(heard) == meant


@pytest.mark.parametrize("question", ["где купить молоко", "расскажите про вертолёт", "сколько вести переговоры"])
def test_words_heard_right_are_left_alone(lexical, question):
    assert lexical.rewrite(question) == question


def test_the_right_passage_is_covered_best_in_spite_of_slips(lexical):
    scores = lexical.score(lexical.understand("осведетельство опыверки вы даёте"))
    assert scores.coverage.argmax() == 2


def test_what_no_base_knows_is_counted_as_missing(lexical):
    assert lexical.score(lexical.understand("стиральный порошок")).missing == 1.0
    assert lexical.score(lexical.understand("разрывная машина")).missing == 0.0


def test_fillers_alone_weigh_nothing(lexical):
    scores = lexical.score(lexical.understand("алло здравствуйте"))
    assert scores.weight == 0
    assert not scores.coverage.any()


def test_a_very_long_babble_is_understood_in_bounded_time(lexical):
    babble = " ".join(f"бормотание{'абвгд'[number % 5]}{'еёжзи'[number % 7 % 5]}ние" for number in range(300))
    assert len(lexical.understand(babble)) == 300
