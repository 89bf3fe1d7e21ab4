"""What SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table
    from sqlalchemy.orm import DeclarativeBase


def table_of(model: type[DeclarativeBase]) -> Table:
    """Return a model's table."""
    return cast("Table", model.__table__)


def insert_into(connection: Connection, model: type[DeclarativeBase]) -> Any:
    """Make an insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(connection.dialect.name, model)


def insert_for(dialect: str, model: type[DeclarativeBase]) -> Any:
    """Make such an insert for a dialect known by name."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table_of(model))


def is_postgresql(connection: Connection) -> bool:
    """Tell whether this is PostgreSQL, not SQLite."""
    return connection.dialect.name == "postgresql"


def lock(connection: Connection, name: str) -> None:
    """Keep other transactions that lock this name waiting until the end of this one; SQLite has one writer anyway."""
    if is_postgresql(connection):
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def greater(one: Any, other: Any) -> Any:
    """Make the greater of two values that are not null."""
    return case((one > other, one), else_=other)


def smaller(one: Any, other: Any) -> Any:
    """Make the smaller of two values that are not null."""
    return case((one < other, one), else_=other)
