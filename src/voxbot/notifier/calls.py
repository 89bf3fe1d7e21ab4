"""What a call is, out of the set of its events: a pure function, the same for every order of arrival."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from voxbot.notifier.events import StoredEvent

Direction = Literal["incoming", "outgoing", "internal"]


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
    `rang`, `talked`: extensions and mobiles, in order. Who talked later was transferred to.
    `caller`, `callee`: of an internal call. `duration_s` counts from the start of the call, ringing included.
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
    talked: tuple[str, ...] = ()
    line: str | None = None
    started_at: datetime | None = None
    duration_s: int | None = None
    success: bool = False
    recovered: bool = False
    presumed: bool = False
    due_at: float | None = None


def view(events: Iterable[StoredEvent], rules: CallRules, *, now: float) -> CallView:
    """Show the call that these events make; `now` is seconds since the epoch. Never raises."""
    raise NotImplementedError
