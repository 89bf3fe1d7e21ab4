"""Fetching a large file over a network that fails: what has come is kept and gone on with.

A file grows in `<place>.partial`; whoever calls checks its sum and renames it. Hugging Face answers `Range` (RFC 9110,
14.2) from its storage; a server that does not is read from the start again.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from voxbot.domain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_TIMEOUT_S = 30.0
_BLOCK_BYTES = 1024 * 1024
_TRIES = 5
"""So many in a row that brought nothing, and the network is given up."""
_FIRST_PAUSE_S = 0.5
_PARTIAL_CONTENT = 206
_RANGE_REFUSED = 416
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_PLACE = re.compile(r"bytes (\d+)-")


@dataclass(frozen=True, slots=True)
class Listed:
    """What the hub says of a file: `sha256` for large ones, else the id of the Git object (SHA-1)."""

    size_bytes: int
    sha256: str
    git_id: str


def download(url: str, partial: Path, on_bytes: Callable[[int], None], *, pause_s: float = _FIRST_PAUSE_S) -> None:
    """Bring `partial` to the file's full length, going on from what it holds. Blocking.

    `on_bytes` is told how many more bytes are there, a negative number when the file is begun again. Raises ModelError
    when the server refuses or the network stays down; OSError when the disk does not take the file.
    """
    on_bytes(_size(partial))
    failures = 0
    while True:
        before = _size(partial)
        try:
            if _more(url, partial, on_bytes):
                return
            reason = "соединение оборвалось"
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _RANGE_REFUSED:  # nothing is left to send: the sum will tell whether it is right
                    return
                reason = _explained(url, error)
        except (http.client.HTTPException, urllib.error.URLError) as error:
            reason = _cause(error)
        failures = 0 if _size(partial) > before else failures + 1
        if failures == _TRIES:
            raise ModelError(
                f"{url} не скачивается ({reason}); проверьте сеть или укажите зеркало в MODELS_URL и повторите: "
                "скачанное сохранено"
            )
        time.sleep(pause_s * 2 ** max(0, failures - 1))


def list_files(hub: str, repository: str, revision: str) -> dict[str, Listed]:
    """Ask the hub for the files of a commit, by name. Blocking. Raises ModelError."""
    url = f"{hub}/api/models/{repository}/tree/{revision}"
    try:
        with _open(url, {}) as response:
            rows = cast("list[dict[str, Any]]", json.load(response))
        large = cast("dict[str, Any]", {})
        return {
            str(row["path"]): Listed(int(row["size"]), str((row.get("lfs") or large).get("oid", "")), str(row["oid"]))
            for row in rows
            if row.get("type") == "file"
        }
    except (http.client.HTTPException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{url} не отвечает списком файлов ({_cause(error)}); проверьте сеть или укажите зеркало в MODELS_URL"
        ) from error


def _more(url: str, partial: Path, on_bytes: Callable[[int], None]) -> bool:
    """Ask once for the rest; tell whether all of it came."""
    have = _size(partial)
    with _network():
        response = _open(url, {"Range": f"bytes={have}-"} if have else {})
    with response:
        start = _start(response)
        if start != have:  # the whole file again
            on_bytes(-have)
        length = response.headers.get("Content-Length")
        came = 0
        with partial.open("ab" if start else "wb") as output:
            while block := _read(response):
                output.write(block)
                came += len(block)
                on_bytes(len(block))
    return length is None or came == int(length)


def _read(response: Any) -> bytes:
    with _network():
        return response.read(_BLOCK_BYTES)


@contextmanager
def _network() -> Generator[None]:
    """Raise every OSError in it as URLError, as urlopen does while it connects: no other one is of the network."""
    try:
        yield
    except urllib.error.URLError:
        raise
    except OSError as error:
        raise urllib.error.URLError(error) from error


def _start(response: Any) -> int:
    """Where in the file the answer begins. Raises HTTPException for an answer about another place."""
    if response.status != _PARTIAL_CONTENT:
        return 0
    place = _PLACE.match(response.headers.get("Content-Range", ""))
    if place is None:
        raise http.client.HTTPException("ответ без Content-Range")
    return int(place[1])


def _open(url: str, headers: dict[str, str]) -> Any:
    plain = {"User-Agent": "voxbot", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=plain | headers)  # noqa: S310 - MODELS_URL is http or https
    return urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 - see above


def _explained(url: str, error: urllib.error.HTTPError) -> str:
    """Say what a status means. Raises ModelError for one that another try does not change."""
    if error.code in _BUSY:
        return f"сервер ответил {error.code}"
    raise ModelError(f"{url}: сервер ответил {error.code}; проверьте MODELS_URL")


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    return str(reason) or type(error).__name__


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
