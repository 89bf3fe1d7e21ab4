"""What the turn machine is told, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from voxbot.domain.events import EndReason

# --- told ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """How likely the caller speaks in the next `duration_ms` of sound.

    `protected`: what the bot says at this moment must be heard to its end (a legally required phrase). `audible`: the
    sound is louder than the background, whatever it is.
    """

    probability: float
    duration_ms: float
    protected: bool = False
    audible: bool = False


@dataclass(frozen=True, slots=True)
class Recognised:
    """Recognition `attempt` is done; an empty text means no words, `failed` that the engine gave none.

    `confidence` (0-1) is the engine's.
    """

    attempt: int
    text: str
    failed: bool = False
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Partial:
    """What a recogniser has heard so far of an utterance that goes on; the last word may be half of one."""

    text: str


@dataclass(frozen=True, slots=True)
class EndOfTurnHint:
    """How likely, by its sound, the utterance that is recognised as `attempt` is finished (0-1)."""

    attempt: int
    probability: float


@dataclass(frozen=True, slots=True)
class Digit:
    """The caller pressed a key; `expected`: the bot has asked for a number, or is asking for it."""

    digit: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class SoundStarted:
    """The caller begins to hear the bot, whatever it says."""


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The caller has heard all that was sent so far."""


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sound of what the bot says is on its way to the caller.

    `final`: it announces what the caller has asked for and ends the call; it is not interrupted any more.
    """

    final: bool = False


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """All of it has been heard. With `end`, the call is to be ended for that reason.

    `asks_number`: it asked the caller for a number.
    """

    end: EndReason | None = None
    asks_number: bool = False


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """Staff want a person to take the caller over."""


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """No operator has taken the caller."""

    outcome: Literal["busy", "no_answer", "failed"]


@dataclass(frozen=True, slots=True)
class Tick:
    """The machine's deadline has come."""


TurnEvent: TypeAlias = (
    SpeechWindow
    | Recognised
    | Partial
    | EndOfTurnHint
    | Digit
    | SoundStarted
    | SoundEnded
    | ReplyStarted
    | ReplyEnded
    | TransferAsked
    | TransferFailed
    | Tick
)


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
    """Recognise the utterance as it stands now and report it as `attempt`; earlier attempts are void.

    `speaking`: the caller is in the middle of it, and what a recogniser of streams has heard already will do.
    """

    attempt: int
    speaking: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    """Prepare the answer to these words unheard: the turn is probably over."""

    text: str


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """The caller's turn is over after `silence_ms` of silence, or was `keyed` in."""

    silence_ms: float
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer these words, with what was prepared for them if there is such."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepWords:
    """Keep what the caller has said although the bot will not answer it."""

    text: str


class Line(Enum):
    """Things the bot says by itself."""

    NOT_HEARD = "not_heard"
    REPROMPT = "reprompt"
    WAITING = "waiting"
    SILENCE_GOODBYE = "silence_goodbye"
    TOO_LONG_GOODBYE = "too_long_goodbye"
    OPERATOR = "operator"
    OPERATOR_BUSY = "operator_busy"
    OPERATOR_SILENT = "operator_silent"
    UNANSWERED = "unanswered"
    DEAF = "deaf"


@dataclass(frozen=True, slots=True)
class SayLine:
    """Say one of the bot's own lines; with `end`, end the call after it.

    `to`: the caller's words (or key) that it answers.
    """

    line: Line
    end: EndReason | None = None
    to: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """The caller has waited long enough: let them hear something, now."""


@dataclass(frozen=True, slots=True)
class HoldReply:
    """Silence the bot at once, but keep what it was saying."""


class Rewind(Enum):
    """From where a held reply goes on."""

    HEARD = "heard"
    """From where it was heard: the caller only nodded."""
    SENTENCE = "sentence"
    """From the start of the interrupted sentence: a noise may have covered it."""


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """Go on with the held reply."""

    rewind: Rewind


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop what the bot is preparing, saying or holding; what was not heard is not remembered.

    `goes_on`: the caller's turn that it answers is not over after all.
    """

    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class EndCall:
    """End the call."""

    reason: EndReason


Action: TypeAlias = (
    OpenUtterance
    | DropUtterance
    | Recognise
    | Prepare
    | TakeTurn
    | Answer
    | KeepWords
    | SayLine
    | Fill
    | HoldReply
    | ResumeReply
    | CancelReply
    | EndCall
)
