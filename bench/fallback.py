"""What the wrappers cost beyond the engine: `python bench/fallback.py`. Medians of one request, healthy engines.

A segment is 3 s of sound in 6 chunks, an utterance 4 s in frames of 20 ms; engines answer at once.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, AudioChunk
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.fallback_tts import FallbackTts
from voxbot.speech.tts import TtsCapabilities
from voxbot.speech.tts_cache import CachedTts
from voxbot.speech.tts_disk import TtsDisk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from voxbot.speech.tts import Tts

_TIMES = 400
_CHUNK = AudioChunk(np.ones(TELEPHONE_RATE_HZ // 2, np.int16), TELEPHONE_RATE_HZ)
_UTTERANCE = AudioChunk(np.ones(4 * TELEPHONE_RATE_HZ, np.int16), TELEPHONE_RATE_HZ)
_FRAME = np.ones(FRAME_SAMPLES, np.int16)


class _Instant:
    """Every kind of engine, at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.capabilities = TtsCapabilities(streaming=True, voice_id=name)

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:  # noqa: ARG002
        for _ in range(6):
            yield _CHUNK

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...


class _InstantAsr(_Instant):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.capabilities = AsrCapabilities(streaming=True)

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:  # noqa: ARG002
        return Transcript("да", 1.0)

    def open(self, hints: AsrHints, listener: object) -> _InstantAsr:  # noqa: ARG002
        return self

    def push(self, samples: object) -> None: ...

    async def settle(self) -> Transcript:
        return Transcript("да", 1.0)


async def _median_ms(once: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Wall clock and CPU of one request."""
    walls, cpus = list[float](), list[float]()
    for number in range(_TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        await once(number)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls) * 1000, statistics.median(cpus) * 1000


async def _main() -> None:
    async def say(tts: Tts, text: str) -> None:
        async with aclosing(tts.synthesize(text)) as chunks:
            async for _ in chunks:
                pass

    async def settle(asr: FallbackAsr) -> None:
        stream = asr.open(AsrHints(), None)  # pyright: ignore[reportArgumentType]
        for _ in range(200):
            stream.push(_FRAME)
        await stream.settle()

    alone, both = _Instant("one"), FallbackTts([_Instant("one"), _Instant("two")])
    recognisers = FallbackAsr([_InstantAsr("one"), _InstantAsr("two")])
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedTts(both, disk=TtsDisk(Path(folder), 10**9))
        reopened = CachedTts(both, max_bytes=0, disk=TtsDisk(Path(folder), 10**9))
        rows = {
            "a segment, the engine alone": lambda _: say(alone, "да"),
            "a segment, two engines in order": lambda _: say(both, "да"),
            "the same, not in the cache yet": lambda number: say(cached, f"да {number}"),
            "the same, in memory": lambda _: say(cached, "да 1"),
            "the same, on disk": lambda number: say(reopened, f"да {number}"),
            "a transcript, two engines in order": lambda _: recognisers.transcribe(_UTTERANCE, AsrHints()),
            "an utterance of 200 frames as a stream": lambda _: settle(recognisers),
        }
        for name, once in rows.items():
            wall_ms, cpu_ms = await _median_ms(once)
            print(f"{name:<42} {wall_ms:6.3f} ms  {cpu_ms:6.3f} ms CPU")
        await cached.close()
        await reopened.close()


if __name__ == "__main__":
    asyncio.run(_main())
