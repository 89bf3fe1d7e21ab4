"""Bringing a database file up to date before it is used: folder, write-ahead log, migrations.

Any number of processes may do this at once: the first takes a lock beside the file, the others wait for it as long as
it takes and then find nothing left to do. The migrations run inside one transaction that holds SQLite's write lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from voxbot.domain.errors import StoreBusyError, StoreError
from voxbot.store.migrations import HEAD

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

BUSY_TIMEOUT_S = 10.0
"""How long a writer waits for another one before it gives up."""

_ADVICE = {
    "not a database": "это не база SQLite; уберите файл или укажите в DB_PATH другой",
    "malformed": "база данных повреждена; восстановите её из резервной копии",
    "readonly": "база данных только для чтения; сделайте пользователя VoxBot владельцем файла и его папки",
    "unable to open": "база данных не открывается; проверьте, что её папка существует и доступна для записи",
    "locked": "базу данных заняла другая программа; остановите её и повторите",
    "full": "на диске нет места; освободите его",
}
"""What SQLite says, and what that means for the operator."""


_SMALL_BYTES = 100 << 20
_ROOM = 2
"""Times the size of the file: the words of a dialogue, and the write-ahead log meanwhile."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A set of tables with migrations of its own. `setting`: the variable that names its file."""

    scripts: str
    head: str
    version_table: str
    setting: str


CALL_LOG = Lineage("voxbot.store:migrations", HEAD, "alembic_version", "DB_PATH")


def prepare(path: Path, lineage: Lineage = CALL_LOG) -> None:
    """Make `path` a database of the newest revision. Blocks; raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent}: не удалось создать папку ({error.strerror}); проверьте {lineage.setting} и владельца папки"
        ) from error
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"{path}: {_ADVICE['readonly']}")
    try:
        if _revision(path, lineage.version_table) != lineage.head:
            with _alone(path):
                if _revision(path, lineage.version_table) != lineage.head:
                    _check_room(path)
                    _migrate(path, lineage)
    except sqlite3.Error as error:
        raise store_error(path, error) from error


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Let one program at a time migrate, however long it takes: the lock goes with the process that holds it."""
    with path.with_name(f".{path.name}.migrating").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("База данных переводится в новый вид другой программой, жду её", path=str(path))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_room(path: Path) -> None:
    """Refuse what would fill the disk half-way. Raises StoreError."""
    size = path.stat().st_size if path.exists() else 0
    if size < _SMALL_BYTES:
        return
    log.info("База данных переводится в новый вид; большая может занять минуты", path=str(path), mb=size >> 20)
    if (free := shutil.disk_usage(path.parent).free) < _ROOM * size:
        raise StoreError(
            f"{path}: для перевода в новый вид нужно {_ROOM * size >> 20} МБ на диске, свободно {free >> 20}; "
            "освободите место"
        )


def decoded(text: bytes) -> str:
    """Read a text of the database, whatever bytes it holds."""
    return text.decode(errors="replace")


def store_error(path: Path, error: BaseException) -> StoreError:
    """Say in one line what is wrong with the database and what to do."""
    # Only the driver's own words: SQLAlchemy's text quotes the statement.
    text = str(getattr(error, "orig", error))
    fix = next((fix for sign, fix in _ADVICE.items() if sign in text), f"сбой базы данных: {' '.join(text.split())}")
    kind = StoreBusyError if "locked" in text else StoreError
    return kind(f"{path}: {fix}")


def _revision(path: Path, version_table: str) -> str | None:
    """Read the revision of the file, None if it has none yet; switch it to the write-ahead log."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (version_table,)).fetchone()
        row = connection.execute(f"SELECT version_num FROM {version_table}").fetchone() if known else None
        return row[0] if row else None


def _migrate(path: Path, lineage: Lineage) -> None:
    # Here, not above: SQLAlchemy's engines and Alembic are loaded only when there is something to migrate.
    from sqlalchemy import URL, NullPool, create_engine, event  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )

    def take_write_lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def read_any_text(connection: Any, _record: object) -> None:
        connection.text_factory = decoded

    event.listen(engine, "connect", read_any_text)
    event.listen(engine, "begin", take_write_lock)
    try:
        with engine.begin() as connection:
            upgrade(connection, lineage, str(path))
    except DBAPIError as error:
        raise store_error(path, error) from error
    finally:
        engine.dispose()


def upgrade(connection: Any, lineage: Lineage, where: str) -> None:
    """Run the migrations in the transaction of an SQLAlchemy connection. Raises StoreError."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", lineage.scripts)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"{where}: базу данных записал более новый VoxBot; установите ту версию или восстановите резервную копию"
        ) from error
