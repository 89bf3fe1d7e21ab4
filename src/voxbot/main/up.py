"""`voxbot up`: all units on one machine, each a process of its own, supervised.

A unit that ends with status 2 has found something that the operator must put right: restarting would only hide
its message, so everything stops. Any other end is a crash: the unit is started again after a growing pause.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import structlog

from voxbot.main.context import EXIT_BAD_SETUP
from voxbot.main.knowledge import ensure_index
from voxbot.main.lifecycle import SUPERVISED, until_stopped
from voxbot.main.progress import index_progress

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

UNITS = ("bot", "api", "notifier")
_RESTART_FIRST_S = 1.0
_RESTART_LAST_S = 30.0
_HEALTHY_S = 60.0
"""A unit that ran longer than this is started again without delay."""
_STOP_S = 20.0
_BOT_READY_S = 12.0


class UnitFailedError(Exception):
    """A unit cannot run on this setup; it has said why."""


async def run(settings: Settings, env_file: str | None) -> int:
    """Build what is missing and supervise until SIGTERM or SIGINT; return the exit status."""
    return await until_stopped(_supervise(settings, env_file)) or 0


async def _supervise(settings: Settings, env_file: str | None) -> int:
    with index_progress(shown=True) as progress:
        await ensure_index(settings, progress)
    ready = {unit: asyncio.Event() for unit in UNITS}
    status = 0
    try:
        async with asyncio.TaskGroup() as units:
            for unit in UNITS:
                units.create_task(_keep_running(unit, env_file, ready[unit]))
            units.create_task(_tell_what_to_try(settings, **ready))
    except* UnitFailedError:
        status = EXIT_BAD_SETUP
    return status


async def _keep_running(unit: str, env_file: str | None, ready: asyncio.Event) -> None:
    pause_s = _RESTART_FIRST_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        status = await _run_once(unit, env_file, ready)
        if loop.time() - started > _HEALTHY_S:
            pause_s = _RESTART_FIRST_S
        if status == EXIT_BAD_SETUP:
            raise UnitFailedError(unit)
        log.error("Процесс завершился, запускаю снова", unit=unit, status=status, seconds=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _RESTART_LAST_S)


async def _run_once(unit: str, env_file: str | None, ready: asyncio.Event) -> int:
    """Run one unit to its end, passing its stdout on; on cancellation stop it by its pid."""
    options = ["--env", env_file] if env_file else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voxbot",
        *options,
        unit,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, SUPERVISED: "1"},
    )  # a session of its own: Ctrl+C in the terminal stops the units through us, in order
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()
            if line.startswith(b"ready "):
                ready.set()
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _tell_what_to_try(
    settings: Settings, bot: asyncio.Event, api: asyncio.Event, notifier: asyncio.Event
) -> None:
    """Say what works now. A bot that finds no Asterisk goes on looking for it, so it is not waited for long."""
    await api.wait()
    await notifier.wait()
    try:
        async with asyncio.timeout(_BOT_READY_S):
            await bot.wait()
        phone = f"приложение Stasis «{settings.ari.app_name}» готово: позвоните на его номер"
    except TimeoutError:
        phone = f"Asterisk по адресу {settings.ari.url} пока не отвечает, жду его"
    print(
        f"""
VoxBot работает.
  Телефон     {phone}
  Журнал      http://{settings.api.host}:{settings.api.port}/logs   (описание API: /docs)
  Telegram    события звонков: http://{settings.notifier.host}:{settings.notifier.port}   (voxbot notifier --help)
Попробуйте без телефона, в другом окне:
  .venv/bin/voxbot chat
  .venv/bin/voxbot ask "сколько стоит разрывная машина на сто килоньютонов"
  .venv/bin/voxbot simulate --wav tests/asterisk_lab/audio/price.wav --out heard.wav
Остановить: Ctrl+C
""",
        flush=True,
    )
