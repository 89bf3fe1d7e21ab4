"""`/logs-ui/`: the panel, as `npm run build` leaves it in this package (panel/vite.config.ts says where).

The page may run no script but its own files: what callers, documents or a language model wrote stays text.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from voxbot.admin.problems import ApiError

router = APIRouter(prefix="/logs-ui", include_in_schema=False)

PANEL = Path(__file__).with_name("panel")
_TEXTS = Path(__file__).with_name("instruction")

_POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Styles may stand inline: the component library sets sizes and colours as style attributes."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
_KEPT = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
"""Not the system's table: a wrong entry of it for .js would leave the page blank."""
_PACKED = frozenset({".css", ".html", ".js", ".json", ".svg", ".md"})
_MISSING = """<!doctype html><html lang="ru"><meta charset="utf-8"><title>VoxBot</title>
<h1>Панель не собрана</h1>
<p>Установите Node.js 20 или новее и соберите её в папке исходного кода:</p>
<pre>npm --prefix panel ci &amp;&amp; npm --prefix panel run build</pre>
<p><code>make run</code> делает это сам. В установленном пакете панель уже есть. API работает и без неё:
<a href="/docs">описание</a>.</p></html>
"""


@router.get("")
async def to_panel() -> RedirectResponse:
    """Send to the address that the panel's own paths begin with."""
    return RedirectResponse("/logs-ui/")


@router.get("/{path:path}")
def file(path: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """Serve a file of the panel; every address that is none is the panel itself, which knows its pages."""
    if path.startswith("instruction") and path.endswith(".md"):
        return _answer(_inside(_TEXTS, path), _ASKED_AGAIN, accept_encoding)
    if not (PANEL / "index.html").is_file():
        return HTMLResponse(_MISSING, HTTPStatus.SERVICE_UNAVAILABLE, _HEADERS)
    if path.startswith("assets/"):
        return _answer(_inside(PANEL, path), _KEPT, accept_encoding)
    found = PANEL / path
    own = bool(path) and "/" not in path and _is_file(found)
    return _answer(found if own else PANEL / "index.html", _ASKED_AGAIN, accept_encoding)


def _inside(folder: Path, path: str) -> Path:
    try:
        found = (folder / path).resolve()
    except (OSError, ValueError):  # no name that a file could have
        found = folder.parent
    if not found.is_relative_to(folder.resolve()) or not _is_file(found):
        raise ApiError(HTTPStatus.NOT_FOUND, "no_file", f"Такого файла в панели нет: {path[:200]}.")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for a file, or with a zero in it
        return False


def _answer(path: Path, cache: str, accept_encoding: str) -> Response:
    headers = {**_HEADERS, "Cache-Control": cache}
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    if path.suffix not in _PACKED:
        return FileResponse(path, media_type=kind, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" in accept_encoding:
        body = _packed(path, path.stat().st_mtime_ns)
        return Response(body, media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(path.read_bytes(), media_type=kind, headers=headers)


@lru_cache(maxsize=256)
def _packed(path: Path, _changed_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)
