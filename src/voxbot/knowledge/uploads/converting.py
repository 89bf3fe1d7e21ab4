"""An uploaded file to Markdown, by a process with limits of its own: time, memory, processor."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakKeyDictionary

import structlog

from voxbot.knowledge.uploads.refusal import UploadError
from voxbot.knowledge.uploads.worker import REFUSED

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

UploadKind: TypeAlias = Literal["md", "txt", "docx", "pdf"]
KINDS: tuple[UploadKind, ...] = ("md", "txt", "docx", "pdf")

WALL_S = 90.0
_AT_ONCE = 2
"""Each may take its 1.5 GB; more uploads wait for their turn."""
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_TOO_COMPLEX = "Документ слишком велик или сложен: разобрать его не хватило времени или памяти. Разделите его на части."


def kind_of(name: str) -> UploadKind:
    """Tell a file's kind by its name. Raises UploadError for one that is not taken."""
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    for kind in KINDS:
        if suffix == kind:
            return kind
    raise UploadError(
        "type", "Такие файлы не принимаются. Загрузите Markdown (.md), текст (.txt), Word (.docx) или PDF (.pdf)."
    )


async def convert_file(kind: UploadKind, source: Path, result: Path, *, title: str, wall_s: float = WALL_S) -> str:
    """Convert `source`; the Markdown is also in `result`. `title` heads a text without headings. Raises UploadError."""
    if not (await asyncio.to_thread(source.stat)).st_size:
        raise UploadError("empty", "Файл пуст.")
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)):
        await _convert(kind, source, result, title, wall_s)
    return await asyncio.to_thread(result.read_text, encoding="utf-8")


async def _convert(kind: UploadKind, source: Path, result: Path, title: str, wall_s: float) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voxbot.knowledge.uploads.worker",
        kind,
        str(source),
        str(result),
        title,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # The threads of numeric libraries reserve more memory than the limit allows.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        async with asyncio.timeout(wall_s):
            said, _ = await process.communicate()
    except TimeoutError:
        raise UploadError("too_complex", _TOO_COMPLEX) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == REFUSED:
        raise _refusal(said)
    if process.returncode:
        log.warning("Разбор файла прерван", kind=kind, status=process.returncode)
        raise UploadError("too_complex", _TOO_COMPLEX)


def _refusal(said: bytes) -> UploadError:
    try:
        document: dict[str, str] = json.loads(said)
        return UploadError(document["reason"], document["text"])
    except (ValueError, KeyError, TypeError):
        return UploadError("too_complex", _TOO_COMPLEX)
