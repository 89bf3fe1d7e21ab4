"""What the turn machine is told, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from voxbot.domain.events import EndReason

# --- told ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """The VAD's verdict on the next `duration_ms` of the caller's sound."""

    probability: float
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """Recognition `attempt` is done; an empty text means no words."""

    attempt: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sound of what the bot says is on its way to the caller.

    `final`: it announces what the caller has asked for and ends the call; it is not interrupted any more.
    """

    final: bool = False


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """All of it has been heard. With `end`, the call is to be ended for that reason."""

    end: EndReason | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The machine's deadline has come."""


TurnEvent: TypeAlias = SpeechWindow | Recognised | ReplyStarted | ReplyEnded | Tick


# --- asked for -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenUtterance:
    """The caller began to speak `lead_ms` ago: keep the sound from there on."""

    lead_ms: float


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """It was not speech after all: forget the sound."""


@dataclass(frozen=True, slots=True)
class Recognise:
    """Recognise the utterance as it stands now and report it as `attempt`; earlier attempts are void."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """The caller's turn is over after `silence_ms` of silence."""

    silence_ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer these words."""

    text: str


class Line(Enum):
    """Things the bot says by itself."""

    NOT_HEARD = "not_heard"
    REPROMPT = "reprompt"
    SILENCE_GOODBYE = "silence_goodbye"
    TOO_LONG_GOODBYE = "too_long_goodbye"


@dataclass(frozen=True, slots=True)
class SayLine:
    """Say one of the bot's own lines; with `end`, end the call after it."""

    line: Line
    end: EndReason | None = None


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop what the bot is preparing or saying; what was not heard is not remembered."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """End the call."""

    reason: EndReason


Action: TypeAlias = OpenUtterance | DropUtterance | Recognise | TakeTurn | Answer | SayLine | CancelReply | EndCall
