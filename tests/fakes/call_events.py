"""Call events as hosts post them: the sample calls, and short ways to write others."""

import json
from pathlib import Path

from voxbot.notifier.calls import CallRules, view
from voxbot.notifier.events import StoredEvent, parse_event
from voxbot.notifier.families import families
from voxbot.notifier.links import keys
from voxbot.notifier.parts import summarize

_SAMPLES = Path(__file__).parent / "call_samples"
TOKEN = "375290000001"
BEGAN_AT = 1794800000.0


def sample_names():
    return sorted(path.stem for path in _SAMPLES.glob("*.jsonl"))


def sample(name):
    """The posts of a sample call: (seconds from the first, path, body)."""
    with (_SAMPLES / f"{name}.jsonl").open() as lines:
        posts = [json.loads(line) for line in lines]
    return [(post["at_ms"] / 1000, post["path"], post["body"]) for post in posts]


def stored(posts):
    """Events as they are stored when posts arrive in this order, each at its time."""
    return [
        StoredEvent(number, BEGAN_AT + at_s, parse_event(path, body)) for number, (at_s, path, body) in enumerate(posts)
    ]


def folded(events, *, rules=None, now):
    """Fold events as the notifier does, in this order, but in memory: the views of all calls that have a message."""
    parts = {}
    for event in events:
        found = {part for part, members in parts.items() if tied(members, event)}
        joined = [member for part in found for member in parts.pop(part)]
        parts[event.id] = [*joined, event]
    summaries = {part: summarize(members) for part, members in parts.items()}
    parents = families(summaries)
    calls = {part: list(members) for part, members in parts.items() if part not in parents}
    for leg, parent in parents.items():
        calls[parent] += parts[leg]
    views = [view(members, rules or CallRules(), now=now) for members in calls.values()]
    return [shown for shown in views if shown.shown]


def tied(members, event):
    own = set(keys(event.event))
    return any(own & set(keys(member.event)) for member in members)
