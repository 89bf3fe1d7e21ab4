"""What happens in a call, as told to the observers (call log, metrics, live view).

Frozen values in two unions: handle them with `match` and `assert_never`. `at` is seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.domain.dialogue import AnswerInfo
    from voxbot.domain.ids import CallId

CallStatus: TypeAlias = Literal["Active", "Completed", "Transferred", "Failed"]
EndReason: TypeAlias = Literal[
    "caller_hangup", "goodbye", "silence", "operator", "unanswered", "too_long", "staff", "stopped", "error"
]
"""`staff`: somebody has ended the call in the panel."""
CallKind: TypeAlias = Literal["phone", "browser", "chat", "simulated"]
CallPhase: TypeAlias = Literal["greeting", "listening", "endpointing", "thinking", "speaking", "ending"]
"""Where the conversation stands; see turns/machine.py."""
Stage: TypeAlias = Literal["endpoint", "asr", "search", "answer", "tts"]
"""What a reply has gone through, in this order. `answer`: the first words of the answer are there."""


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call reached the bot."""

    call_id: CallId
    at: float
    caller: str
    kind: CallKind = "phone"


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """The caller's turn was taken and understood.

    `raw` is what recognition gave, `text` the same in canonical units. `ms`: `endpoint` (end of speech to the
    decision that the turn is over), `asr` (length of the recognition run), `asr_wait` (what of it was left
    to wait for after that decision).
    """

    call_id: CallId
    at: float
    text: str
    raw: str
    ms: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class BotTurn:
    """The bot finished speaking or was cut off.

    `text` is what was heard, `planned` what it was going to say; `cut` tells whether they differ. `ms` adds to
    the answer's own stages `tts_first_audio` and `response` (end of the caller's speech to the first sound sent).
    """

    call_id: CallId
    at: float
    text: str
    planned: str
    cut: bool
    answer: AnswerInfo | None = None
    ms: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over and its channels are gone.

    `longest_dead_air_ms`: the longest that the caller has waited for the bot and heard nothing.
    """

    call_id: CallId
    at: float
    status: CallStatus
    reason: EndReason
    detail: str = ""
    longest_dead_air_ms: float = 0.0


CallEvent: TypeAlias = CallStarted | CallerTurn | BotTurn | CallEnded


@dataclass(frozen=True, slots=True)
class TurnStateChanged:
    """The conversation is in another phase, or somebody has begun or ceased to speak."""

    call_id: CallId
    at: float
    phase: CallPhase
    caller_speaks: bool
    bot_speaks: bool


@dataclass(frozen=True, slots=True)
class PartialHeard:
    """What the caller has said so far in a turn that is not over; it may still change."""

    call_id: CallId
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class StageReached:
    """A stage of the coming reply is done, and took `ms` milliseconds. It may be of an answer prepared unasked."""

    call_id: CallId
    at: float
    stage: Stage
    ms: float


LiveEvent: TypeAlias = TurnStateChanged | PartialHeard | StageReached
"""What only a live view needs: several a second and call, worth nothing a moment later."""
