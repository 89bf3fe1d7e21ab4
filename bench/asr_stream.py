"""What a turn through Yandex's streaming recognition costs this process beyond the service's own time.

    python bench/asr_stream.py [--turns 40] [--speech-ms 2000] [--at-once 4]

The service is its double in a process of its own, 150 ms to every final. Sound comes in frames of 20 ms at its pace.
CPU is what the same loop takes without a recogniser, subtracted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fakes.yandex_stt import SttDouble

from voxbot.domain.audio import FRAME_MS, FRAME_SAMPLES
from voxbot.main.context import run
from voxbot.providers.asr import yandex
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints

FINAL_MS = 150
FRAME = np.full(FRAME_SAMPLES, 3000, np.int16)


class _Listener:
    def on_partial(self, text: str) -> None:
        """Nothing: what the turn machine does with it is not measured."""

    def on_end_of_utterance(self) -> None:
        """Nothing, as above."""


async def _serve() -> None:
    double = SttDouble(lambda sound: "слово " * (len(sound) // 4000), final_ms=FINAL_MS)
    sys.stdout.write(await double.start() + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await double.stop()


async def _turn(asr: yandex.YandexAsr | None, frames: int) -> float:
    """One utterance; return the milliseconds from the request for its words to the words."""
    stream = asr.open(AsrHints(), _Listener()) if asr else None
    for _ in range(frames):
        if stream:
            stream.push(FRAME)
        await asyncio.sleep(FRAME_MS / 1000)
    started = time.perf_counter()
    if stream:
        await stream.settle()
        stream.close()
    return (time.perf_counter() - started) * 1000


async def _turns(asr: yandex.YandexAsr | None, options: argparse.Namespace) -> tuple[list[float], float]:
    """Return the waits and the CPU milliseconds per turn."""
    frames, begun = options.speech_ms // FRAME_MS, time.process_time()
    waits: list[float] = []
    for _ in range(options.turns // options.at_once):
        waits += await asyncio.gather(*(_turn(asr, frames) for _ in range(options.at_once)))
    return waits, (time.process_time() - begun) * 1000 / len(waits)


async def _measure(endpoint: str, options: argparse.Namespace) -> dict[str, float]:
    asr = yandex.create(load_settings(None, {"YANDEX_API_KEY": "AQVN-test", "YANDEX_STT_ENDPOINT": endpoint}))
    await asr.warm_up()
    await _turn(asr, 10)
    waits, cpu_ms = await _turns(asr, options)
    await asr.close()
    _, idle_ms = await _turns(None, options)
    own = np.array(waits) - FINAL_MS
    return {
        "turns": len(waits),
        "own_ms_p50": round(float(np.median(own)), 2),
        "own_ms_p95": round(float(np.percentile(own, 95)), 2),
        "cpu_ms_per_turn": round(cpu_ms - idle_ms, 2),
    }


def main() -> None:
    """Run the double beside, measure, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--speech-ms", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve())
        return
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as double:
        assert double.stdout
        found = run(_measure(double.stdout.readline().strip(), options))
        double.communicate("")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
