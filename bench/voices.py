"""What VoxBot itself adds to a cloud voice: time and processor beyond the provider's own, per segment.

    python bench/voices.py [--json] [--segments 200]

The doubles of `tests/fakes` run in a process of their own and give their first sound after 150 ms, so what is above
150 ms is ours, the double's and the loopback's. `cpu_ms` counts this process only, gRPC's threads included.
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
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from voxbot.providers.tts import yandex, yandex_http
from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from voxbot.speech.tts import Tts

TESTS = Path(__file__).parents[1] / "tests"
TARGETS = {"overhead_ms": 5.0, "cpu_ms": 3.0}
SEGMENT = "Разрывная машина на сто килоньютонов стоит один миллион рублей."
LATENCY_S = 0.15
_WARM = 10


def main() -> int:
    """Measure, print, and exit with 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--segments", type=int, default=200)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve())
        return 0
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as doubles:
        assert doubles.stdout
        environ = json.loads(doubles.stdout.readline())
        measured = uvloop.run(measure(environ, options.segments))
        doubles.terminate()
    if options.json:
        print(json.dumps(measured))
    else:
        for name, figures in measured.items():
            shown = ", ".join(f"{figure} {value:.2f}" for figure, value in figures.items())
            print(f"{name:12} medians: {shown}")
    missed = [name for name, figures in measured.items() for key, most in TARGETS.items() if figures[key] > most]
    return int(bool(missed))


async def serve() -> None:
    """Run the doubles until killed; their addresses are the first line printed."""
    sys.path.insert(0, str(TESTS))
    from fakes.yandex_cloud import yandex_cloud  # noqa: PLC0415 - found in tests/
    from fakes.yandex_tts import Speech  # noqa: PLC0415

    async with yandex_cloud() as cloud:
        for double in (cloud.tts, cloud.tts_http):
            double.answer(Speech(latency_s=LATENCY_S))
        print(json.dumps(cloud.environment()), flush=True)
        await asyncio.Event().wait()


async def measure(environ: dict[str, str], segments: int) -> dict[str, dict[str, float]]:
    """Speak `segments` times with each voice."""
    settings = load_settings(None, environ)
    return {
        module.__name__.rpartition(".")[2]: await measured(module.create(settings), segments)
        for module in (yandex, yandex_http)
    }


async def measured(voice: Tts, segments: int) -> dict[str, float]:
    """Medians in milliseconds."""
    first_ms, cpu_ms = list[float](), list[float]()
    await voice.warm_up()
    for number in range(segments + _WARM):
        cpu_s, started_s = time.process_time(), time.perf_counter()
        arrived_s = 0.0
        async with aclosing(voice.synthesize(SEGMENT)) as chunks:
            async for _ in chunks:
                arrived_s = arrived_s or time.perf_counter()
        if number >= _WARM:
            first_ms.append((arrived_s - started_s) * 1000)
            cpu_ms.append((time.process_time() - cpu_s) * 1000)
    await voice.close()
    overhead_ms = statistics.median(first_ms) - LATENCY_S * 1000
    return {
        "first_audio_ms": statistics.median(first_ms),
        "overhead_ms": overhead_ms,
        "cpu_ms": statistics.median(cpu_ms),
    }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
