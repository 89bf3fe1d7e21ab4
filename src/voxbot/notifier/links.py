"""Which events are of one call.

Two ties. Identity: events with a common key (a channel's unique id, a bridge, a Local pair) are of one call, in
whatever order they come: `keys`; unless days lie between them: `is_still`. Likelihood: a leg that shares no channel
with its call (a manager's mobile, a consultation on a second line) is told by its numbers and the times of its
channels: `families`. That may have to be taken back when more is known, so it is asked again with each event of
either, and never merges the two for good.

How to fold an event: find the calls that hold one of its `keys`, merge them (or begin one), add the event. Then
look around: calls that share one of `numbers(event)` and are open or lately closed. `summarize` each, and
`families` tells which of them belong to which: a call's events are viewed together with those of its legs, and the
legs have no message of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voxbot.notifier.anatomy import INTERNAL, Anatomy
from voxbot.notifier.endings import Ending
from voxbot.notifier.events import Bridge, BridgeLeave, Dial, Hangup, NewCallerId, Start
from voxbot.notifier.numbering import age_order, is_external, is_internal, is_line, local_half, made_at
from voxbot.notifier.talks import Talks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxbot.notifier.events import Event, StoredEvent

_LONGEST_CALL_S = 4 * 3600.0
_RINGING_S = 300.0
"""A mobile is called along with the group: within this of the call's begin."""

_TRANSFER_S = 60.0
"""Whom a customer was handed over to may be rung this long after the manager's hangup."""

_PAIR_S = 30.0
"""The two halves of a Local channel are made at once; the next one of the same name, after a restart of Asterisk."""

_KNOWN_S = 24 * 3600.0
_RECOVERED_S = 7 * 24 * 3600.0
"""Events of one unique id that lie further apart are of two channels: a host without a clock of its own may begin at
the same second each time it starts. Hosts deliver hangups alone so late, out of their own store."""

_SLACK_S = 5.0
"""How far the times of two channels of one moment may lie apart."""


@dataclass(frozen=True, slots=True)
class Key:
    """What ties an event to a call. `kind`: channel (a unique id), bridge, pair (a Local channel without its half).

    A pair's name comes again after a restart of Asterisk, so the time of its making is a part of its value.
    """

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
    """A set of events tied by keys, as far as finding its family needs it.

    Ids order channels by age. `initiator` began an internal call; `talked`: the customer was in a bridge;
    `is_far_side`: only those who were called are known, and not the channel that began it. `ended_at` is seconds
    since the epoch by the host's clock, None: no hangup tells. By the notifier's clock, `first_at` is when its first
    event came, and `left_at` when its last did, None: it goes on, for all that is known.
    """

    role: Role
    direction: str
    main_id: str
    first_id: str
    first_at: float
    customer: str | None
    managers: frozenset[str]
    mobiles: frozenset[str]
    numbers: frozenset[str]
    initiator: str | None
    talked: bool
    is_far_side: bool
    ended_at: float | None
    left_at: float | None


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


def summarize(events: Iterable[StoredEvent]) -> Part:
    """Sum up the events that keys tie together; there must be one at least."""
    call = Anatomy(events)
    talks, ending = Talks(call), Ending(call)
    managers = {talk.person for talk in talks.in_order} | set(ending.extensions)
    if call.direction == "outgoing":
        managers |= {number for dial in call.of(Dial) for number in dial.extensions}
    return Part(
        role=_role(call),
        direction=call.direction,
        main_id=call.main_id,
        first_id=call.first_id,
        first_at=min(stored.at for stored in call.stored),
        customer=call.customer,
        managers=frozenset(number for number in managers if is_internal(number)),
        mobiles=call.mobiles,
        numbers=frozenset(number for stored in call.stored for number in numbers(stored.event)),
        initiator=_initiator(call),
        talked=bool(talks.customer_bridges),
        is_far_side=call.is_far_side,
        ended_at=_ended_at(call, ending),
        left_at=_left_at(call, talks, ending),
    )


def families(parts: Mapping[str, Part]) -> dict[str, str]:
    """Tell of each part that is a leg to which call it belongs, both by their ids in `parts`."""
    parents: dict[str, str] = {}
    for part_id, part in sorted(parts.items(), key=lambda item: age_order(item[1].first_id)):
        parent = parent_of(part, {other: call for other, call in parts.items() if other != part_id})
        if parent is not None:
            parents[part_id] = parents.get(parent, parent)
    return parents


def parent_of(leg: Part, others: Mapping[str, Part]) -> str | None:
    """Find, by its id among `others`, the part of which this is a leg; None: it is a leg of none of them.

    Of several that fit, the one that rang the leg's manager or mobile, then the one begun last. A parent's main channel
    is older than any of its leg's, so parents never go round in a circle.
    """
    if leg.role is Role.CALL:
        return None
    older = age_order(leg.first_id)
    fitting = [
        (part_id, part)
        for part_id, part in others.items()
        if part.role is not Role.LEG and part.main_id and age_order(part.main_id) < older and _fits(part, leg)
    ]
    if _is_internal_call(leg):
        # A manager consults in his latest talk: when that is over, an older one only lost its end.
        fitting = sorted(fitting, key=lambda item: age_order(item[1].main_id))[-1:]
    best = max(
        (item for item in fitting if _is_open_for(item[1], leg)),
        key=lambda item: (_likeness(item[1], leg), age_order(item[1].main_id), item[0]),
        default=None,
    )
    return best[0] if best else None


def _role(call: Anatomy) -> Role:
    if call.claim is None:
        return Role.LEG
    if call.is_far_side or call.direction != "incoming":
        return Role.EITHER
    return Role.CALL


def _initiator(call: Anatomy) -> str | None:
    """Who began an internal call: a manager in a talk begins a consultation so."""
    if call.direction != "internal":
        return None
    hung = [hangup.phone for hangup in call.of(Hangup) if hangup.call_type == INTERNAL]
    dialling = [event.caller for event in call.of(Bridge) if is_internal(event.exten) and is_internal(event.caller)]
    dialled = [event.connected for event in call.of(Bridge) if not event.exten and is_internal(event.connected)]
    told = [number for number in (*hung, *dialling, *dialled) if is_internal(number)]
    return told[0] if told else None


def _ended_at(call: Anatomy, ending: Ending) -> float | None:
    """When the call ended by the host's clock: its length since its main channel was made."""
    made, ended_at = made_at(call.main_id), ending.ended_at
    began = [hangup.started_at or hangup.received_at for hangup in call.main_hangups]
    started_at = min((at for at in began if at), default=None)
    if made is None or ended_at is None or started_at is None:
        return None
    return made + (ended_at - started_at).total_seconds()


def _left_at(call: Anatomy, talks: Talks, ending: Ending) -> float | None:
    if ending.hangups:
        return max(stored.at for stored in call.stored)
    if talks.bridges_over:
        return max(stored.at for stored in call.stored if not isinstance(stored.event, Hangup))
    return None


def _is_open_for(call: Part, leg: Part) -> bool:
    """Whether the leg's first channel was made while the call went on."""
    made, began = made_at(leg.first_id), made_at(call.main_id)
    if made is None or began is None or made - began > _LONGEST_CALL_S:
        return False
    if call.ended_at is not None:
        return made <= call.ended_at + (_TRANSFER_S if leg.is_far_side or leg.role is Role.LEG else _SLACK_S)
    # Arrivals are less exact. Only an internal call must not be taken for a consultation in a talk just over.
    slack_s = _SLACK_S if _is_internal_call(leg) else _TRANSFER_S
    return call.left_at is None or leg.first_at <= call.left_at + slack_s


def _is_internal_call(leg: Part) -> bool:
    return leg.role is Role.EITHER and leg.direction == "internal"


def _likeness(call: Part, leg: Part) -> bool:
    return bool(call.mobiles & leg.mobiles or (leg.is_far_side and call.numbers & leg.managers))


def _fits(call: Part, leg: Part) -> bool:
    """Whether the leg's numbers are those of a mobile leg, of a transfer or of a consultation of the call."""
    if leg.role is Role.LEG:
        if call.customer is not None and call.customer in leg.numbers:
            return True
        return bool(leg.numbers & (call.managers | call.mobiles)) and not any(
            is_external(number) and number not in call.mobiles for number in leg.numbers
        )
    if leg.is_far_side and leg.direction != "internal":
        return call.customer is not None and call.customer == leg.customer
    if leg.direction == "outgoing":
        soon = (made_at(leg.first_id) or 0) - (made_at(call.main_id) or 0) <= _RINGING_S
        return call.direction != "outgoing" and leg.customer in call.mobiles and soon
    return call.direction != "internal" and call.talked and leg.initiator in call.managers
