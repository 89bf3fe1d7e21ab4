"""Rewriting a `.env`: other values, everything else as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.settings.env_file import assignments, rewritten

FILE = """\
# Настройки «Ромашки»
KB_TOP_K=3   # мало

# голос
export TTS_PROVIDER = "piper"
#LLM_TEMPERATURE=0.2
RECORDING_NOTICE='Две
строки'
KB_TOP_K=4 # последняя важнее
"""


def values(text):
    return {item.name: item.value for item in assignments(text)}


def test_a_value_changes_where_it_stands_and_its_comment_stays():
    text = rewritten(FILE, {"KB_TOP_K": "7", "TTS_PROVIDER": "festival,espeak"})
    assert text == FILE.replace("KB_TOP_K=4 #", "KB_TOP_K=7 #").replace('"piper"', "festival,espeak")


def test_a_variable_that_is_commented_out_comes_to_life_there():
    assert rewritten(FILE, {"LLM_TEMPERATURE": "0.7"}) == FILE.replace("#LLM_TEMPERATURE=0.2", "LLM_TEMPERATURE=0.7")


def test_a_new_variable_comes_to_the_end():
    assert rewritten("A=1", {"B": "2"}) == "A=1\nB=2\n"
    assert rewritten("", {"B": "2"}) == "B=2\n"


def test_none_removes_every_line_of_a_variable():
    text = rewritten(FILE, {"KB_TOP_K": None, "RECORDING_NOTICE": None, "NOT_THERE": None})
    assert values(text) == {"TTS_PROVIDER": "piper"}
    assert "# Настройки «Ромашки»" in text
    assert "# голос" in text


def test_line_ends_of_windows_stay():
    assert rewritten("A=1\r\nB=2\r\n", {"A": "3"}) == "A=3\r\nB=2\r\n"


def test_a_value_of_several_lines_is_refused():
    with pytest.raises(ValueError, match="в одну строку"):
        rewritten("", {"A": "x\nB=2"})


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40), st.booleans())
def test_any_value_is_read_back_as_it_was_given(value, there):
    text = rewritten(FILE if there else "", {"TTS_PROVIDER": value})
    read = values(text)
    assert read["TTS_PROVIDER"] == value
    if there:
        assert read["KB_TOP_K"] == "4"
        assert read["RECORDING_NOTICE"] == "Две\nстроки"


def test_a_comment_with_words_is_no_place_for_a_value_and_lines_end_as_the_files_do():
    text = "# начало\r\n# KB_TOP_K=3 порог, не трогать\r\n"
    assert rewritten(text, {"KB_TOP_K": "7"}) == text + "KB_TOP_K=7\r\n"
    assert rewritten("# KB_TOP_K=3\nA=1\n", {"KB_TOP_K": "7"}) == "KB_TOP_K=7\nA=1\n"
