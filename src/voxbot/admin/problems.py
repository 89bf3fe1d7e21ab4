"""Errors as `application/problem+json` (RFC 9457): `status`, `title`, `detail` in Russian, and a stable `code`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from voxbot.admin.views import View
from voxbot.domain.errors import KnowledgeError, ProviderError, RosterError, RosterMissingError, StoreError, VoxbotError

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

_INTERNAL = "Внутренняя ошибка. Подробности в журнале сервиса."

_TITLES = {
    HTTPStatus.BAD_REQUEST: "Неверный запрос",
    HTTPStatus.UNAUTHORIZED: "Нужен ключ",
    HTTPStatus.FORBIDDEN: "Доступ закрыт",
    HTTPStatus.NOT_FOUND: "Не найдено",
    HTTPStatus.METHOD_NOT_ALLOWED: "Метод не поддерживается",
    HTTPStatus.CONFLICT: "Конфликт",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Слишком большой запрос",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Неподдерживаемый тип содержимого",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Такой части нет",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Неверные параметры",
    HTTPStatus.TOO_MANY_REQUESTS: "Слишком много запросов",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Внутренняя ошибка",
    HTTPStatus.SERVICE_UNAVAILABLE: "Сервис недоступен",
    HTTPStatus.INSUFFICIENT_STORAGE: "На диске нет места",
}

_FRAMEWORK = {
    HTTPStatus.BAD_REQUEST: "Запрос не разобран: проверьте его тело и заголовок Content-Type.",
    HTTPStatus.NOT_FOUND: "Такого адреса нет: {path}.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Адрес {path} не принимает метод {method}.",
}
"""What the framework refuses by itself, and only in English."""

_NEEDED = {
    "bool_parsing": "нужно true или false",
    "dict_type": "нужен объект",
    "enum": "нужно одно из: {expected}",
    "finite_number": "нужно конечное число",
    "list_type": "нужен список",
    "literal_error": "нужно одно из: {expected}",
    "model_attributes_type": "нужен объект",
    "model_type": "нужен объект",
    "string_pattern_mismatch": "значение другого вида",
    "string_unicode": "нужен текст в Юникоде",
    "too_long": "слишком много, нужно не больше {max_length}",
    "too_short": "слишком мало, нужно не меньше {min_length}",
    "bool_type": "нужно true или false",
    "extra_forbidden": "лишний параметр",
    "float_parsing": "нужно число",
    "float_type": "нужно число",
    "greater_than": "нужно больше {gt}",
    "greater_than_equal": "нужно не меньше {ge}",
    "int_from_float": "нужно целое число",
    "int_parsing": "нужно целое число",
    "int_parsing_size": "слишком большое число",
    "int_type": "нужно целое число",
    "json_invalid": "тело запроса не разобрано как JSON",
    "less_than": "нужно меньше {lt}",
    "less_than_equal": "нужно не больше {le}",
    "missing": "не указано",
    "string_too_long": "слишком длинно, знаков нужно не больше {max_length}",
    "string_too_short": "слишком коротко, знаков нужно не меньше {min_length}",
    "string_type": "нужна строка",
}
"""Pydantic's types of error in words; the fields are those of its `ctx`."""


class Problem(View, title="Отказ или сбой (RFC 9457)"):
    """An error as clients get it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Неверные параметры"])
    status: int = Field(examples=[422])
    code: str = Field(description="Постоянное имя ошибки, для программ", examples=["invalid"])
    detail: str = Field(
        description="Что не так и что делать, для людей", examples=["Неверные параметры. limit: нужно не меньше 1."]
    )


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


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Make the answer of an error; `detail` is a Russian sentence for people, `code` is for programs."""
    return JSONResponse(
        {"type": "about:blank", "title": _title(status), "status": status, "code": code, "detail": detail},
        status,
        headers,
        media_type=MEDIA_TYPE,
    )


def refusal(error: ApiError) -> JSONResponse:
    """Make the answer of a refused request."""
    return problem(error.status, error.problem_code, str(error))


def _title(status: int) -> str:
    return _TITLES.get(HTTPStatus(status), HTTPStatus(status).phrase)


async def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return refusal(error)


async def _own_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VoxbotError)
    if isinstance(error, RosterError):
        missing = isinstance(error, RosterMissingError)
        status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.UNPROCESSABLE_ENTITY
        text = str(error)
        return problem(status, error.code, f"{text[:1].upper()}{text[1:]}.")
    _log.error("Запрос не выполнен", path=request.url.path, code=error.code, error=str(error))
    if isinstance(error, StoreError):
        detail = "База данных недоступна. Подробности в журнале сервиса."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, detail)
    if isinstance(error, KnowledgeError):
        return problem(HTTPStatus.CONFLICT, error.code, f"База знаний не готова: {error}.")
    if isinstance(error, ProviderError):
        detail = "Движок, от которого зависит ответ, недоступен. Подробности в журнале сервиса."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, detail)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, error.code, _INTERNAL)


async def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    detail = "Неверные параметры. " + "; ".join(map(_wrong, error.errors())) + "."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)


def _wrong(item: Mapping[str, Any]) -> str:
    """Say what is wrong with one parameter, `limit: нужно не меньше 1`."""
    # The place begins with `query` or `body`; of a body that is no JSON it ends with a mere position.
    name = ".".join(str(part) for part in item["loc"][1:]) if item["type"] != "json_invalid" else ""
    needed = _NEEDED.get(item["type"], "недопустимое значение").format(**item.get("ctx", {})).replace(" or ", " или ")
    return f"{name}: {needed}" if name else needed


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs the exception itself.
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", _INTERNAL)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    wording = _FRAMEWORK.get(HTTPStatus(error.status_code), f"{_title(error.status_code)}.")
    detail = wording.format(path=request.url.path, method=request.method)
    return problem(error.status_code, "http", detail, error.headers)
