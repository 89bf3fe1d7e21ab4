"""What a call is, out of the set of its events: a pure function, the same for every order of arrival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from voxbot.notifier.anatomy import ANSWERED, INTERNAL, OUTGOING, Anatomy, agreed
from voxbot.notifier.endings import Ending
from voxbot.notifier.events import Bridge, BridgeLeave, Dial
from voxbot.notifier.numbering import age_order, is_internal, local_half
from voxbot.notifier.talks import Talks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from voxbot.notifier.anatomy import Direction
    from voxbot.notifier.events import StoredEvent

_LATE_DIAL_S = 5.0
"""A dial that comes this soon after an answer is of the ringing before it."""


class Stage(StrEnum):
    """How far a call is: what its message shows."""

    START = "start"
    DIAL = "dial"
    BRIDGE = "bridge"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class CallRules:
    """What time alone does to a call. Seconds count from the arrival of the call's last event.

    `ring_timeout_s` closes a call nobody talks in, `talk_timeout_s` one in talk, `left_timeout_s` one whose bridges
    are all gone, when the hangup does not come. `start_delay_s` holds the message of a start back: a dial that
    follows at once spares it. `utc_offset_h` is the hosts' wall clock.
    """

    ring_timeout_s: float = 600.0
    talk_timeout_s: float = 4 * 3600.0
    left_timeout_s: float = 120.0
    start_delay_s: float = 0.0
    utc_offset_h: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as its message shows it. Numbers are digits as the hosts write them; None: not known.

    `shown`: whether it has a message at all (legs, consultations and calls not begun have none).
    `moment`: a new moment is worth a new message (the phone rings), any other change an edit. "hangup" is the last.
    `main_id`: the unique id that names the call; "" while none does.
    `rang`: extensions and mobiles that ring now, or rang at all once the call is over. `managers`: who called or
    talked, in order: the later ones were transferred to. `unanswered`: who was transferred to and did not answer.
    `caller`, `callee`: of an internal call; it has `managers` only if handed over: the callee and who took it.
    `duration_s` counts from the start of the call, ringing included.
    `recovered`: the hangup came late, out of the host's own store. `presumed`: it never came.
    `due_at`: when time alone may change this view (seconds since the epoch), None: never.
    """

    shown: bool
    stage: Stage
    moment: str
    direction: Direction
    main_id: str
    customer: str | None = None
    caller: str | None = None
    callee: str | None = None
    rang: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    unanswered: str | None = None
    customer_name: str | None = None
    line: str | None = None
    started_at: datetime | None = None
    duration_s: int | None = None
    success: bool = False
    recovered: bool = False
    presumed: bool = False
    due_at: float | None = None

    @property
    def people(self) -> frozenset[str]:
        """Extensions and mobiles of the enterprise whose names the message can use."""
        others = (self.caller, self.callee, self.unanswered)
        return frozenset((*self.rang, *self.managers, *(number for number in others if number)))


def view(events: Iterable[StoredEvent], rules: CallRules, *, now: float, usual_lag_s: float | None = None) -> CallView:
    """Show the call that these events make; `now` is seconds since the epoch. Never raises.

    `usual_lag_s`: how long after their time by the host's clock the host's events arrive, None: not known.
    """
    call = Anatomy(events)
    if call.claim is None:
        return CallView(
            shown=False, stage=Stage.START, moment="", direction="internal", main_id=call.first_id, due_at=None
        )
    talks, ending = Talks(call), Ending(call, usual_lag_s)
    shown = _course(call, talks, ending, rules, now)
    if call.direction == "internal":
        caller, callee = _internal_parties(call)
        success = ending.is_success if ending.hangups else bool(talks.customer_bridges)
        shown = replace(shown, caller=caller, callee=callee, success=success, managers=_in_turn(call, callee))
        if shown.managers:
            shown = replace(shown, callee=shown.managers[0])
    else:
        shown = _with_managers(shown, call, talks, ending)
    if shown.stage is Stage.HANGUP:
        shown = _with_ending(shown, ending, rules)
    return shown


def _course(call: Anatomy, talks: Talks, ending: Ending, rules: CallRules, now: float) -> CallView:
    """How far the call is, and until when that holds."""
    spoke = _in_order_once(talks)
    ringing = _ringing_now(call, talks)
    at = max(stored.at for stored in call.stored)
    base = CallView(
        shown=True,
        stage=Stage.HANGUP,
        moment=Stage.HANGUP.value,
        direction=call.direction,
        main_id=call.main_id,
        customer=call.customer,
        customer_name=call.customer_name,
        line=call.line,
        rang=call.rang,
    )
    on_mobile = bool(ending.mobile_hangups) and (not spoke or spoke[-1] in call.mobiles)
    if ending.hangups or (on_mobile and talks.bridges_over):
        return base
    talked = bool(talks.customer_bridges)
    if ringing is None and (talks.bridges_over or on_mobile):
        due_at = at + rules.left_timeout_s
    elif ringing is None and talked:
        due_at = at + rules.talk_timeout_s
    else:
        due_at = at + rules.ring_timeout_s
    if now >= due_at:
        return replace(base, presumed=not on_mobile)
    if ringing is None and talked:
        return replace(base, stage=Stage.BRIDGE, moment=f"bridge:{max(1, len(spoke))}", due_at=due_at)
    if ringing is not None or call.of(Dial) or call.direction != "incoming":
        moment = f"dial:{1 + len(spoke)}" if talked else "dial:1"
        return replace(base, stage=Stage.DIAL, moment=moment, rang=ringing or call.rang, due_at=due_at)
    sent_at = min(stored.at for stored in call.stored) + rules.start_delay_s
    waiting = now < sent_at
    return replace(base, stage=Stage.START, moment="start:1", shown=not waiting, due_at=sent_at if waiting else due_at)


def _ringing_now(call: Anatomy, talks: Talks) -> tuple[str, ...] | None:
    """Who is rung after a talk: a blind transfer to a group. None: nobody, or nobody talked yet.

    Dial and bridge carry no time of their own: their order of arrival tells, with room for a dial that was late. As
    long as the customer is in a bridge nobody is rung for him, nor by a list that is part of one seen before.
    """
    if not talks.customer_left:
        return None
    entered = [
        stored.at
        for stored in call.stored
        if isinstance(stored.event, Bridge) and stored.event.bridge_id in talks.customer_bridges
    ]
    rung: tuple[str, ...] | None = None
    seen: list[set[str]] = []
    for stored in sorted(call.stored, key=lambda stored: stored.at):
        dial = stored.event
        if not isinstance(dial, Dial) or dial.call_type == OUTGOING:
            continue
        if dial.unique_id not in {call.main_id, *call.customer_ids}:
            continue
        listed = set(dial.extensions)
        known = any(listed <= earlier for earlier in seen)
        seen.append(listed)
        if entered and not known and stored.at > max(entered) + _LATE_DIAL_S:
            rung = dial.extensions
    return rung


def _in_order_once(talks: Talks) -> tuple[str, ...]:
    """Who talked with the customer, each time that it was another."""
    persons = [talk.person for talk in talks.in_order]
    return tuple(persons[:1] + [later for earlier, later in pairwise(persons) if later != earlier])


def _with_managers(shown: CallView, call: Anatomy, talks: Talks, ending: Ending) -> CallView:
    spoke = _in_order_once(talks)
    named = ending.extensions
    success = ending.is_success if ending.hangups else bool(talks.customer_bridges or ending.mobile_hangups)
    if call.direction == "outgoing":
        calling = _calling_manager(call) or (named[0] if named else None)
        if calling and spoke[:1] != (calling,):
            spoke = (calling, *(number for number in spoke if number != calling))
    elif not spoke and success:
        mobile = agreed(hangup.phone for hangup in ending.mobile_hangups)
        likely = named or ((mobile,) if mobile else call.rang)
        spoke = likely if len(likely) == 1 else ()
    unanswered = None
    taker = _named_taker(ending)
    if spoke and taker and taker not in spoke:
        if any(hangup.status == ANSWERED and taker in hangup.extensions for hangup in ending.hangups):
            spoke = (*spoke, taker)
        else:
            unanswered = taker
    rang = shown.rang or (named if call.direction == "incoming" and not spoke else ())
    return replace(shown, managers=spoke, unanswered=unanswered, success=success, rang=rang)


def _named_taker(ending: Ending) -> str | None:
    """Whom the hangup of a blind-transferred call names.

    Other hangups tell no more than the talks, and recovered ones less: they name whoever was rung first.
    """
    transfers = [hangup for hangup in ending.hangups if hangup.call_type == INTERNAL and len(hangup.extensions) == 1]
    return None if ending.is_recovered else agreed(hangup.extensions[0] for hangup in transfers)


def _calling_manager(call: Anatomy) -> str | None:
    """Who makes an outgoing call."""
    dials = [dial for dial in call.of(Dial) if dial.unique_id == call.main_id and dial.extensions]
    own = [event.caller for event in call.on_channels if event.unique_id == call.main_id and is_internal(event.caller)]
    beside = [event.connected for event in call.on_channels if event.unique_id in call.customer_ids]
    first = agreed(dial.extensions[0] for dial in dials) or agreed(own)
    return first or agreed(number for number in beside if is_internal(number))


def _internal_parties(call: Anatomy) -> tuple[str | None, str | None]:
    """The calling and the called extension; who answered comes before what was dialled."""
    hangups, dials = call.main_hangups, call.of(Dial)
    seen = [event for event in call.on_channels if not local_half(event.channel)]
    seen.sort(key=lambda event: age_order(event.unique_id))
    bridges = [event for event in seen if isinstance(event, Bridge)]
    calling = [event for event in bridges if event.exten]
    called = [event for event in bridges if not event.exten]
    caller = (
        agreed(hangup.phone for hangup in hangups)
        or agreed(dial.phone for dial in dials)
        or agreed(event.caller for event in calling)
        or agreed(event.connected for event in called)
    )
    callee = (
        agreed(number for hangup in hangups for number in hangup.extensions)
        or agreed(event.caller for event in called if event.caller != caller)
        or agreed(event.connected for event in calling)
        or agreed(event.exten for event in calling)
        or agreed(event.caller for event in seen if isinstance(event, BridgeLeave) and event.caller != caller)
        or agreed(number for dial in dials for number in dial.extensions)
    )
    return caller, callee


def _in_turn(call: Anatomy, last: str | None) -> tuple[str, ...]:
    """Who was called first and who was taken over to, of an internal call that was handed over; of others nobody."""
    called = [event for event in call.of(Bridge) if not event.exten and not local_half(event.channel)]
    called.sort(key=lambda event: age_order(event.unique_id))
    first = called[0].caller if called else None
    if first is None or last is None or first == last or all(event.caller != last for event in called):
        return ()
    return (first, last)


def _with_ending(shown: CallView, ending: Ending, rules: CallRules) -> CallView:
    started_at, ended_at = ending.started_at(rules.utc_offset_h), ending.ended_at
    duration_s = int((ended_at - started_at).total_seconds()) if started_at and ended_at else None
    return replace(
        shown,
        started_at=started_at,
        duration_s=duration_s if duration_s is not None and duration_s >= 0 else None,
        recovered=ending.is_recovered,
    )
