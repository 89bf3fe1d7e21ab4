"""How often noise, other people and the bot's own echo stop the bot, and how soon a caller does.

    python bench/noise.py [--minutes M] [--json FILE]

Every call of a minute runs through the real VAD, `speech.foreground` and the barge-in rule of `turns.machine`, offline:
the bot greets (6 s), the caller says a sentence (4 s), then the bot speaks on. Each kind of sound is heard in M such
calls without an interruption (`false/h`: what stopped the bot, per hour of its speaking) and in M/2 calls in which
a caller interrupts every few seconds (`missed`, and the time from the onset of the voice to the machine's decision).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import sounds
from fakes.virtual_time import run_virtual
from sounds import RATE_HZ

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.providers.vad.silero import SileroVad
from voxbot.speech.foreground import Foreground
from voxbot.turns import machine
from voxbot.turns.events import SpeechWindow
from voxbot.turns.policy import TurnPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxbot.domain.audio import Samples

CALL = 60 * RATE_HZ
GREETING, SENTENCE = 6 * RATE_HZ, 4 * RATE_HZ
INTERRUPTION = int(1.2 * RATE_HZ)
STILL_AN_INTERRUPTION = int(0.3 * RATE_HZ)
FALSE_ALARM_PAUSE = int(1.0 * RATE_HZ)
WINDOW_MS = 32.0
CALLS_AT_ONCE = 60
POLICY = TurnPolicy()


@dataclass
class Figures:
    """Of all calls of one kind."""

    false_alarms: int = 0
    speaking_h: float = 0
    interruptions: int = 0
    latency_ms: list[float] = field(default_factory=list)
    when_s: list[float] = field(default_factory=list)
    judge_s: float = 0
    minutes: float = 0


class Call:
    """One call: its sounds, its ears and its turn machine."""

    def __init__(self, kind: str, seed: int, level_db: float | None, figures: Figures) -> None:
        self._figures = figures
        rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
        voice = sounds.bot_voice(rng, CALL)
        voice[GREETING : GREETING + SENTENCE] = 0
        noise = sounds.NOISES[kind](rng, CALL) if kind in sounds.NOISES else sounds.coloured(rng, CALL, 1) * 20
        echo = sounds.ECHOES[kind](rng, voice) if kind in sounds.ECHOES else np.zeros(CALL)
        said, self._interruptions = _caller(rng, level_db)
        figures.interruptions += len(self._interruptions)
        self._voice, self._caller, self._echo = sounds.alaw(voice), _short(said + noise), _short(echo)
        self._foreground = Foreground()
        self._position = self._judged = 0
        self._silent_until = 0
        self._state = _speaking()
        self._silence: Samples = np.zeros(FRAME_SAMPLES, np.int16)

    def frame(self) -> Samples:
        """Give the next 20 ms of the caller's sound."""
        span = slice(self._position, self._position + FRAME_SAMPLES)
        cut = self._position < self._silent_until
        sound = self._caller[span] if cut else self._caller[span].astype(float) + self._echo[span]
        heard = sounds.alaw(np.asarray(sound, float))
        start = process_time()
        self._foreground.push(heard, self._silence if cut else self._voice[span])
        self._figures.judge_s += process_time() - start
        self._position += FRAME_SAMPLES
        return heard

    def on_probability(self, probability: float) -> None:
        """Judge a window, and count what the turn machine makes of it."""
        self._judged += 256
        listening = GREETING <= self._judged < GREETING + SENTENCE or self._judged < self._silent_until
        start = process_time()
        probability = self._foreground.judge(probability, bot_speaking=not listening)
        self._figures.judge_s += process_time() - start
        if listening:
            self._state = _speaking()
            return
        self._figures.speaking_h += WINDOW_MS / 3_600_000
        event, now_ms = SpeechWindow(probability, WINDOW_MS), self._judged * 1000 / RATE_HZ
        self._state, _ = machine.step(self._state, event, now_ms, POLICY)
        if self._state.phase is not machine.Phase.SPEAKING:
            self._interrupted()

    def _interrupted(self) -> None:
        self._state = _speaking()
        for onset in self._interruptions:
            if onset <= self._judged <= onset + INTERRUPTION + STILL_AN_INTERRUPTION:
                self._figures.latency_ms.append((self._judged - onset) * 1000 / RATE_HZ)
                self._silent_until = onset + INTERRUPTION + STILL_AN_INTERRUPTION
                return
        self._figures.false_alarms += 1
        self._figures.when_s.append(round(self._judged / RATE_HZ, 1))
        self._silent_until = self._judged + FALSE_ALARM_PAUSE
        self._foreground.false_alarm()


def _speaking() -> machine.TurnState:
    return replace(machine.begin(0), phase=machine.Phase.SPEAKING)


def _short(sound: sounds.Sound) -> Samples:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def _caller(rng: np.random.Generator, level_db: float | None) -> tuple[sounds.Sound, list[int]]:
    """The caller's sentence, and with a level the interruptions with their onsets."""
    voices = list(sounds.caller_voices().values())
    out, onsets = np.zeros(CALL), []
    sentence = voices[rng.integers(len(voices))][: SENTENCE - RATE_HZ // 2]
    out[GREETING : GREETING + len(sentence)] = sentence * sounds.decibels(level_db or 0)
    if level_db is None:
        return out, onsets
    at = GREETING + SENTENCE + RATE_HZ
    while at + INTERRUPTION + RATE_HZ < CALL:
        words = voices[rng.integers(len(voices))][:INTERRUPTION] * sounds.decibels(level_db)
        out[at : at + len(words)] += words
        onsets.append(at)
        at += INTERRUPTION + int(rng.uniform(2.5, 4.5) * RATE_HZ)
    return out, onsets


def cases(minutes: int) -> Iterable[tuple[str, str, float | None, int]]:
    """Name, kind, level of interruptions (None: none), seed."""
    kinds = [*sounds.NOISES, *sounds.ECHOES]
    for seed in range(minutes):
        yield from ((kind, kind, None, seed) for kind in kinds)
    for seed in range(1000, 1000 + max(1, minutes // 2)):
        yield from ((f"caller {level} dB", "clean", level, seed) for level in (0, -10, -20))
        yield from ((f"caller 0 dB, {kind}", kind, 0, seed) for kind in kinds)
        yield from ((f"caller -10 dB, {kind}", kind, -10, seed) for kind in sounds.ECHOES)


async def run(minutes: int) -> dict[str, Figures]:
    """Hold all calls, `CALLS_AT_ONCE` side by side."""
    vad = SileroVad()
    vad.warm_up()
    figures: dict[str, Figures] = {}
    todo = list(cases(minutes))
    for first in range(0, len(todo), CALLS_AT_ONCE):
        calls = []
        for name, kind, level_db, seed in todo[first : first + CALLS_AT_ONCE]:
            kept = figures.setdefault(name, Figures())
            kept.minutes += 1
            call = Call(kind, seed, level_db, kept)
            calls.append((call, vad.open(call.on_probability)))
        for _ in range(0, CALL, FRAME_SAMPLES):
            for call, stream in calls:
                stream.push(call.frame())
            await asyncio.sleep(0.02)
        for _, stream in calls:
            stream.close()
        print(f"{min(first + CALLS_AT_ONCE, len(todo))}/{len(todo)} calls", file=sys.stderr)
    return figures


def summary(figures: dict[str, Figures]) -> dict[str, dict[str, Any]]:
    """Figures of each kind."""
    return {
        name: {
            "false": f.false_alarms,
            "when_s": f.when_s,
            "speaking_h": round(f.speaking_h, 3),
            "false_per_h": round(f.false_alarms / f.speaking_h, 2),
            "interruptions": f.interruptions,
            "missed": f.interruptions - len(f.latency_ms),
            "p50_ms": round(float(np.percentile(f.latency_ms, 50))) if f.latency_ms else 0,
            "p95_ms": round(float(np.percentile(f.latency_ms, 95))) if f.latency_ms else 0,
            "cpu_s_per_min": round(f.judge_s / f.minutes, 4),
        }
        for name, f in figures.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=int, default=4, help="calls of a minute for each kind")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    result = summary(run_virtual(run(options.minutes)))
    for name, row in result.items():
        if row["interruptions"]:
            print(f"{name:34} missed {row['missed']:3}/{row['interruptions']:<4} p50 {row['p50_ms']:4} ms  "
                  f"p95 {row['p95_ms']:4} ms  false {row['false']:3}  cpu {row['cpu_s_per_min']:.3f}")  # fmt: skip
        else:
            print(f"{name:34} false/h {row['false_per_h']:6.2f}  ({row['false']} in {row['speaking_h']:.2f} h)  "
                  f"cpu {row['cpu_s_per_min']:.3f}")  # fmt: skip
    quiet = [row for row in result.values() if not row["interruptions"]]
    false, hours = sum(row["false"] for row in quiet), sum(row["speaking_h"] for row in quiet)
    print(f"whole set: {false} false barge-ins in {hours:.1f} h of the bot's speech, {false / hours:.2f} an hour")
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
