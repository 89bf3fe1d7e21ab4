"""A Piper voice small enough to write by hand: it turns each phoneme id into 400 equal samples, sin(id).

The ONNX file is put together as protobuf bytes (onnx.proto3), so that no test needs the `onnx` package.
"""

from __future__ import annotations

import json
from pathlib import Path

RATE_HZ = 22050
SAMPLES_PER_ID = 400
_FLOAT, _INT64 = 1, 7


def write_piper_voice(folder: Path, name: str = "ru_RU-fake-medium") -> Path:
    """Write NAME.onnx and NAME.onnx.json; give the path of the former."""
    folder.mkdir(parents=True, exist_ok=True)
    voice = folder / f"{name}.onnx"
    voice.write_bytes(_model())
    symbols = ["_", "^", "$", " ", ".", ",", "?", "!", *"abdefijklmnoprstuvxzɐɑɕəɛɡɨɪɭɲɵʂʃʉʊʐʑʲˈːæ"]
    config = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "ru"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "num_speakers": 1,
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(symbols)},
    }
    Path(f"{voice}.json").write_text(json.dumps(config), encoding="utf-8")
    return voice


def _model() -> bytes:
    to_float = _bytes(1, b"to") + _number(3, _FLOAT) + _number(20, 2)
    repeats = _number(1, 2) + _number(2, _INT64) + _bytes(8, b"repeats")
    repeats += _bytes(9, (1).to_bytes(8, "little") + SAMPLES_PER_ID.to_bytes(8, "little"))
    graph = b"".join(
        [
            _bytes(1, _node("Cast", ["input"], "numbers") + _bytes(5, to_float)),
            _bytes(1, _node("Sin", ["numbers"], "waves")),
            _bytes(1, _node("Tile", ["waves", "repeats"], "sound")),
            _bytes(2, b"voice"),
            _bytes(5, repeats),
            _bytes(11, _value("input", _INT64, ["1", "n"])),
            _bytes(11, _value("input_lengths", _INT64, ["1"])),
            _bytes(11, _value("scales", _FLOAT, ["3"])),
            _bytes(12, _value("sound", _FLOAT, ["1", "m"])),
        ]
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))


def _node(operation: str, inputs: list[str], output: str) -> bytes:
    named = b"".join(_bytes(1, name.encode()) for name in inputs)
    return named + _bytes(2, output.encode()) + _bytes(4, operation.encode())


def _value(name: str, kind: int, shape: list[str]) -> bytes:
    sizes = b"".join(_bytes(1, _number(1, int(size)) if size.isdigit() else _bytes(2, size.encode())) for size in shape)
    tensor = _number(1, kind) + _bytes(2, sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
