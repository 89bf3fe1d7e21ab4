"""What a call needs of the rest of the process. Wired in `main`, shared by all calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.media.comfort import comfort_tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.agent.agent import Answerer
    from voxbot.call.recording import Recorder
    from voxbot.domain.audio import Samples
    from voxbot.domain.events import CallEvent, LiveEvent
    from voxbot.domain.ids import CallId
    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr, AsrHints
    from voxbot.speech.end_of_turn import EndOfTurn
    from voxbot.speech.switches import Switches
    from voxbot.speech.tts import Tts
    from voxbot.speech.vad import Vad


def _nobody_watches(_event: LiveEvent) -> None:
    pass


def _no_recording(_call_id: CallId) -> Recorder | None:
    return None


@dataclass(frozen=True, slots=True)
class Services:
    """Engines and sources; the callables give what holds at the moment, so that a reload reaches the next turn."""

    vad: Vad
    asr: Asr
    tts: Tts
    answerer: Answerer
    settings: Callable[[], Settings]
    greeting: Callable[[], str]
    asr_hints: Callable[[], AsrHints]
    normalize: Callable[[str], str]
    verbalize: Callable[[str], str]
    publish: Callable[[CallEvent], None]
    publish_live: Callable[[LiveEvent], None] = _nobody_watches
    end_of_turn: EndOfTurn | None = None
    switches: Switches | None = None
    """Counters of all engines' requests, for metrics."""
    open_recording: Callable[[CallId], Recorder | None] = _no_recording
    hold_sound: Callable[[], Samples] = comfort_tone
