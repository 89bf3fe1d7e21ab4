"""The unit's HTTP API: events in, health and metrics out. The page of a call is in details_page.py."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from voxbot import __version__
from voxbot.domain.errors import EventError, StoreError
from voxbot.store.notifier_events import oldest_unfolded_at
from voxbot.store.notifier_operations import backlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voxbot.notifier.enrichment import Enrichment
    from voxbot.notifier.intake import Intake
    from voxbot.notifier.metrics import NotifierMetrics
    from voxbot.notifier.trace_log import TraceLog
    from voxbot.store.notifier_database import NotifierDatabase

log = structlog.get_logger(__name__)

EVENT_PATHS = {
    "start": "Входящий звонок пришёл на станцию",
    "dial": "Звонят телефоны, или станция набирает номер",
    "bridge": "Канал вошёл в мост: разговор",
    "hangup": "Звонок или его часть закончились",
    "new_callerid": "Канал узнал свои номера",
    "bridge_create": "Мост создан",
    "bridge_leave": "Канал вышел из моста",
    "bridge_destroy": "Моста больше нет",
}
MAX_BODY_BYTES = 64 * 1024
_FACTS = (
    "То, что стало известно после события: Kind customer, manager (Key — номер), line (Key — линия) или recording "
    "(Key — любой канал звонка, Value — адрес записи). Показанные сообщения изменятся."
)
_FACT = {"Token": "375290000001", "Kind": "customer", "Key": "375291000101", "Value": "Петров"}
_HEALTH = (
    "Ответ ok, или 503, если база данных не отвечает. delivery: starting — события принимаются, но в Telegram ещё "
    "ничего не уходит."
)
_EXAMPLE = {
    "Token": "375290000001",
    "UniqueId": "1764429992.120",
    "Phone": "375291000101",
    "CallType": 0,
    "Trunk": "0001101",
}
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Событие на диске; ignored — токен никому не принадлежит.",
        "content": {"application/json": {"example": {"status": "ok"}}},
    },
    422: {"description": "Событие неверно: названы поле и причина."},
    503: {"description": "База данных недоступна, событие не сохранено."},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPorts:
    """What the API works with.

    `delivering`: whether events are being folded and shown. `key` opens what is not for everybody; `open_reads`:
    metrics need no key.
    """

    intake: Intake
    enrichment: Enrichment
    database: NotifierDatabase
    metrics: NotifierMetrics
    trace: TraceLog
    delivering: Callable[[], bool]
    key: str | None
    open_reads: bool


def create_app(ports: ApiPorts) -> FastAPI:
    """Make the application. It owns none of the ports."""
    app = FastAPI(title="VoxBot notifier", version=__version__, summary="События звонков АТС")
    app.state.ports = ports
    for path, meaning in EVENT_PATHS.items():
        app.add_api_route(
            f"/{path}",
            _taker(path),
            methods=["POST"],
            name=path,
            tags=["events"],
            summary=f"Событие {path}",
            description=f"{meaning}. Отвечает 200, когда событие на диске; незнакомые поля сохраняются.",
            responses=_ANSWERS,
            response_class=JSONResponse,
            openapi_extra={"requestBody": _BODY},
        )
    app.add_api_route(
        "/facts",
        _learn,
        methods=["POST"],
        tags=["events"],
        summary="Имя или запись разговора",
        description=_FACTS,
        responses=_ANSWERS,
        openapi_extra={"requestBody": {**_BODY, "content": {"application/json": {"example": _FACT}}}},
    )
    app.add_api_route("/health", _health, tags=["service"], summary="Проверка работы", description=_HEALTH)
    app.add_api_route(
        "/metrics",
        _metrics,
        tags=["service"],
        summary="Метрики Prometheus",
        description="Без ключа — если служба слушает только эту машину.",
        response_model=None,
    )
    app.add_exception_handler(EventError, _bad_event)
    app.add_exception_handler(StoreError, _no_database)
    app.add_exception_handler(HTTPException, _refused)
    return app


def has_key(request: Request, key: str | None) -> bool:
    """Whether the request carries this key (header X-API-Key); no key opens nothing."""
    given = request.headers.get("x-api-key", "")
    # The server decodes header bytes as Latin-1, whatever the client meant.
    return key is not None and hmac.compare_digest(given.encode("latin-1"), key.encode())


def problem(status: HTTPStatus, code: str, detail: str, **more: str) -> JSONResponse:
    """Answer an error as `application/problem+json` (RFC 9457); `detail` is Russian."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    return JSONResponse({**document, **more}, status, media_type="application/problem+json")


def _taker(path: str) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        posted = await _body(request)
        outcome = await _ports(request).intake.take(path, posted, request.headers.get("token", ""))
        if outcome == "ignored":
            return JSONResponse({"status": "ignored", "reason": "unknown token"})
        return JSONResponse({"status": "ok"})

    take.__annotations__ = {"request": Request, "return": Response}  # FastAPI reads them at run time
    return take


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Событие больше 64 КБ.")
        chunks.append(chunk)
    return b"".join(chunks)


async def _learn(request: Request) -> dict[str, str]:
    posted = await _body(request)
    known = await _ports(request).enrichment.take(posted, request.headers.get("token", ""))
    return {"status": "ok"} if known else {"status": "ignored", "reason": "unknown token"}


async def _health(request: Request) -> dict[str, str]:
    ports = _ports(request)
    await ports.database.ping()
    delivery = "ok" if ports.delivering() else "starting"
    return {"status": "ok", "unit": "notifier", "version": __version__, "delivery": delivery}


async def _metrics(request: Request) -> Response:
    ports = _ports(request)
    if not (ports.open_reads or has_key(request, ports.key)):
        return problem(HTTPStatus.FORBIDDEN, "key_missing", "Нужен ключ: передайте его в заголовке X-API-Key.")
    now = time.time()
    _, accepted_at = await ports.database.waiting()
    unfolded_at, waiting = await ports.database.read(lambda tx: (oldest_unfolded_at(tx), backlog(tx, now)))
    oldest_at = min((at for at in (accepted_at, unfolded_at) if at is not None), default=None)
    gauges = {
        "unfolded_age_seconds": ("Age of the oldest event that is no part of a call yet", _age(oldest_at, now)),
        "queue_messages": ("Messages that a chat does not show yet", float(waiting.messages)),
        "queue_age_seconds": ("Age of the oldest of them", _age(waiting.oldest_at, now)),
        "trace_lines_lost": ("Lines that the trace could not write", float(ports.trace.lost)),
    }
    return PlainTextResponse(ports.metrics.render(gauges), media_type="text/plain; version=0.0.4")


def _age(at: float | None, now: float) -> float:
    return 0.0 if at is None else max(0.0, now - at)


async def _bad_event(_request: Request, error: Exception) -> Response:
    assert isinstance(error, EventError)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(status, error.code, f"Событие отклонено: {error}.", field=error.field, reason=error.reason)


async def _no_database(request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    log.error("Запрос не выполнен", path=request.url.path, error=str(error))
    detail = "База данных недоступна. Подробности в журнале сервиса."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, detail)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    wording = {
        HTTPStatus.NOT_FOUND: f"Такого адреса нет: {request.url.path}.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"Адрес {request.url.path} не принимает метод {request.method}.",
    }
    answer = problem(status, "http", wording.get(status, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


def _ports(request: Request) -> ApiPorts:
    return cast("ApiPorts", request.app.state.ports)
