"""The parts of a call, taken out of the set of its events whatever their order of arrival.

Channels are told by their unique ids, which grow with the host's clock: of two the smaller is the older. That, and
not the arrival, orders what happened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar

from voxbot.notifier.events import Bridge, BridgeLeave, Dial, Hangup, NewCallerId, Start
from voxbot.notifier.numbering import age_order, is_external, is_internal, is_line, line_of, local_half

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxbot.notifier.events import StoredEvent

Direction = Literal["incoming", "outgoing", "internal"]
OUTGOING, INTERNAL = 1, 2
ANSWERED = "2"
_E = TypeVar("_E")


@dataclass(frozen=True, slots=True)
class Claim:
    """That the channel `unique_id` ("" if it is not known) began a call of this direction."""

    direction: Direction
    unique_id: str


class Anatomy:
    """Reads of one set of events; each is worked out when it is first asked for."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self.stored = sorted(events, key=lambda stored: stored.id)

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of one kind in order of arrival."""
        return [stored.event for stored in self.stored if isinstance(stored.event, kind)]

    @cached_property
    def on_channels(self) -> list[Bridge | BridgeLeave | NewCallerId]:
        """All that tells of a channel's numbers."""
        return [*self.of(Bridge), *self.of(BridgeLeave), *self.of(NewCallerId)]

    @cached_property
    def local_ids(self) -> frozenset[str]:
        """Unique ids of halves of Local channels."""
        return frozenset(event.unique_id for event in self.on_channels if local_half(event.channel))

    def is_mobile_leg(self, event: Dial | Hangup) -> bool:
        """Whether it is about a manager's mobile that is called for a customer: an outgoing call of no manager."""
        leg = event.call_type == OUTGOING and any(is_external(number) for number in event.extensions)
        return leg or (event.call_type == OUTGOING and event.unique_id in self.local_ids)

    @cached_property
    def begun(self) -> list[Claim]:
        """Claims of start and dial, which are never wrong; the oldest channel first."""
        claims = [Claim("incoming", event.unique_id) for event in self.of(Start)]
        for dial in sorted(self.of(Dial), key=lambda dial: dial.call_type):
            if self.is_mobile_leg(dial):
                continue
            if dial.call_type == OUTGOING:
                claims.append(Claim("outgoing", dial.unique_id))
            elif dial.call_type == INTERNAL or is_internal(dial.phone):
                claims.append(Claim("internal", dial.unique_id))
            else:
                claims.append(Claim("incoming", dial.unique_id))
        return sorted(claims, key=lambda claim: age_order(claim.unique_id))

    @cached_property
    def bridged(self) -> list[Claim]:
        """Claims of who entered a bridge in what manner; those between a manager and a customer first."""
        claims = [claim for event in self.of(Bridge) if (claim := _claim_of(event))]
        return sorted(
            claims,
            key=lambda claim: (
                claim.direction == "internal",
                not claim.unique_id,
                age_order(claim.unique_id),
                claim.direction == "incoming",
            ),
        )

    @cached_property
    def ended(self) -> list[Claim]:
        """Claims of hangups: the last resort, and none where the call type says nothing."""
        claims: list[Claim] = []
        for hangup in self.of(Hangup):
            direction = None if self.is_mobile_leg(hangup) else _direction_of(hangup)
            if direction:
                claims.append(Claim(direction, hangup.unique_id))
        return sorted(claims, key=lambda claim: age_order(claim.unique_id))

    @cached_property
    def claim(self) -> Claim | None:
        """The call that these events make, None: they are legs, or nothing yet."""
        if self.begun:
            return self.begun[0]
        if not self.bridged:
            return self.ended[0] if self.ended else None
        best = self.bridged[0]
        return best if best.unique_id else Claim(best.direction, self._main_id_of(best.direction))

    def _main_id_of(self, direction: Direction) -> str:
        """The main id of a call of which the events that carry it plainly were lost."""
        for claim in self.ended:
            if claim.direction == direction:
                return claim.unique_id
        if direction != "incoming":
            return ""
        outside = [event for event in self.on_channels if is_external(event.caller) and not local_half(event.channel)]
        return min((event.unique_id for event in outside), key=age_order, default="")

    @property
    def direction(self) -> Direction:
        """The claim's direction; of events that claim nothing: internal."""
        return self.claim.direction if self.claim else "internal"

    @property
    def is_far_side(self) -> bool:
        """Whether only the other side of a call is known: who answered, and not the channel that began it."""
        return not self.begun and bool(self.bridged) and not self.bridged[0].unique_id

    @cached_property
    def first_id(self) -> str:
        """The oldest channel, "" if no event is about a channel."""
        ids = {stored.event.unique_id for stored in self.stored} - {""}
        return min(ids, key=age_order) if ids else ""

    @cached_property
    def main_id(self) -> str:
        """The id that names the call: that of its first channel, the customer's or the calling manager's."""
        return (self.claim.unique_id if self.claim else "") or self.first_id

    @cached_property
    def customer(self) -> str | None:
        """The number outside, None: hidden, not known yet, or an internal call."""
        if self.direction == "internal":
            return None
        mine = [event for event in (*self.of(Dial), *self.of(Start)) if event.unique_id == self.main_id]
        told = agreed(event.phone for event in mine)
        if told:
            return told
        hung = agreed(event.phone for event in self.main_hangups if is_external(event.phone))
        customers = self.claim.unique_id if self.claim and self.direction == "incoming" else ""
        return hung or agreed(_outside(event, customers) for event in self.on_channels)

    @cached_property
    def customer_ids(self) -> frozenset[str]:
        """Channels of the customer: the main one of an incoming call, that of the called party of an outgoing one."""
        ids = {
            event.unique_id
            for event in self.on_channels
            if self.customer and event.caller == self.customer and not local_half(event.channel)
        }
        main = {self.claim.unique_id} - {""} if self.claim else set[str]()
        return frozenset(ids | main if self.direction == "incoming" else ids - main)

    @cached_property
    def customer_name(self) -> str | None:
        """What the exchange calls the customer, None: nothing."""
        if self.customer is None:
            return None
        names = [event.caller_name for event in self.on_channels if event.caller == self.customer]
        names += [event.connected_name for event in self.on_channels if event.connected == self.customer]
        return agreed(names)

    @cached_property
    def main_hangups(self) -> list[Hangup]:
        """Hangups of the call itself; an internal call has no others."""
        hangups = [hangup for hangup in self.of(Hangup) if not self._parasitic(hangup)]
        if self.direction == "internal":
            return [hangup for hangup in hangups if self.claim and not is_external(hangup.phone)]
        return [hangup for hangup in hangups if hangup.unique_id == self.main_id]

    def _parasitic(self, hangup: Hangup) -> bool:
        """Hangups that a call begun by a program leaves behind: internal by type, of no extension."""
        if hangup.call_type != INTERNAL or not hangup.external_initiated or is_internal(hangup.phone):
            return False
        phones = {event.phone for event in (*self.of(Dial), *self.of(Start)) if event.unique_id == self.main_id}
        return hangup.phone is None or hangup.phone not in phones

    @cached_property
    def rang(self) -> tuple[str, ...]:
        """Who was rung for an incoming call, in the order of the longest list."""
        dials = [dial for dial in self.of(Dial) if dial.unique_id == self.main_id and dial.call_type != OUTGOING]
        lists = sorted((dial.extensions for dial in dials), key=lambda rung: (-len(rung), rung))
        return tuple(dict.fromkeys(number for rung in lists for number in rung if number != self.customer))

    @cached_property
    def mobiles(self) -> frozenset[str]:
        """Numbers outside, of managers as a rule, that were called for this call or talk with the customer."""
        legs = [event for event in (*self.of(Dial), *self.of(Hangup)) if self.is_mobile_leg(event)]
        called = {event.phone for event in legs} | {number for number in self.rang if is_external(number)}
        halves = [half for event in self.on_channels if (half := local_half(event.channel))]
        called |= {half.number for half in halves if is_external(half.number) and half.number.isdigit()}
        beside = [event for event in self.on_channels if self.customer and event.connected == self.customer]
        called |= {event.caller for event in beside if is_external(event.caller) and not local_half(event.channel)}
        return frozenset(number for number in called if number and number != self.customer)

    @cached_property
    def line(self) -> str | None:
        """The line of the call. The field is right for incoming calls; for outgoing ones the channel that talked is."""
        fields = [event.line for event in (*self.of(Start), *self.of(Dial)) if event.unique_id == self.main_id]
        hung = [hangup.line for hangup in self.main_hangups]
        if self.direction == "incoming":
            return agreed(fields) or agreed(hung) or agreed(self._customer_lines(self.on_channels))
        if self.direction == "internal":
            return None
        last_tried = fields[-1:]
        tried = sorted(self.of(NewCallerId), key=lambda event: age_order(event.unique_id))
        channels = self._customer_lines(tried)[-1:]
        return agreed(self._customer_lines(self.of(Bridge))) or agreed(hung) or agreed(channels) or agreed(last_tried)

    def _customer_lines(self, events: Iterable[Bridge | BridgeLeave | NewCallerId]) -> list[str]:
        return [line for event in events if event.unique_id in self.customer_ids and (line := line_of(event.channel))]


def agreed(values: Iterable[str | None]) -> str | None:
    """The value that most events tell; of several the smallest, so that their order does not matter."""
    counted = Counter(value for value in values if value)
    return min(counted, key=lambda value: (-counted[value], value)) if counted else None


def _claim_of(event: Bridge) -> Claim | None:
    """Tell a call by who entered a bridge and what he had dialled (the table of the event `bridge`)."""
    if local_half(event.channel):
        return None
    if is_line(event.exten) and not is_internal(event.caller):
        return Claim("incoming", event.unique_id)
    if is_external(event.caller):
        return _claim_of_outsider(event)
    return _claim_of_manager(event) if is_internal(event.caller) else None


def _claim_of_outsider(event: Bridge) -> Claim | None:
    if is_internal(event.exten):  # handed over to it
        return Claim("incoming", event.unique_id)
    return Claim("outgoing", "") if is_internal(event.connected) else None


def _claim_of_manager(event: Bridge) -> Claim | None:
    if event.exten.isdigit():
        return Claim("internal" if is_internal(event.exten) else "outgoing", event.unique_id)
    if is_external(event.connected):
        return Claim("incoming", "")
    return Claim("internal", "") if is_internal(event.connected) else None


def _direction_of(hangup: Hangup) -> Direction | None:
    if is_internal(hangup.phone) and hangup.call_type != OUTGOING:
        inside = all(is_internal(number) for number in hangup.extensions)
        return "internal" if hangup.call_type == INTERNAL or (inside and not hangup.line) else "incoming"
    if hangup.call_type == INTERNAL:
        return None
    return "outgoing" if hangup.call_type == OUTGOING else "incoming"


def _outside(event: Bridge | BridgeLeave | NewCallerId, customers_id: str) -> str | None:
    """The customer's number as a channel tells it; `customers_id` is the customer's channel, "" if not known."""
    if local_half(event.channel):
        return None
    if event.unique_id == customers_id:
        return event.caller
    for number in (event.caller, event.connected, getattr(event, "exten", "")):
        if is_external(number) and number and number.isdigit():
            return number
    return None
