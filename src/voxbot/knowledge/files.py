"""A knowledge base's file: read, replaced in one step, and its former contents kept beside it in `backups/`."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.replacing import Replacing, write_new
from voxbot.store.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Generator
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


class BaseChangedError(KnowledgeError):
    """The file is not what it was when its future content was made."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A future content in a file of its own. `backup` is what it is going to replace, None if that is the same."""

    path: Path
    backup: Backup | None


class BaseFile:
    """One base's file. All methods block; raise KnowledgeError where the disk refuses."""

    def __init__(self, kb: KbName, path: Path) -> None:
        self.kb: KbName = kb
        self.path = path
        self._backups = path.parent / FOLDER
        self._replacing = Replacing(path)

    def text(self) -> str | None:
        """Return the text as it is; None if there is no such file."""
        try:
            return self.path.read_text(encoding="utf-8-sig", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KnowledgeError(f"база знаний {self.path} не читается ({error.strerror}); проверьте права") from error

    def is_lossy(self) -> bool:
        """Whether `text` shows marks in place of bytes that are no UTF-8."""
        try:
            self.exact_text()
        except KnowledgeError:
            return True
        return False

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

    def stage(self, text: str) -> Staged:
        """Write the future content beside the file, under a name of its own, and the present one into the backups.

        What `installed` still has to do is to rename a file in its folder.
        """
        backup = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            path = self._replacing.stage(text.encode())
            try:
                before = self._content()
                if before is not None and before != path.read_bytes():
                    backup = self._keep(before)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise KnowledgeError(
                f"база знаний {self.path}: рядом с ней нельзя записать файл ({error.strerror}), "
                f"или не сохраняется копия в {self._backups}; проверьте место на диске и права"
            ) from error
        return Staged(path, backup)

    @contextmanager
    def installed(self, staged: Staged, over: str | None = None) -> Generator[None]:
        """Put the staged content in force; if what is done then in the `with` fails, the former one is back.

        `over` is the digest that the file must still have. Raises BaseChangedError if it has another.
        """
        content = staged.path.read_bytes()
        before = self._content()
        if before == content:
            yield
            return
        if over is not None and over != (hashlib.sha256(before).hexdigest() if before is not None else ""):
            raise BaseChangedError(f"база знаний {self.path} изменилась, пока строился индекс; повторите")
        try:
            backup = self._keep(before) if before is not None else None  # there already, unless the file has changed
            self._replacing.put(staged.path, backup and self._backups / backup.name)
        except OSError as error:
            raise KnowledgeError(
                f"база знаний {self.path} не заменена ({error.strerror}); проверьте место на диске и права"
            ) from error
        try:
            yield
        except BaseException:
            self.put_back(backup.name if backup else None)
            raise
        self._forget_oldest()

    def put_back(self, backup: str | None) -> None:
        """Put a former content in force again, without a trace of the one between; None: there was no file."""
        try:
            if backup is None:
                self._replacing.target.unlink(missing_ok=True)
                return
            kept = self._backups / backup
            self._replacing.put(self._replacing.stage(kept.read_bytes()), kept)
        except OSError as error:
            raise KnowledgeError(
                f"база знаний {self.path}: прежний текст не возвращён ({error.strerror}); верните копию {backup}"
            ) from error

    def recover(self) -> None:
        """Mend what a process left that was killed while it wrote over the file."""
        try:
            self._replacing.recover()
        except OSError as error:
            raise KnowledgeError(
                f"база знаний {self.path} записана не до конца и не восстановлена ({error.strerror}); "
                f"верните текст из {self._backups}"
            ) from error

    def discard(self, staged: Staged) -> None:
        """Forget what was staged, installed or not."""
        with suppress(OSError):
            staged.path.unlink(missing_ok=True)

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
                write_new(self._backups / name, content)
            except FileExistsError:
                continue
            sync_folder(self._backups)
            return Backup(self.kb, name, at, len(content))
        raise KnowledgeError(f"{self._backups}: слишком много копий за одну секунду; повторите")

    def _forget_oldest(self) -> None:
        for backup in self.backups()[KEPT_BACKUPS:]:
            with suppress(OSError):
                (self._backups / backup.name).unlink()
