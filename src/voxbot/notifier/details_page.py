"""`GET /call/details/{unique_id}`: the timeline of a call as a page or as JSON, for those who have a signed link."""

from __future__ import annotations

import base64
import hashlib
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from voxbot.notifier import details_words
from voxbot.notifier.api import has_key, problem
from voxbot.notifier.phones import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from voxbot.notifier.details import Details, Document
    from voxbot.notifier.details_links import DetailsLinks

router = APIRouter(tags=["calls"])

_pages = Environment(loader=PackageLoader("voxbot.notifier"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_style = Markup(_pages.get_template("details.css").render())  # noqa: S704 - a file of ours
_STYLE_HASH = base64.b64encode(hashlib.sha256(_style.encode()).digest()).decode()
_SAME_MESSAGE = ("kind", "action", "stage", "text", "result")
_HEADERS = {
    "Cache-Control": "no-store",
    # Nothing but the page itself: no script, no picture, no style that something in the call could have brought in.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


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
    return HTMLResponse(page(document), headers=_HEADERS)


def _refusal(status: HTTPStatus, code: str, detail: str, *, as_json: bool) -> Response:
    if as_json:
        answer = problem(status, code, detail)
        answer.headers.update(_HEADERS)
        return answer
    page = _pages.get_template("refusal.html.j2").render(detail=detail, style=_style)
    return HTMLResponse(page, status, headers=_HEADERS)


def page(document: Document) -> str:
    """Write the page of a call (Details.of)."""
    timeline = document["timeline"]
    counts = Counter(entry["kind"] for entry in timeline)
    counts["failed"] = sum(entry.get("result", "ok") != "ok" for entry in timeline)
    return _pages.get_template("details.html.j2").render(
        **document,
        style=_style,
        counts=counts,
        entries=_by_message(timeline),
        written=written,
        event_words=details_words.event_words,
        fields=details_words.fields,
        stage_times=details_words.stages,
        spent=details_words.spent,
        lasted=details_words.lasted,
        counted=details_words.counted,
        plain=details_words.plain,
    )


def _by_message(timeline: list[Document]) -> list[Document]:
    """Make requests that bring one text to several chats, one after another, one entry with those `chats`."""
    entries: list[Document] = []
    for entry in timeline:
        if entry["kind"] != "telegram":
            entries.append(entry)
        elif entries and all(entries[-1].get(key) == entry[key] for key in _SAME_MESSAGE):
            entries[-1]["chats"].append(entry)
        else:
            entries.append({**entry, "chats": [entry]})
    return entries
