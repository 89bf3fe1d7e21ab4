"""Putting another content in a file's place: by renaming, or over it where that is refused.

A file that is mounted by itself (`docker run -v general.md:/kb/general.md`) cannot be renamed over: rename(2) gives
EBUSY. It is written over, which a kill may break off half-way; a note beside it, locked as long as its writer lives
(flock), then tells where the former content is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from voxbot.store.files import stage_beside, sync_folder

_LEFT_S = 86_400
"""What was staged so long ago is nobody's: its process was killed."""


class Replacing:
    """One file. All methods block and raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def target(self) -> Path:
        """The file itself, wherever a link of its name points to: the link stays."""
        return Path(os.path.realpath(self._path))

    def stage(self, content: bytes) -> Path:
        """Write a content beside the file, as durable as it can be, in a file that is the caller's alone."""
        target = self.target
        self._forget_left(target)
        return stage_beside(target, content)

    def put(self, staged: Path, former: Path | None) -> None:
        """Put a staged file in place; `former` is a copy of what is there now. Whole or not at all."""
        target = self.target
        try:
            staged.replace(target)
        except OSError as error:
            if error.errno != errno.EBUSY or former is None:
                raise
            self._write_over(target, staged.read_bytes(), former)
            staged.unlink()
        else:
            sync_folder(target.parent)

    def recover(self) -> None:
        """Write the former content back where a writer was killed; one that is at it is waited for."""
        target = self.target
        try:
            note = _note(target).open("r+", encoding="utf-8")
        except FileNotFoundError:
            return
        with note:
            fcntl.flock(note, fcntl.LOCK_EX)
            if former := note.read():
                _overwrite(target, Path(former).read_bytes())
                note.truncate(0)
            _note(target).unlink(missing_ok=True)

    def _write_over(self, target: Path, content: bytes, former: Path) -> None:
        with _note(target).open("a", encoding="utf-8") as note:
            fcntl.flock(note, fcntl.LOCK_EX)
            note.write(str(former.absolute()))
            note.flush()
            os.fsync(note.fileno())
            sync_folder(target.parent)
            try:
                _overwrite(target, content)
            except BaseException:
                _overwrite(target, former.read_bytes())  # if this fails as well, the note stays
                note.truncate(0)
                _note(target).unlink(missing_ok=True)
                raise
            note.truncate(0)
            _note(target).unlink(missing_ok=True)

    def _forget_left(self, target: Path) -> None:
        for left in target.parent.glob(f".{target.name}.*.new"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_S:
                    left.unlink()


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; flushed to the disk. Raises FileExistsError, OSError."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _note(target: Path) -> Path:
    return target.with_name(f".{target.name}.writing")


def _overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
