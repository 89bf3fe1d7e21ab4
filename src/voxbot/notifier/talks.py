"""Who talked with the customer of a call, told by the bridges they shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from voxbot.notifier.anatomy import ANSWERED, INTERNAL
from voxbot.notifier.events import Bridge, BridgeDestroy, BridgeLeave, Hangup
from voxbot.notifier.numbering import age_order, is_internal, local_half

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxbot.notifier.anatomy import Anatomy

_BEFORE, _DATED, _AFTER = range(3)
"""Where a talk belongs: the person's channel dates it; without it, what the customer's side had dialled tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """That `person` was in a bridge with the customer; ids are "" where they are not known.

    `channel_id` is the person's. `is_later`: that it was not the customer's first talk, if there were several.
    """

    person: str
    bridge_id: str = ""
    channel_id: str = ""
    is_later: bool = False


class Talks:
    """The talks of a call. Manager's channels are made when they are rung, so their age orders the talks."""

    def __init__(self, anatomy: Anatomy) -> None:
        self._call = anatomy

    @cached_property
    def in_bridges(self) -> list[Bridge | BridgeLeave]:
        """Who was in which bridge: told by entering and, when that was lost, by leaving."""
        return [*self._call.of(Bridge), *self._call.of(BridgeLeave)]

    @cached_property
    def customer_bridges(self) -> frozenset[str]:
        """Bridges in which the customer was; of an internal call all bridges."""
        if self._call.direction == "internal":
            return frozenset(event.bridge_id for event in self.in_bridges)
        return frozenset(event.bridge_id for event in self.in_bridges if self._with_customer(event))

    def _with_customer(self, event: Bridge | BridgeLeave) -> bool:
        if event.unique_id in self._call.customer_ids:
            return True
        if self._call.customer is None or local_half(event.channel):
            return False
        # A program that begins a call puts the manager into a bridge before it dials the customer.
        dialled = isinstance(event, Bridge) and event.exten == self._call.customer and not event.external_initiated
        return dialled or event.connected == self._call.customer

    @cached_property
    def bridges_over(self) -> bool:
        """Whether there were bridges of the customer, and all of them are gone or empty."""
        return bool(self.customer_bridges) and self.customer_bridges <= self._gone

    @cached_property
    def customer_left(self) -> bool:
        """Whether the customer was in bridges, and is in none of them now: they are over, or he has left them."""
        mine = self._call.customer_ids
        left = {event.bridge_id for event in self._call.of(BridgeLeave) if event.unique_id in mine}
        return bool(self.customer_bridges) and self.customer_bridges <= self._gone | left

    @cached_property
    def _gone(self) -> set[str]:
        over = {event.bridge_id for event in self._call.of(BridgeDestroy)}
        return over | {event.bridge_id for event in self._call.of(BridgeLeave) if event.channels_left == 0}

    @cached_property
    def in_order(self) -> list[Talk]:
        """Who talked with the customer, in order of their channels."""
        if self._call.direction == "internal":
            return []
        return [talk for _, talk in sorted(self._told_talks(), key=lambda told: told[0])]

    def _told_talks(self) -> Iterable[tuple[tuple[int, tuple[int, int, str]], Talk]]:
        told: dict[tuple[str, str], list[Talk]] = {}
        for event in self.in_bridges:
            talk = self._talk_of(event)
            if talk and event.bridge_id in self.customer_bridges:
                told.setdefault((talk.bridge_id, talk.person), []).append(talk)
        for versions in told.values():
            known = [talk for talk in versions if talk.channel_id]
            best = min(known, key=lambda talk: age_order(talk.channel_id)) if known else versions[0]
            late = all(talk.is_later for talk in versions)
            rank = _DATED if known else (_AFTER if late else _BEFORE)
            yield (rank, age_order(best.channel_id) if known else (0, 0, "")), best
        for hangup in self._call.of(Hangup):
            if self._is_accepted_transfer(hangup):
                taken = Talk(person=hangup.extensions[0], channel_id=hangup.unique_id)
                yield (_DATED, age_order(hangup.unique_id)), taken

    def _talk_of(self, event: Bridge | BridgeLeave) -> Talk | None:
        half = local_half(event.channel)
        if half:
            person, channel_id = (half.number if half.half == 1 else None), event.unique_id
        elif event.unique_id in self._call.customer_ids:
            person, channel_id = event.connected, ""
        else:
            person, channel_id = event.caller, event.unique_id
        if not person or not self._is_person(person):
            return None
        # The customer's side tells whom it was handed over to, and, leaving, who was with it at last.
        later = isinstance(event, BridgeLeave) or is_internal(event.exten)
        return Talk(person=person, bridge_id=event.bridge_id, channel_id=channel_id, is_later=later)

    def _is_person(self, number: str) -> bool:
        return number != self._call.customer and (is_internal(number) or number in self._call.mobiles)

    def _is_accepted_transfer(self, hangup: Hangup) -> bool:
        """A consultation that ended with the customer handed over names him and the one who took him."""
        if hangup.unique_id == self._call.main_id or hangup.call_type != INTERNAL or hangup.status != ANSWERED:
            return False
        return self._call.customer is not None and hangup.phone == self._call.customer and len(hangup.extensions) == 1
