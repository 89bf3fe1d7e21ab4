"""Numbers as people read them."""

import pytest

from voxbot.notifier.phones import masked_words, written


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("375290001001", "+375 (29) 000-10-01"),
        ("74950000011", "+7 (495) 000-00-11"),
        ("77010000011", "+7 (701) 000-00-11"),
        ("15550000011", "+1 (555) 000-0011"),
        ("380670000011", "+380 (67) 000-00-11"),
        ("4915112345678", "+49 (1511) 2345678"),
        ("33612345678", "+33 (6) 12 34 56 78"),
        ("80290001001", "+375 (29) 000-10-01"),
        ("80012345678", "+800 (1234) 5678"),
        ("151", "151"),
        ("1510", "1510"),
        ("2001122", "2001122"),
        ("00000000000000", "00000000000000"),
        ("sip:anna", "sip:anna"),
        ("²²²²²²²²²²²", "²²²²²²²²²²²"),
    ],
)
def test_numbers_are_written_as_in_their_country(number, text):
    assert written(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("375290001001", "+375 (29) ***-**-01"),
        ("4915112345678", "+49 (1511) *****78"),
        ("2001122", "*****22"),
        ("151", "151"),
        ("80290001001", "+375 (29) ***-**-01"),
        ("375290001001@gw", "**********01@gw"),
        ("sip:375290001001@10.0.0.1", "sip:************@**.*.0.1"),
        ("375290001001;ext=12", "************;ext=12"),
        ("sip:anna", "sip:anna"),
    ],
)
def test_masking_leaves_the_codes_and_the_last_two_digits(number, text):
    assert written(number, masked=True) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Петров", "Петров"),
        ("Дом 12, кв. 345", "Дом 12, кв. 345"),
        ("Петров 375290001001", "Петров **********01"),
        ("+375 (29) 000-10-01 Анна", "+*** (**) ***-**-01 Анна"),
    ],
)
def test_masking_leaves_no_number_among_words(words, text):
    assert masked_words(words) == text
