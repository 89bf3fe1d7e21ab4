"""Which part is a leg of which: told by numbers and the times of channels, and asked again whenever one changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.notifier.numbering import age_order, is_external, made_at
from voxbot.notifier.parts import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.notifier.parts import Part

_LONGEST_CALL_S = 4 * 3600.0
_RINGING_S = 300.0
"""A mobile is called along with the group: within this of the call's begin."""

_TRANSFER_S = 60.0
"""Whom a customer was handed over to may be rung this long after the hangup of the manager who had called him."""

_SLACK_S = 5.0
"""How far the times of two channels of one moment may lie apart."""

_CLOCK_S = 1.0
"""Unique ids and hangups tell whole seconds."""

_SHUFFLED_S = 10.0
"""What happened at one moment arrives within this."""


def families(parts: Mapping[str, Part]) -> dict[str, str]:
    """Tell of each part that is a leg to which call it belongs, both by their ids in `parts`; legs of legs as well."""
    parents: dict[str, str] = {}
    for part_id, part in sorted(parts.items(), key=lambda item: age_order(item[1].first_id)):
        parent = parent_of(part, parts)
        if parent is not None:
            parents[part_id] = parents.get(parent, parent)
    return parents


def parent_of(leg: Part, others: Mapping[str, Part]) -> str | None:
    """Find, by its id among `others`, the part of which this is a leg; None: it is a leg of none of them.

    Of several that fit: one that went on when the leg began, then the one that rang the leg's manager or mobile, then
    the one begun last. A parent's main channel is older than any of its leg's, so parents never go round in a circle,
    and `others` may hold the leg.
    """
    if leg.role is Role.CALL:
        return None
    fitting = [(part_id, part) for part_id, part in others.items() if _may_have(part, leg)]
    if is_internal_call(leg):
        # A manager consults in his latest talk: when that is over, an older one only lost its end.
        fitting = sorted(fitting, key=lambda item: age_order(item[1].main_id))[-1:]
    best = max(
        (item for item in fitting if _is_open_for(item[1], leg)),
        key=lambda item: (
            not _is_over_for(item[1], leg),
            _likeness(item[1], leg),
            age_order(item[1].main_id),
            item[0],
        ),
        default=None,
    )
    return best[0] if best else None


def may_be_parent(call: Part, leg: Part) -> bool:
    """Whether the call is one of those of which `parent_of` chooses."""
    return leg.role is not Role.CALL and _may_have(call, leg) and _is_open_for(call, leg)


def is_internal_call(leg: Part) -> bool:
    """Whether it is an internal call by itself, which may be a consultation."""
    return leg.role is Role.EITHER and leg.direction == "internal"


def _may_have(call: Part, leg: Part) -> bool:
    if call.role is Role.LEG or not call.main_id or age_order(call.main_id) >= age_order(leg.first_id):
        return False
    return _fits(call, leg)


def _is_open_for(call: Part, leg: Part) -> bool:
    """Whether the leg's first channel was made while the call went on."""
    made, began = made_at(leg.first_id), made_at(call.main_id)
    if made is None or began is None or made - began > _LONGEST_CALL_S:
        return False
    is_call = leg.role is Role.EITHER and not leg.is_far_side
    if call.ended_at is not None:
        # The hangup of an incoming call is the customer's own: what begins after it is of another call.
        slack_s = _CLOCK_S if is_call else _TRANSFER_S if call.direction == "outgoing" else _SLACK_S
        return made <= call.ended_at + slack_s
    # Arrivals are less exact. Only a call must not be taken for a leg of one just over.
    return call.left_at is None or leg.first_at <= call.left_at + (_SLACK_S if is_call else _TRANSFER_S)


def _is_over_for(call: Part, leg: Part) -> bool:
    """Whether the call was over when the leg began: a call that goes on is likelier to have it."""
    made = made_at(leg.first_id)
    return call.ended_at is not None and made is not None and made > call.ended_at


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
        return call.direction != "outgoing" and _is_follow_me(call, leg)
    return call.direction != "internal" and _is_consultation(call, leg)


def _is_follow_me(call: Part, leg: Part) -> bool:
    """Whether the leg, though it looks like a manager's own call, rings a mobile for a customer who still waits.

    No phone of a manager takes part in such a leg: once one does, it is a call.
    """
    if leg.customer not in call.mobiles or leg.is_managers:
        return False
    soon = (made_at(leg.first_id) or 0) - (made_at(call.main_id) or 0) <= _RINGING_S
    return soon and (call.talked_at is None or leg.first_at <= call.talked_at + _SHUFFLED_S)


def _is_consultation(call: Part, leg: Part) -> bool:
    """Whether who began the leg was talking with the customer then: not before him, and not handed over yet."""
    if call.talked_at is None or leg.initiator not in call.managers:
        return False
    if all(turn.person != leg.initiator for turn in call.turns):
        return True
    began = age_order(leg.first_id)
    before = [turn for turn in call.turns if age_order(turn.channel_id) < began]
    if not before or before[-1].person != leg.initiator:
        return False
    left_at, left_at_host = before[-1].left_at, before[-1].left_at_host
    if left_at is None or left_at_host is None:
        return True
    # By both clocks: a leg's events may come late, and an arrival alone is not exact.
    return leg.first_at <= left_at + _SHUFFLED_S or (made_at(leg.first_id) or 0) <= left_at_host
