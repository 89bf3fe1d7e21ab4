"""Writing a file so that whoever reads it finds the old text or the new one, whole, even after a power cut."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_NEW_FILE_MODE = 0o644


def write_durably(path: Path, text: str, mode: int = _NEW_FILE_MODE) -> None:
    """Replace the file, or the one that a link of this name points to; a new file gets `mode`. Raises OSError.

    An existing file keeps its mode and, where that is allowed, its owner.
    """
    path = path.resolve()
    staged = stage_beside(path, text.encode(), mode)
    try:
        staged.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise
    sync_folder(path.parent)


def stage_beside(path: Path, content: bytes, mode: int = _NEW_FILE_MODE) -> Path:
    """Write what is to take a file's place beside it, durably, in a file that is the caller's alone. Raises OSError.

    It has the mode and, where that is allowed, the owner of the present file; `mode` if there is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _take_after(file.fileno(), path, mode)
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return Path(temporary)


def sync_folder(folder: Path) -> None:
    """Make a renaming in a folder outlive a power cut. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def alone(folder: Path) -> Generator[None]:
    """Keep other processes and threads that say `alone` of this folder waiting. Blocks; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _take_after(descriptor: int, path: Path, mode: int) -> None:
    try:
        before = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, mode)
        return
    os.fchmod(descriptor, before.st_mode & 0o7777)
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, before.st_uid, before.st_gid)
