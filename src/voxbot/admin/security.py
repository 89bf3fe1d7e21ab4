"""Who may do what: reading is free on the machine itself, everything else takes the key."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Query, Security
from fastapi.security import APIKeyHeader

from voxbot.admin.parts import GivenParts
from voxbot.admin.problems import ApiError

_KEY_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="Значение API_SECRET_KEY из .env")

GivenKey = Annotated[str | None, Security(_KEY_HEADER)]


def require_key(parts: GivenParts, given: GivenKey) -> None:
    """Let through only who knows API_SECRET_KEY."""
    expected = parts.api.secret_key
    if expected is None:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "key_not_configured",
            "Доступ закрыт: на сервере не задан API_SECRET_KEY. Задайте его в .env и перезапустите сервис.",
        )
    if given is None:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "key_missing", "Нужен ключ: передайте его в заголовке X-API-Key.")
    # The server decodes header bytes as Latin-1, whatever the client meant.
    if not hmac.compare_digest(given.encode("latin-1"), expected.get_secret_value().encode()):
        raise ApiError(HTTPStatus.UNAUTHORIZED, "key_wrong", "Неверный ключ в заголовке X-API-Key.")


def allow_read(parts: GivenParts, given: GivenKey) -> None:
    """Let reading through on a loopback address or with API_OPEN_READS, else ask for the key."""
    if not (parts.api.is_loopback or parts.api.open_reads):
        require_key(parts, given)


def allow_download(
    parts: GivenParts,
    given: GivenKey,
    ticket: Annotated[str, Query(max_length=100, description="Пропуск вместо ключа, годен один раз")] = "",
) -> None:
    """Let through as `allow_read`, or with a ticket."""
    if not (ticket and parts.tickets.spend(ticket)):
        allow_read(parts, given)


KeyRequired = Depends(require_key)
ReadAllowed = Depends(allow_read)
DownloadAllowed = Depends(allow_download)
