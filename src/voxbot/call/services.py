"""What a call needs of the rest of the process. Wired in `main`, shared by all calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.agent.agent import Answerer
    from voxbot.domain.events import CallEvent
    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr, AsrHints
    from voxbot.speech.tts import Tts
    from voxbot.speech.vad import Vad


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
