"""Text streamed in any pieces comes out in the segments that a voice is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.text.segmenter import Segmenter, split_segments, split_sentences


def test_first_segment_ends_at_the_first_clause_and_later_ones_at_sentences():
    segmenter = Segmenter()
    assert segmenter.push("Да, конечно, машина есть на складе, ") == ["Да, конечно,"]
    assert segmenter.push("она стоит два миллиона. Доставим за неделю.") == [
        "машина есть на складе, она стоит два миллиона."
    ]
    assert segmenter.flush() == ["Доставим за неделю."]


def test_bar_divides_at_once_and_is_never_spoken():
    segmenter = Segmenter()
    assert segmenter.push("Есть|Стоит ") == ["Есть"]
    assert segmenter.push("миллион || ") == ["Стоит миллион"]
    assert segmenter.flush() == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Мы находимся в г. Владимир на ул. Испытателей рядом с им. Кирова.",
        "Цена 500 руб. за штуку без НДС.",
        "Погрешность 0,5 или 1.5 процента.",
        "Работаем по ГОСТ 1497-84 и т. д. по списку.",
        "Директор А. В. Лапшин примет вас.",
        "Это твердомер, т. е. прибор для твёрдости.",
    ],
)
def test_abbreviations_and_numbers_do_not_end_a_sentence(sentence):
    assert split_sentences(sentence + " Дальше.") == [sentence, "Дальше."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Питание 220 В. Масса 75 кг.", ["Питание 220 В.", "Масса 75 кг."]),
        ("Выпуск в 2026 г. Машина новая.", ["Выпуск в 2026 г.", "Машина новая."]),
        ("Правда?! Да… Хорошо!", ["Правда?!", "Да…", "Хорошо!"]),
        ("«Всё есть.» Звоните.", ["«Всё есть.»", "Звоните."]),
    ],
)
def test_sentence_ends(text, sentences):
    assert split_sentences(text) == sentences


def test_an_endless_sentence_is_cut_between_words():
    segments = split_segments("слово " * 200)
    assert max(map(len, segments)) <= 200
    assert " ".join(segments) == ("слово " * 200).strip()


TEXTS = st.text(st.sampled_from(list("абВГ12 .,!?|\n—«»г")), max_size=600)


@given(TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_pieces_do_not_change_segments_and_no_letter_is_lost(text, sizes):
    segmenter, segments, start, turn = Segmenter(), [], 0, 0
    while start < len(text):
        size = sizes[turn % len(sizes)]
        segments += segmenter.push(text[start : start + size])
        start, turn = start + size, turn + 1
    segments += segmenter.flush()
    assert segments == split_segments(text)
    assert [c for s in segments for c in s if c.isalnum()] == [c for c in text if c.isalnum()]
    assert all(len(segment) <= 200 and "|" not in segment for segment in segments)
