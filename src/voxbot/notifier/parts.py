"""Sets of events tied by keys, summed up as far as finding their families needs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voxbot.notifier.anatomy import INTERNAL, Anatomy
from voxbot.notifier.endings import Ending
from voxbot.notifier.events import Bridge, BridgeDestroy, BridgeLeave, Dial, Hangup
from voxbot.notifier.links import numbers
from voxbot.notifier.numbering import age_order, is_internal, made_at
from voxbot.notifier.talks import Talks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxbot.notifier.events import StoredEvent
    from voxbot.notifier.talks import Talk


class Role(StrEnum):
    """What a set of events may be by itself."""

    CALL = "call"
    """A call: never a leg."""
    LEG = "leg"
    """A leg, or nothing at all: without its call it has no message."""
    EITHER = "either"
    """A leg when there is a call that it fits, else a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """That a manager talked with the customer: `channel_id` is the manager's, or the call's main one.

    `left_at` is when that was over: by the notifier's clock (the arrival of the event that tells), and by the host's
    (reckoned from it, hardly ever too early); None: it is not, for all that is known.
    """

    person: str
    channel_id: str
    left_at: float | None
    left_at_host: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A set of events tied by keys.

    Ids order channels by age. `initiator` began an internal call; `turns`: who talked with the customer when, as far
    as channels date it, in order; `talked_at`: when the first such talk was heard of, None: there was none.
    `is_far_side`: only those who were called are known, and not the channel that began it. `is_managers`: a manager's
    phone was in one of its bridges. `ended_at` is seconds since the epoch by the host's clock, None: no hangup tells.
    By the notifier's clock, `first_at` is when its first event came, and `left_at` when its last did, None: it goes
    on, for all that is known.
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
    turns: tuple[Turn, ...]
    talked_at: float | None
    is_far_side: bool
    is_managers: bool
    ended_at: float | None
    left_at: float | None


def summarize(events: Iterable[StoredEvent]) -> Part:
    """Sum up the events that keys tie together; there must be one at least."""
    call = Anatomy(events)
    talks, ending = Talks(call), Ending(call)
    managers = {talk.person for talk in talks.in_order} | set(ending.extensions)
    if call.direction == "outgoing":
        managers |= {number for dial in call.of(Dial) for number in dial.extensions}
    talked = [
        stored.at
        for stored in call.stored
        if isinstance(stored.event, Bridge | BridgeLeave) and stored.event.bridge_id in talks.customer_bridges
    ]
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
        turns=_turns(call, talks),
        talked_at=min(talked, default=None),
        is_far_side=call.is_far_side,
        is_managers=any(
            is_internal(number) for event in talks.in_bridges for number in (event.caller, event.connected)
        ),
        ended_at=_ended_at(call, ending),
        left_at=_left_at(call, talks, ending),
    )


def _turns(call: Anatomy, talks: Talks) -> tuple[Turn, ...]:
    lags = [stored.at - made for stored in call.stored if (made := made_at(stored.event.unique_id)) is not None]
    lag_s = min(lags, default=0.0)
    turns: list[Turn] = []
    for talk in talks.in_order:
        if not talk.channel_id and talk.is_later:
            continue
        left_at = _talk_left_at(call, talk)
        turns.append(
            Turn(
                person=talk.person,
                channel_id=talk.channel_id or call.main_id,
                left_at=left_at,
                left_at_host=None if left_at is None else left_at - lag_s,
            )
        )
    return tuple(sorted(turns, key=lambda turn: age_order(turn.channel_id)))


def _talk_left_at(call: Anatomy, talk: Talk) -> float | None:
    """When the end of a talk's bridge, or of the person's being in it, was heard of."""
    told = [
        stored.at
        for stored in call.stored
        if isinstance(stored.event, BridgeDestroy | BridgeLeave)
        and stored.event.bridge_id == talk.bridge_id
        and (isinstance(stored.event, BridgeDestroy) or talk.channel_id == stored.event.unique_id)
    ]
    return min(told, default=None)


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
