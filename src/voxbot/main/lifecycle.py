"""How a unit stops: on SIGTERM or SIGINT its work is cancelled, and it frees what it holds."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

SUPERVISED = "VOXBOT_SUPERVISED"
"""Set in the environment of units that `voxbot up` starts."""
_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when its parent dies."""


def supervised() -> bool:
    """Whether this process is a unit of `voxbot up`."""
    return bool(os.environ.get(SUPERVISED))


def end_with_supervisor() -> None:
    """Have a unit of `voxbot up` told to stop even if `up` itself is killed and cannot tell it."""
    if supervised():
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def die_with_parent() -> None:
    """Have this process killed when its parent dies, however that dies: who comes after it must find nobody at work."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died in between
        os.kill(os.getpid(), signal.SIGKILL)


async def until_stopped(work: Coroutine[Any, Any, T]) -> T | None:
    """Run `work` to its end, or until a stop signal: then None. Raises what it raises."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    stopping = False

    def stop() -> None:
        # Once: a second signal (an impatient Ctrl+C, or both a supervisor's and systemd's) must not break off the
        # handing over of live calls.
        nonlocal stopping
        if not stopping:
            stopping = True
            task.cancel()

    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop)
    try:
        await asyncio.wait({task})
    finally:
        if not task.done():  # our own cancellation
            task.cancel()
            await asyncio.wait({task})
    return None if task.cancelled() else task.result()
