"""What the caller has said: speech.asr → text.normalizer, and how finished it sounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import ProviderError
from voxbot.turns.events import EndOfTurnHint, Recognised

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.services import Services
    from voxbot.domain.audio import AudioChunk
    from voxbot.turns.events import TurnEvent

log = structlog.get_logger(__name__)

_ASR_TIMEOUT_S = 12.0
"""More than the limits of two recognisers in a row (speech/fallback.py): the second must have its chance."""


class Recognition:
    """One call's recogniser: one attempt at a time, the latest wins. `tell` gets the results."""

    def __init__(self, services: Services, tasks: asyncio.TaskGroup, tell: Callable[[TurnEvent], None]) -> None:
        self._services = services
        self._tasks = tasks
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.raw = ""
        """What the recogniser wrote last, before normalising."""
        self.took_ms = 0.0

    def start(self, attempt: int, audio: AudioChunk) -> None:
        """Recognise; an attempt under way is given up."""
        self.stop()
        self._task = self._tasks.create_task(self._run(attempt, audio))

    def stop(self) -> None:
        """Give up the attempt under way."""
        if self._task:
            self._task.cancel()

    async def _run(self, attempt: int, audio: AudioChunk) -> None:
        started_s, raw, confidence, failed = self._loop.time(), "", 1.0, False
        try:
            async with asyncio.timeout(_ASR_TIMEOUT_S):
                transcript = await self._services.asr.transcribe(audio, self._services.asr_hints())
            raw, confidence = transcript.text, transcript.confidence
        except (ProviderError, TimeoutError) as error:
            log.error("Распознавание речи не удалось", error=str(error) or "нет ответа вовремя")
            failed = True
        self.raw = raw
        self.took_ms = round((self._loop.time() - started_s) * 1000, 1)
        self._tell(Recognised(attempt, self._services.normalize(raw).strip(), failed, confidence))
        await self._listen_for_the_end(attempt, audio)

    async def _listen_for_the_end(self, attempt: int, audio: AudioChunk) -> None:
        if self._services.end_of_turn is None:
            return
        try:
            probability = await self._services.end_of_turn.probability(audio)
        except ProviderError as error:
            log.warning("Конец реплики по звуку не определён", error=str(error))
            return
        self._tell(EndOfTurnHint(attempt, probability))
