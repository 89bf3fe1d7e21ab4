"""The folder through which Asterisk gets the bot's speech as files (transport `files`).

Asterisk finds `sound:voxbot/NAME` in `<sounds>/<language>/voxbot/NAME.wav` (its own rule for prompts), so the bot
and Asterisk may see the folder under different paths.
"""

from __future__ import annotations

import os
import socket
import time
import wave
from typing import TYPE_CHECKING
from uuid import uuid4

from voxbot.domain.audio import TELEPHONE_RATE_HZ, Samples
from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_SUBFOLDER = "voxbot"
_OLD_S = 3600.0
"""No call plays a file that long: an older one is nobody's, whichever machine wrote it."""
_READABLE = 0o644
_ENTERABLE = 0o755
"""Asterisk runs as a user of its own."""


class SoundFolder:
    """Files of this process: `<host>-<pid>-<uuid>.wav`, so that those of dead processes are known."""

    def __init__(self, sounds_dir: Path, language: str) -> None:
        self.language = language
        self._folder = sounds_dir / language / _SUBFOLDER
        self._host = socket.gethostname()

    def prepare(self) -> None:
        """Make the folder and remove what dead processes have left. Raises ConfigError if it cannot be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._folder.stat().st_uid == os.geteuid():
                self._folder.chmod(_ENTERABLE)
            for path in self._folder.glob("*.wav"):
                if self._left_over(path):
                    path.unlink(missing_ok=True)
            probe = self._folder / f"{self._host}-{os.getpid()}-{uuid4()}.wav"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigError(
                f"{self._folder}: запись не удалась ({error.strerror}); проверьте ASTERISK_SOUNDS_DIR и права"
            ) from error

    def write(self, samples: Samples) -> Path:
        """Write 8 kHz sound. Raises OSError."""
        path = self._folder / f"{self._host}-{os.getpid()}-{uuid4()}.wav"
        with path.open("wb") as file, wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(TELEPHONE_RATE_HZ)
            wav.writeframes(samples.astype("<i2", copy=False).tobytes())
        path.chmod(_READABLE)
        return path

    def sound(self, path: Path) -> str:
        """Name a file as Asterisk knows it, without its ending."""
        return f"{_SUBFOLDER}/{path.stem}"

    def _left_over(self, path: Path) -> bool:
        try:
            if time.time() - path.stat().st_mtime > _OLD_S:
                return True
        except FileNotFoundError:
            return False
        if not path.stem.startswith(f"{self._host}-"):
            return False
        pid = path.stem.removeprefix(f"{self._host}-").partition("-")[0]
        return pid.isdigit() and not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
