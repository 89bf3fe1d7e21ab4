"""Vectors of questions in an SQLite file, shared by the processes of one machine and kept over restarts.

The file may be deleted at any time, and is not worth a backup: a damaged one is set aside and begun anew. It is no
part of the call log's database, which must not be slowed or lost because of it.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, TypeVar

import structlog

from voxbot.domain.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_BUSY_TIMEOUT_S = 1.0
_TOUCHES_AT_ONCE = 256
_EVICT_AFTER_WRITES = 64
_DAMAGE = ("malformed", "not a database", "disk image")
_REASONS = {
    "readonly": "файл или его папка только для чтения; сделайте пользователя VoxBot их владельцем",
    "unable to open": "файл не открывается; проверьте, что папка доступна для записи",
    "locked": "файл занят другой программой",
    "full": "на диске нет места; освободите его",
}
# The version stands in the name, so that two versions of the program may share the file.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings_1 (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS ix_embeddings_1_used_at ON embeddings_1 (used_at);
"""

log = structlog.get_logger(__name__)


class EmbeddingFile:
    """A ByteStore (knowledge/shared_cache.py): at most about `max_entries` rows, the least recently used go first.

    Reading and writing have a thread and a connection each: in the write-ahead log a reader does not wait for writers.
    """

    open_timeout_s: ClassVar[float] = 3.0
    write_timeout_s: ClassVar[float] = 3.0

    def __init__(self, path: Path, max_entries: int) -> None:
        self.where = str(path)
        self._path = path
        self._max_entries = max_entries
        self._evict_after = max(1, min(_EVICT_AFTER_WRITES, max_entries // 16))
        self._writes = 0
        self._reader: _Lane | None = None
        self._writer: _Lane | None = None
        self._touched: set[bytes] = set()
        self._inode = 0
        self._damaged = False

    async def open(self) -> None:
        """Open the file; make it if there is none. Raises StoreError."""
        await self.close()
        writer = _Lane("embeddings-write")
        try:
            await writer.run(self._prepare)
            reader = _Lane("embeddings-read")
            await reader.run(lambda lane: lane.connect(self._path))
        except BaseException:
            await writer.close()
            raise
        self._reader, self._writer = reader, writer

    async def get(self, key: bytes) -> bytes | None:
        """Return the bytes kept under `key`. Raises StoreError."""
        found = await self._run(self._reader, lambda lane: _select(lane.connection, key))
        if found is not None:
            self._touched.add(key)
            if len(self._touched) >= _TOUCHES_AT_ONCE and self._writer:
                self._writer.begin(self._touching())
        return found

    async def put(self, key: bytes, value: bytes) -> None:
        """Keep bytes under `key`. Raises StoreError."""
        touch = self._touching()

        def write(lane: _Lane) -> None:
            touch(lane)
            self._insert(lane.connection, key, value)

        await self._run(self._writer, write)

    async def close(self) -> None:
        """Close the file. If this is cancelled, because the disk hangs, it is closed when the disk goes on."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if writer and self._touched:
            writer.begin(self._touching())
        closing = [lane.close() for lane in (reader, writer) if lane]
        await asyncio.gather(*closing)

    async def _run(self, lane: _Lane | None, work: Callable[[_Lane], T]) -> T:
        if lane is None:
            raise StoreError("файл не открыт")
        try:
            return await lane.run(work)
        except _DamagedError:
            self._damaged = True
            raise

    def _prepare(self, lane: _Lane) -> None:
        """Open, in the writer's thread; a damaged file is replaced."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait when two processes switch a new file to the write-ahead log at once.
            with self._path.with_name(self._path.name + ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._create_anew_if_damaged(lane)
        except OSError as error:
            raise StoreError(f"в папку не удалось записать ({error.strerror})") from error

    def _create_anew_if_damaged(self, lane: _Lane) -> None:
        damaged, self._damaged = self._damaged, False
        if damaged and self._inode == _inode(self._path):  # else another process has already replaced it
            self._set_aside()
        try:
            _create(lane, self._path, self._max_entries)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            lane.disconnect()
            self._set_aside()
            _create(lane, self._path, self._max_entries)
        self._inode = _inode(self._path)

    def _set_aside(self) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        log.warning("Кэш эмбеддингов повреждён: отложен и начат заново", file=str(self._path), aside=str(aside))

    def _touching(self) -> Callable[[_Lane], None]:
        """Take over what was read since the last time, to be marked as used."""
        touched, self._touched = self._touched, set()
        now = time.time()

        def touch(lane: _Lane) -> None:
            rows = [(now, key) for key in touched]
            lane.connection.executemany("UPDATE embeddings_1 SET used_at = ? WHERE key = ?", rows)
            lane.connection.commit()

        return touch

    def _insert(self, connection: sqlite3.Connection, key: bytes, value: bytes) -> None:
        connection.execute("INSERT OR REPLACE INTO embeddings_1 VALUES (?, ?, ?)", (key, value, time.time()))
        self._writes += 1
        if self._writes % self._evict_after == 0:
            _evict(connection, self._max_entries)
        connection.commit()


class _DamagedError(StoreError):
    """The file is not, or no longer, a whole database."""


class _Lane:
    """A connection and the one thread that uses it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """For use in the lane's thread."""
        assert self._connection is not None
        return self._connection

    def connect(self, path: Path) -> None:
        """Open the file, in the lane's thread."""
        self._connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)

    def disconnect(self) -> None:
        """Close the file, in the lane's thread."""
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    async def run(self, work: Callable[[_Lane], T]) -> T:
        """Do `work` in the lane's thread. Raises StoreError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        except sqlite3.DatabaseError as error:
            kind = _DamagedError if _is_damage(error) else StoreBusyError if "locked" in str(error) else StoreError
            raise kind(_reason(error)) from error

    def begin(self, work: Callable[[_Lane], object]) -> None:
        """Do `work` sometime; its failure does not matter."""
        self._thread.submit(self._guarded, work)

    def close(self) -> asyncio.Future[None]:
        """Begin to close the connection when what was begun is done; wait for the result to know that it is closed."""
        closed = asyncio.wrap_future(self._thread.submit(self.disconnect))
        self._thread.shutdown(wait=False)
        return closed

    def _guarded(self, work: Callable[[_Lane], T]) -> T:
        try:
            return work(self)
        except sqlite3.Error:
            if self._connection:
                with suppress(sqlite3.Error):
                    self._connection.rollback()
            raise


def _create(lane: _Lane, path: Path, max_entries: int) -> None:
    lane.connect(path)
    connection = lane.connection
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise sqlite3.OperationalError("unable to open database file")
    connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last vectors, never the file
    connection.executescript(_SCHEMA)
    connection.execute("PRAGMA user_version = 1")  # a write in any case: it fails where nothing can be written
    _evict(connection, max_entries)
    connection.commit()


def _select(connection: sqlite3.Connection, key: bytes) -> bytes | None:
    row = connection.execute("SELECT vector FROM embeddings_1 WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def _evict(connection: sqlite3.Connection, max_entries: int) -> None:
    connection.execute(
        "DELETE FROM embeddings_1 WHERE key IN (SELECT key FROM embeddings_1 ORDER BY used_at DESC LIMIT -1 OFFSET ?)",
        (max_entries,),
    )


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return any(sign in str(error) for sign in _DAMAGE)


def _reason(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if _is_damage(error):
        return "файл повреждён, он будет отложен и начат заново"
    return next((reason for sign, reason in _REASONS.items() if sign in text), f"сбой SQLite: {text}")
