"""Text is cut where a speaker would breathe, the first piece soonest, and none of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.speech.clauses import split_clauses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Да, конечно.", ["Да, конечно."]),
        ("Мы работаем с девяти. Приезжайте!", ["Мы работаем с девяти.", "Приезжайте!"]),
        ("Ул. Мира, дом пять, офис три.", ["Ул. Мира, дом пять, офис три."]),
        (
            "Машина испытывает металлы на растяжение, сжатие и изгиб, а также определяет предел прочности.",
            ["Машина испытывает металлы на растяжение, сжатие и изгиб,", "а также определяет предел прочности."],
        ),
        ("", []),
        ("  \n ", []),
    ],
)
def test_it_cuts_at_sentences_and_long_ones_at_clauses(text, expected):
    assert split_clauses(text) == expected


@given(st.text(alphabet="аб .,!?:—\n", max_size=400))
def test_nothing_but_spaces_is_lost(text):
    assert "".join("".join(split_clauses(text)).split()) == "".join(text.split())


@given(st.text(alphabet="абв .,", max_size=600))
def test_no_piece_is_too_long_to_wait_for(text):
    assert all(0 < len(piece) <= 135 for piece in split_clauses(text))
