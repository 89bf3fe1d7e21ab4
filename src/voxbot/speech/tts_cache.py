"""Sound that is said again and again is synthesised once: greeting, fillers, the bot's own lines."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from voxbot.domain.audio import AudioChunk
    from voxbot.speech.tts import Tts

_DEFAULT_BYTES = 32 * 1024 * 1024


class CachedTts:
    """A voice that remembers what it said last, up to `max_bytes` of sound. A Tts itself."""

    def __init__(self, tts: Tts, max_bytes: int = _DEFAULT_BYTES) -> None:
        self._tts = tts
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sounds: OrderedDict[str, tuple[AudioChunk, ...]] = OrderedDict()
        self.name = tts.name
        self.capabilities = tts.capabilities

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Give the remembered sound at once, or the voice's own, remembering it when it is complete."""
        if (known := self._sounds.get(text)) is not None:
            self._sounds.move_to_end(text)
            for chunk in known:
                yield chunk
            return
        fresh: list[AudioChunk] = []
        async with aclosing(self._tts.synthesize(text)) as chunks:
            async for chunk in chunks:
                fresh.append(chunk)
                yield chunk
        self._remember(text, tuple(fresh))

    async def prepare(self, texts: Iterable[str]) -> None:
        """Synthesise beforehand. Raises ProviderError."""
        for text in texts:
            async with aclosing(self.synthesize(text)) as chunks:
                async for _ in chunks:
                    pass

    async def warm_up(self) -> None:
        """Warm the voice up."""
        await self._tts.warm_up()

    async def close(self) -> None:
        """Close the voice."""
        self._sounds.clear()
        await self._tts.close()

    def _remember(self, text: str, sound: tuple[AudioChunk, ...]) -> None:
        if text in self._sounds:
            return
        self._sounds[text] = sound
        self._bytes += _size(sound)
        while self._bytes > self._max_bytes and len(self._sounds) > 1:
            self._bytes -= _size(self._sounds.popitem(last=False)[1])


def _size(sound: tuple[AudioChunk, ...]) -> int:
    return sum(chunk.samples.nbytes for chunk in sound)
