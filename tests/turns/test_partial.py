"""Words that come while the caller speaks over the bot: a nod never costs the reply, anything else ends it at once."""

from dataclasses import replace

import pytest

from voxbot.turns import machine
from voxbot.turns.events import CancelReply, Partial, Recognise, SpeechWindow
from voxbot.turns.machine import Phase
from voxbot.turns.policy import TurnPolicy

POLICY = TurnPolicy()


def over_the_bot(held=Phase.SPEAKING, **changes):
    """A caller who has been speaking over the bot for half a second; the reply is held."""
    begun = replace(machine.begin(0), phase=Phase.LISTENING, in_utterance=True, held=held, utterance_ms=500)
    return replace(begun, **changes)


def told(state, *texts):
    actions = []
    for text in texts:
        state, more = machine.step(state, Partial(text), 1000, POLICY)
        actions += more
    return state, actions


@pytest.mark.parametrize("text", ["а сколько стоит", "нет подождите", "стоп ну", "да но у меня", "алло вы"])
def test_words_that_can_be_no_nod_end_the_reply_at_once(text):
    state, actions = told(over_the_bot(), text)
    assert actions == [CancelReply()]
    assert state.held is None
    assert state.in_utterance, "the caller goes on"


@pytest.mark.parametrize(
    "texts",
    [
        ("у", "угу"),
        ("да", "да по", "да понятно"),
        ("да", "да я", "да я вас", "да я вас понял"),
        ("ага", "ага х"),
        ("",),
    ],
)
def test_a_nod_that_is_being_said_leaves_the_reply(texts):
    state, actions = told(over_the_bot(), *texts)
    assert actions == []
    assert state.held is Phase.SPEAKING


def test_the_question_heard_once_more_is_no_news_and_more_of_it_is():
    """Before the bot's first sound the stream tells the whole turn again, with what came after it."""
    waiting = over_the_bot(Phase.THINKING, answered="сколько стоит пресс")
    assert told(waiting, "сколько стоит пресс", "сколько стоит пресс на")[1] == []
    _, actions = told(waiting, "сколько стоит пресс на сто")
    assert actions == [CancelReply(goes_on=True)]


def test_words_are_no_matter_where_nothing_is_held_or_the_caller_pauses():
    for state in (over_the_bot(held=None), over_the_bot(phase=Phase.ENDPOINTING), over_the_bot(in_utterance=False)):
        assert told(state, "а сколько стоит") == (state, [])


def test_a_caller_in_mid_sentence_is_asked_about_as_one():
    state, asked = over_the_bot(), []
    for window in range(20):
        state, actions = machine.step(state, SpeechWindow(0.95, 32), 1000 + 32 * window, POLICY)
        asked += actions
    assert asked == [Recognise(1, speaking=True)], "a recogniser of streams must not take it for the end"
