"""Call events as hosts post them: the sample calls, and short ways to write others."""

import json
from pathlib import Path

from voxbot.notifier.events import StoredEvent, parse_event

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
