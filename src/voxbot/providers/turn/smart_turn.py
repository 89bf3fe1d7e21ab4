"""smart-turn v3.2 (BSD-2): the last 8 s of an utterance to the probability that the turn is over.

The network, a Whisper-tiny encoder with a classifier, is read out of the `pipecat-ai` wheel (extra `smart-turn`,
12 MB) without importing that package. Its input are Whisper's log-mel features of sound at 16 kHz that was brought to
zero mean and unit variance and fills 8 s from the end, silence before it (pipecat-ai/pipecat,
`audio/turn/smart_turn/local_smart_turn_v3.py`).

On the synthetic telephone speech of this project's tests it hardly tells whole from cut sentences: 13 of 14 whole and
30 of 42 cut ones got more than 0.5 (area under the curve 0.60). So it is off unless TURN_END_PROVIDER asks for it.
"""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ModelError, ProviderUnavailableError
from voxbot.speech.resampler import resample

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.settings.schema import Settings
    from voxbot.speech.end_of_turn import EndOfTurn

_Floats: TypeAlias = NDArray[np.float32]

_RATE_HZ = 16000
_WINDOW_S = 8
_WINDOW_SAMPLES = _WINDOW_S * _RATE_HZ
_FRAMES = 800
_FILE = Path("audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx")
_VARIANCE_FLOOR = 1e-7


def create(settings: Settings) -> EndOfTurn:  # noqa: ARG001 - every factory of the registry takes the settings
    """Make the engine; the network is loaded by `warm_up` or the first utterance."""
    return SmartTurn()


def available() -> bool:
    """Whether the extra `smart-turn` is installed."""
    return _model_file() is not None


class SmartTurn:
    """One network and one thread for all calls: 30 ms an utterance on one core."""

    name = "smart_turn"

    def __init__(self, load: Callable[[], Callable[[_Floats], float]] | None = None) -> None:
        """`load` gives the function from features, shape (1, 80, 800), to the probability."""
        self._load = load or _load
        self._network: Callable[[_Floats], float] | None = None
        self._mel: Any = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="smart-turn")

    async def probability(self, audio: AudioChunk) -> float:
        """Judge an utterance. Of one that is longer than 8 s the end is heard. Raises ProviderError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._judge, audio)
        except ModelError:
            raise
        except Exception as error:  # onnxruntime's own exceptions have no public base class
            raise ProviderUnavailableError(self.name, f"оценка конца реплики не удалась ({error})") from error

    async def warm_up(self) -> None:
        """Load the network and run it on a second of near silence. Raises ModelError."""
        murmur = np.random.default_rng(0).integers(-20, 20, _RATE_HZ).astype(np.int16)
        await self.probability(AudioChunk(murmur, _RATE_HZ))

    async def close(self) -> None:
        """Finish what is running, drop what waits, free the network."""
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        self._network = None

    def _judge(self, audio: AudioChunk) -> float:
        """Do the work, in the worker thread."""
        if self._network is None:
            from faster_whisper.feature_extractor import FeatureExtractor  # noqa: PLC0415 - 1 s, for users only

            self._mel = FeatureExtractor(chunk_length=_WINDOW_S)
            self._network = self._load()
        found = self._network(self._features(audio))
        if not math.isfinite(found):
            raise ValueError(f"вероятность {found}")
        return min(1.0, max(0.0, found))

    def _features(self, audio: AudioChunk) -> _Floats:
        """Normalised log-mel features of the last 8 s, shape (1, 80, 800)."""
        longest = _WINDOW_S * audio.rate_hz
        sound = resample(audio.samples[-longest:], audio.rate_hz, _RATE_HZ)[-_WINDOW_SAMPLES:]
        window = np.zeros(_WINDOW_SAMPLES, np.float32)
        window[_WINDOW_SAMPLES - len(sound) :] = sound.astype(np.float32) / 32768
        window = ((window - window.mean()) / np.sqrt(window.var() + _VARIANCE_FLOOR)).astype(np.float32)
        return np.ascontiguousarray(self._mel(window, padding=0)[None, :, :_FRAMES], np.float32)


def _model_file() -> Path | None:
    spec = find_spec("pipecat")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return next((path for folder in folders if (path := Path(folder) / _FILE).is_file()), None)


def _load() -> Callable[[_Floats], float]:
    path = _model_file()
    if path is None:
        raise ModelError(
            f"TURN_END_PROVIDER=smart_turn: нет файла {_FILE.name} из пакета pipecat-ai; "
            "выполните `scripts/bootstrap.sh --extra smart-turn` или уберите TURN_END_PROVIDER"
        )
    ort = cast("Any", onnxruntime)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no public base class
        raise ModelError(f"{path} не загружается ({error}); выполните `scripts/bootstrap.sh --reinstall`") from error

    def run(features: _Floats) -> float:
        return float(session.run(None, {"input_features": features})[0].reshape(-1)[0])

    return run
