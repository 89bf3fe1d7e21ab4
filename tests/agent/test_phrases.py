"""The bot's own lines fit the calls that ask for them."""

import pytest

from voxbot.agent.phrases import APOLOGY, canned_texts, line_text
from voxbot.text.segmenter import split_segments
from voxbot.turns.events import Line


@pytest.mark.parametrize("line", Line)
def test_every_line_of_the_turn_machine_has_words_made_beforehand(line):
    segments = split_segments(line_text(line.value))
    assert segments
    assert set(segments) <= set(canned_texts())


def test_the_apology_is_one_segment():
    assert split_segments(APOLOGY) == [APOLOGY]
