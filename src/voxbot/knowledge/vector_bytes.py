"""A vector as bytes, and the key it is kept under outside this process.

    offset 0   2 bytes   b"E1", the format
           2   2 bytes   dimension, little-endian
           4   4 bytes   CRC-32 of the rest, little-endian
           8             float32, little-endian, as computed: a cached question is answered exactly as a new one

Keys are hashes: what callers asked cannot be read off a shared server or a file.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from voxbot.knowledge.embedder import Vectors

KEY_BYTES = 16

_HEAD = struct.Struct("<2sHI")
_FORMAT = b"E1"


def key_bytes(key: str) -> bytes:
    """Hash a key to KEY_BYTES bytes."""
    return blake2b(key.encode(), digest_size=KEY_BYTES).digest()


def encode(vector: Vectors) -> bytes:
    """Write a vector of shape (dimension,), at most 65535 long."""
    body = np.ascontiguousarray(vector, "<f4").tobytes()
    return _HEAD.pack(_FORMAT, len(vector), crc32(body)) + body


def decode(data: bytes) -> Vectors | None:
    """Read what `encode` wrote, as a read-only array; None for anything else, damaged data included."""
    if len(data) < _HEAD.size:
        return None
    form, dimension, checksum = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if form != _FORMAT or len(body) != dimension * 4 or crc32(body) != checksum:
        return None
    return np.frombuffer(body, "<f4").astype(np.float32, copy=False)
