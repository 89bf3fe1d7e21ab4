"""What the turn machine remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from voxbot.domain.events import EndReason
    from voxbot.turns.events import Action


class Phase(Enum):
    """Where the conversation stands."""

    GREETING = "greeting"
    LISTENING = "listening"
    ENDPOINTING = "endpointing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class TurnState:
    """Everything the next decision depends on. Milliseconds on the driver's clock, or of sound."""

    phase: Phase
    started_ms: float
    window_ms: float
    """When the last sound came (or time was last counted as silence)."""
    active_ms: float
    """When the caller last said words or the bot last finished an answer."""
    idle_ms: float
    """Since when nobody has been speaking."""

    # the caller's sound
    in_utterance: bool = False
    run_ms: float = 0
    """Recent speech in a row; single silent windows only shorten it."""
    silence_ms: float = 0
    """Silence since the utterance's last confirmed speech."""
    utterance_ms: float = 0
    voiced_ms: float = 0
    audible: bool = False
    """The last window stood out of the background, whatever it was."""
    audible_ms: float = 0
    """Such sound in a row; single silent windows only shorten it."""
    forced: bool = False
    """The turn was taken at its maximum length: the caller may still be speaking."""

    # its words
    attempt: int = 0
    """Number of the latest recognition."""
    asked: bool = False
    """The latest recognition belongs to the present pause (or to a turn taken at its end)."""
    asked_voiced_ms: float = 0
    asked_utterance_ms: float = 0
    words: str | None = None
    """What that recognition has given, None until it is there."""
    confidence: float = 1.0
    """How sure the recogniser is of `words`."""
    expects_number: bool = False
    """The bot has asked for a number."""
    hint: float | None = None
    """How likely the utterance sounds finished."""
    failures: int = 0
    prepared: bool = False
    """The answer to `words` is being prepared."""
    speculations: int = 0

    # the bot's voice
    held: Phase | None = None
    """The phase of a reply that the caller's sound has silenced and that may go on."""
    answered: str = ""
    """The words whose answer is prepared or said."""
    closed: bool = False
    """The turn that is answered has no open utterance: what the caller says now is a turn of its own."""
    continues: bool = False
    """The utterance goes on with a turn that was taken too early."""
    taken_voiced_ms: float = 0
    """`voiced_ms` when it was taken."""
    misses: int = 0
    """Recognitions without words since the reply is held."""
    false_alarms: int = 0
    """How often in a row such sound held no words: each makes the next interruption harder."""
    unheard_from_ms: float = 0
    """When the sound began whose words were not known yet when the bot went on."""
    wary: bool = False
    """The sound that held no words still lasts: it does not interrupt again before it pauses."""
    looked_ms: float = 0
    """`run_ms` when that sound was last looked at for words."""
    own_line: bool = False
    """The bot says a line of its own, not an answer: that is no activity of the dialogue."""

    # the caller's patience
    sounding: bool = False
    """The caller hears the bot at this moment."""
    quiet_ms: float = math.inf
    """Since when the caller waits and hears nothing; inf: hears something, or is not waiting."""
    longest_quiet_ms: float = 0
    sounding_from_ms: float = 0
    filling: bool = False
    """What sounds is a filler, not the answer."""
    progress_ms: float = 0
    """When the answer was last seen to come nearer."""

    # the rest
    reprompts: int = 0
    not_heard: int = 0
    patient_until_ms: float = 0
    """The caller has asked for time until then."""
    digits: str = ""
    digit_ms: float = 0
    parting: EndReason | None = None
    """Why the call ends after the last words, which began at `parted_ms`."""
    parted_ms: float = 0


Step: TypeAlias = "tuple[TurnState, tuple[Action, ...]]"
