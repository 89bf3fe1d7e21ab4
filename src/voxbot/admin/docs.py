"""`/docs` and `/openapi.json`: the API described on a page without scripts, which needs no other server to be read."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from voxbot.admin.security import ReadAllowed

router = APIRouter(include_in_schema=False, dependencies=[ReadAllowed])

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.5rem;border:1px solid #8884}
summary{cursor:pointer;padding:.3rem 0}h2{margin-top:2rem}dt{font-weight:600}dd{margin:0 0 .4rem 1rem}
"""


@router.get("/openapi.json")
async def schema(request: Request) -> JSONResponse:
    """Give the schema as OpenAPI has it."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    """Show every operation with its parameters, examples and answers."""
    described: dict[str, Any] = request.app.openapi()
    groups: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            group = (operation.get("tags") or ["system"])[0]
            groups.setdefault(group, []).append(_operation(method, path, operation, described["components"]["schemas"]))
    body = "".join(f"<h2>{escape(name)}</h2>{''.join(shown)}" for name, shown in groups.items())
    return HTMLResponse(
        f'<!doctype html><html lang="ru"><meta charset="utf-8"><title>VoxBot API</title><style>{_STYLE}</style>'
        f"<h1>VoxBot API {escape(described['info']['version'])}</h1><p>{escape(described['info']['summary'])}. "
        f'Для программ: <a href="/openapi.json">openapi.json</a>.</p>{body}</html>',
        headers={"Content-Security-Policy": _POLICY},
    )


def _operation(method: str, path: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    parameters = "".join(
        f"<dt><code>{escape(item['name'])}</code> ({escape(item['in'])})</dt>"
        f"<dd>{escape(item.get('description', ''))}</dd>"
        for item in operation.get("parameters", [])
    )
    bodies = [("Тело запроса", operation.get("requestBody", {}).get("content", {}))]
    bodies += [(f"Ответ {status}", answer.get("content", {})) for status, answer in operation["responses"].items()]
    examples = "".join(
        f"<p>{name}, <code>{escape(kind)}</code></p>"
        f"<pre>{escape(_written(_example(about.get('schema', {}), models)))}</pre>"
        for name, content in bodies
        for kind, about in content.items()
        if not name.endswith("default")
    )
    key = " Нужен ключ <code>X-API-Key</code>." if operation.get("security") else ""
    return (
        f"<details><summary><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</summary>"
        f"<p>{escape(operation['description'])}{key}</p><dl>{parameters}</dl>{examples}</details>"
    )


def _written(example: object) -> str:
    return json.dumps(example, ensure_ascii=False, indent=2)


def _example(about: dict[str, Any], models: dict[str, Any], depth: int = 6) -> Any:
    """Make an example of a schema out of those of its fields."""
    if "$ref" in about:
        return _example(models[about["$ref"].rpartition("/")[2]], models, depth - 1) if depth else {}
    if about.get("examples"):
        return about["examples"][0]
    if "properties" in about:
        return {name: _example(field, models, depth) for name, field in about["properties"].items()}
    for union in ("anyOf", "oneOf", "allOf"):
        if union in about:
            return _example(about[union][0], models, depth)
    return [_example(about["items"], models, depth)] if "items" in about else about.get("default", about.get("type"))
