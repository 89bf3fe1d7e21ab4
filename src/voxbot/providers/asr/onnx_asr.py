"""Russian recognisers in ONNX through the `onnx-asr` package: T-one of T-Bank, GigaAM v3 of Sber.

Their makers report 8-10 % of wrong words on Russian telephone speech, where whisper-large has 19 %. T-one hears
8 kHz, GigaAM 16. They are CTC and RNN-T networks: they write only what sounds like speech and take no prompt, so
AsrHints.terms are not used. Numbers come as words, from gigaam-v3-e2e-rnnt as digits; text.normalizer reads both.
"""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ModelError, ProviderUnavailableError
from voxbot.providers.models import model_folder
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.phantom import SpeechEvidence, is_phantom
from voxbot.speech.resampler import resample

if TYPE_CHECKING:
    from pathlib import Path

    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr

_MAX_MS = 600_000
_PIECE_MS = 24_000
"""GigaAM was trained on up to 25 s (salute-developers/GigaAM, `transcribe`); longer turns are taken in pieces."""
_LEAST_SILENCE_MS = 96
_MIN_MS = 60
"""Anything shorter is a click."""
_LEAST_MS = 300
"""A shorter word gets silence after it: the networks need a few frames."""
_FULL_SCALE = 32768.0
_NETWORKS = (
    ("v?_e2e_rnnt_encoder*.onnx", "gigaam-v3-e2e-rnnt", 16000),
    ("v?_e2e_ctc*.onnx", "gigaam-v3-e2e-ctc", 16000),
    ("v?_rnnt_encoder*.onnx", "gigaam-v3-rnnt", 16000),
    ("v?_ctc*.onnx", "gigaam-v3-ctc", 16000),
    ("model*.onnx", "t-one-ctc", 8000),
)
"""What a folder holds, by its files: their pattern, onnx-asr's name of the kind, the rate in Hz that it hears."""


def create(settings: Settings) -> Asr:
    """Make the recogniser; the model is loaded by `warm_up` or the first utterance (1-3 s)."""
    asr = settings.asr
    return OnnxAsr(asr.onnx_model, settings.paths.models_dir, threads=asr.threads, parallel=asr.parallel)


class OnnxAsr:
    """The recogniser of the process: `parallel` recognitions at once, `threads` CPU threads each."""

    name = "onnx_asr"
    capabilities = AsrCapabilities(max_ms=_MAX_MS, least_silence_ms=_LEAST_SILENCE_MS, local=True)

    def __init__(self, model: str, models_dir: Path, *, threads: int, parallel: int) -> None:
        """`model` is a name of the catalogue, or a folder that holds a model onnx-asr reads."""
        self.model = model
        self._models_dir = models_dir
        self._threads = threads
        self._workers = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="onnx-asr")
        self._loading = threading.Lock()
        self._engine: _Engine | None = None

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:  # noqa: ARG002 - see the module
        """Recognise one utterance; longer than 24 s, it is taken in pieces. Raises ProviderError, ModelError.

        A cancelled caller drops the work if it has not begun; work that has begun ends unheard.
        """
        if audio.duration_ms < _MIN_MS:
            return Transcript("", 0.0)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, self._recognise, audio)
        except ConfigError:
            raise
        except Exception as error:  # onnxruntime's errors have no common type of their own
            raise ProviderUnavailableError(self.name, f"распознавание не удалось ({error})") from error

    async def warm_up(self) -> None:
        """Check and load the model, recognise a second of near silence. Raises ConfigError, ModelError."""
        murmur = np.random.default_rng(0).integers(-20, 20, 8000).astype(np.int16)
        await self.transcribe(AudioChunk(murmur, 8000), AsrHints())

    async def close(self) -> None:
        """Finish what somebody still waits for, refuse what comes after, free the model."""
        await asyncio.to_thread(self._workers.shutdown)
        self._engine = None

    def _recognise(self, audio: AudioChunk) -> Transcript:
        """Do the work, in a worker thread."""
        with self._loading:
            if self._engine is None:
                folder = model_folder("ASR_ONNX_MODEL", self.model, "onnx_asr", self._models_dir)
                self._engine = _Engine(folder, self._threads)
            engine = self._engine
        samples = resample(audio.samples, audio.rate_hz, engine.rate_hz)
        piece = _PIECE_MS * engine.rate_hz // 1000
        found = [engine.recognise(samples[start : start + piece]) for start in range(0, len(samples), piece)]
        spoken = [(text, logprob) for text, logprob in found if not is_phantom(text, SpeechEvidence(logprob, 0.0))]
        if not spoken:
            return Transcript("", 0.0)
        worst = min(logprob for _, logprob in spoken)
        return Transcript(" ".join(text for text, _ in spoken), math.exp(min(0.0, worst)))


class _Engine:
    """The loaded model. Safe to use from several threads."""

    def __init__(self, folder: Path, threads: int) -> None:
        try:
            onnx_asr: Any = import_module("onnx_asr")  # an optional package, and 0.3 s for those who use it
            onnxruntime: Any = import_module("onnxruntime")
        except ImportError as error:
            raise ConfigError(
                "ASR_PROVIDER=onnx_asr: нет пакета onnx-asr; выполните `scripts/bootstrap.sh --extra onnx-asr`"
            ) from error
        kind, quantization, self.rate_hz = _network(folder)
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            loaded: Any = onnx_asr.load_model(
                kind, folder, quantization=quantization, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's and onnx-asr's errors have no common type
            raise ModelError(
                f"модель из {folder} не загружается ({error}); выполните "
                f"`voxbot models fetch {folder.name} --force`, а свою папку проверьте сами"
            ) from error
        self._model = loaded.with_timestamps()

    def recognise(self, samples: Any) -> tuple[str, float]:
        """Recognise up to 24 s; give the words and their tokens' mean logprob."""
        lacking = self.rate_hz * _LEAST_MS // 1000 - len(samples)
        sound = np.pad(samples, (0, max(0, lacking))).astype(np.float32) / _FULL_SCALE
        result: Any = self._model.recognize(sound, sample_rate=self.rate_hz)
        logprobs: list[float] = result.logprobs or []
        return str(result.text).strip(), sum(logprobs) / len(logprobs) if logprobs else 0.0


def _network(folder: Path) -> tuple[Any, str | None, int]:
    """Tell what the folder holds: onnx-asr's name of it, its quantization, the rate in Hz. Raises ModelError."""
    for pattern, kind, rate_hz in _NETWORKS:
        files = sorted(folder.glob(pattern))
        if files:
            small = any(".int8." in file.name for file in files)
            return kind, "int8" if small else None, rate_hz
    raise ModelError(f"в {folder} нет модели GigaAM или T-one; скачайте её: `voxbot models fetch t-one`")
