"""Errors as `application/problem+json` (RFC 9457): `status`, `title`, `detail` in Russian, and a stable `code`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from voxbot.domain.errors import StoreError, VoxbotError

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = structlog.get_logger(__name__)

_INTERNAL = "Внутренняя ошибка. Подробности в журнале сервиса."


class ApiError(VoxbotError):
    """A request that is refused; `detail` tells the user why."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.problem_code = code


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(VoxbotError, _own_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def _problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail},
        status,
        headers,
        media_type="application/problem+json",
    )


async def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return _problem(error.status, error.problem_code, str(error))


async def _own_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VoxbotError)
    _log.error("Запрос не выполнен", path=request.url.path, code=error.code, error=str(error))
    if isinstance(error, StoreError):
        detail = "База данных недоступна. Подробности в журнале сервиса."
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, detail)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, error.code, _INTERNAL)


async def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors()]
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "Неверные параметры. " + "; ".join(wrong))


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs the exception itself.
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", _INTERNAL)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, "http", str(error.detail), error.headers)
