"""How and when a call ended: its hangups, and what stands in for one that does not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from voxbot.notifier.anatomy import ANSWERED, OUTGOING
from voxbot.notifier.events import Bridge, Hangup
from voxbot.notifier.numbering import made_at

if TYPE_CHECKING:
    from voxbot.notifier.anatomy import Anatomy

_LATE_S = 60.0
"""Hosts deliver within 9 s; those who recover lost hangups look every 5 minutes."""

_REPLAYED_S = 24 * 3600.0
"""A lone hangup older than this is no recovery but a replay of old events."""

_LONGEST_CALL = timedelta(hours=4)


class Ending:
    """The hangups of a call. Times are the host's wall clock.

    `usual_lag_s`: how long after their time by the host's clock, which may be wrong, its events arrive, if known.
    """

    def __init__(self, anatomy: Anatomy, usual_lag_s: float | None = None) -> None:
        self._call = anatomy
        self._usual_lag_s = usual_lag_s

    @cached_property
    def hangups(self) -> list[Hangup]:
        """Those that end the call: of its main channel, or, when that was left by a transfer, of the customer's."""
        others = self._call.customer_ids - {self._call.main_id}
        customers = [hangup for hangup in self._call.of(Hangup) if hangup.unique_id in others]
        return [*self._call.main_hangups, *customers]

    @cached_property
    def mobile_hangups(self) -> list[Hangup]:
        """Those of answered mobile legs. A call answered on a mobile has no other."""
        others = [hangup for hangup in self._call.of(Hangup) if hangup.unique_id != self._call.main_id]
        answered = [hangup for hangup in others if hangup.status == ANSWERED and hangup.call_type == OUTGOING]
        # Called for a follow-me number, a mobile's leg may look like a call that the manager makes.
        return [hangup for hangup in answered if self._call.is_mobile_leg(hangup) or hangup.phone in self._call.mobiles]

    @property
    def is_success(self) -> bool:
        """Whether a hangup says so."""
        return any(hangup.status == ANSWERED for hangup in (self._call.main_hangups or self.hangups))

    @property
    def extensions(self) -> tuple[str, ...]:
        """Who took part, as the hangups tell; those of the main channel first."""
        lists = [hangup.extensions for hangup in self.hangups]
        numbers = dict.fromkeys(number for listed in lists for number in listed if number != self._call.customer)
        return tuple(numbers)

    def started_at(self, utc_offset_h: float) -> datetime | None:
        """When the call began; lost with the hangups, it is when the main channel was made."""
        told = [hangup.started_at or hangup.received_at for hangup in self._call.main_hangups]
        first = min((at for at in told if at), default=None)
        made = _made_at(self._call.main_id, utc_offset_h)
        if first is None or made is None:
            return first or made
        # The hangup of an internal call that was handed over tells when its last leg began.
        is_leg = self._is_handed_over and timedelta(0) < first - made < _LONGEST_CALL
        return made if is_leg else first

    @property
    def _is_handed_over(self) -> bool:
        bridges = {event.bridge_id for event in self._call.of(Bridge)}
        return self._call.direction == "internal" and len(bridges) > 1

    @property
    def ended_at(self) -> datetime | None:
        """When the last channel of the call was hung up."""
        told = [hangup.ended_at for hangup in (self.hangups or self.mobile_hangups)]
        return max((at for at in told if at), default=None)

    @cached_property
    def is_recovered(self) -> bool:
        """Whether no hangup came in time.

        How late one is shows against the other events of the call: the clocks of host and notifier may differ.
        """
        if any(hangup.recovered for hangup in self.hangups):
            return all(hangup.recovered for hangup in self._call.main_hangups)
        lags = [lag for stored in self._call.stored if (lag := self._hangup_lag_s(stored.event, stored.at)) is not None]
        if not lags:
            return False
        usual = [
            stored.at - made
            for stored in self._call.stored
            if not isinstance(stored.event, Hangup) and (made := made_at(stored.event.unique_id)) is not None
        ]
        if usual:
            return min(lags) - min(usual) > _LATE_S
        late_s = min(lags) - (self._usual_lag_s or 0.0)
        return _LATE_S < late_s < _REPLAYED_S

    def _hangup_lag_s(self, event: object, at: float) -> float | None:
        """Seconds from the end of the call, reckoned from the making of its channel, to the hangup's arrival."""
        if not isinstance(event, Hangup) or event not in self._call.main_hangups or event.ended_at is None:
            return None
        began, made = event.started_at or event.received_at, made_at(self._call.main_id)
        if began is None or made is None:
            return None
        if self._is_handed_over and event.started_at is None:
            ids = [stored.event.unique_id for stored in self._call.stored]
            made = max(last for uid in ids if (last := made_at(uid)) is not None)
        return at - made - (event.ended_at - began).total_seconds()


def _made_at(unique_id: str, utc_offset_h: float) -> datetime | None:
    made = made_at(unique_id)
    if made is None:
        return None
    try:
        return datetime.fromtimestamp(made, UTC).replace(tzinfo=None) + timedelta(hours=utc_offset_h)
    except (OverflowError, OSError, ValueError):  # an id may have any number of seconds
        return None
