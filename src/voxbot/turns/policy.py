"""The timings of turn-taking, as the machine reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings

_HYSTERESIS = 0.15


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """One call's timings, in milliseconds unless the name says otherwise."""

    speech_probability: float = 0.5
    speech_start_ms: float = 96
    """Speech this long begins an utterance."""
    speech_resume_ms: float = 64
    """Speech this long after a pause shows that the caller goes on; a single window may be a click."""
    speculate_silence_ms: float = 250
    """Recognition starts after this much silence, in advance of the decision that the turn is over."""
    end_silence_ms: float = 700
    max_utterance_ms: float = 28_000
    """A turn longer than this is taken as it stands: recognisers take at most 30 s in one piece."""
    barge_in_ms: float = 250
    greeting_interruptible: bool = True
    frame_gap_ms: float = 300
    """Without any sound from the peer for this long (silence suppression, lost packets) time itself is silence."""
    not_heard_min_ms: float = 500
    """So much speech without recognisable words deserves a «не расслышал»; less is taken for noise."""
    max_not_heard: int = 2
    """After so many in a row the bot stays quiet: more would be a quarrel with a noisy line."""
    reprompt_after_ms: float = 7_000
    max_reprompts: int = 2
    idle_ms: float = 60_000
    max_call_ms: float = 1_800_000
    parting_ms: float = 20_000
    """The last words take less; after it the call ends without them."""

    @property
    def silence_probability(self) -> float:
        """Below this a window counts as silence; between the two it continues what was."""
        return max(0.01, self.speech_probability - _HYSTERESIS)

    @classmethod
    def from_settings(cls, settings: Settings) -> TurnPolicy:
        """Take the timings from a settings snapshot."""
        turns, call = settings.turns, settings.call
        return cls(
            speech_probability=turns.speech_probability,
            speech_start_ms=turns.speech_start_ms,
            speculate_silence_ms=turns.speculate_silence_ms,
            end_silence_ms=turns.end_silence_ms,
            max_utterance_ms=turns.max_utterance_ms,
            barge_in_ms=turns.barge_in_ms,
            greeting_interruptible=turns.greeting_interruptible,
            reprompt_after_ms=turns.reprompt_after_ms,
            max_reprompts=turns.max_reprompts,
            idle_ms=call.idle_s * 1000,
            max_call_ms=call.max_s * 1000,
        )
