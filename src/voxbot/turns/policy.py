"""The timings of turn-taking, as the machine reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings

_HYSTERESIS = 0.15


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """One call's timings, in milliseconds unless the name says otherwise. Each is a setting (settings/schema.py)."""

    speech_probability: float = 0.5
    speech_start_ms: float = 96
    """Speech this long begins an utterance."""
    speech_resume_ms: float = 64
    """Speech this long after a pause shows that the caller goes on; a single window may be a click."""
    onset_lag_ms: float = 40
    """The detector sees speech so long after it began."""

    recognise_silence_ms: float = 32
    """Recognition starts after this much silence: the words are then there when the answer is begun."""
    recognise_again_ms: float = 200
    """... if this much was spoken since it last started; otherwise it waits for `speculate_silence_ms`."""
    speculate_silence_ms: float = 250
    """The answer is begun, unheard, after this much silence."""
    max_speculations: int = 3
    """Answers begun in advance per turn; each may cost a request to the language model."""
    end_silence_ms: float = 736
    """This much silence ends a turn whose words look complete. It is more than 700 ms because the detector hears the
    end of a word early; that it hears the beginning of the next one late is what `audible` sound is waited for."""
    max_silence_ms: float = 900
    """This much ends any turn."""
    max_utterance_ms: float = 28_000
    """A turn longer than this is taken as it stands: recognisers take at most 30 s in one piece."""
    frame_gap_ms: float = 300
    """Without any sound from the peer for this long (silence suppression, lost packets) time itself is silence."""

    barge_in_ms: float = 200
    """The caller's speech over the bot that silences it."""
    false_alarm_ms: float = 700
    """Without words this long after such speech ended, the bot goes on."""
    partial_ms: float = 800
    """While the bot is held, what the caller says is recognised every so often: words settle whose turn it is."""
    undertone_ms: float = 1_500
    """Sound that has proved to be no words is looked at again every so often while it lasts."""
    greeting_interruptible: bool = True

    not_heard_min_ms: float = 500
    """So much speech without recognisable words deserves a «не расслышал»; less is taken for noise."""
    max_not_heard: int = 2
    """After so many in a row the bot stays quiet: more would be a quarrel with a noisy line."""
    max_failures: int = 2
    """After so many failed recognitions in a row a person takes over: a deaf bot cannot help."""

    dead_air_ms: float = 1_200
    """The longest a caller who waits hears nothing."""
    path_ms: float = 100
    """A sound that is sent now is heard so much later, at most."""
    answer_ms: float = 20_000
    """An answer that has not come by then never does: apologise and pass the caller on."""

    reprompt_after_ms: float = 7_000
    max_reprompts: int = 2
    wait_ms: float = 30_000
    """Given to a caller who asks for a moment."""
    digits_gap_ms: float = 2_500
    """A number keyed in is complete after such a pause."""
    idle_ms: float = 60_000
    max_call_ms: float = 1_800_000
    parting_ms: float = 20_000
    """The last words take less; after it the call ends without them."""

    @property
    def silence_probability(self) -> float:
        """Below this a window counts as silence; between the two it continues what was."""
        return max(0.01, self.speech_probability - _HYSTERESIS)

    @classmethod
    def from_settings(cls, settings: Settings, *, recognise_silence_ms: float = 0) -> TurnPolicy:
        """Take the timings from a settings snapshot; a recogniser may want more silence than they say."""
        turns, call = settings.turns, settings.call
        timings = {name: getattr(turns, name) for name in type(turns).model_fields}
        timings["recognise_silence_ms"] = max(turns.recognise_silence_ms, recognise_silence_ms)
        return cls(
            **timings,
            answer_ms=call.answer_s * 1000,
            idle_ms=call.idle_s * 1000,
            max_call_ms=call.max_s * 1000,
        )
