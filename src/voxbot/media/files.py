"""Sound as files: ARI record and playback, for an Asterisk that has no media channel.

Slower than the other transports by nature, and it may miss the latency goals: the caller's words come only when
Asterisk has noticed their end and written them down (TALK_DETECT_SILENCE_MS and some 20 ms), and a reply begins
when its first file has been written. Barge-in stops the bot as fast as elsewhere: `DELETE /playbacks/{id}` is
silence after 19 ms (FINDINGS, section 2) and the talk detector reports 21 ms after the onset (section 7).

The caller is recorded all the time, on a snoop channel beside the playback, so the first words of a barge-in are
not lost. Speech that is sent while a file plays goes out as the next file: the longer the speech, the fewer gaps.
"""

from __future__ import annotations

import asyncio
import io
import wave
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import numpy as np
import structlog

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples
from voxbot.domain.errors import AriError, ChannelGoneError, MediaError, VoxbotError, first_error

if TYPE_CHECKING:
    from collections.abc import Generator

    from voxbot.media.sound_folder import SoundFolder
    from voxbot.media.transport import MediaSink

log = structlog.get_logger(__name__)

_PIECE_S = 20.0
"""The longest recording: it bounds what is fetched at once, and how late the words of one who never stops come."""
_LEAD_S = 0.4
"""Delivered before the moment at which talk was noticed: soft first sounds do not reach the threshold."""
_MAX_PENDING_SAMPLES = 60 * TELEPHONE_RATE_HZ
_RETRY_PAUSE_S = 0.1
_EMPTY: Samples = np.zeros(0, np.int16)


class Deck(Protocol):
    """What is needed of Asterisk for one call; telephony/deck.py has it. Everything raises AriError."""

    async def play(self, playback_id: str, sound: str, language: str, length_s: float) -> bool:
        """Play a sound to its end; False if it failed or if no end was reported."""
        ...

    async def stop(self, playback_id: str) -> None:
        """End a playback at once; one that has ended is fine."""
        ...

    async def record(self) -> None:
        """Begin to record the caller."""
        ...

    async def take(self) -> bytes:
        """End the recording, begin the next, give the first as the content of a WAV file (8 kHz mono)."""
        ...


@dataclass(slots=True)
class _Clip:
    """A file that is played, and the marks that stand behind its sound."""

    samples: Samples
    marks: list[int]
    dropped: bool = False
    playback_id: str = field(default_factory=lambda: f"voxbot-play-{uuid4()}")

    @property
    def length_s(self) -> float:
        return len(self.samples) / TELEPHONE_RATE_HZ


class FilesMedia:
    """One call's sound as files."""

    def __init__(self, deck: Deck, folder: SoundFolder, *, retries: int) -> None:
        self._deck = deck
        self._folder = folder
        self._retries = retries
        self._loop = asyncio.get_running_loop()
        self._sink: MediaSink | None = None
        self._context = copy_context()
        self._failure: MediaError | ChannelGoneError | None = None
        # The bot's voice: what waits for its file, and the file that is being played.
        self._pending: list[Samples] = []
        self._pending_samples = 0
        self._marks: list[int] = []
        self._anything = asyncio.Event()
        self._clip: _Clip | None = None
        # The caller's.
        self._talking = False
        self._told = False  # what the sink believes of it
        self._talk_began_s = 0.0
        self._talk_ended = asyncio.Event()
        self._tail: Samples = _EMPTY  # the end of what has been recorded but belongs to no utterance yet

    @property
    def live(self) -> bool:
        """Sound comes an utterance at a time."""
        return False

    async def receive(self, sink: MediaSink) -> None:
        """Play and record. Raises ChannelGoneError, or MediaError when playing or recording fails; never returns."""
        self._sink = sink
        self._context = copy_context()  # what the talk detector tells is handled, and logged, as part of the call
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._record(sink))
                tasks.create_task(self._play(sink))
        except* VoxbotError as group:
            error = first_error(group)
            self._failure = error if isinstance(error, MediaError | ChannelGoneError) else MediaError(str(error))
        self._check()

    # --- the bot's voice -----------------------------------------------------------------------

    async def send(self, samples: Samples) -> None:
        """Append to the next file."""
        if len(samples) % FRAME_SAMPLES:
            raise ValueError(f"{len(samples)} samples are not whole frames of {FRAME_SAMPLES}")
        self._check()
        if self._pending_samples + len(samples) > _MAX_PENDING_SAMPLES:
            log.warning("Очередь звука полна, конец фразы отброшен")
            return
        self._pending.append(samples)
        self._pending_samples += len(samples)
        self._anything.set()

    async def mark(self, mark: int) -> None:
        """Have `on_mark` called when the file with the audio sent so far has been played."""
        self._check()
        self._marks.append(mark)
        self._anything.set()

    async def flush(self) -> None:
        """Silence within some 20 ms."""
        self._check()
        self._take_pending()
        if self._clip:
            self._clip.dropped = True
            await self._deck.stop(self._clip.playback_id)

    def _check(self) -> None:
        if self._failure:
            raise self._failure

    def _take_pending(self) -> tuple[Samples, list[int]]:
        taken = np.concatenate(self._pending) if self._pending else _EMPTY
        marks = self._marks
        self._pending, self._pending_samples, self._marks = [], 0, []
        return taken, marks

    async def _play(self, sink: MediaSink) -> None:
        while True:
            await self._anything.wait()
            self._anything.clear()
            samples, marks = self._take_pending()
            clip = self._clip = _Clip(samples, marks)
            if len(samples):
                await self._play_clip(clip)
            self._clip = None
            if not clip.dropped:
                for mark in clip.marks:
                    sink.on_mark(mark)

    async def _play_clip(self, clip: _Clip) -> None:
        try:
            path = self._folder.write(clip.samples)
        except OSError as error:
            log.error("❌ ARI playback не удался", error=str(error))
            raise MediaError(f"не удалось записать файл для Asterisk: {error}") from error
        try:
            for attempt in range(self._retries + 1):
                if attempt:
                    await asyncio.sleep(_RETRY_PAUSE_S)  # also for the news that the caller has hung up to arrive
                    log.warning("ARI playback не проигран, повторяю", playback=clip.playback_id, attempt=attempt)
                    clip.playback_id = f"voxbot-play-{uuid4()}"
                if clip.dropped or await self._played(clip, self._folder.sound(path)):
                    return
        finally:
            path.unlink(missing_ok=True)
        log.error("❌ ARI playback не удался", attempts=self._retries + 1)
        raise MediaError(f"Asterisk не проиграл файл; видит ли он папку {path.parent} (ASTERISK_SOUNDS_DIR)?")

    async def _played(self, clip: _Clip, sound: str) -> bool:
        try:
            played = await self._deck.play(clip.playback_id, sound, self._folder.language, clip.length_s)
        except ChannelGoneError:
            raise
        except AriError as error:
            log.warning("ARI playback: запрос не удался", error=str(error))
            return clip.dropped
        if played and not clip.dropped:
            log.info(f"✅ ARI playback: {clip.playback_id}")
        return played or clip.dropped

    # --- the caller's voice --------------------------------------------------------------------

    def on_talk(self, talking: bool) -> None:  # noqa: FBT001 - a state, told when it changes
        """Take note of what the talk detector says (called by telephony)."""
        if talking == self._talking:
            return
        self._talking = talking
        if talking:
            self._talk_began_s = self._loop.time()
            self._tell()
        else:
            self._talk_ended.set()

    def _tell(self) -> None:
        if self._sink and self._told != self._talking:
            self._told = self._talking
            self._context.run(self._sink.on_talk, self._talking)

    async def _record(self, sink: MediaSink) -> None:
        """Cut the endless recording into utterances."""
        await self._deck.record()
        self._tell()
        while True:
            try:
                async with asyncio.timeout(_PIECE_S):
                    await self._talk_ended.wait()
            except TimeoutError:
                pass
            ended = self._talk_ended.is_set()
            self._talk_ended.clear()
            began_s, cut_s = self._talk_began_s, self._loop.time()
            sound = np.concatenate((self._tail, _samples(await self._deck.take())))
            if not self._told:
                self._tail = sound[-int(_LEAD_S * TELEPHONE_RATE_HZ) :]
                continue
            self._tail = _EMPTY
            wanted = int((cut_s - began_s + _LEAD_S) * TELEPHONE_RATE_HZ)
            self._deliver(sound[-wanted:], sink)
            if ended:
                self._told = False
                sink.on_talk(False)  # noqa: FBT003 - see `on_talk`
                self._tell()  # who went on meanwhile

    def _deliver(self, sound: Samples, sink: MediaSink) -> None:
        for frame in _frames(sound):
            sink.on_audio(frame)


def _frames(sound: Samples) -> Generator[Samples, None, None]:
    """Cut into frames of 20 ms, the last one filled up with silence."""
    for start in range(0, len(sound), FRAME_SAMPLES):
        frame = sound[start : start + FRAME_SAMPLES]
        yield np.pad(frame, (0, FRAME_SAMPLES - len(frame)))


def _samples(content: bytes) -> Samples:
    """Read a recording; a broken one is silence, because the call is more than one of its utterances."""
    try:
        with wave.open(io.BytesIO(content)) as wav:
            form = (wav.getframerate(), wav.getnchannels(), wav.getsampwidth())
            data = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError) as error:
        log.warning("Запись звонящего не читается", error=str(error))
        return _EMPTY
    if form != (TELEPHONE_RATE_HZ, 1, 2):
        log.warning("Запись звонящего не в формате 8 кГц, моно, 16 бит", form=form)
        return _EMPTY
    return np.frombuffer(data, "<i2", len(data) // 2).astype(np.int16, copy=False)
