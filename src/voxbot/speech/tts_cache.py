"""Sound that is said again and again is synthesised once: greeting, fillers, the bot's own lines, frequent answers.

Two levels: what was said last is in memory and sounds at once; behind it is the disk, which outlives the process.
Sound belongs to the voice that made it: what another voice said in its place is kept under that one's name and is
used only while the first is shunned.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import structlog

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ProviderError
from voxbot.speech.fallback_tts import Authors, FallbackTts
from voxbot.speech.tts import is_speakable, voice_key

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from voxbot.speech.tts import Tts, VoiceKey
    from voxbot.speech.tts_disk import TtsDisk

log = structlog.get_logger(__name__)

_Sound: TypeAlias = tuple[AudioChunk, ...]
_DEFAULT_BYTES = 32 * 1024 * 1024
_READ_S = 0.05
_WRITES_WAITING = 64
"""A disk that is slower than the voices is not written to; it is only a cache."""


class CachedTts:
    """A voice that remembers what it said last, up to `max_bytes` of sound, and on `disk` if there is one."""

    def __init__(self, tts: Tts, max_bytes: int = _DEFAULT_BYTES, disk: TtsDisk | None = None) -> None:
        self._tts = tts
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sounds: OrderedDict[tuple[VoiceKey, str], _Sound] = OrderedDict()
        self._files = _Files(disk) if disk else None
        self.name = tts.name
        self.capabilities = tts.capabilities

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Give the remembered sound at once, or the voice's own, remembering it when it is complete."""
        known = self._remembered(text)
        if known is None and self._files:
            known = await self._from_disk(self._files, text)
        if known is not None:
            for chunk in known:
                yield chunk
            return
        fresh: list[AudioChunk] = []
        authors = Authors()
        async with aclosing(self._speak(text, authors)) as chunks:
            async for chunk in chunks:
                fresh.append(chunk)
                yield chunk
        voice = authors.only  # half of it by another voice is nobody's
        if voice and (any(len(chunk.samples) for chunk in fresh) or not is_speakable(text)):
            self._remember(voice, text, tuple(fresh))
            if self._files:
                self._files.write(voice, text, fresh)

    async def prepare(self, texts: Iterable[str]) -> int:
        """Make the sound of all texts known; give how many the first voice could not say. Raises ProviderError.

        What it could not say another voice has said, if there is one.
        """
        missing = 0
        for text in texts:
            async with aclosing(self.synthesize(text)) as chunks:
                async for _ in chunks:
                    pass
            missing += (self._fitting()[0], text) not in self._sounds
        return missing

    async def warm_up(self) -> None:
        """Warm the voice up."""
        await self._tts.warm_up()

    async def close(self) -> None:
        """Close the voice, and end what is being written."""
        self._sounds.clear()
        self._bytes = 0
        await self._tts.close()
        if self._files:
            await self._files.close()

    def _fitting(self) -> Sequence[VoiceKey]:
        tts = self._tts
        return tts.fitting if isinstance(tts, FallbackTts) else [voice_key(tts)]

    def _speak(self, text: str, authors: Authors) -> AsyncGenerator[AudioChunk, None]:
        tts = self._tts
        if isinstance(tts, FallbackTts):
            return tts.speak(text, authors)
        authors.voices.append(voice_key(tts))
        return tts.synthesize(text)

    def _remembered(self, text: str) -> _Sound | None:
        for voice in self._fitting():
            if (known := self._sounds.get((voice, text))) is not None:
                self._sounds.move_to_end((voice, text))
                return known
        return None

    async def _from_disk(self, files: _Files, text: str) -> _Sound | None:
        found = await files.read(self._fitting(), text)
        if found is None:
            return None
        voice, chunk = found
        self._remember(voice, text, (chunk,))
        return (chunk,)

    def _remember(self, voice: VoiceKey, text: str, sound: _Sound) -> None:
        if (voice, text) in self._sounds:
            return
        self._sounds[voice, text] = sound
        self._bytes += _size(sound)
        while self._bytes > self._max_bytes and len(self._sounds) > 1:
            self._bytes -= _size(self._sounds.popitem(last=False)[1])


class _Files:
    """The disk, never in the event loop. Reading does not wait for writing."""

    def __init__(self, disk: TtsDisk) -> None:
        self._disk = disk
        self._reader = ThreadPoolExecutor(1, "tts-cache-read")
        self._writer = ThreadPoolExecutor(1, "tts-cache-write")
        self._waiting = 0

    async def read(self, voices: Sequence[VoiceKey], text: str) -> tuple[VoiceKey, AudioChunk] | None:
        """Give the first voice's sound that is there. A slow disk is not waited for."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_READ_S):
                return await loop.run_in_executor(self._reader, self._read, voices, text)
        except (RuntimeError, TimeoutError):  # RuntimeError: it is closed
            return None

    def write(self, voice: VoiceKey, text: str, sound: Sequence[AudioChunk]) -> None:
        """Keep the sound, some time soon."""
        if not voice.voice_id or not sound or self._waiting >= _WRITES_WAITING:
            return
        try:
            writing = asyncio.get_running_loop().run_in_executor(self._writer, self._write, voice, text, tuple(sound))
        except RuntimeError:  # closed
            return
        self._waiting += 1
        writing.add_done_callback(self._written)

    async def close(self) -> None:
        """Write what waits."""
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._reader.shutdown)

    def _read(self, voices: Sequence[VoiceKey], text: str) -> tuple[VoiceKey, AudioChunk] | None:
        for voice in voices:
            if voice.voice_id and (chunk := self._disk.read(voice, text)) is not None:
                return voice, chunk
        return None

    def _write(self, voice: VoiceKey, text: str, sound: _Sound) -> None:
        whole = np.concatenate([chunk.samples for chunk in sound])
        self._disk.write(voice, text, AudioChunk(whole, sound[0].rate_hz))

    def _written(self, writing: asyncio.Future[None]) -> None:
        self._waiting -= 1
        if not writing.cancelled() and (error := writing.exception()):
            log.error("Запись в кэш синтеза не удалась", error=repr(error))


async def keep_prepared(tts: CachedTts, texts: Callable[[], Iterable[str]], *, again_s: float = 60.0) -> None:
    """Synthesise `texts` beforehand, again until the first voice has said them all. Ends then; never raises."""
    while True:
        try:
            missing = await tts.prepare(texts())
        except ProviderError as error:
            log.warning("Готовые фразы не озвучены заранее", error=str(error))
            missing = 1
        if not missing:
            return
        await asyncio.sleep(again_s)


def _size(sound: _Sound) -> int:
    return sum(chunk.samples.nbytes for chunk in sound)
