"""One thing the bot says: agent → text.segmenter → speech.tts → media.playout.

`Reply.run` is what barge-in cancels: the agent, the synthesis and the sending stop together. What the caller has
heard by then is `heard_text`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from voxbot.agent.phrases import APOLOGY
from voxbot.domain.audio import TELEPHONE_RATE_HZ
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderError
from voxbot.speech.resampler import Resampler
from voxbot.speech.trim import trim_start
from voxbot.text.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from voxbot.domain.audio import Samples
    from voxbot.media.playout import Playout
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_SAMPLES_PER_CHAR = TELEPHONE_RATE_HZ // 14
"""Russian speech has about 14 characters a second: the length of a segment whose synthesis is not finished."""
_SEGMENTS_AHEAD = 8
_SOUND_S = 8.0
"""A voice that gives no sound for so long is hung: the segment is given up."""
_LET_GO_S = 0.2


@dataclass(slots=True)
class SpokenSegment:
    """A segment and where in the playout its sound lies."""

    text: str
    start: int
    end: int
    complete: bool = False

    def heard(self, position: int) -> str:
        """Give the words that had been heard when the playout stood at `position`."""
        end = self.end if self.complete else max(self.end, self.start + len(self.text) * _SAMPLES_PER_CHAR)
        if position >= end:
            return self.text
        if position <= self.start or end <= self.start:
            return ""
        chars = len(self.text) * (position - self.start) / (end - self.start)
        words: list[str] = []
        used = 0
        for word in self.text.split():
            used += len(word) + 1
            if used - 1 > chars:
                break
            words.append(word)
        return " ".join(words)


class Reply:
    """A reply in progress."""

    def __init__(
        self,
        source: AsyncGenerator[str | AnswerInfo, None],
        *,
        tts: Tts,
        verbalize: Callable[[str], str],
        playout: Playout,
        first_text_s: float,
        on_started: Callable[[], None],
    ) -> None:
        self._source = source
        self._tts = tts
        self._verbalize = verbalize
        self._playout = playout
        self._first_text_s = first_text_s
        self._on_started = on_started
        self._spoken: list[SpokenSegment] = []
        self._loop = asyncio.get_running_loop()
        self.answer: AnswerInfo | None = None
        self.planned: list[str] = []
        self.ms: dict[str, float] = {}

    @property
    def planned_text(self) -> str:
        """Everything that was going to be said, as far as it was known."""
        return " ".join(self.planned)

    @property
    def spoken_text(self) -> str:
        """What has been turned into sound."""
        return " ".join(segment.text for segment in self._spoken)

    @property
    def mute(self) -> bool:
        """Whether there was something to say and no sound came of it."""
        return bool(self.planned) and not self._spoken

    @property
    def heard_text(self) -> str:
        """What of it the caller has heard by now, to the word."""
        position = self._playout.heard
        return " ".join(filter(None, (segment.heard(position) for segment in self._spoken)))

    async def run(self) -> None:
        """Say it all; returns when the last of it has been heard. Raises MediaError."""
        segments: asyncio.Queue[str | None] = asyncio.Queue(_SEGMENTS_AHEAD)
        writing = asyncio.create_task(self._write(segments))
        try:
            await self._speak(segments)
            await self._playout.drain()
        finally:
            writing.cancel()
            # Barge-in waits for this: an agent that is slow to let go may finish behind our back.
            await asyncio.wait({writing}, timeout=_LET_GO_S)

    async def _write(self, segments: asyncio.Queue[str | None]) -> None:
        """Agent → segmenter. Always ends the queue, whatever happens."""
        segmenter = Segmenter()
        try:
            async with aclosing(self._source) as source, asyncio.timeout(self._first_text_s) as patience:
                async for piece in source:
                    if isinstance(piece, AnswerInfo):
                        self.answer = piece
                        continue
                    patience.reschedule(self._loop.time() + self._first_text_s)
                    for segment in segmenter.push(piece):
                        await self._plan(segment, segments, patience)
            for segment in segmenter.flush():
                await self._plan(segment, segments)
        except TimeoutError:
            log.warning("Ответ не готов вовремя", seconds=self._first_text_s)
            await self._plan(APOLOGY, segments)
        except Exception:
            log.exception("Ответ не составлен")
            await self._plan(APOLOGY, segments)
        await segments.put(None)

    async def _plan(
        self, segment: str, segments: asyncio.Queue[str | None], patience: asyncio.Timeout | None = None
    ) -> None:
        self.planned.append(segment)
        if patience:  # a full queue is the caller listening, not the agent hanging
            patience.reschedule(None)
        await segments.put(segment)
        if patience:
            patience.reschedule(self._loop.time() + self._first_text_s)

    async def _speak(self, segments: asyncio.Queue[str | None]) -> None:
        """Segments → sound → the playout, which holds back when it is far enough ahead."""
        while (segment := await segments.get()) is not None:
            spoken = SpokenSegment(segment, self._playout.sent, self._playout.sent)
            self._spoken.append(spoken)
            started = self._loop.time()
            try:
                async for samples in self._synthesize(segment):
                    if "tts_first_audio" not in self.ms:
                        self.ms["tts_first_audio"] = round((self._loop.time() - started) * 1000, 1)
                        self._on_started()
                    await self._playout.play(samples)
                    spoken.end = self._playout.sent
            except (ProviderError, TimeoutError) as error:
                log.error("Синтез речи не удался, часть ответа не прозвучит", error=str(error))
                self._spoken.remove(spoken)
                continue
            spoken.complete = True

    async def _synthesize(self, text: str) -> AsyncGenerator[Samples, None]:
        """Sound of a segment at the telephone's rate, without the silence engines put before it."""
        resampler: Resampler | None = None
        begun = False
        async with aclosing(self._tts.synthesize(self._verbalize(text))) as chunks:
            while True:
                async with asyncio.timeout(_SOUND_S):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                if resampler is None:
                    resampler = Resampler(chunk.rate_hz, TELEPHONE_RATE_HZ)
                samples = resampler.push(chunk.samples)
                if not begun:
                    samples = trim_start(samples, TELEPHONE_RATE_HZ)
                    begun = len(samples) > 0
                if len(samples):
                    yield samples
        if resampler and len(rest := resampler.flush()):
            yield rest
