"""Lists in pages: each answer holds the cursor of the next one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Query, Response
from pydantic import Field

from voxbot.admin.problems import ApiError
from voxbot.admin.views import View

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

GivenCursor = Annotated[
    str,
    Query(
        max_length=16_000,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="next_cursor предыдущей страницы; пусто: первая страница",
    ),
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


def cut(items: Sequence[T], id_of: Callable[[T], str], limit: int, cursor: str, response: Response) -> list[T]:
    """Cut a page of a list that is an array; the header `X-Next-Cursor` holds the place where the next one begins.

    A list that has lost the row of the cursor meanwhile begins anew. Raises ApiError (422).
    """
    place = decode_cursor(cursor, (str,))
    ids = [id_of(item) for item in items]
    begin = ids.index(place[0]) + 1 if place and place[0] in ids else 0
    if begin + limit < len(items):
        response.headers["X-Next-Cursor"] = encode_cursor([ids[begin + limit - 1]])
    return list(items[begin : begin + limit])


def encode_cursor(place: list[Any]) -> str:
    """Write where a page ended; clients take it as it is."""
    return (
        base64.urlsafe_b64encode(
            json.dumps(place, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
        )
        .rstrip(b"=")
        .decode()
    )


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
