"""For hunting faults of a voice: what was said, as WAV files, the last ones only."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import wave
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np
import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from voxbot.domain.audio import AudioChunk
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_MOST_FILES = 500
_PATTERN = "tts-*.wav"


class DumpingTts:
    """A voice whose every text leaves a file in `folder`, half-said ones too. A Tts itself.

    Callers' words may be in them: only where the operator asks for it.
    """

    def __init__(self, tts: Tts, folder: Path, most_files: int = _MOST_FILES) -> None:
        self._tts = tts
        self._folder = folder
        self._most_files = most_files
        self._numbers = itertools.count(1)
        self._files: deque[Path] | None = None
        self._worker = ThreadPoolExecutor(1, "tts-dump")
        self.name = tts.name
        self.capabilities = tts.capabilities

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak, and write what was given."""
        given: list[AudioChunk] = []
        try:
            async with aclosing(self._tts.synthesize(text)) as chunks:
                async for chunk in chunks:
                    given.append(chunk)
                    yield chunk
        finally:
            if given:
                with contextlib.suppress(RuntimeError):  # closed
                    self._worker.submit(self._write, given, next(self._numbers))

    async def warm_up(self) -> None:
        """Warm the voice up."""
        await self._tts.warm_up()

    async def close(self) -> None:
        """Close the voice, and end what is being written."""
        await self._tts.close()
        await asyncio.to_thread(self._worker.shutdown)

    def _write(self, given: list[AudioChunk], number: int) -> None:
        samples = np.concatenate([chunk.samples for chunk in given])
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._files is None:
                self._files = deque(sorted(self._folder.glob(_PATTERN)))
            path = self._folder / f"tts-{time.strftime('%Y%m%d-%H%M%S')}-{number:06}.wav"
            with path.open("wb") as file, wave.open(file, "wb") as wav:
                wav.setnchannels(1)
                wav.setsampwidth(2)
                wav.setframerate(given[0].rate_hz)
                wav.writeframes(samples.astype("<i2").tobytes())
            self._files.append(path)
            while len(self._files) > self._most_files:
                self._files.popleft().unlink(missing_ok=True)
        except OSError as error:
            log.warning("Отладочный звук не сохранён", folder=str(self._folder), error=error.strerror)
