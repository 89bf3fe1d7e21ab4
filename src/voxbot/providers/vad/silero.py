"""Silero VAD v6 on onnxruntime: one session for all calls, run over the windows of all calls that are ready.

The network takes 256 samples of 8 kHz sound with the 32 samples before them, and a state of shape (2, batch, 128)
that it gives back renewed (snakers4/silero-vad, `utils_vad.py:OnnxWrapper`). Rows of a batch do not touch each other.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import onnxruntime
import structlog
from numpy.typing import NDArray

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples
from voxbot.domain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.settings.schema import Settings
    from voxbot.speech.vad import Vad, VadStream

log = structlog.get_logger(__name__)

_Floats: TypeAlias = NDArray[np.float32]

_WINDOW_SAMPLES = 256
_CONTEXT_SAMPLES = 32
_SPAN_SAMPLES = _CONTEXT_SAMPLES + _WINDOW_SAMPLES
_FIRST_ROOM = 1024
"""Samples that a stream can take before it moves what waits."""
_STATE_SIZE = 128

_SCALE = np.float32(1 / 32768)
_GATE = 32 / 32768
"""A window that never exceeds this (-60 dBFS; A-law's idle noise is 8) holds no speech and is not computed."""
_QUIET_PROBABILITY = 0.1
_QUIET_RESET_WINDOWS = 2 * TELEPHONE_RATE_HZ // _WINDOW_SAMPLES
"""After so long (2 s) below `_QUIET_PROBABILITY` the state begins anew: minutes of noise make the network deaf to the
first seconds of speech (recall 96 → 86 %)."""

_RATE = np.array(TELEPHONE_RATE_HZ, np.int64)
_OUTPUTS = ["output", "stateN"]

_GATHER_S = 0.004
"""With several calls: how long the first ready window waits for the others."""
_ROUNDS_AT_ONCE = 16
"""Windows of one stream computed without giving the event loop a turn (about 2 ms)."""


def create(settings: Settings) -> Vad:  # noqa: ARG001 - every factory of the registry takes the settings
    """Load the network (50 ms). Raises ModelError if its file is missing or cannot be read."""
    return SileroVad()


class SileroVad:
    """The engine of the process. `push`, `close` and the callbacks all run on one event loop."""

    name = "silero"
    window_samples = _WINDOW_SAMPLES

    def __init__(self) -> None:
        self._network = _load()
        self._open: set[_Stream] = set()
        self._ready: set[_Stream] = set()
        self._scheduled = False

    def open(self, on_probability: Callable[[float], None]) -> VadStream:
        """Begin a stream."""
        stream = _Stream(self, on_probability)
        self._open.add(stream)
        return stream

    def warm_up(self) -> None:
        """Run batches of one and of a few; their buffers are laid out at the first run."""
        for batch in (1, 4):
            self._run(np.zeros((batch, _CONTEXT_SAMPLES + _WINDOW_SAMPLES), np.float32), _new_state(batch))

    def window_ready(self, stream: _Stream) -> None:
        """Note that a stream has a whole window, and see that it is computed soon."""
        self._ready.add(stream)
        if self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        if len(self._open) > 1:
            loop.call_later(_GATHER_S, self._compute)
        else:
            loop.call_soon(self._compute)

    def forget(self, stream: _Stream) -> None:
        """Drop a closed stream."""
        self._open.discard(stream)
        self._ready.discard(stream)

    def _compute(self) -> None:
        """Compute the windows that are ready, one of each stream at a time."""
        self._scheduled = False
        for _ in range(_ROUNDS_AT_ONCE):
            if not self._ready:
                return
            self._compute_round(list(self._ready))
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self._compute)

    def _compute_round(self, streams: list[_Stream]) -> None:
        audible: list[tuple[_Stream, _Floats]] = []
        for stream in streams:
            window = stream.take_window()
            if not stream.has_window:
                self._ready.discard(stream)
            if window is None:
                stream.settle(0.0)
            else:
                audible.append((stream, window))
        if not audible:
            return
        if len(audible) == 1:
            stream, window = audible[0]
            probabilities, stream.state = self._run(window, stream.state)
            stream.settle(float(probabilities[0, 0]))
            return
        states = np.concatenate([stream.state for stream, _ in audible], axis=1)
        probabilities, states = self._run(np.concatenate([window for _, window in audible]), states)
        for row, (stream, _) in enumerate(audible):
            stream.state = states[:, row : row + 1]
            stream.settle(float(probabilities[row, 0]))

    def _run(self, windows: _Floats, states: _Floats) -> tuple[_Floats, _Floats]:
        """Map (batch, 288) samples of ±1 and (2, batch, 128) states to (batch, 1) probabilities and new states."""
        feed = {"input": windows, "state": states, "sr": _RATE}
        return cast("tuple[_Floats, _Floats]", self._network.run(_OUTPUTS, feed))


class _Stream:
    """One call's sound: what of it is not computed yet, and the network's memory of it."""

    def __init__(self, engine: SileroVad, on_probability: Callable[[float], None]) -> None:
        self._engine = engine
        self._on_probability = on_probability
        self._closed = False
        self._sound = np.zeros(_SPAN_SAMPLES + _FIRST_ROOM, np.float32)
        """Samples of ±1 from `_start` to `_end` wait: the context, then what follows it."""
        self._start, self._end = 0, _CONTEXT_SAMPLES
        self._quiet_windows = 0
        self.state = _new_state(1)

    @property
    def has_window(self) -> bool:
        """Whether a whole window waits."""
        return self._end - self._start >= _SPAN_SAMPLES

    def push(self, samples: Samples) -> None:
        """Take samples; the callback comes from a later iteration of the loop."""
        if self._closed:
            return
        if self._end + len(samples) > len(self._sound):
            self._make_room(len(samples))
        np.multiply(samples, _SCALE, out=self._sound[self._end : self._end + len(samples)], casting="same_kind")
        self._end += len(samples)
        if self.has_window:
            self._engine.window_ready(self)

    def close(self) -> None:
        """Stop; may be called twice."""
        self._closed = True
        self._engine.forget(self)

    def take_window(self) -> _Floats | None:
        """Give the next window with its context, (1, 288) of ±1, until the next push; None if it is too quiet."""
        window = self._sound[self._start : self._start + _SPAN_SAMPLES]
        self._start += _WINDOW_SAMPLES
        fresh = window[_CONTEXT_SAMPLES:]
        if float(fresh.max()) <= _GATE and float(fresh.min()) >= -_GATE:
            return None
        return window[np.newaxis]

    def _make_room(self, count: int) -> None:
        """Move what waits to the front, of a longer array if it must be."""
        waiting = self._sound[self._start : self._end]
        if len(waiting) + count > len(self._sound):
            self._sound = np.zeros(len(waiting) + count + _FIRST_ROOM, np.float32)
        self._sound[: len(waiting)] = waiting
        self._start, self._end = 0, len(waiting)

    def settle(self, probability: float) -> None:
        """Keep the rule of the state, then tell the call; a callback that fails harms no other call."""
        self._quiet_windows = self._quiet_windows + 1 if probability < _QUIET_PROBABILITY else 0
        if self._quiet_windows >= _QUIET_RESET_WINDOWS:
            self._quiet_windows = 0
            self.state = _new_state(1)
        if self._closed:
            return
        try:
            self._on_probability(probability)
        except Exception:
            log.exception("Обработчик вероятности речи упал")


def _new_state(batch: int) -> _Floats:
    return np.zeros((2, batch, _STATE_SIZE), np.float32)


def _load() -> Any:
    """Open the network. The package itself is not imported: it would pull in torch."""
    spec = find_spec("silero_vad")
    path = Path(spec.origin or "").parent / "data" / "silero_vad.onnx" if spec else None
    if path is None or not path.is_file():
        raise ModelError("нет файла silero_vad.onnx из пакета silero-vad; выполните `scripts/bootstrap.sh --reinstall`")
    ort = cast("Any", onnxruntime)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no public base class
        raise ModelError(f"{path} не загружается ({error}); выполните `scripts/bootstrap.sh --reinstall`") from error
