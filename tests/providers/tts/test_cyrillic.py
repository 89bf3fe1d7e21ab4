"""Text for a Russian-only voice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.providers.tts.cyrillic import to_cyrillic


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Машина РЭМ-100, 15 %", "Машина РЭМ-100, 15 процентов"),
        ("USB и Wi-Fi", "ю эс би и ви-фи"),
        ("— Да! — сказал…", "Да! сказал."),
        ("за\u0301мок, café", "замок, кафе"),
        ("Цена: 5 (пять) руб.; НДС", "Цена, 5, пять, руб. НДС"),
        ("", ""),
        ("…!", ""),
    ],
)
def test_text_is_reduced_to_what_the_voice_knows(text, expected):
    assert to_cyrillic(text) == expected


@given(st.text())
def test_nothing_else_ever_gets_through(text):
    assert re.fullmatch(r"[а-яёА-ЯЁ0-9 .,!?-]*", to_cyrillic(text))
