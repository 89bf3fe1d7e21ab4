"""Bringing a database file up to date before it is used: folder, write-ahead log, migrations.

Any number of processes may do this at once: the migrations run inside one transaction that holds SQLite's
write lock, so the second process waits and then finds nothing left to do.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from voxbot.domain.errors import StoreError
from voxbot.store.migrations import HEAD

if TYPE_CHECKING:
    from pathlib import Path

BUSY_TIMEOUT_S = 10.0
"""How long a writer waits for another one before it gives up."""


def prepare(path: Path) -> None:
    """Make `path` a database of the newest revision. Blocks; raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent}: the folder cannot be made ({error.strerror}); check DB_PATH and its owner"
        ) from error
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"{path}: the database is read-only; give the file and its folder to VoxBot's user")
    try:
        if _revision(path) != HEAD:
            _migrate(path)
    except sqlite3.Error as error:
        raise store_error(path, error) from error


def store_error(path: Path, error: BaseException) -> StoreError:
    """Say in one line what is wrong with the database and what to do."""
    # Only the driver's own words: SQLAlchemy's text quotes the statement.
    text = str(getattr(error, "orig", error))
    advice = {
        "not a database": "this file is not a SQLite database; move it away or set DB_PATH to another file",
        "malformed": "the database is damaged; restore it from a backup",
        "readonly": "the database is read-only; give the file and its folder to VoxBot's user",
        "unable to open": "the database cannot be opened; check that its folder exists and is writable",
        "locked": "another program keeps the database locked; stop it and try again",
        "full": "the disk is full; free some space",
    }
    fix = next((fix for sign, fix in advice.items() if sign in text), f"the database failed: {text}")
    return StoreError(f"{path}: {fix}")


def _revision(path: Path) -> str | None:
    """Read the revision of the file, None if it has none yet; switch it to the write-ahead log."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
        return row[0] if row else None


def _migrate(path: Path) -> None:
    # Here, not above: Alembic is loaded only when there is something to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy import URL, NullPool, create_engine, event  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "voxbot.store:migrations")
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )

    def take_write_lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "begin", take_write_lock)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"{path}: the database was written by a newer VoxBot; install that version or restore a backup"
        ) from error
    except DBAPIError as error:
        raise store_error(path, error) from error
    finally:
        engine.dispose()
