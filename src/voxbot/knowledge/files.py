"""A knowledge base's file: read, replaced in one step, and its former contents kept beside it in `backups/`."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from voxbot.domain.errors import KnowledgeError

if TYPE_CHECKING:
    from pathlib import Path

    from voxbot.domain.dialogue import KbName

FOLDER = "backups"
KEPT_BACKUPS = 100
_LOOKED_THROUGH = 20
"""Of former contents that one is looked for among: a draft is seldom older."""
_PREFIX: dict[KbName, str] = {"general": "knowledge_base_", "tech": "knowledge_base2_"}
_STAMP = "%Y-%m-%d_%H-%M-%S"
_NAME = re.compile(r"knowledge_base2?_(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:_\d+)?\.md\.bak")


@dataclass(frozen=True, slots=True)
class Backup:
    """A former content. `at` is local time without a zone: when it was replaced."""

    kb: KbName
    name: str
    at: datetime
    size_bytes: int


class BaseFile:
    """One base's file. All methods block; raise KnowledgeError where the disk refuses."""

    def __init__(self, kb: KbName, path: Path) -> None:
        self.kb: KbName = kb
        self.path = path
        self._backups = path.parent / FOLDER

    def text(self) -> str | None:
        """Return the text as it is; None if there is no such file."""
        try:
            return self.path.read_text(encoding="utf-8-sig", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KnowledgeError(f"база знаний {self.path} не читается ({error.strerror}); проверьте права") from error

    def exact_text(self) -> str:
        """Return the text that a new one is made of, empty without a file.

        Raises KnowledgeError where the file is not UTF-8: its strange letters would be lost for good.
        """
        content = self._content()
        try:
            return "" if content is None else content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise KnowledgeError(
                f"база знаний {self.path} не в UTF-8 (байт {error.start}); сохраните файл в этой кодировке"
            ) from error

    def digest(self) -> str:
        """Tell one content from another; empty without a file."""
        content = self._content()
        return "" if content is None else hashlib.sha256(content).hexdigest()

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KnowledgeError(f"база знаний {self.path} не читается ({error.strerror}); проверьте права") from error

    def stage(self, text: str) -> Path:
        """Write the future content beside the file, and the present one into the backups.

        What `install` still has to do is to rename a file in its folder.
        """
        staged = self.path.with_name(f".{self.path.name}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():
                staged.chmod(self.path.stat().st_mode)
                if (before := self.path.read_bytes()) != staged.read_bytes():
                    self._keep(before)
        except OSError as error:
            self.discard()
            raise KnowledgeError(
                f"база знаний {self.path}: рядом с ней нельзя записать файл ({error.strerror}), "
                f"или не сохраняется копия в {self._backups}; проверьте место на диске и права"
            ) from error
        return staged

    def install(self, staged: Path) -> Backup | None:
        """Put the staged content in force and keep the former one; None if they are the same. Atomic and durable."""
        before = self.path.read_bytes() if self.path.exists() else None
        if before == staged.read_bytes():
            staged.unlink()
            return None
        try:
            backup = self._keep(before) if before is not None else None  # there already, unless the file has changed
            staged.replace(self.path)
            _sync(self.path.parent)
        except OSError as error:
            raise KnowledgeError(
                f"база знаний {self.path} не заменена ({error.strerror}); проверьте место на диске и права"
            ) from error
        self._forget_oldest()
        return backup

    def discard(self) -> None:
        """Forget what was staged and not installed."""
        with suppress(OSError):
            self.path.with_name(f".{self.path.name}.new").unlink(missing_ok=True)

    def backups(self) -> list[Backup]:
        """List former contents, newest first."""
        found: list[Backup] = []
        for path in self._backups.glob(f"{_PREFIX[self.kb]}*"):
            if match := _NAME.fullmatch(path.name):
                at = datetime.strptime(match[1], _STAMP)  # noqa: DTZ007 - staff read local time
                found.append(Backup(self.kb, path.name, at, path.stat().st_size))
        return sorted(found, key=lambda backup: (backup.at, backup.name), reverse=True)

    def backup_text(self, name: str, *, exact: bool = False) -> str | None:
        """Read a former content; None if this base has no backup of that name.

        `exact`: raise KnowledgeError where it is not UTF-8.
        """
        if not _NAME.fullmatch(name) or not name.startswith(_PREFIX[self.kb]):
            return None
        try:
            return (self._backups / name).read_text(encoding="utf-8-sig", errors="strict" if exact else "replace")
        except UnicodeDecodeError as error:
            raise KnowledgeError(f"копия {name} не в UTF-8; верните её файлом, сохранив в этой кодировке") from error
        except OSError:
            return None

    def former_text(self, digest: str) -> str | None:
        """Read the content, be it the present or a former one, that `digest` told; None if it is not kept."""
        former = map(self._backup_content, self.backups()[:_LOOKED_THROUGH])
        for content in chain([self._content()], former):
            if content is not None and hashlib.sha256(content).hexdigest() == digest:
                return content.decode("utf-8-sig", "replace")
        return None if digest else ""

    def _backup_content(self, backup: Backup) -> bytes | None:
        try:
            return (self._backups / backup.name).read_bytes()
        except OSError:
            return None

    def _keep(self, content: bytes) -> Backup:
        """Keep a content, unless the newest backup is that already: a job that is done again keeps no second one."""
        self._backups.mkdir(exist_ok=True)
        newest = next(iter(self.backups()), None)
        if newest and (self._backups / newest.name).read_bytes() == content:
            return newest
        at = datetime.now().replace(microsecond=0)  # noqa: DTZ005 - staff read local time
        for number in range(1, 1000):
            name = f"{_PREFIX[self.kb]}{at:{_STAMP}}{'' if number == 1 else f'_{number}'}.md.bak"
            try:
                with (self._backups / name).open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            except FileExistsError:
                continue
            _sync(self._backups)
            return Backup(self.kb, name, at, len(content))
        raise KnowledgeError(f"{self._backups}: слишком много копий за одну секунду; повторите")

    def _forget_oldest(self) -> None:
        for backup in self.backups()[KEPT_BACKUPS:]:
            with suppress(OSError):
                (self._backups / backup.name).unlink()


def _sync(folder: Path) -> None:
    """Make a renaming in a folder outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
