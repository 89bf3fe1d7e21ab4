"""Versions of the index on disk: one folder each, and a pointer file that names the one in use.

    <root>/CURRENT            the name of the version in use, replaced atomically
    <root>/build.lock         held by the builder; freed by the kernel when it dies
    <root>/v-20260131T120000-1a2b3c/   a version: `chroma/`, `search/` (`space.py`) and `manifest.json`

A version is never changed after it was published, so whoever reads it needs no lock. A folder that CURRENT never
named is what a killed builder left.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from voxbot.domain.errors import IndexBusyError, KnowledgeError
from voxbot.knowledge.records import read_records, write_records
from voxbot.knowledge.space import is_saved, load_space, make_space, save_space

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.records import Records
    from voxbot.knowledge.space import SearchSpace

POINTER = "CURRENT"
"""Name of the file in the root."""
FORMAT = 3
"""Raised when chunks, passages or records are made differently: older versions are then stale."""

_VERSION = re.compile(r"v-[\w-]+", re.ASCII)
_NO_NAME = "в нём не имя версии"

Stamp: TypeAlias = tuple[int, int] | str | None
"""Changes whenever another version is put in use."""


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


class Versions(Protocol):
    """Where the versions of the index are. All methods block; all may raise KnowledgeError."""

    where: str
    """The place in words, for messages."""
    check_s: float
    """How often to ask for the stamp; 0: at each question, because it costs nothing."""

    def stamp(self) -> Stamp:
        """Return a value that differs after every switch."""
        ...

    def manifest(self) -> Manifest | None:
        """Return the manifest of the version in use; None if there is none or it cannot be understood."""
        ...

    def exists(self) -> bool:
        """Tell whether a version is in use, be it one that this program cannot read."""
        ...

    def at_hand(self) -> Manifest | None:
        """Return the manifest of a version that can be opened while the place of the versions is out of reach."""
        ...

    def building(self) -> AbstractContextManager[None]:
        """Be the only builder, and leave nothing behind but versions that are needed."""
        ...

    def write(self, records: Records) -> str:
        """Write a new version, and return its name; nobody reads it before it is published."""
        ...

    def publish(self, manifest: Manifest) -> None:
        """Put a written version in use: atomic and durable."""
        ...

    def read(self, version: str) -> Records:
        """Read what a version holds."""
        ...

    def open(self, version: str) -> SearchSpace:
        """Read a version for searching."""
        ...


class VersionStore:
    """The folder of the index."""

    check_s = 0.0

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = str(root)

    def stamp(self) -> Stamp:
        """Return a value that differs after every switch; costs one `stat`."""
        try:
            status = (self.root / POINTER).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def current(self) -> Path | None:
        """Return the folder of the version in use, or None if there is none. Raises KnowledgeError if damaged."""
        try:
            name = (self.root / POINTER).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(getattr(error, "strerror", None) or _NO_NAME) from error
        if not _VERSION.fullmatch(name):
            raise self._damaged(_NO_NAME)
        return self.root / name

    def manifest(self) -> Manifest | None:
        """Return the manifest of the version in use; None if there is none or it cannot be understood."""
        try:
            folder = self.current()
        except KnowledgeError:
            return None
        return read_manifest(folder) if folder else None

    @contextmanager
    def building(self) -> Generator[None]:
        """Be the only builder. Raises KnowledgeError at once if there is another."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "build.lock").open("a")
        except OSError as error:
            raise self._unwritable(error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IndexBusyError(str(self.root)) from error
            self._sweep()
            yield
            self._sweep()

    def exists(self) -> bool:
        """Tell whether a version is in use, be it one that this program cannot read.

        Raises KnowledgeError if the pointer is damaged, so that nobody can tell.
        """
        return self.current() is not None

    def at_hand(self) -> Manifest | None:
        """Return None: what is in this folder is always in reach."""
        return None

    def begin(self) -> Path:
        """Make the folder of a new version."""
        folder = self.root / new_version()
        folder.mkdir()
        return folder

    def write(self, records: Records) -> str:
        """Write a new version's Chroma database and what is searched, and return its name."""
        try:
            folder = self.begin()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            write_records(folder, records)
            save_space(folder / "search", make_space(folder.name, records))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder.name

    def publish(self, manifest: Manifest) -> None:
        """Finish a version and make it the one in use: atomic and durable."""
        try:
            _write_durably(
                self.root / manifest.version / "manifest.json",
                json.dumps(asdict(manifest), ensure_ascii=False, indent=1),
            )
            if (self.root / POINTER).is_dir():  # damaged; a file cannot replace it
                shutil.rmtree(self.root / POINTER)
            _write_durably(self.root / POINTER, manifest.version)
        except OSError as error:
            raise self._unwritable(error) from error

    def read(self, version: str) -> Records:
        """Read what a version holds."""
        return read_records(self.root / version)

    def open(self, version: str) -> SearchSpace:
        """Read a version for searching; one without `search/` is prepared here, which takes its time."""
        folder = self.root / version / "search"
        if is_saved(folder):
            return load_space(folder, version)
        return make_space(version, self.read(version))

    def _damaged(self, reason: str) -> KnowledgeError:
        pointer = self.root / POINTER
        return KnowledgeError(f"указатель индекса {pointer} повреждён ({reason}); выполните voxbot kb build")

    def _unwritable(self, error: OSError) -> KnowledgeError:
        return KnowledgeError(
            f"папка индекса {self.root}: запись не удалась ({error.strerror}); "
            "проверьте место на диске, права и PERSIST_DIRECTORY"
        )

    def _sweep(self) -> None:
        """Remove all versions but the one in use and the one before, which slow readers may still be opening.

        Under a damaged pointer all stay: only the build that is going on will tell which one is in use.
        """
        try:
            current = self.current()
        except KnowledgeError:
            return
        manifest = read_manifest(current) if current else None
        keep = {current.name if current else "", manifest.previous if manifest else ""}
        for folder in self.root.glob("v-*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def read_manifest(folder: Path) -> Manifest | None:
    """Read a version's manifest; None if it is missing or was written by an incompatible program."""
    try:
        return manifest_of((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def manifest_of(text: str) -> Manifest | None:
    """Understand a manifest; None if it was written by an incompatible program."""
    try:
        raw = json.loads(text)
        bases = {kb: BaseManifest(**base) for kb, base in raw.pop("bases").items()}
        manifest = Manifest(bases=bases, **raw)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return manifest if manifest.format == FORMAT else None


def new_version() -> str:
    """Return a name for a new version: the time it was begun, and what makes it different from all others."""
    return f"v-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


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
