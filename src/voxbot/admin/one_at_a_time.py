"""Work that takes seconds of the processor: one piece at a time, its result kept a while, ended with its client."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from voxbot.admin.problems import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from fastapi import Request

T = TypeVar("T")

_KEPT_S = 30.0
_MOST_KEPT = 32
_LOOK_S = 0.2


class OneAtATime:
    """Give it what to work out, and a name that says what makes two results the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._results: dict[Hashable, tuple[float, Any]] = {}

    async def result(self, request: Request, name: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Give the result of `work`, or one of the same name that is not older than 30 s.

        Raises what `work` raises, and ApiError when the client of `request` has gone: then the work has stopped.
        """
        working = asyncio.create_task(self._worked_out(name, work))
        try:
            while not (await asyncio.wait({working}, timeout=_LOOK_S))[0]:
                if await request.is_disconnected():
                    raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "client_gone", "Ответа никто не ждёт.")
            return working.result()
        finally:
            working.cancel()
            await asyncio.wait({working})
            if not working.cancelled():
                working.exception()  # it has been seen, or nobody is there to see it

    async def _worked_out(self, name: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            now = self._clock()
            self._results = {key: kept for key, kept in self._results.items() if now - kept[0] < _KEPT_S}
            if name not in self._results:
                found = await work()
                if len(self._results) >= _MOST_KEPT:
                    del self._results[next(iter(self._results))]
                self._results[name] = (self._clock(), found)
            return cast("T", self._results[name][1])
