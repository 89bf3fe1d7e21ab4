"""What VoxBot itself adds to a cloud recogniser of whole turns: time and processor beyond the provider's own, per turn.

    python bench/transcripts.py [--json] [--turns 100]

The double of `tests/fakes` runs in a process of its own and answers after 150 ms, so what is above 150 ms is ours, the
double's and the loopback's: a turn of 4 s is 64 KB. `cpu_ms` counts this process only. `embedding_ms` is the same for
one question to an embedder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.providers.asr import openai as recognition
from voxbot.providers.embedding import openai as embedding
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TESTS = Path(__file__).parents[1] / "tests"
TARGETS = {"overhead_ms": 5.0, "cpu_ms": 3.0}
LATENCY_S = 0.15
TURN_S = 4
TERMS = AsrHints("Разрывная машина, маятниковый копёр, РЭМ-100, килоньютонов, свидетельство о поверке.")
_WARM = 10


def main() -> int:
    """Measure, print, and exit with 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve())
        return 0
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as double:
        assert double.stdout
        found = uvloop.run(measure(double.stdout.readline().strip(), options.turns))
        double.terminate()
    if options.json:
        print(json.dumps(found))
    else:
        for name, figures in found.items():
            print(f"{name:12} medians: " + ", ".join(f"{figure} {value:.2f}" for figure, value in figures.items()))
    return int(any(figures[key] > most for figures in found.values() for key, most in TARGETS.items()))


async def serve() -> None:
    """Run the double until killed; its address is the first line printed."""
    sys.path.insert(0, str(TESTS))
    from fakes.http_faults import Fault  # noqa: PLC0415 - found in tests/
    from fakes.openai_server import openai_server  # noqa: PLC0415

    async with openai_server() as server:
        server.audio.faults.plan(Fault(latency_s=LATENCY_S))
        server.embeddings.faults.plan(Fault(latency_s=LATENCY_S))
        server.embeddings.embed = lambda texts: np.ones((len(texts), 1536)) / 1536**0.5
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


async def measure(base_url: str, turns: int) -> dict[str, dict[str, float]]:
    """Recognise and embed `turns` times."""
    settings = load_settings(None, {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": base_url})
    asr, embedder = recognition.create(settings), embedding.create(settings)
    noise = np.random.default_rng(0).integers(-3000, 3000, TURN_S * TELEPHONE_RATE_HZ)
    turn = AudioChunk(noise.astype(np.int16), TELEPHONE_RATE_HZ)
    try:
        return {
            "transcript": await measured(lambda: asr.transcribe(turn, TERMS), turns),
            "embedding": await measured(lambda: embedder.embed_query("сколько стоит машина"), turns),
        }
    finally:
        await asr.close()
        await embedder.close()


async def measured(ask: Callable[[], Awaitable[object]], times: int) -> dict[str, float]:
    """Medians in milliseconds."""
    wall_ms, cpu_ms = list[float](), list[float]()
    for number in range(times + _WARM):
        cpu_s, started_s = time.process_time(), time.perf_counter()
        await ask()
        if number >= _WARM:
            wall_ms.append((time.perf_counter() - started_s) * 1000)
            cpu_ms.append((time.process_time() - cpu_s) * 1000)
    whole_ms = statistics.median(wall_ms)
    return {
        "whole_ms": whole_ms,
        "overhead_ms": whole_ms - LATENCY_S * 1000,
        "cpu_ms": statistics.median(cpu_ms),
    }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
