"""What both synthesis APIs of SpeechKit share: plain text in, raw telephone sound out.

The text of either API carries markup (https://yandex.cloud/docs/speechkit/tts/markup/tts-markup): `+` before a
stressed vowel, `**`emphasis`**`, `sil<[300]>`, `[[phonemes]]`. A text of ours is only text, so what could be read as
markup is left out, and a stress mark (U+0301 after the vowel) becomes theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples

SERVICE = "синтез речи"
RATE_HZ = TELEPHONE_RATE_HZ

_MARKUP = re.compile(r"[+*<>\[\]{}|\\^~]")
_STRESSED = re.compile(r"([аеиоуыэюя])\u0301", re.IGNORECASE)
_LONE = re.compile(r"[\ud800-\udfff\x00-\x1f\x7f\u0300-\u036f]")
_SAMPLE_BYTES = 2


def plain(text: str) -> str:
    """Make what may be sent: one line without markup; empty if it has nothing to pronounce."""
    marked = _STRESSED.sub(r"+\1", _MARKUP.sub(" ", text))
    line = " ".join(_LONE.sub(" ", marked).split())
    return line if any(char.isalnum() for char in line) else ""


def elsewhere(address: object, usual: object) -> str:
    """What a voice's id says of the service's address: nothing of the usual one.

    Another one (a double, a proxy, the cloud of another country) may speak otherwise under the same names of voices.
    """
    return "" if address == usual else f"@{address}"


class SampleStream:
    """Bytes of little-endian 16-bit sound, cut anywhere, to whole samples."""

    def __init__(self) -> None:
        self._half = b""

    def take(self, data: bytes) -> AudioChunk | None:
        """Give the samples that are complete, None if there is none."""
        if self._half or len(data) % _SAMPLE_BYTES:
            data = self._half + data
            whole = len(data) - len(data) % _SAMPLE_BYTES
            data, self._half = data[:whole], data[whole:]
        if not data:
            return None
        samples: Samples = np.frombuffer(data, "<i2").astype(np.int16, copy=False)
        return AudioChunk(samples, RATE_HZ)
