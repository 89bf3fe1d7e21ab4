"""The scenario language: a telephone call written down, with what must come of it.

A file holds scenarios of one theme, divided by `---`. `tests/scenarios/README.md` shows every word of it;
`scenarios.reading` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

CHAR_MS = 70
"""Length of a character when a step does not say how long its words take."""

NOISES = ("babble", "music", "line", "click")
FAULTS = ("hang", "fail", "stall")
OUTCOMES = ("joined", "busy", "no_answer", "failed")
PHASES = ("greeting", "listening", "endpointing", "thinking", "speaking", "ending")


class ScenarioError(Exception):
    """A scenario is written wrong: the file, the scenario, what, and what is allowed."""


# --- what the caller does ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """Words in one breath. `wav` (`name.wav`) is their sound in a real call."""

    text: str
    ms: int
    wav: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A pause inside what is said."""

    ms: int


@dataclass(frozen=True, slots=True)
class Says:
    """Speaks; `manner` is says, interrupts or murmurs. `after_ms` of the bot's speech pass first, if given."""

    manner: str
    pieces: tuple[Words | Gap, ...]
    after_ms: int | None = None

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces if isinstance(piece, Words))


@dataclass(frozen=True, slots=True)
class Noise:
    """A sound without words; in the background the next step begins at once and sounds over it."""

    kind: str
    ms: int
    after_ms: int | None = None
    background: bool = False


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits until the bot has spoken and then been silent for `silence_ms`."""

    silence_ms: int = 600


@dataclass(frozen=True, slots=True)
class Pauses:
    """Is silent for so long."""

    ms: int


@dataclass(frozen=True, slots=True)
class Stays:
    """Is silent until the bot ends the call, at most so long."""

    ms: int


@dataclass(frozen=True, slots=True)
class Dtmf:
    """Presses keys."""

    digits: str
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Echo:
    """From now on the bot's voice comes back: so much of it, so late. 0 ends it."""

    gain: float
    delay_ms: int = 60


@dataclass(frozen=True, slots=True)
class HangsUp:
    """Hangs up; `phase`: at the moment when the conversation is in that phase."""

    phase: str = ""
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LineFaults:
    """What the transport does wrong, from now on."""

    closes: bool = False
    drops_ms: int = 0
    suppresses_silence: bool = False
    drift_percent: float = 0.0
    late_start_ms: int = 0
    stalls_ms: int = 0
    """Nothing comes for so long, then all of it at once."""
    loses_marks: bool = False
    repeats_old_marks: bool = False
    """Reports marks of what was flushed, as if it had been played."""
    odd_frames: bool = False
    """Frames of other lengths than 20 ms, empty ones among them."""


Step: TypeAlias = Says | Noise | Waits | Pauses | Stays | Dtmf | Echo | HangsUp | LineFaults


# --- what stands behind the bot ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent says to a question; after `hangs_after` words nothing more comes, `fails_after`: it breaks."""

    say: str = ""
    delay_ms: int = 50
    word_ms: int = 0
    intent: str = ""
    hangs_after: int | None = None
    fails_after: int | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """What comes of calling a person, and after how long; without one the call leaves the bot at once."""

    outcome: str
    after_ms: int = 3000


@dataclass(frozen=True, slots=True)
class Engine:
    """A speech engine: what it takes, and what goes wrong at its n-th call (0: at every one)."""

    delay_ms: int
    faults: dict[int, str] = field(default_factory=dict)

    def fault(self, call: int) -> str:
        """What goes wrong at this call, or an empty string."""
        return self.faults.get(call, self.faults.get(0, ""))


# --- what must come of it ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """What must hold; None: not looked at. Times in milliseconds at the caller's ear."""

    end: str | None = None
    response_ms: float | None = None
    barge_in_ms: float | None = None
    dead_air_ms: float | None = None
    cut_offs: int = 0
    length_ms: float | None = None
    asked: tuple[str, ...] | None = None
    """Every question that the agent was given, speculation included."""
    heard: tuple[str, ...] = ()
    never_heard: tuple[str, ...] = ()


Event: TypeAlias = "dict[str, str]"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call."""

    file: Path
    title: str
    caller: tuple[Step, ...]
    real: bool = False
    greeting: str = "Здравствуйте, слушаю вас."
    settings: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asr: Engine = Engine(200)
    tts: Engine = Engine(100)
    operator: Operator | None = None
    limits: Limits = field(default_factory=Limits)
    events: tuple[Event, ...] | None = None
    """The snapshot; None: there is none yet."""

    @property
    def id(self) -> str:
        return f"{self.file.stem}: {self.title}"
