"""One thing the bot says: agent → text.segmenter → speech.tts → media.track.

`Reply.run` is what barge-in cancels: the agent, the synthesis and the sending stop together. What the caller has
heard by then is `heard_text`. A reply may be prepared before it is known to be wanted: its first sound then waits
for `release`.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from voxbot.agent.phrases import APOLOGY, CUT_SHORT, line_text
from voxbot.domain.audio import TELEPHONE_RATE_HZ
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderError
from voxbot.media.track import Track
from voxbot.speech.resampler import Resampler
from voxbot.speech.trim import trim_start
from voxbot.text.segmenter import Segmenter, split_segments
from voxbot.turns.events import Rewind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from voxbot.domain.audio import Samples
    from voxbot.media.playout import Playout
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_SAMPLES_PER_CHAR = TELEPHONE_RATE_HZ // 16
"""Russian speech has about 16 characters a second: the length of a segment whose synthesis has not been finished."""
_SEGMENTS_AHEAD = 8
_SOUND_S = 8.0
"""A voice that gives no sound for so long is hung: the segment is given up."""
_LET_GO_S = 0.2
_SENTENCE_END = re.compile(r"[.!?…]\W*$")


@dataclass(slots=True)
class SpokenSegment:
    """A segment and where in the track its sound lies."""

    text: str
    start: int
    end: int
    complete: bool = False
    begins: bool = True
    """It is not the rest of a segment, nor something that somebody else has said."""

    def heard(self, offset: int, verbalize: Callable[[str], str]) -> str:
        """Give the words that had been heard when the track was heard up to `offset`.

        Words share the segment's time by the length of what is spoken for them: «2 000 000» takes longer than it looks.
        """
        if self.complete and offset >= self.end:
            return self.text
        if offset <= self.start:
            return ""
        sound = self.end - self.start
        words = self.text.split()
        lengths = [len(verbalize(word)) + 1 for word in words]
        length = sound if self.complete else max(sound, sum(lengths) * _SAMPLES_PER_CHAR)
        said = (sum(lengths) - 1) * min(offset - self.start, sound) / length
        used, count = 0, 0
        for length in lengths:
            used += length
            if used - 1 > said:
                break
            count += 1
        return " ".join(words[:count])

    def split(self, offset: int, verbalize: Callable[[str], str]) -> SpokenSegment | None:
        """Cut off and return the part that was heard up to `offset`; None if no word of it was."""
        words = self.heard(offset, verbalize)
        if not words or offset >= self.end:
            return None
        begun = SpokenSegment(words, self.start, offset, complete=True, begins=self.begins)
        self.begins = False
        self.text, self.start = self.text.split(maxsplit=len(words.split()))[-1], offset
        return begun


class Reply:
    """A reply in progress. `words` are the caller's that it answers; `released=False` prepares it unheard."""

    def __init__(
        self,
        source: Callable[[], AsyncGenerator[str | AnswerInfo, None]],
        *,
        tts: Tts,
        verbalize: Callable[[str], str],
        playout: Playout,
        before_sound: Callable[[Reply], Awaitable[None]],
        words: str = "",
        released: bool = True,
    ) -> None:
        self._source = source
        self._tts = tts
        self._verbalize = verbalize
        self._before_sound = before_sound
        self._track = Track(playout)
        self._spoken: list[SpokenSegment] = []
        self._completed = 0
        self._loop = asyncio.get_running_loop()
        self._released = asyncio.Event()
        self.words = words
        self.answer: AnswerInfo | None = None
        self.planned: list[str] = []
        self.ms: dict[str, float] = {}
        self.voiceless = False
        """No voice could say it: a person was announced instead."""
        if released:
            self._released.set()

    @property
    def planned_text(self) -> str:
        """Everything that was going to be said, as far as it was known."""
        return " ".join(self.planned)

    @property
    def mute(self) -> bool:
        """Whether there was something to say and no sound came of it; fillers are nobody's answer."""
        return bool(self.planned) and not self.sounding

    @property
    def sounding(self) -> bool:
        """Whether anything of it has been sent to the caller."""
        return self._track.length > 0

    @property
    def heard_text(self) -> str:
        """What of it the caller has heard by now, to the word."""
        offset = self._track.heard
        return " ".join(filter(None, (segment.heard(offset, self._verbalize) for segment in self._spoken)))

    @property
    def heard_all(self) -> bool:
        """Whether the caller has heard everything that was going to be said."""
        return self._completed == len(self.planned) and self._track.heard >= self._track.length

    @property
    def at_ear(self) -> str:
        """The segment that the caller hears at this moment."""
        offset = self._track.heard
        return next((segment.text for segment in self._spoken if segment.start <= offset < segment.end), "")

    def release(self) -> None:
        """It is wanted: let it be heard."""
        self._released.set()

    async def until_released(self) -> None:
        """Wait until it may be heard."""
        await self._released.wait()

    async def hold(self) -> None:
        """Silence it at once, or let it not begin; it can go on."""
        self._released.clear()
        await self._track.hold()

    def resume(self, rewind: Rewind) -> None:
        """Go on after `hold`."""
        self._track.resume(None if rewind is Rewind.HEARD else self._sentence_start(self._track.heard))
        self._released.set()

    async def send_again(self) -> None:
        """Send what is to be heard again after `resume`; run it beside `run`, and cancel it before `hold`."""
        await self._track.send_again()

    def insert(self, text: str) -> SpokenSegment:
        """Count `text`, said by somebody else at this moment, to what is heard of this reply; its text may change."""
        heard = self._track.heard
        place = next((i for i, segment in enumerate(self._spoken) if segment.end > heard), len(self._spoken))
        if place < len(self._spoken) and (begun := self._spoken[place].split(heard, self._verbalize)):
            self._spoken.insert(place, begun)
            place += 1
        inserted = SpokenSegment(text, heard, heard, complete=True, begins=False)
        self._spoken.insert(place, inserted)
        return inserted

    async def run(self) -> None:
        """Say it all; returns when the last of it has been heard. Raises MediaError."""
        segments: asyncio.Queue[str | None] = asyncio.Queue(_SEGMENTS_AHEAD)
        writing = asyncio.create_task(self._write(segments))
        try:
            if not await self._speak(segments):
                writing.cancel()
                await self._give_up()
            await self._released.wait()
            await self._track.drain()
        finally:
            writing.cancel()
            # Barge-in waits for this: an agent that is slow to let go may finish behind our back.
            await asyncio.wait({writing}, timeout=_LET_GO_S)

    def _sentence_start(self, offset: int) -> int:
        """Where the sentence begins that is at `offset`; a sentence may be several segments."""
        start, before = 0, "."
        for segment in self._spoken:
            if segment.start > offset:
                break
            if segment.begins and _SENTENCE_END.search(before):
                start = segment.start
            if segment.end > segment.start:
                before = segment.text
        return start

    async def _write(self, segments: asyncio.Queue[str | None]) -> None:
        """Agent → segmenter. Always ends the queue, whatever happens."""
        segmenter = Segmenter()
        try:
            async with aclosing(self._source()) as source:
                async for piece in source:
                    if isinstance(piece, AnswerInfo):
                        self.answer = piece
                        continue
                    for segment in segmenter.push(piece):
                        await self._plan(segment, segments)
            for segment in segmenter.flush():
                await self._plan(segment, segments)
        except Exception:
            log.exception("Ответ не составлен")
            await self._plan(APOLOGY, segments)
        await segments.put(None)

    async def _plan(self, segment: str, segments: asyncio.Queue[str | None]) -> None:
        self.planned.append(segment)
        await segments.put(segment)

    async def _speak(self, segments: asyncio.Queue[str | None]) -> bool:
        """Segments → sound → the track, which holds back when it is far enough ahead; False if there is no sound.

        Where the first segment makes none every voice has been tried: the rest would fare no better, and take as long.
        """
        lost = False
        while (segment := await segments.get()) is not None:
            said = await self._say(segment)
            self._completed += said
            lost = lost or not said
            if lost and not self.sounding:
                return False
        if lost:  # who waits for the rest must not wait in vain
            for segment in split_segments(CUT_SHORT):
                await self._say(segment)
        return True

    async def _give_up(self) -> None:
        """Announce a person, as it was spoken beforehand: that is all that this reply will be."""
        self.voiceless = True
        self.planned, self._completed = split_segments(line_text("unanswered")), 0
        for segment in self.planned:
            self._completed += await self._say(segment)

    async def _say(self, segment: str) -> bool:
        """Say one segment; False if the voice failed."""
        spoken = SpokenSegment(segment, self._track.length, self._track.length)
        started = self._loop.time()
        try:
            async with aclosing(self._synthesize(segment)) as sound:
                async for samples in sound:
                    if "tts_first_audio" not in self.ms:
                        self.ms["tts_first_audio"] = round((self._loop.time() - started) * 1000, 1)
                        await self._released.wait()
                        await self._before_sound(self)
                    if spoken.end == spoken.start:
                        self._spoken.append(spoken)
                    spoken.end = self._track.length + len(samples)
                    await self._track.play(samples)
        except (ProviderError, TimeoutError) as error:
            log.error("Синтез речи не удался, часть ответа не прозвучит", error=str(error))
            return False
        spoken.complete = True
        return True

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
