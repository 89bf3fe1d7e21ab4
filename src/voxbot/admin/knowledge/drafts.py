"""Texts on their way to be a knowledge base: each a folder with its Markdown and what is known of it.

A draft is kept until it is deleted or 30 days old; what a job is about to publish is a draft, so a restart finds it.
One that is in force is shown to nobody, and kept for an hour: a job that was broken off at its very end is done again.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.documents import prepare, split_document
from voxbot.knowledge.uploads.converting import convert_file, kind_of
from voxbot.knowledge.uploads.refusal import UploadError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voxbot.domain.dialogue import KbName

_KEPT_S = 30 * 86_400
_LEFT_S = 3600.0
"""What is older and no draft, or in force, is deleted: a process that was killed over it has long been replaced."""
_MAX_DRAFTS = 100
_ID = re.compile(r"[0-9a-f]{32}")
_MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """A text meant for base `kb`; `name` is that of the file it came from. `created_at`: seconds since the epoch.

    `base` is the digest of the base that the text was written over (None: of no particular one); a base that is another
    by now must not be replaced unseen. A `section` goes to the end of whatever the base is. `staged` is the digest
    of what a job is putting in force, `former` the backup of what that replaces, `result` what came of it.
    """

    id: str
    kb: KbName
    name: str
    created_at: float
    base: str | None = None
    section: str | None = None
    staged: str | None = None
    former: str | None = None
    result: Mapping[str, Any] | None = None


class Drafts:
    """The drafts in a folder. Every method may raise KnowledgeError when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def from_upload(self, kb: KbName, name: str, content: bytes, *, base: str | None = None) -> Draft:
        """Convert an uploaded file. Raises UploadError for one that cannot become a knowledge base."""
        name = _clean_name(name)
        kind = kind_of(name)
        folder = await asyncio.to_thread(self._new)
        try:
            source, result = folder / f"source.{kind}", folder / "converted.md"
            await asyncio.to_thread(_write_bytes, source, content)
            text = await convert_file(kind, source, result, title=name.rpartition(".")[0] or name)
            await asyncio.to_thread(_remove, source, result)
            return await asyncio.to_thread(self._keep, Draft(folder.name, kb, name, time.time(), base), text)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def from_text(
        self, kb: KbName, name: str, text: str, *, base: str | None = None, section: str | None = None
    ) -> Draft:
        """Keep a text that was written in the panel. Raises UploadError for one that cannot become a base."""
        folder = await asyncio.to_thread(self._new)
        draft = Draft(folder.name, kb, _clean_name(name), time.time(), base, section)
        try:
            return await asyncio.to_thread(self._keep, draft, text)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def rewrite(self, draft: Draft, text: str, base: str) -> Draft:
        """Put another text, written over `base`, in a draft's place. Raises UploadError as `from_text`."""
        return await asyncio.to_thread(self._keep, replace(draft, base=base, section=None), text)

    def note(self, draft: Draft, **known: Any) -> Draft:
        """Write down what became of a draft. Blocking."""
        draft = replace(draft, **known)
        self._write(draft, {"draft.json": json.dumps(asdict(draft), ensure_ascii=False)})
        return draft

    def find(self, draft_id: str) -> Draft | None:
        """Read a draft's description, None if it is in force already. Blocking."""
        draft = self.find_any(draft_id)
        return None if draft is None or draft.result is not None else draft

    def find_any(self, draft_id: str) -> Draft | None:
        """Read a draft's description, be it in force or not. Blocking."""
        if not _ID.fullmatch(draft_id):
            return None
        try:
            raw = json.loads((self._folder / draft_id / "draft.json").read_text(encoding="utf-8"))
            return Draft(**raw)
        except (OSError, ValueError, TypeError):
            return None

    def text(self, draft: Draft) -> str:
        """Read a draft's Markdown. Blocking."""
        try:
            return (self._folder / draft.id / "text.md").read_text(encoding="utf-8")
        except OSError as error:
            raise KnowledgeError(f"черновика {draft.name} больше нет; загрузите файл снова") from error

    def every(self) -> list[Draft]:
        """List drafts, newest first. Blocking."""
        found = [draft for path in self._folder.glob("*/draft.json") if (draft := self.find(path.parent.name))]
        return sorted(found, key=lambda draft: draft.created_at, reverse=True)

    def delete(self, draft: Draft) -> None:
        """Forget a draft. Blocking."""
        shutil.rmtree(self._folder / draft.id, ignore_errors=True)

    def _new(self) -> Path:
        self._forget_oldest()
        folder = self._folder / uuid4().hex
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise KnowledgeError(
                f"папка черновиков {self._folder}: нельзя записать ({error.strerror}); проверьте диск и права"
            ) from error
        return folder

    def _keep(self, draft: Draft, text: str) -> Draft:
        checked = check_text(draft.kb, text)
        self._write(draft, {"text.md": checked, "draft.json": json.dumps(asdict(draft), ensure_ascii=False)})
        return draft

    def _write(self, draft: Draft, files: Mapping[str, str]) -> None:
        folder = self._folder / draft.id
        try:
            for file, content in files.items():
                written = folder / f"{file}.{uuid4().hex}.new"  # two processes may be at one draft
                written.write_text(content, encoding="utf-8", newline="")
                written.replace(folder / file)
        except OSError as error:
            raise KnowledgeError(
                f"черновик {folder}: нельзя записать ({error.strerror}); проверьте диск и права"
            ) from error

    def _forget_oldest(self) -> None:
        for folder in self._folder.glob("*"):
            if self.find(folder.name) is None and _age_s(folder) > _LEFT_S:
                shutil.rmtree(folder, ignore_errors=True)
        for number, draft in enumerate(self.every()):
            if number >= _MAX_DRAFTS or draft.created_at < time.time() - _KEPT_S:
                self.delete(draft)


def check_text(kb: KbName, text: str) -> str:
    """Give the text as it will stand in the file, headings repeated. Raises UploadError if nothing can be answered."""
    if "\0" in text:
        raise UploadError("undecodable", "Это не текст: в нём есть нулевые знаки.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UploadError("undecodable", "В тексте есть знаки, которых нет в Юникоде.") from None
    if not text.strip():
        raise UploadError("empty", "Текст пуст.")
    if next(split_document(kb, text), None) is None:
        raise UploadError("no_chunks", "Под заголовками нет текста: отвечать будет не из чего. Добавьте сведения.")
    return prepare(text.removeprefix("\ufeff"))


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _clean_name(name: str) -> str:
    """Make of what a client calls its file a name that any file, process and page can take."""
    last = name.replace("\\", "/").rpartition("/")[2]
    written = last.encode(errors="replace").decode()
    return "".join(char for char in written if char.isprintable())[-_MAX_NAME_CHARS:]


def _write_bytes(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise KnowledgeError(f"{path.parent}: нельзя записать ({error.strerror}); проверьте диск и права") from error


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
