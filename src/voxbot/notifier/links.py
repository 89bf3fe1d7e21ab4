"""Which events are of one call.

Two ties. Identity: events with a common key (a channel's unique id, a bridge, a Local pair) are of one call, for
ever, in whatever order they come: `keys`. Likelihood: a leg that shares no channel with its call (a manager's mobile,
a consultation on a second line) is told by its numbers and the times of its channels: `parent_of`. That may have to be
taken back when more is known, so it is asked again with each event of either, and never merges the two for good.

How to fold an event: find the calls that hold one of its `keys`, merge them (or begin one), add the event. Then
look around: calls that share one of `numbers(event)` and are open or lately closed. `summarize` each. For each of
them whose `role` is not CALL, `parent_of(it, the others)` names the call to which its events are added when that
one is viewed; it has no message of its own then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxbot.notifier.events import Event, StoredEvent


@dataclass(frozen=True, slots=True)
class Key:
    """What ties an event to a call. `kind`: channel (a unique id), bridge, pair (a Local channel without its half)."""

    kind: str
    value: str


class Role(StrEnum):
    """What a set of events may be by itself."""

    CALL = "call"
    """A call: never a leg."""
    LEG = "leg"
    """A leg, or nothing at all: without its call it has no message."""
    EITHER = "either"
    """A leg when there is a call that it fits, else a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What `parent_of` needs to know of a set of events tied by keys."""

    role: Role


def keys(event: Event) -> tuple[Key, ...]:
    """The identities of an event: an enterprise's events with a common key are of one call."""
    raise NotImplementedError


def numbers(event: Event) -> tuple[str, ...]:
    """The numbers by which a leg may find its call, and a call its legs: extensions, mobiles, customers."""
    raise NotImplementedError


def summarize(events: Iterable[StoredEvent]) -> Part:
    """Sum up the events that keys tie together."""
    raise NotImplementedError


def parent_of(leg: Part, others: Mapping[str, Part]) -> str | None:
    """Find, by its id among `others`, the call of which this is a leg; None: it is a leg of none of them."""
    raise NotImplementedError
