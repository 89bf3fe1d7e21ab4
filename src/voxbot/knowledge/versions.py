"""Versions of the index on disk: one folder each, and a pointer file that names the one in use.

    <root>/CURRENT            the name of the version in use, replaced atomically
    <root>/build.lock         held by the builder; freed by the kernel when it dies
    <root>/v-20260131T120000-1a2b3c/   a version: `chroma/` and `manifest.json`

A version is never changed after it was published, so whoever reads it needs no lock. A folder that CURRENT never
named is what a killed builder left.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from voxbot.domain.errors import KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from voxbot.domain.dialogue import KbName

FORMAT = 1
"""Raised when chunks, passages or records are made differently: older versions are then stale."""

Stamp: TypeAlias = tuple[int, int] | None
"""Changes whenever CURRENT is replaced."""


@dataclass(frozen=True, slots=True)
class BaseManifest:
    """One knowledge base in a version. `content_hash` is of the source file."""

    content_hash: str
    chunks: int
    passages: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version was made of. `embedder` is `<provider>/<model>`."""

    version: str
    previous: str
    embedder: str
    bases: Mapping[KbName, BaseManifest]
    format: int = FORMAT


class VersionStore:
    """The folder of the index."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stamp(self) -> Stamp:
        """Return a value that differs after every switch; costs one `stat`."""
        try:
            status = (self.root / "CURRENT").stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def current(self) -> Path | None:
        """Return the folder of the version in use, or None if there is none."""
        try:
            name = (self.root / "CURRENT").read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise KnowledgeError(
                f"указатель индекса {self.root / 'CURRENT'} не читается ({error}); выполните `voxbot kb build`"
            ) from error
        return self.root / name

    def manifest(self) -> Manifest | None:
        """Return the manifest of the version in use; None if there is none or it cannot be understood."""
        folder = self.current()
        return read_manifest(folder) if folder else None

    @contextmanager
    def building(self) -> Generator[None]:
        """Be the only builder. Raises KnowledgeError at once if there is another."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "build.lock").open("a")
        except OSError as error:
            raise KnowledgeError(
                f"папка индекса {self.root}: запись не удалась ({error.strerror}); проверьте права и PERSIST_DIRECTORY"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise KnowledgeError(f"индекс в {self.root} уже строит другая программа; дождитесь её конца") from error
            self._sweep()
            yield
            self._sweep()

    def begin(self) -> Path:
        """Make the folder of a new version."""
        folder = self.root / f"v-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        folder.mkdir()
        return folder

    def publish(self, folder: Path, manifest: Manifest) -> None:
        """Finish a version and make it the one in use: atomic and durable."""
        _write_durably(folder / "manifest.json", json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
        _write_durably(self.root / "CURRENT", folder.name)

    def _sweep(self) -> None:
        """Remove all versions but the one in use and the one before, which slow readers may still be opening."""
        current = self.current()
        manifest = read_manifest(current) if current else None
        keep = {current.name if current else "", manifest.previous if manifest else ""}
        for folder in self.root.glob("v-*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def read_manifest(folder: Path) -> Manifest | None:
    """Read a version's manifest; None if it is missing or was written by an incompatible program."""
    try:
        raw = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        bases = {kb: BaseManifest(**base) for kb, base in raw.pop("bases").items()}
        manifest = Manifest(bases=bases, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return manifest if manifest.format == FORMAT else None


def _write_durably(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
