"""What the caller has said: speech.asr → text.normalizer, and how finished it sounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import ProviderError
from voxbot.speech.asr import as_streaming
from voxbot.turns.events import EndOfTurnHint, Partial, Recognised

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.services import Services
    from voxbot.domain.audio import AudioChunk, Samples
    from voxbot.speech.asr import AsrStream, Transcript
    from voxbot.turns.events import TurnEvent

log = structlog.get_logger(__name__)

_ASR_TIMEOUT_S = 12.0
"""More than all recognisers together may take (speech/budget.py): the last one must have its chance."""
_SURE = 1.0
"""The hint of a recogniser that says the utterance is over."""


class Recognition:
    """One call's recogniser: one attempt at a time, the latest wins. `tell` gets the results.

    A recogniser of streams gets each utterance while it is said (`open`, `hear`, `drop`): an attempt then only asks it
    for the rest of the words. Who hears the whole sound where its stream fails is speech/fallback.py's business.
    """

    def __init__(self, services: Services, tasks: asyncio.TaskGroup, tell: Callable[[TurnEvent], None]) -> None:
        self._services = services
        self._tasks = tasks
        self._tell = tell
        self._streaming = as_streaming(services.asr)
        self._utterance: _Utterance | None = None
        self._attempt = 0
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.raw = ""
        """What the recogniser wrote last, before normalising."""
        self.took_ms = 0.0

    def open(self) -> None:
        """An utterance begins: its sound comes by `hear`."""
        self.drop()
        if self._streaming:
            self._utterance = _Utterance(self._on_partial, self._on_finished)
            self._utterance.stream = self._streaming.open(self._services.asr_hints(), self._utterance)

    def hear(self, samples: Samples) -> None:
        """Take the next sound of the utterance, 8 kHz."""
        if self._utterance:
            self._utterance.stream.push(samples)

    def drop(self) -> None:
        """The utterance is over; an attempt under way is still finished."""
        utterance, self._utterance = self._utterance, None
        if utterance:
            utterance.give_up()

    def start(self, attempt: int, audio: AudioChunk, *, speaking: bool) -> None:
        """Recognise the utterance, whose sound so far is `audio`; an attempt under way is given up.

        `speaking`: in the middle of it, where a stream must not be told that it is over.
        """
        self.stop()
        self._attempt = attempt
        utterance = self._utterance
        if speaking and utterance and utterance.words:
            self._loop.call_soon(self._report, attempt, utterance.words)
            return
        if speaking or utterance is None:
            self._task = self._tasks.create_task(self._run(attempt, audio, None))
            return
        self._task = self._tasks.create_task(self._run(attempt, audio, utterance))
        utterance.attempts += 1
        self._task.add_done_callback(utterance.attempt_done)

    def stop(self) -> None:
        """Give up the attempt under way."""
        if self._task:
            self._task.cancel()

    def close(self) -> None:
        """Give everything up; may be called twice."""
        self.stop()
        self.drop()

    async def _run(self, attempt: int, audio: AudioChunk, utterance: _Utterance | None) -> None:
        started_s, raw, confidence, failed = self._loop.time(), "", 1.0, False
        try:
            async with asyncio.timeout(_ASR_TIMEOUT_S):
                transcript = await self._transcript(audio, utterance)
            raw, confidence = transcript.text, transcript.confidence
        except (ProviderError, TimeoutError) as error:
            log.error("Распознавание речи не удалось", error=str(error) or "нет ответа вовремя")
            failed = True
        self.took_ms = round((self._loop.time() - started_s) * 1000, 1)
        self._report(attempt, raw, failed=failed, confidence=confidence)
        if utterance and utterance.finished:
            self._tell(EndOfTurnHint(attempt, _SURE))
        await self._listen_for_the_end(attempt, audio)

    async def _transcript(self, audio: AudioChunk, utterance: _Utterance | None) -> Transcript:
        if utterance:
            return await utterance.stream.settle()
        return await self._services.asr.transcribe(audio, self._services.asr_hints())

    def _report(self, attempt: int, raw: str, *, failed: bool = False, confidence: float = 1.0) -> None:
        self.raw = raw
        self._tell(Recognised(attempt, self._services.normalize(raw).strip(), failed, confidence))

    def _on_partial(self, text: str) -> None:
        self._tell(Partial(self._services.normalize(text).strip()))

    def _on_finished(self) -> None:
        self._tell(EndOfTurnHint(self._attempt, _SURE))

    async def _listen_for_the_end(self, attempt: int, audio: AudioChunk) -> None:
        if self._services.end_of_turn is None:
            return
        try:
            probability = await self._services.end_of_turn.probability(audio)
        except ProviderError as error:
            log.warning("Конец реплики по звуку не определён", error=str(error))
            return
        self._tell(EndOfTurnHint(attempt, probability))


class _Utterance:
    """A stream and what has come of it. An AsrListener; given up, it tells nothing any more."""

    stream: AsrStream

    def __init__(self, on_words: Callable[[str], None], on_finished: Callable[[], None]) -> None:
        self._on_words = on_words
        self._on_finished = on_finished
        self._given_up = False
        self.words = ""
        self.finished = False
        """The engine believes that the caller has finished, and has heard nothing since."""
        self.attempts = 0
        """Under way; the stream lives until they are done."""

    def on_partial(self, text: str) -> None:
        if self._given_up or text == self.words:
            return
        self.words, self.finished = text, False
        self._on_words(text)

    def on_end_of_utterance(self) -> None:
        if not self._given_up:
            self.finished = True
            self._on_finished()

    def give_up(self) -> None:
        """Close the stream as soon as nobody waits for its words."""
        self._given_up = True
        if not self.attempts:
            self.stream.close()

    def attempt_done(self, _task: asyncio.Task[None]) -> None:
        self.attempts -= 1
        if self._given_up and not self.attempts:
            self.stream.close()
