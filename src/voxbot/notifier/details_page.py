"""`GET /call/details/{unique_id}`: the timeline of a call as a page or as JSON, for those who have a signed link."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader

from voxbot.notifier.api import has_key, problem
from voxbot.notifier.phones import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from voxbot.notifier.details import Details, Document
    from voxbot.notifier.details_links import DetailsLinks

router = APIRouter(tags=["calls"])

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_pages = Environment(loader=PackageLoader("voxbot.notifier"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_SECONDS = 1000
_TAG = re.compile(r"<[^<>]*>?")
"""A tag of a message, or what is left of one that was cut."""


@dataclass(frozen=True, slots=True)
class PagePorts:
    """What the page works with. `key` opens every call; `clock` gives seconds since the epoch."""

    details: Details
    links: DetailsLinks
    key: str | None
    clock: Callable[[], float] = time.time


def install(app: FastAPI, ports: PagePorts) -> None:
    """Add the page to the unit's application."""
    app.state.page = ports
    app.include_router(router)


@router.get(
    "/call/details/{unique_id}",
    response_model=None,
    summary="Ход одного звонка",
    description="Страница или JSON. Открывает подписанная ссылка из сообщения или заголовок X-API-Key.",
)
async def call_details(
    request: Request,
    unique_id: Annotated[str, Path(description="Любой канал звонка", examples=["1764429992.120"])],
    e: Annotated[str, Query(description="Номер предприятия")] = "",
    until: Annotated[str, Query(description="До какого времени действует ссылка")] = "",
    sig: Annotated[str, Query(description="Подпись ссылки")] = "",
    view: Annotated[str, Query(alias="format", description="json или пусто: страница")] = "",
) -> Response:
    """Show a call. Without a valid link or the key: 403, whether there is such a call or not."""
    ports = cast("PagePorts", request.app.state.page)
    as_json = view == "json" or (not view and request.headers.get("accept", "").startswith("application/json"))
    if not (has_key(request, ports.key) or ports.links.allows(e, unique_id, until, sig, ports.clock())):
        detail = "Ссылка неверна или устарела. Откройте её из сообщения о звонке."
        return _refusal(HTTPStatus.FORBIDDEN, "link_invalid", detail, as_json=as_json)
    document = await ports.details.of(unique_id, e or None)
    if document is None:
        detail = "О таком звонке ничего нет: он старше, чем хранятся подробности, или ещё не начался."
        return _refusal(HTTPStatus.NOT_FOUND, "call_not_found", detail, as_json=as_json)
    if as_json:
        return JSONResponse(document, headers=_HEADERS)
    return HTMLResponse(_page(document), headers=_HEADERS)


def _refusal(status: HTTPStatus, code: str, detail: str, *, as_json: bool) -> Response:
    if as_json:
        answer = problem(status, code, detail)
        answer.headers.update(_HEADERS)
        return answer
    return HTMLResponse(_pages.get_template("refusal.html.j2").render(detail=detail), status, headers=_HEADERS)


def _page(document: Document) -> str:
    return _pages.get_template("details.html.j2").render(
        **document, offset=_offset, fields=_fields, plain=_plain, written=written
    )


def _offset(offset_ms: int) -> str:
    """Write `+12.3` seconds."""
    return f"+{offset_ms / _SECONDS:.1f}"


def _fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    """List what an event says, without what it leaves open."""
    said = [(key, _words(value)) for key, value in body.items()]
    return [(key, words) for key, words in said if words not in ("", "<unknown>")]


def _plain(text: str) -> str:
    """Take the words of a message, without its tags."""
    return html.unescape(_TAG.sub("", text))


def _words(value: object) -> str:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
