"""Numbers as people read them."""

import pytest

from voxbot.notifier.phones import written


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
    ],
)
def test_masking_leaves_the_codes_and_the_last_two_digits(number, text):
    assert written(number, masked=True) == text
