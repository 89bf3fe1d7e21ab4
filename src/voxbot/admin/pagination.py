"""Lists in pages: each answer holds the cursor of the next one."""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Query
from pydantic import Field

from voxbot.admin.problems import ApiError
from voxbot.admin.views import View

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

GivenCursor = Annotated[
    str, Query(max_length=1000, description="next_cursor предыдущей страницы; пусто: первая страница")
]
GivenLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Сколько строк вернуть")]


class Page(View, Generic[T], title="Страница списка"):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None,
        description="Передайте как cursor, чтобы получить продолжение; null: конец",
        examples=["WzEsMl0"],
    )


def encode_cursor(place: list[Any]) -> str:
    """Write where a page ended; clients take it as it is."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, kinds: tuple[type | tuple[type, ...], ...]) -> list[Any] | None:
    """Read what `encode_cursor` wrote, None if there is none. Raises ApiError (422) unless it is of those kinds."""
    if not cursor:
        return None
    try:
        place: object = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    values = cast("list[Any]", place) if isinstance(place, list) else []
    fits = len(values) == len(kinds) and all(map(_is_of, values, kinds))
    if not fits:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad_cursor",
            "cursor: не подходит к этому списку. Передайте next_cursor последнего ответа с теми же параметрами.",
        )
    return values


def _is_of(value: object, kind: type | tuple[type, ...]) -> bool:
    within = not isinstance(value, int) or abs(value) < 1 << 62
    return isinstance(value, kind) and not isinstance(value, bool) and within
