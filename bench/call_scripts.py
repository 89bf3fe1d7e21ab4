"""What the callers of bench/call.py do: questions, interruptions, pauses inside sentences, nods."""

from __future__ import annotations

import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples, silence
from voxbot.speech.wav import read_wav

TESTS = Path(__file__).parents[1] / "tests"
OWN = TESTS / "scenarios" / "audio"
QUESTIONS = tuple(
    str(TESTS / folder / f"{name}.wav")
    for folder, name in (
        ("e2e/audio", "location"),
        ("asterisk_lab/audio", "delivery"),
        ("e2e/audio", "hardness"),
        ("scenarios/audio", "how_much_machine"),
        ("e2e/audio", "power"),
        ("asterisk_lab/audio", "certificate"),
    )
)
SENTENCES = (
    ("how_much_machine", 700, "for_hundred"),
    ("how_much_for", 700, "hundred"),
    ("my_number", 700, "digits_1", 700, "digits_2", 700, "digits_3", 700, "digits_4"),
)
INTERRUPTIONS = tuple(
    str(TESTS / folder / f"{name}.wav")
    for folder, name in (
        ("scenarios/audio", "and_term"),
        ("e2e/audio", "location"),
        ("scenarios/audio", "how_much_machine"),
        ("e2e/audio", "power"),
        ("asterisk_lab/audio", "delivery"),
        ("e2e/audio", "hardness"),
    )
)
"""They begin with a vowel, a stop, a fricative: what a voice detector finds soon and late."""
INTERRUPT_AFTER_MS = (700, 850, 1000, 1150)
HEAR: tuple[dict[str, Any], ...] = (
    {"do": "wait_for_speech", "timeout_ms": 15_000},
    {"do": "wait_for_silence", "ms": 900, "timeout_ms": 60_000},
)
_made = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class Script:
    """One caller: the phone's steps, and of which kind the call is."""

    kind: str
    steps: list[dict[str, Any]]

    def caller(self, number: int) -> str:
        """The number it calls from: the row of the call log is found by it."""
        return f"7900{number:07}"


def asking(first: int, *, questions: int, over_ms: float | None = None) -> Script:
    """One question after another; with `over_ms` each but the first interrupts the answer to the one before."""
    wavs = [QUESTIONS[(first + i) % len(QUESTIONS)] for i in range(questions)]
    return Script("questions", _dialogue(wavs, over_ms))


def interrupting(first: int, *, times: int) -> Script:
    """A question, and then each answer is interrupted by the next one."""
    steps = [*HEAR, {"do": "say", "wav": QUESTIONS[first % len(QUESTIONS)]}]
    for i in range(times):
        after_ms = INTERRUPT_AFTER_MS[(first + i) % len(INTERRUPT_AFTER_MS)] + 17 * first
        wav = INTERRUPTIONS[(first + i) % len(INTERRUPTIONS)]
        steps += [{"do": "say_over", "wav": wav, "after_ms": after_ms}]
    return Script("interruptions", [*steps, *HEAR, {"do": "hangup"}])


def pausing(first: int, *, over_ms: float | None = None) -> Script:
    """Sentences and a dictated number with 700 ms of silence inside."""
    wavs = [_with_pauses(SENTENCES[(first + i) % len(SENTENCES)]) for i in range(len(SENTENCES))]
    return Script("pauses", _dialogue(wavs, over_ms))


def murmuring(first: int) -> Script:
    """A nod, a cough and a click over each answer: it must be said to its end."""
    steps = list(HEAR)
    for i in range(3):
        sound = (str(OWN / "ugu.wav"), _noise(180), _noise(30))[(first + i) % 3]
        question = {"do": "say", "wav": QUESTIONS[(first + i) % len(QUESTIONS)]}
        steps += [question, {"do": "say_over", "wav": sound, "after_ms": 1300}, *HEAR]
    return Script("murmurs", [*steps, {"do": "hangup"}])


def _dialogue(wavs: list[str], over_ms: float | None) -> list[dict[str, Any]]:
    """The greeting, then each utterance and its answer, to the end or until the next utterance interrupts it."""
    steps = [*HEAR, {"do": "say", "wav": wavs[0]}]
    for wav in wavs[1:]:
        if over_ms is None:
            steps += [*HEAR, {"do": "say", "wav": wav}]
        else:
            steps += [{"do": "say_over", "wav": wav, "after_ms": over_ms}]
    return [*steps, *HEAR, {"do": "hangup"}]


def _with_pauses(pieces: tuple[str | int, ...]) -> str:
    """A recording of pieces and pauses; each piece begins on a frame's edge, so that the double knows its frames."""
    sounds: list[Samples] = []
    for piece in pieces:
        sound = silence(piece) if isinstance(piece, int) else read_wav(OWN / f"{piece}.wav")
        sounds.append(np.pad(sound, (0, -len(sound) % FRAME_SAMPLES)))
    return _written("-".join(map(str, pieces)), np.concatenate(sounds))


def _noise(ms: int) -> str:
    sound = np.random.default_rng(ms).normal(0, 4000, ms * TELEPHONE_RATE_HZ // 1000)
    return _written(f"noise-{ms}", sound.astype(np.int16))


def _written(name: str, sound: Samples) -> str:
    path = Path(_made.name) / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, TELEPHONE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return str(path)
