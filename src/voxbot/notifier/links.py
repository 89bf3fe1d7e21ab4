"""What ties an event to a call: identities, and the numbers by which legs are looked for.

Two ties. Identity: events with a common key (a channel's unique id, a bridge, a Local pair) are of one call, in
whatever order they come: `keys`; unless days lie between them: `is_still`. Likelihood: a leg that shares no channel
with its call (a manager's mobile, a consultation on a second line) is told by its numbers and the times of its
channels (notifier/families.py). That may have to be taken back when more is known, so it is asked again with each
event of either, and never merges the two for good.

How to fold an event: find the calls that hold one of its `keys`, merge them (or begin one), add the event. Then
look around: calls that share one of `numbers(event)` and are open or lately closed. Sum each up (notifier/parts.py),
and `parent_of` tells which of them belong to which: a call's events are viewed together with those of its legs, and
the legs have no message of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.notifier.events import Bridge, BridgeLeave, Dial, Hangup, NewCallerId, Start
from voxbot.notifier.numbering import is_line, local_half, made_at

if TYPE_CHECKING:
    from voxbot.notifier.events import Event, StoredEvent

_PAIR_S = 30.0
"""The two halves of a Local channel are made at once; the next one of the same name, after a restart of Asterisk."""

_KNOWN_S = 24 * 3600.0
_RECOVERED_S = 7 * 24 * 3600.0
"""Events of one unique id that lie further apart are of two channels: a host without a clock of its own may begin at
the same second each time it starts. Hosts deliver hangups alone so late, out of their own store."""


@dataclass(frozen=True, slots=True)
class Key:
    """What ties an event to a call. `kind`: channel (a unique id), bridge, pair (a Local channel without its half).

    A pair's name comes again after a restart of Asterisk, so the time of its making is a part of its value.
    """

    kind: str
    value: str


def keys(event: Event) -> tuple[Key, ...]:
    """The identities of an event: an enterprise's events with a common key are of one call."""
    found = [Key("channel", event.unique_id)] if event.unique_id else []
    bridge_id = getattr(event, "bridge_id", "")
    if bridge_id:
        found.append(Key("bridge", bridge_id))
    half = local_half(event.channel) if isinstance(event, NewCallerId | Bridge | BridgeLeave) else None
    made = made_at(event.unique_id) if half else None
    if half and made is not None:
        found += [Key("pair", f"{half.pair} {era}") for era in _eras(made)]
    return tuple(found)


def _eras(made: float) -> tuple[str, str]:
    """Name the spans of time that hold a moment, so that two moments within 30 s share one, and within 60 s at most."""
    return f"a{made // (2 * _PAIR_S):.0f}", f"b{(made + _PAIR_S) // (2 * _PAIR_S):.0f}"


def is_still(event: StoredEvent, first_at: float, last_at: float) -> bool:
    """Whether a key that the event has in common with a call is still the same; the call's events came in that time."""
    longest_s = _RECOVERED_S if isinstance(event.event, Hangup) else _KNOWN_S
    return first_at - longest_s <= event.at <= last_at + longest_s


def numbers(event: Event) -> tuple[str, ...]:
    """The numbers by which a leg may find its call, and a call its legs: extensions, mobiles, customers."""
    match event:
        case Start():
            told = (event.phone,)
        case Dial() | Hangup():
            told = (event.phone, *event.extensions)
        case NewCallerId() | Bridge() | BridgeLeave():
            half = local_half(event.channel)
            dialled = () if isinstance(event, BridgeLeave) else (event.exten,)
            told = (event.caller, event.connected, half.number if half else None, *dialled)
        case _:
            told = ()
    return tuple(dict.fromkeys(number for number in told if number and number.isdigit() and not is_line(number)))
