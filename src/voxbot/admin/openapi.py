"""The OpenAPI schema: what FastAPI makes of the endpoints, with the errors as they really are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from voxbot.admin.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_RUSSIAN = re.compile("[а-яё]")
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Have `app` describe its errors as problems."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    models: dict[str, Any] = schema.setdefault("components", {}).setdefault("schemas", {})
    models["Problem"] = Problem.model_json_schema()
    for name in _FRAMEWORKS_OWN:
        models.pop(name, None)
    for operation in _operations(schema):
        # A docstring is for developers: where an endpoint has no description of its own, its summary says it all.
        if not _RUSSIAN.search(operation.get("description", "")):
            operation["description"] = f"{operation['summary']}."
        responses: dict[str, Any] = operation["responses"]
        if "422" in responses:
            responses["422"] = _refusal("Неверные параметры")
        if operation.get("security"):
            responses.setdefault("401", _refusal("Нужен ключ"))
        responses["default"] = _refusal("Отказ или сбой")
    return schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield operation


def _refusal(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
