"""What a dialplan and an operator's phone are told about a call."""

import pytest

from voxbot.call.transfer import SUMMARY_CHARS, TransferRequest, clean_summary


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Сколько стоит машина на 100 кН, и какой срок?", "Сколько стоит машина на 100 кН, и какой срок?"),
        ("цена\r\nсрок\tи всё\x00", "цена срок и всё"),
        ('${SHELL(rm -rf /)} $[1] "да" `x` \\ ; a|b', "SHELL rm -rf / 1 да x a b"),
        ("", ""),
    ],
)
def test_a_summary_is_one_line_that_no_dialplan_acts_on(text, cleaned):
    assert clean_summary(text) == cleaned


def test_a_long_summary_is_cut_between_words():
    cleaned = clean_summary("слово " * 100)
    assert len(cleaned) <= SUMMARY_CHARS
    assert cleaned.endswith("слово…")
    assert len(clean_summary("ы" * 1000)) == SUMMARY_CHARS


def test_the_variables_tell_reason_and_summary():
    variables = TransferRequest("operator", "Нужна\nцена").variables()
    assert variables == {"VOXBOT_REASON": "operator", "VOXBOT_SUMMARY": "Нужна цена"}
