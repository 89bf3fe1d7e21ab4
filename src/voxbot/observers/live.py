"""The live picture: every call under way as it stands at this moment, for staff who watch.

A picture of all calls is by its nature keyed by call; it is only ever looked at, and no call depends on it. Followers
are told which calls have changed, not what has: a slow one sees fewer pictures, never old ones, and holds up nobody.

It is kept on the loop that carries the calls' sound: a turn is written down once, when it is said, and a changed call
once, however many followers ask for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never, get_args

from voxbot.domain.events import (
    BotTurn,
    CallEnded,
    CallerTurn,
    CallEvent,
    CallStarted,
    LiveEvent,
    PartialHeard,
    Stage,
    StageReached,
    TurnStateChanged,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from voxbot.domain.dialogue import Speaker
    from voxbot.domain.events import CallKind, CallPhase
    from voxbot.domain.ids import CallId

KEPT_TURNS = 12
_STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(slots=True)
class LiveCall:
    """One call as it stands. Times are seconds since the epoch.

    `stage` is what the coming reply waits for, since `stage_since`; `stages` are the milliseconds of those done. The
    last KEPT_TURNS turns are kept, each as its JSON text.
    """

    id: str
    caller: str
    kind: CallKind
    started_at: float
    phase: CallPhase = "greeting"
    phase_since: float = 0.0
    caller_speaks: bool = False
    bot_speaks: bool = False
    partial: str = ""
    stage: Stage | None = None
    stage_since: float = 0.0
    stages: dict[str, float] = field(default_factory=dict[str, float])
    turns: list[str] = field(default_factory=list[str])
    picture: bytes = b""
    """All this as JSON; empty when it has changed since."""


@dataclass(frozen=True, slots=True)
class LiveEnd:
    """A call that is over."""

    id: str
    status: str
    reason: str


class Follower:
    """One who watches: `changes` waits for something new."""

    def __init__(self) -> None:
        self._changed: dict[CallId, LiveEnd | None] = {}
        self._something = asyncio.Event()

    def tell(self, call_id: CallId, end: LiveEnd | None = None) -> None:
        """Take note that a call has changed, or ended."""
        self._changed[call_id] = end
        self._something.set()

    async def changes(self) -> Mapping[CallId, LiveEnd | None]:
        """Wait for calls that have changed since; those that have ended come with their end."""
        await self._something.wait()
        self._something.clear()
        changed, self._changed = self._changed, {}
        return changed


class LiveCalls:
    """A LiveObserver that keeps the picture."""

    name = "live"

    def __init__(self) -> None:
        self._calls: dict[CallId, LiveCall] = {}
        self._followers: set[Follower] = set()

    async def observe(self, event: CallEvent | LiveEvent) -> None:
        """Bring the picture up to date. An event of a call whose start was never seen changes nothing."""
        if isinstance(event, CallStarted):
            self._calls[event.call_id] = LiveCall(
                event.call_id, event.caller, event.kind, event.at, phase_since=event.at
            )
            self._tell(event.call_id)
        elif isinstance(event, CallEnded):
            if self._calls.pop(event.call_id, None):
                self._tell(event.call_id, LiveEnd(event.call_id, event.status, event.reason))
        elif call := self._calls.get(event.call_id):
            _apply(call, event)
            call.picture = b""
            self._tell(event.call_id)

    @property
    def under_way(self) -> list[CallId]:
        """The calls, the longest first."""
        return list(self._calls)

    def picture(self, call_id: CallId) -> bytes | None:
        """One call as the JSON text of GET /live; None if it is over."""
        call = self._calls.get(call_id)
        if call and not call.picture:
            call.picture = _written(call)
        return call.picture if call else None

    @contextmanager
    def following(self) -> Generator[Follower]:
        """Watch until the end of the `with`."""
        follower = Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def _tell(self, call_id: CallId, end: LiveEnd | None = None) -> None:
        for follower in self._followers:
            follower.tell(call_id, end)


def _apply(call: LiveCall, event: CallerTurn | BotTurn | LiveEvent) -> None:
    match event:
        case TurnStateChanged():
            _move(call, event)
        case PartialHeard(_, _, text):
            call.partial = text
        case StageReached(_, at, stage, ms):
            call.stages[stage] = ms
            # An answer may have been prepared before the turn was over: what comes next is what is not done yet.
            call.stage = next((waited for waited in _STAGES if waited not in call.stages), None)
            call.stage_since = at
        case CallerTurn():
            call.partial = ""
            _add(call, "user", event)
        case BotTurn():
            _add(call, "bot", event)
        case _:
            assert_never(event)


def _move(call: LiveCall, event: TurnStateChanged) -> None:
    if event.phase != call.phase:
        call.phase, call.phase_since = event.phase, event.at
        if event.phase == "endpointing":
            call.stage, call.stage_since, call.stages = "endpoint", event.at, {}
        elif event.phase != "thinking":
            call.stage = None
    if event.caller_speaks and not call.caller_speaks:
        call.partial = ""
    call.caller_speaks, call.bot_speaks = event.caller_speaks, event.bot_speaks


def _add(call: LiveCall, speaker: Speaker, event: CallerTurn | BotTurn) -> None:
    """Add what one side has said; `ms` as in domain/events.py."""
    if not event.text.strip():
        return
    answer = event.answer if isinstance(event, BotTurn) else None
    turn: dict[str, Any] = {
        "speaker": speaker,
        "text": event.text,
        "at": event.at,
        "kb": answer.kb if answer else None,
        "known": answer.known if answer else None,
        "cut": isinstance(event, BotTurn) and event.cut,
        "ms": dict(event.ms),
    }
    call.turns = [*call.turns[1 - KEPT_TURNS :], _json(turn)]


def _written(call: LiveCall) -> bytes:
    head = _json(
        {
            "id": call.id,
            "caller": call.caller,
            "kind": call.kind,
            "started_at": call.started_at,
            "phase": call.phase,
            "phase_since": call.phase_since,
            "caller_speaks": call.caller_speaks,
            "bot_speaks": call.bot_speaks,
            "partial": call.partial,
            "stage": call.stage,
            "stage_since": call.stage_since,
            "stages": call.stages,
        }
    )
    return f'{head[:-1]}, "turns": [{", ".join(call.turns)}]}}'.encode(errors="replace")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def now() -> float:
    """The clock that the picture's times are of: who shows them compares them with it, not with the viewer's."""
    return time.time()
