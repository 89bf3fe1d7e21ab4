"""The espeak-ng library inside the `espeakng-loader` wheel: text to sound, and text to phonemes.

The library keeps its state in globals: one lock, one initialisation, one voice at a time for the whole process.
Names and constants are those of espeak-ng's `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from typing import Any, cast

import numpy as np

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ModelError, ProviderUnavailableError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_UTF8 = 1  # espeakCHARS_UTF8
_IPA = 2  # espeakPHONEMES_IPA
_RATE = 1  # espeakRATE

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakLibrary:
    """The library; its calls block, and other threads run meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library, self.rate_hz = _initialise()
        self._pieces: list[bytes] = []
        self._callback = _CALLBACK(self._take)  # kept here: C holds no reference
        self._library.espeak_SetSynthCallback(self._callback)

    def synthesize(self, text: str, voice: str, words_per_minute: int) -> AudioChunk:
        """Speak a plain text. Raises ProviderUnavailableError."""
        content = _plain(text)
        with self._lock:
            self._choose(voice)
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._pieces.clear()
            failed = self._library.espeak_Synth(content, len(content) + 1, 0, 0, 0, _UTF8, None, None)
            sound = b"".join(self._pieces)
            self._pieces.clear()
        if failed:
            raise ProviderUnavailableError("espeak", f"синтез не удался, код {failed}")
        return AudioChunk(np.frombuffer(sound, np.int16), self.rate_hz)

    def phonemes(self, text: str, voice: str) -> str:
        """Give the text in the International Phonetic Alphabet, without its punctuation."""
        clauses: list[str] = []
        with self._lock:
            self._choose(voice)
            buffer = ctypes.create_string_buffer(_plain(text))
            rest = ctypes.c_void_p(ctypes.addressof(buffer))
            while rest.value:
                clause = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA)
                clauses.append(cast("bytes", clause or b"").decode())
        return " ".join(filter(None, clauses))

    def _choose(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ProviderUnavailableError("espeak", f"нет голоса «{voice}»")

    def _take(self, samples: Any, count: int, _events: int | None) -> int:
        """Collect a block of sound; called by the library from within espeak_Synth. 0: go on."""
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0


@lru_cache(maxsize=1)
def espeak_library() -> EspeakLibrary:
    """Give the library of this process (loaded in 5 ms). Raises ModelError if it cannot be loaded."""
    return EspeakLibrary()


def _initialise() -> tuple[Any, int]:
    """Load and initialise; give the library and its rate in Hz."""
    try:
        import espeakng_loader  # noqa: PLC0415 - optional until this voice is chosen

        library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path())
    except (ImportError, OSError) as error:
        raise ModelError(
            f"библиотека espeak-ng не загружается ({error}); выполните `scripts/bootstrap.sh --reinstall`"
        ) from error
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT))
    if rate_hz <= 0:
        raise ModelError(f"espeak-ng не находит своих данных в {data}; выполните `scripts/bootstrap.sh --reinstall`")
    return library, rate_hz


def _plain(text: str) -> bytes:
    """C strings end at the first zero."""
    return text.replace("\0", " ").encode(errors="replace")
