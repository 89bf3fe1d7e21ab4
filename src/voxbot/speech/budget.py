"""How long engines may take: the caller's patience, shared out in one place.

The patience is AI_PROCESSING_TIMEOUT: from the caller's last word to the bot's first one. Of it

    recognition 0.30 · language models 0.35 · voice 0.25 · the question's embedding 0.08 · the rest 0.02

A kind's share is its `total_s`: when it is over, all its engines have had their chance. Engine i of n is asked at
i · `late_s` at the latest, and `late_s` ≤ `total_s` / n, so that the last one still has as long as any other. An
engine of somebody else's machine is waited for at most FALLBACK_HEDGE_MAX_MS (recognition: twice that) before the next
is asked too; one of this
machine for its whole part, because a second computation beside it makes both later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings

ASR_SHARE, LLM_SHARE, TTS_SHARE, EMBEDDING_SHARE = 0.30, 0.35, 0.25, 0.08

ASR_MOST_S = 10.0
"""Below the limit that call/recognition.py sets on a whole recognition (12 s)."""
TTS_MOST_S = 7.0
"""Below the limit that call/reply.py sets on a voice's next sound (8 s)."""

_MARGIN = 1.25
"""The times of a steady engine lie so close together that its p95 is nearly its median."""
_LOCAL_STALL_S = 2.0
"""A clause takes a local voice up to a second on a busy machine."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One kind's share. All in seconds."""

    total_s: float = 5.0
    """Until the first result of whoever gives it."""
    hedge_min_s: float = 0.3
    """The next engine is never begun earlier, however fast this one usually is."""
    hedge_max_s: float = 1.0
    """The next engine is begun at the latest, unless this one computes here."""

    def part_s(self, engines: int) -> float:
        """Each engine's part of the whole; then the next is asked even if its breaker is open."""
        return self.total_s / engines

    def late_s(self, engines: int, *, local: bool) -> float:
        """After so long without a first result an engine is late, and the next is asked whatever it costs."""
        part_s = self.part_s(engines)
        return part_s if local else min(part_s, self.hedge_max_s)

    def stall_s(self, *, local: bool) -> float:
        """An engine that has begun may be silent for so long, whatever the caller still has to hear."""
        return min(self.total_s, _LOCAL_STALL_S) if local else self.hedge_max_s / 2

    def hedge_s(self, engines: int, p95_s: float | None, *, local: bool) -> float:
        """After so long the next engine is asked beside it, if that costs nobody else: a little beyond its p95."""
        late_s = self.late_s(engines, local=local)
        return late_s if local or p95_s is None else min(late_s, max(self.hedge_min_s, _MARGIN * p95_s))


def asr_budget(settings: Settings) -> Budget:
    """Recognition's share. A transcript is of a whole utterance: it is late twice as late as a first sound is."""
    return _budget(settings, min(ASR_SHARE * settings.call.answer_s, ASR_MOST_S), hedge_max_factor=2)


def tts_budget(settings: Settings) -> Budget:
    """The voice's share."""
    return _budget(settings, min(TTS_SHARE * settings.call.answer_s, TTS_MOST_S))


def llm_first_token_s(settings: Settings, models: int) -> float:
    """How long each of `models` may take to its first word: LLM_FIRST_TOKEN_TIMEOUT, if the share allows it."""
    return min(settings.llm.first_token_s, LLM_SHARE * settings.call.answer_s / max(1, models))


def embedding_s(settings: Settings) -> float:
    """How long a question's embedding may take: EMBEDDINGS_TIMEOUT, if the share allows it."""
    return min(settings.knowledge.embeddings_question_s, EMBEDDING_SHARE * settings.call.answer_s)


def _budget(settings: Settings, total_s: float, *, hedge_max_factor: float = 1) -> Budget:
    most_s = settings.fallback.hedge_max_ms * hedge_max_factor / 1000
    return Budget(total_s, min(settings.fallback.hedge_min_ms / 1000, most_s), most_s)
