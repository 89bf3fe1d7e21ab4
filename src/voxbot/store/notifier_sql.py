"""What SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table
    from sqlalchemy.orm import DeclarativeBase


def table_of(model: type[DeclarativeBase]) -> Table:
    """Return a model's table."""
    return cast("Table", model.__table__)


def insert_into(connection: Connection, model: type[DeclarativeBase]) -> Any:
    """Make an insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table_of(model))


def lock(connection: Connection, name: str) -> None:
    """Keep other transactions that lock this name waiting until the end of this one; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def greatest(connection: Connection) -> Any:
    """Return the function that takes the greater of its arguments."""
    return func.greatest if connection.dialect.name == "postgresql" else func.max
