"""Another voice goes on between two words, near where the first one stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.speech.resumption import CHARS_PER_S, SpeakingRate, rest_of

TEXT = "Машина стоит два миллиона рублей, а срок поставки один месяц."


@pytest.mark.parametrize(
    ("sound_s", "rest"),
    [
        (0.0, TEXT),
        (0.1, TEXT),
        (0.45, "стоит два миллиона рублей, а срок поставки один месяц."),
        (1.2, "миллиона рублей, а срок поставки один месяц."),
        (1.9, "а срок поставки один месяц."),
        (2.3, "а срок поставки один месяц."),
        (3.9, ""),
        (60.0, ""),
    ],
)
def test_the_rest_begins_at_the_word_that_the_sound_has_reached(sound_s, rest):
    assert rest_of(TEXT, sound_s, CHARS_PER_S) == rest


@given(
    st.text(alphabet="абвг ,.-\n", max_size=80),
    st.floats(0, 20, allow_nan=False),
    st.floats(4, 40, allow_nan=False),
)
def test_the_rest_is_always_an_end_of_the_text_from_the_beginning_of_a_word(text, sound_s, rate):
    rest = rest_of(text, sound_s, rate)
    assert text.endswith(rest)
    before = text[: len(text) - len(rest)]
    assert not rest or not before or before[-1].isspace()
    assert not rest or rest == text or not rest[0].isspace()


@given(st.integers(1, 12), st.floats(0.85, 1.15))
def test_it_is_exact_to_a_word_when_a_segment_is_spoken_15_percent_faster_or_slower(words, error):
    text = " ".join(["слово"] * 12)
    said_s = len(" ".join(["слово"] * words)) / CHARS_PER_S * error
    left = len(rest_of(text, said_s, CHARS_PER_S).split())
    assert abs(left - (12 - words)) <= 1 + words * 0.15


def test_a_voice_s_rate_is_learned_from_what_it_said_whole():
    rate = SpeakingRate()
    rate.learn("а" * 10, 0.2)  # too short to tell
    assert rate.chars_per_s == CHARS_PER_S
    rate.learn("а" * 40, 2.0)
    assert rate.chars_per_s == pytest.approx(20)
    rate.learn("а" * 20, 2.0)
    assert 17 < rate.chars_per_s < 20
