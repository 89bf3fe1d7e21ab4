"""How a unit stops: on SIGTERM or SIGINT its work is cancelled, and it frees what it holds."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def until_stopped(work: Coroutine[Any, Any, T]) -> T | None:
    """Run `work` to its end, or until a stop signal: then None. Raises what it raises."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, task.cancel)
    try:
        await asyncio.wait({task})
    finally:
        if not task.done():  # our own cancellation
            task.cancel()
            await asyncio.wait({task})
    return None if task.cancelled() else task.result()
