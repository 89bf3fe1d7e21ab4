"""Every call ends in one message with the right content, in whatever order its events come."""

import random

import pytest
from fakes import call_stories as stories
from fakes.call_events import BEGAN_AT, folded, sample, sample_names, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from voxbot.notifier.messages import Names, Texts

TEXTS = Texts()
_TIMES = ("⏰", "⌛")


def messages(posts, now_s):
    views = folded(stored(posts), now=BEGAN_AT + now_s)
    return sorted(TEXTS.render(view, Names(), enterprise="0367").text for view in views)


def without_times(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith(_TIMES))


@pytest.mark.parametrize("name", stories.names())
def test_a_story_ends_in_the_messages_that_its_calls_deserve(name):
    posts, remains = stories.told(name)
    assert [without_times(text) for text in messages(posts, posts[-1][0])] == remains


@pytest.mark.parametrize("name", stories.names())
@pytest.mark.parametrize("seed", range(8))
def test_events_shuffled_within_five_seconds_and_doubled_end_alike(name, seed):
    posts, _ = stories.told(name)
    assert_alike_when_shuffled(posts, random.Random(seed))


@pytest.mark.parametrize("name", sample_names())
@pytest.mark.parametrize("seed", range(8))
def test_samples_shuffled_within_five_seconds_and_doubled_end_alike(name, seed):
    assert_alike_when_shuffled(sample(name), random.Random(seed))


def assert_alike_when_shuffled(posts, chance):
    late = [(at_s + chance.uniform(0, 5), path, body) for at_s, path, body in posts * 2]
    late.sort(key=lambda post: post[0])
    assert messages(late, late[-1][0]) == messages(posts, posts[-1][0])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_order_at_all_ends_alike(data):
    name = data.draw(st.sampled_from([*sample_names(), *stories.names()]))
    posts = sample(name) if name in sample_names() else stories.told(name)[0]
    order = data.draw(st.permutations(posts))
    arrived = [(number / 10, path, body) for number, (_, path, body) in enumerate(order)]
    assert messages(arrived, 60) == messages(posts, posts[-1][0])


def essence(text):
    """The outcome, the customer and who took part: what a manager needs of a call."""
    lines = text.splitlines()
    return lines[0], [line for line in lines[1:] if line.startswith(("💰", "☎️", "📱", "↪️", "<blockquote"))]


@pytest.mark.parametrize("name", sample_names())
def test_a_lost_event_costs_no_more_than_what_it_alone_told(name):
    posts = sample(name)
    whole = [essence(text) for text in messages(posts, posts[-1][0])]
    for lost in range(len(posts)):
        rest = posts[:lost] + posts[lost + 1 :]
        found = [essence(text) for text in messages(rest, posts[-1][0] + 3600)]
        path = posts[lost][1]
        if (name, path) == ("02-incoming-missed", "/dial"):  # nothing else told who was rung
            assert found == [(whole[0][0], whole[0][1][:1])]
        else:
            assert found == whole, path


@pytest.mark.parametrize("name", [*sample_names(), *stories.names()])
def test_a_chat_sees_no_message_while_the_call_goes_on_that_it_must_lose_again(name):
    events = stored(sample(name) if name in sample_names() else stories.told(name)[0])
    ends = {view.main_id for view in folded(events, now=events[-1].at)}
    for count in range(1, len(events) + 1):
        views = folded(events[:count], now=events[count - 1].at)
        assert {view.main_id for view in views} <= ends
