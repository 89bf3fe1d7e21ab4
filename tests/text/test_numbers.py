"""Numerals in words and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.text.numbers import cardinal, decimal, read_group, words_to_digits


@pytest.mark.parametrize(
    ("number", "case", "gender", "words"),
    [
        (1000, "nomn", "masc", "тысяча"),
        (2001, "nomn", "femn", "две тысячи одна"),
        (2350000, "gent", "masc", "двух миллионов трёхсот пятидесяти тысяч"),
        (21000, "accs", "masc", "двадцать одну тысячу"),
        (1001000, "nomn", "masc", "один миллион одна тысяча"),
        (48, "ablt", "masc", "сорока восемью"),
        (-5, "nomn", "masc", "минус пять"),
    ],
)
def test_cardinals(number, case, gender, words):
    assert cardinal(number, case, gender) == words


def test_decimals_and_groups():
    assert decimal("0", "5") == "ноль целых пять десятых"
    assert decimal("21", "01") == "двадцать одна целая одна сотая"
    assert read_group("0045") == "ноль ноль сорок пять"


@pytest.mark.parametrize(
    ("spoken", "digits"),
    [
        ("машина на две тысячи сто кН", "машина на 2100 кН"),
        ("рэм сто и рэм-пятьдесят", "рэм 100 и рэм-50"),
        ("пять десять", "5 10"),
        ("столица стоит", "столица стоит"),
    ],
)
def test_words_to_digits(spoken, digits):
    assert words_to_digits(spoken) == digits


@given(st.integers(0, 10**12), st.sampled_from(["nomn", "gent", "datv", "ablt", "loct"]))
def test_every_number_in_every_case_reads_back(number, case):
    assert words_to_digits(cardinal(number, case)) == str(number)
