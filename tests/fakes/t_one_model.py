"""A network of T-one's form that hears «да» in every 300 ms of sound, nothing in digital silence.

The ONNX file is put together as protobuf bytes like the Piper voice. Inputs: `signal` (1, 2400, 1) int32, `state`
(1, 4) float16; outputs: `logprobs` (1, 10, 4) of «д», «а», « » and blank, `state_next`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from fakes.piper_voice import _bytes, _node, _number, _value

if TYPE_CHECKING:
    from pathlib import Path

_FLOAT, _INT32, _FLOAT16 = 1, 6, 10
_LIKELY, _UNLIKELY = np.log(0.9), np.log(0.1 / 3)


def write_t_one_model(folder: Path) -> Path:
    """Write model.onnx and config.json; give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(_model())
    config = {
        "model_type": "t-one-ctc",
        "decoder_params": {"vocabulary": ["д", "а", " "]},
        "pad_token_id": 3,
        "encoder_params": {"reduction_kernel_size": 3},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _model() -> bytes:
    silence, word = _logprobs([3] * 10), _logprobs([0, 1, 2, *[3] * 7])
    to_float = _bytes(1, b"to") + _number(3, _FLOAT) + _number(20, 2)
    keep_none = _bytes(1, b"keepdims") + _number(3, 0) + _number(20, 2)
    graph = b"".join(
        [
            _bytes(1, _node("Cast", ["signal"], "numbers") + _bytes(5, to_float)),
            _bytes(1, _node("Abs", ["numbers"], "levels")),
            _bytes(1, _node("ReduceMax", ["levels"], "loudest") + _bytes(5, keep_none)),
            _bytes(1, _node("Sign", ["loudest"], "sounds")),
            _bytes(1, _node("Mul", ["sounds", "difference"], "heard")),
            _bytes(1, _node("Add", ["heard", "silence"], "logprobs")),
            _bytes(1, _node("Identity", ["state"], "state_next")),
            _bytes(2, b"t-one"),
            _bytes(5, _tensor("silence", silence)),
            _bytes(5, _tensor("difference", word - silence)),
            _bytes(11, _value("signal", _INT32, ["batch", "2400", "1"])),
            _bytes(11, _value("state", _FLOAT16, ["batch", "4"])),
            _bytes(12, _value("logprobs", _FLOAT, ["batch", "10", "4"])),
            _bytes(12, _value("state_next", _FLOAT16, ["batch", "4"])),
        ]
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))


def _logprobs(tokens: list[int]) -> np.ndarray:
    rows = np.full((1, len(tokens), 4), _UNLIKELY, np.float32)
    rows[0, range(len(tokens)), tokens] = _LIKELY
    return rows


def _tensor(name: str, values: np.ndarray) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, _FLOAT) + _bytes(8, name.encode()) + _bytes(9, values.astype("<f4").tobytes())
