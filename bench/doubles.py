"""The real bot with doubles for its recogniser and its voice, which take fixed times whatever the machine does.

    python bench/doubles.py bot        (ASR_PROVIDER=doubles TTS_PROVIDER=doubles)

The recogniser needs 200 ms for every recognition and hears the project's recordings without a mistake; the voice gives
its first sound after 150 ms. The language model's double is a server of its own, see bench/call.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fakes.engines import BookAsr, RecordedTts
from fakes.sounds import SoundBook
from phone import caller_module
from scenarios.language import Engine

from voxbot.domain.audio import FRAME_SAMPLES
from voxbot.main import cli
from voxbot.media.g711 import decode_alaw
from voxbot.providers import registry
from voxbot.speech.wav import read_wav

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings

ASR_MS, TTS_MS = 200, 150
TESTS = Path(__file__).parents[1] / "tests"
_PHONE = caller_module.CODECS["alaw"]
FOLDERS = (TESTS / "asterisk_lab" / "audio", TESTS / "e2e" / "audio", TESTS / "scenarios" / "audio")


def recordings() -> dict[Path, str]:
    """Every recording of the tests with its words."""
    found: dict[Path, str] = {}
    for folder in FOLDERS:
        for line in (folder / "texts.tsv").read_text(encoding="utf-8").splitlines():
            name, text = line.split("\t")
            found[folder / f"{name}.wav"] = text
    return found


def recorded_book() -> SoundBook:
    """Every recording as it sounds through the telephone, with its words."""
    book = SoundBook()
    for path, text in recordings().items():
        sound = read_wav(path)
        sound = np.pad(sound, (0, -len(sound) % FRAME_SAMPLES))
        book.bind_recording(decode_alaw(_PHONE.encode(sound)), text)
    return book


def create_asr(settings: Settings) -> BookAsr:  # noqa: ARG001 - a factory of the registry
    """Make the recogniser."""
    return BookAsr(recorded_book(), Engine(ASR_MS))


def create_tts(settings: Settings) -> RecordedTts:  # noqa: ARG001 - a factory of the registry
    """Make the voice."""
    return recorded_voice(TTS_MS)


def recorded_voice(delay_ms: float) -> RecordedTts:
    """A human voice whose first sound takes `delay_ms`."""
    return RecordedTts(TESTS / "scenarios" / "audio" / "tell_about.wav", delay_ms)


def main() -> None:
    """Run `voxbot` with the doubles among its engines."""
    registry.ASR["doubles"] = "doubles:create_asr"
    registry.TTS["doubles"] = "doubles:create_tts"
    cli.main()


if __name__ == "__main__":
    main()
