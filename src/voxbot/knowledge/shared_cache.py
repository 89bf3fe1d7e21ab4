"""Vectors that other processes share: memory in front of a file or a server that may fail at any time.

The rule: a question waits at most READ_BUDGET_S for the shared place and never fails because of it. So connecting,
reconnecting and writing are done beside the questions, and a place that failed is left alone for a growing pause.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Protocol

import structlog

from voxbot.domain.errors import StoreError
from voxbot.knowledge.cache import MemoryEmbeddingCache
from voxbot.knowledge.vector_bytes import decode, encode, key_bytes

if TYPE_CHECKING:
    from voxbot.knowledge.embedder import Vectors

READ_BUDGET_S = 0.04
"""With what the event loop adds, a question waits less than 50 ms."""

_FIRST_PAUSE_S = 1.0
_LAST_PAUSE_S = 60.0
_STEADY_S = 60.0
"""Up for so long, a place has recovered: its next failure is news, and is retried soon."""
_TIMEOUTS_TO_FAIL = 2
"""One late answer may be the event loop's own delay, as while models are loaded."""
_QUEUED_WRITES = 256
_CLOSE_S = 0.5

log = structlog.get_logger(__name__)


class ByteStore(Protocol):
    """A place outside this process that keeps bytes. All but `close` raise StoreError.

    Any call may be cancelled. `open` may be called again after a failure, and then begins anew; it must notice a
    place that can be read but not written.
    """

    open_timeout_s: ClassVar[float]
    write_timeout_s: ClassVar[float]
    """How long `open` and `put` may take."""

    @property
    def where(self) -> str:
        """What to call the place in the log; without credentials."""
        ...

    async def open(self) -> None:
        """Make ready for use."""
        ...

    async def get(self, key: bytes) -> bytes | None:
        """Return the bytes kept under `key`."""
        ...

    async def put(self, key: bytes, value: bytes) -> None:
        """Keep bytes under `key`."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class SharedEmbeddingCache:
    """An EmbeddingCache. One warning says that the place failed; it is tried again quietly."""

    def __init__(self, store: ByteStore, memory: MemoryEmbeddingCache | None = None) -> None:
        self._store = store
        self._memory = memory or MemoryEmbeddingCache()
        self._writes: asyncio.Queue[tuple[str, Vectors]] = asyncio.Queue(_QUEUED_WRITES)
        self._writer: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[bytes | None]] = set()
        self._up_since: float | None = None
        self._retry_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._timeouts = 0
        self._warned = False
        self._told = False
        """Whether the outage of now was logged."""

    async def open(self) -> None:
        """Open the place, or find out that it does not work: either way the cache can be used afterwards."""
        self._writer = asyncio.create_task(self._write_queued())
        await self._open_store()

    async def get(self, key: str) -> Vectors | None:
        """Return the vector kept under `key`, within READ_BUDGET_S."""
        vector = await self._memory.get(key)
        if vector is not None or not self._is_up():
            return vector
        data = await self._read(key_bytes(key))
        vector = decode(data) if data else None
        if vector is not None:
            await self._memory.put(key, vector)
        return vector

    async def put(self, key: str, vector: Vectors) -> None:
        """Keep a vector: in memory at once, in the shared place soon; if too much waits already, only in memory."""
        await self._memory.put(key, vector)
        if self._is_up() and not self._writes.full():
            self._writes.put_nowait((key, vector))

    async def close(self) -> None:
        """Write what waits, if that is quick, and let go of the place."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._writes.join()
        tasks = [task for task in (self._writer, self._opening, *self._reading) if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)
        self._up_since = None
        self._retry_at = float("inf")
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._store.close()

    async def _read(self, key: bytes) -> bytes | None:
        """Ask the place, but not longer than the budget: even its tidying up after that is not waited for."""
        reading = asyncio.create_task(self._store.get(key))
        self._reading.add(reading)
        reading.add_done_callback(self._has_read)
        try:
            await asyncio.wait({reading}, timeout=READ_BUDGET_S)
        finally:
            reading.cancel()
        if not reading.done():
            self._timed_out()
            return None
        if (error := reading.exception()) is None:
            self._timeouts = 0
            return reading.result()
        if not isinstance(error, StoreError):
            raise error
        self._failed(str(error))
        return None

    def _has_read(self, reading: asyncio.Task[bytes | None]) -> None:
        self._reading.discard(reading)
        _ = reading.cancelled() or reading.exception()  # one that came too late is nobody's news

    async def _write_queued(self) -> None:
        while True:
            key, vector = await self._writes.get()
            try:
                if self._up_since is not None:
                    async with asyncio.timeout(self._store.write_timeout_s):
                        await self._store.put(key_bytes(key), encode(vector))
                    self._timeouts = 0
            except TimeoutError:
                self._timed_out()
            except StoreError as error:
                self._failed(str(error))
            finally:
                self._writes.task_done()

    def _is_up(self) -> bool:
        """Tell whether the place can be asked; if the pause is over, begin to find out, without waiting for it."""
        if self._up_since is not None:
            return True
        idle = self._opening is None or self._opening.done()
        if idle and asyncio.get_running_loop().time() >= self._retry_at:
            self._opening = asyncio.create_task(self._open_store())
        return False

    async def _open_store(self) -> None:
        try:
            async with asyncio.timeout(self._store.open_timeout_s):
                await self._store.open()
        except TimeoutError:
            self._failed("не отвечает")
        except StoreError as error:
            self._failed(str(error))
        else:
            self._up_since = asyncio.get_running_loop().time()
            self._timeouts = 0
            if self._told:
                log.info("Кэш эмбеддингов снова доступен", cache=self._store.where)
            self._told = False

    def _timed_out(self) -> None:
        self._timeouts += 1
        if self._timeouts >= _TIMEOUTS_TO_FAIL:
            self._failed("не отвечает")

    def _failed(self, reason: str) -> None:
        """Leave the place alone for a while; say so once."""
        now = asyncio.get_running_loop().time()
        if self._up_since is not None and now - self._up_since >= _STEADY_S:
            self._pause_s = _FIRST_PAUSE_S
            self._warned = False
        self._up_since = None
        self._retry_at = now + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LAST_PAUSE_S)
        if not self._warned:
            self._warned = self._told = True
            log.warning(
                "Кэш эмбеддингов недоступен, помню вопросы только в памяти", cache=self._store.where, reason=reason
            )
