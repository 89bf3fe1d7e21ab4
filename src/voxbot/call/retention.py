"""What becomes of recordings after the call: repair of those a crash left, deletion of those that are too old.

Only files whose path is one that media/recording_files.py gives are ever touched; whatever else lies in the
directory stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from voxbot.call.recording import PART, complete, lock
from voxbot.media.recording_files import FILE_NAME, START_FORMAT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

log = structlog.get_logger(__name__)

_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"\d{2}")
_DAY_S = 86_400.0


def repair(directory: Path) -> int:
    """Finish every recording that a crash left as `.part`; return how many. One without any sound is deleted."""
    repaired = 0
    for part in list(_recordings(directory, PART)):
        try:
            with part.open("r+b") as file:
                if not lock(file):  # another unit records this call now
                    continue
                frames = complete(file)
                whole = part.with_name(part.name.removesuffix(PART))
                if frames and not whole.exists():
                    part.rename(whole)
                    repaired += 1
                elif not frames:
                    part.unlink()
        except OSError as error:
            log.warning("Прерванная запись разговора не восстановлена", path=str(part), error=str(error))
    if repaired:
        log.info("Восстановлены прерванные записи разговоров", count=repaired)
    return repaired


def purge(directory: Path, keep_days: int, now: float) -> int:
    """Delete recordings of calls that began more than `keep_days` before `now` (seconds since the epoch).

    0 days keep everything. Month and year folders that are left empty go too. Return how many files were deleted.
    """
    if keep_days <= 0:
        return 0
    oldest = (datetime.fromtimestamp(now).astimezone() - timedelta(days=keep_days)).strftime(START_FORMAT)
    deleted = 0
    for suffix in ("", PART):
        for file in list(_recordings(directory, suffix)):
            if file.name[: len(oldest)] >= oldest:
                continue
            try:
                file.unlink()
                deleted += 1
            except OSError as error:
                log.warning("Старая запись разговора не удалена", path=str(file), error=str(error))
    for month in list(_months(directory)):
        if month.parent.name + month.name >= oldest[:6]:  # a call may be about to be recorded here
            continue
        for folder in (month, month.parent):
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
    if deleted:
        log.info("Удалены старые записи разговоров", count=deleted, keep_days=keep_days)
    return deleted


async def keep_clean(
    directory: Path,
    keep_days: Callable[[], int],
    *,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Repair once, then purge now and every day, asking for `keep_days` anew. Runs until it is cancelled."""
    await asyncio.to_thread(repair, directory)
    while True:
        await asyncio.to_thread(purge, directory, keep_days(), clock())
        await pause(_DAY_S)


def _months(directory: Path) -> Iterator[Path]:
    """Folders `YYYY/MM`; links are not followed."""
    try:
        for year in directory.iterdir():
            if _YEAR.fullmatch(year.name) and year.is_dir() and not year.is_symlink():
                for month in year.iterdir():
                    if _MONTH.fullmatch(month.name) and month.is_dir() and not month.is_symlink():
                        yield month
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("Папка записей разговоров не читается", path=str(directory), error=str(error))


def _recordings(directory: Path, suffix: str) -> Iterator[Path]:
    for month in _months(directory):
        try:
            files = list(month.iterdir())
        except OSError:
            continue
        for file in files:
            name = file.name.removesuffix(suffix) if file.name.endswith(suffix) else ""
            if FILE_NAME.fullmatch(name) and file.is_file() and not file.is_symlink():
                yield file
