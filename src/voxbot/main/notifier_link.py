"""The notifier's two processes, joined by a pair of pipes.

One takes events and answers, the other folds them and talks to Telegram: what the second one works at never keeps a
host waiting, and the kernel gives it what the first one leaves. Down the pipe goes a line for «there are events», up
come `ready` and the counts of requests to Telegram, a JSON document a line. Neither waits for the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxbot.notifier.observer import OperationCounts

_RESTART_FIRST_S = 1.0
_RESTART_LAST_S = 30.0
_HEALTHY_S = 60.0
"""A worker that ran longer than this is started again after the shortest pause."""
_STOP_S = 25.0
"""Longer than requests to Telegram that are under way may take to end."""
_UNREAD_BYTES = 1 << 16
_READY = b"ready\n"

log = structlog.get_logger(__name__)


class Worker:
    """The second process, kept running. What it counts is added to `counts`."""

    def __init__(self, env_file: Path | None, own_url: str, counts: OperationCounts) -> None:
        """`own_url` is where the unit listens: links to calls' pages may begin with it."""
        options = ["--env", str(env_file)] if env_file else []
        self._command = (sys.executable, "-m", "voxbot", *options, "notifier", "worker", "--own-url", own_url)
        self._counts = counts
        self._process: asyncio.subprocess.Process | None = None
        self.ready = False
        """Whether it is at work."""

    def wake(self) -> None:
        """Say that events have been accepted. Never blocks, nor fails: a worker that starts looks by itself."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if process.stdin.transport.get_write_buffer_size() == 0:  # else it has not read the last line yet
            process.stdin.write(b"\n")

    async def run(self) -> None:
        """Keep it running until cancelled; then let it finish its requests."""
        pause_s = _RESTART_FIRST_S
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            status = await self._run_once()
            if loop.time() - started > _HEALTHY_S:
                pause_s = _RESTART_FIRST_S
            log.error("Доставка в Telegram остановилась, запускаю снова", status=status, seconds=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _RESTART_LAST_S)

    async def _run_once(self) -> int:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        assert process.stdout is not None
        self._process = process
        try:
            async for line in process.stdout:
                self.ready |= line == _READY
                count(line, self._counts)
            return await process.wait()
        finally:
            self._process, self.ready = None, False
            if process.returncode is None:
                await _stop(process)


class Counter:
    """The worker's end: counts go up the pipe. None is worth waiting for, so a full pipe loses them."""

    def __init__(self, pipe: asyncio.WriteTransport) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Say that the worker is at work."""
        self._pipe.write(_READY)

    def operation(self, action: str, result: str, delay_s: float | None = None) -> None:
        """See NotifierMetrics.operation."""
        self._send({"action": action, "result": result, "delay_s": delay_s})

    def retry(self) -> None:
        """See NotifierMetrics.retry."""
        self._send({"retry": True})

    def _send(self, said: dict[str, Any]) -> None:
        if not self._pipe.is_closing() and self._pipe.get_write_buffer_size() < _UNREAD_BYTES:
            self._pipe.write(json.dumps(said).encode() + b"\n")


def count(line: bytes, counts: OperationCounts) -> None:
    """Add a line that came up the pipe; what is none of ours is left out."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = cast("dict[str, Any]", json.loads(line))
        if "retry" in said:
            counts.retry()
        else:
            counts.operation(said["action"], said["result"], said["delay_s"])


async def open_counter() -> Counter:
    """Take this process's stdout as the pipe up."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
    return Counter(transport)


async def listen_to_parent(on_events: Callable[[], None]) -> None:
    """Call `on_events` whenever a line comes down the pipe, this process's stdin; return when it is closed."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(_UNREAD_BYTES):
        on_events()


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
