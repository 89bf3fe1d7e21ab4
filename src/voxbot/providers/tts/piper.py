"""Piper voices (VITS in ONNX) on onnxruntime, with the phonemes of the espeak-ng library that they were trained on.

A voice is `NAME.onnx` with `NAME.onnx.json` beside it. The network takes the ids of the phonemes, (1, n) int64, each
followed by the id of a pad, between those of a begin and an end; their number, (1,); and the scales of noise, length
and noise of length, (3,); it gives sound of ±1 (rhasspy/piper: `voice.py`; OHF-Voice/piper1-gpl: `phoneme_ids.py`).
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import onnxruntime

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ModelError, ProviderUnavailableError
from voxbot.providers.tts.espeak_library import espeak_library
from voxbot.speech.clauses import split_clauses
from voxbot.speech.level import even_level
from voxbot.speech.tts import TtsCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.settings.schema import Settings
    from voxbot.speech.tts import Tts

_THREADS = 2
_BEGIN, _END, _PAD = "^", "$", "_"
_LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")
"""espeak marks foreign words: «(en)jˈuː(ru)»."""
_PUNCTUATION = re.compile(r"([.,!?;:]+)\s*")


def create(settings: Settings) -> Tts:
    """Make the voice; its file is loaded by `warm_up` or the first text. Raises ConfigError if there is none."""
    if (voice := _find(settings)) is None:
        raise ConfigError(
            f"TTS_PROVIDER=piper: нет голоса; положите ИМЯ.onnx и ИМЯ.onnx.json в {_folder(settings)} "
            "или укажите файл в TTS_PIPER_VOICE"
        )
    return PiperTts(voice)


def available(settings: Settings) -> bool:
    """Whether there is a voice file. Raises ConfigError if TTS_PIPER_VOICE names one that is not there."""
    return _find(settings) is not None


class PiperTts:
    """The voice. Clauses of all calls take turns in one worker thread."""

    name = "piper"

    def __init__(self, voice: Path) -> None:
        file = voice.stat()
        voice_id = f"{voice.name} {file.st_size} {file.st_mtime_ns}"
        self.capabilities = TtsCapabilities(streaming=True, local=True, voice_id=voice_id)
        self._path = voice
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="piper")
        self._voice: _Voice | None = None

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak clause by clause. Raises ProviderUnavailableError."""
        for clause in split_clauses(text):
            if any(char.isalnum() for char in clause):
                yield await self._say(clause)

    async def warm_up(self) -> None:
        """Load the voice and speak once."""
        await self._say("раз")

    async def close(self) -> None:
        """Stop the worker and free the voice."""
        await asyncio.to_thread(self._worker.shutdown)
        self._voice = None

    async def _say(self, clause: str) -> AudioChunk:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._speak, clause)
        except RuntimeError as error:  # the worker is shut down
            raise ProviderUnavailableError(self.name, f"голос закрыт ({error})") from error

    def _speak(self, clause: str) -> AudioChunk:
        if self._voice is None:
            self._voice = _Voice(self._path)
        return self._voice.speak(clause)


class _Voice:
    """A loaded voice file."""

    def __init__(self, path: Path) -> None:
        ort = cast("Any", onnxruntime)
        options = ort.SessionOptions()
        options.intra_op_num_threads = _THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            config: dict[str, Any] = json.loads(_config_of(path).read_text(encoding="utf-8"))
            self._rate_hz = int(config["audio"]["sample_rate"])
            self._ids: dict[str, list[int]] = config["phoneme_id_map"]
            self._language = str(config.get("espeak", {}).get("voice", "ru"))
            self._spells = config.get("phoneme_type", "espeak") == "text"
            scales = config.get("inference", {})
            self._several_speakers = int(config.get("num_speakers", 1)) > 1
            self._network: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no public base class
            raise ModelError(
                f"голос Piper {path} не загружается ({error!r}); скачайте .onnx и .onnx.json заново"
            ) from error
        self._scales = np.array(
            [scales.get("noise_scale", 0.667), scales.get("length_scale", 1.0), scales.get("noise_w", 0.8)],
            np.float32,
        )

    def speak(self, clause: str) -> AudioChunk:
        """Synthesise one clause."""
        ids = np.array([encode_phonemes(self._phonemes(clause), self._ids)], np.int64)
        feed = {"input": ids, "input_lengths": np.array([ids.shape[1]], np.int64), "scales": self._scales}
        if self._several_speakers:
            feed["sid"] = np.zeros(1, np.int64)
        try:
            sound = np.asarray(self._network.run(None, feed)[0], np.float32).reshape(-1)
        except Exception as error:  # onnxruntime's own exceptions have no public base class
            raise ProviderUnavailableError("piper", f"синтез не удался ({error})") from error
        samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
        return AudioChunk(even_level(samples), self._rate_hz)

    def _phonemes(self, clause: str) -> str:
        """Phonemes with the clause's punctuation, which carries the melody, put back in between."""
        if self._spells:
            return clause.lower()
        words_and_marks = _PUNCTUATION.split(clause)
        said: list[str] = []
        for words, mark in zip(words_and_marks[::2], [*words_and_marks[1::2], ""], strict=True):
            spoken = espeak_library().phonemes(words, self._language) if words.strip() else ""
            said.append(_LANGUAGE_SWITCH.sub("", spoken) + mark[:1])
        return " ".join(filter(None, said))


def encode_phonemes(phonemes: str, ids: dict[str, list[int]]) -> list[int]:
    """Give the network's input for phonemes; those the voice does not know are left out.

    Phonemes are single code points in canonical decomposition: «ɨ̃» is two of them.
    """
    encoded = [*ids[_BEGIN], *ids[_PAD]]
    for phoneme in unicodedata.normalize("NFD", phonemes):
        if phoneme in ids:
            encoded += [*ids[phoneme], *ids[_PAD]]
    return [*encoded, *ids[_END]]


def _find(settings: Settings) -> Path | None:
    """The voice that the operator named, or the first in the folder."""
    if (named := settings.tts.piper_voice) is not None:
        for path in (named, _config_of(named)):
            if not path.is_file():
                raise ConfigError(f"TTS_PIPER_VOICE={named}: нет файла {path}; нужны .onnx и .onnx.json рядом")
        return named
    voices = sorted(_folder(settings).glob("*.onnx"))
    return next((voice for voice in voices if _config_of(voice).is_file()), None)


def _folder(settings: Settings) -> Path:
    return settings.paths.models_dir / "piper"


def _config_of(voice: Path) -> Path:
    return Path(f"{voice}.json")
