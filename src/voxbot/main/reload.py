"""Files that a running unit reads again when they change, each whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import structlog
from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] - it names trio, which need not be there

from voxbot.domain.errors import ConfigError
from voxbot.settings.catalog import changed
from voxbot.settings.loader import DEFAULT_ENV_FILE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping
    from pathlib import Path

    from voxbot.agent.prompts import PromptsSource
    from voxbot.settings.reloads import ReloadJournal
    from voxbot.settings.schema import Settings
    from voxbot.settings.snapshot import SettingsSource

Reload: TypeAlias = Callable[[], Awaitable[object]]
_Stamp: TypeAlias = tuple[int, int, int] | None

_QUIET_MS = 100
"""A file counts as written when nothing in its folder has changed for so long: an editor writes in steps."""

log = structlog.get_logger(__name__)


async def on_change(files: Mapping[Path, Reload], interval_s: float) -> None:
    """Call a file's function whenever the file has changed, come or gone; runs until it is cancelled.

    A change is noticed at once where the file system tells of it, and within `interval_s` in any case. Every file
    that is there counts as changed at first: it may have been, since the unit read it and then loaded its models.
    """
    stamps: dict[Path, _Stamp] = dict.fromkeys(files)
    async for _ in _hints({path.absolute() for path in files}, interval_s):
        for path, reload in files.items():
            stamp = await asyncio.to_thread(_stamp, path)
            if stamp != stamps[path]:
                stamps[path] = stamp
                await reload()


def reload_settings(source: SettingsSource, journal: ReloadJournal) -> Settings | None:
    """Take the settings anew and return what was in force before; None, and nothing changes, if they are wrong.

    Says in the log which of the changes have to wait for a restart.
    """
    before, file = source.current, source.file or DEFAULT_ENV_FILE
    try:
        after = source.reload()
    except ConfigError as error:
        log.error("Настройки не обновлены, действуют прежние", reason=str(error))
        journal.refused(file, str(error))
        return None
    differences = changed(before, after)
    names = ", ".join(item.name for item in differences)
    if differences:
        log.info("Настройки обновлены", variables=names)
    journal.taken(file, f"Настройки обновлены: {names}" if names else "Настройки прежние", changed=bool(names))
    if waiting := [item.name for item in differences if not item.live]:
        log.warning("Эти настройки вступят в силу после перезапуска", variables=", ".join(waiting))
    return before


def reload_prompts(prompts: PromptsSource, journal: ReloadJournal) -> bool:
    """Take the prompts anew; True if they changed. Blocks for the time of reading a file."""
    differ = prompts.reload()
    if prompts.failure:
        journal.refused(prompts.path, prompts.failure)
    else:
        journal.taken(prompts.path, "Промпты обновлены" if differ else "Промпты прежние", changed=differ)
    return differ


async def _hints(paths: Collection[Path], interval_s: float) -> AsyncGenerator[None, None]:
    """Yield when one of the files may have changed: when the system says so, and every `interval_s`."""
    interval_ms = int(interval_s * 1000)
    names = {str(path) for path in paths}
    # The folders are watched: a file that is replaced, as editors and this program do, is another file afterwards.
    folders = {path.parent for path in paths}
    yield
    try:
        async for _ in awatch(
            *folders,
            watch_filter=lambda _, path: path in names,
            recursive=False,
            step=_QUIET_MS,
            rust_timeout=interval_ms,
            yield_on_timeout=True,
        ):
            yield
    except OSError as error:  # a folder that is not there, or no more watches to be had
        log.info("Слежу за файлами по времени", reason=str(error), interval_s=interval_s)
    while True:
        await asyncio.sleep(interval_s)
        yield


def _stamp(path: Path) -> _Stamp:
    """What changes with the file; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
