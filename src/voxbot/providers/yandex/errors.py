"""What Yandex Cloud answers instead of a result, in the words of the error tree: what, where, what to do.

gRPC statuses: https://grpc.io/docs/guides/status-codes/; the delay of a refusal for too many requests comes as the
trailer `retry-after` (seconds) or as google.rpc.RetryInfo inside `grpc-status-details-bin`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from voxbot.domain.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "yandex"

_FOLDER_NEEDED = re.compile(r"specify\s+folder\s*id", re.IGNORECASE)
_FOLDER_WRONG = re.compile(r"does\s+not\s+match\s+with\s+service\s+account\s+folder", re.IGNORECASE)
_FOLDER_FIX = (
    "запрос идёт от личного аккаунта (OAuth или его IAM-токен), и сервису нужен каталог: впишите в YANDEX_FOLDER_ID "
    "идентификатор каталога из консоли Yandex Cloud, или задайте YANDEX_API_KEY сервисного аккаунта: ему каталог "
    "не нужен"
)
_FOLDER_WRONG_FIX = (
    "YANDEX_FOLDER_ID — не тот каталог, в котором создан сервисный аккаунт; впишите его каталог, "
    "он назван в ответе сервиса"
)
_CREDENTIAL = re.compile(r"\b(t1\.|y[0-3]_|AQVN|AQAAAA)[\w.~+/=-]+")
_SPOKEN = re.compile(r"[А-яЁё](?:[^\n\"']*[А-яЁё])?")
"""Services complain in English: Russian is the text that was sent."""
_SHOWN_CHARS = 160
_UNAUTHORIZED, _FORBIDDEN, _TIMEOUT, _TOO_MANY, _SERVER_ERROR = 401, 403, 408, 429, 500
_BAD_REQUESTS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.ALREADY_EXISTS,
    }
)
"""Sent again, the same request would be refused again."""


def from_rpc(error: grpc.RpcError, service: str) -> ProviderError:
    """Translate a failed RPC. `service` is what was asked of, in Russian («синтез речи»)."""
    call: Any = error
    code: grpc.StatusCode = call.code()
    details = _shown(str(call.details() or ""))
    if (folder := _folder_error(service, details)) is not None:
        return folder
    match code:
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return _refused_account(service, code.name, details)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return _too_many(service, details, _retry_after_s(call.trailing_metadata()))
        case _ if code in _BAD_REQUESTS:
            return ProviderError(PROVIDER, f"{service}: запрос отклонён ({code.name}{_after(details)})")
        case _:
            return ProviderUnavailableError(PROVIDER, f"{service}: сервис не ответил ({code.name}{_after(details)})")


def from_http(status: int, text: str, headers: Mapping[str, str], service: str) -> ProviderError:
    """Translate an HTTP answer that is not 200."""
    details = _shown(text)
    if (folder := _folder_error(service, details)) is not None:
        return folder
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return _refused_account(service, str(status), details)
    if status == _TOO_MANY:
        return _too_many(service, details, _seconds(headers.get("Retry-After", "")))
    if status < _SERVER_ERROR and status != _TIMEOUT:
        return ProviderError(PROVIDER, f"{service}: запрос отклонён ({status}{_after(details)})")
    return ProviderUnavailableError(PROVIDER, f"{service}: сервис ответил {status}{_after(details)}")


def _folder_error(service: str, details: str) -> ProviderAuthError | None:
    """Explain what no status tells: the services answer 400, 401 and INVALID_ARGUMENT, UNAUTHENTICATED to the same."""
    if _FOLDER_NEEDED.search(details):
        return ProviderAuthError(PROVIDER, f"{service}: {_FOLDER_FIX} ({details})")
    if _FOLDER_WRONG.search(details):
        return ProviderAuthError(PROVIDER, f"{service}: {_FOLDER_WRONG_FIX} ({details})")
    return None


def _refused_account(service: str, code: str, details: str) -> ProviderAuthError:
    return ProviderAuthError(
        PROVIDER,
        f"{service}: ключ или токен не принят ({code}{_after(details)}); проверьте YANDEX_AUTH, "
        "сам ключ и роли аккаунта (ai.speechkit-stt.user, ai.speechkit-tts.user, ai.languageModels.user)",
    )


def _too_many(service: str, details: str, retry_after_s: float | None) -> ProviderRateLimitError:
    text = f"{service}: превышена квота каталога{_after(details)}; увеличьте её в консоли Yandex Cloud"
    return ProviderRateLimitError(PROVIDER, text, retry_after_s=retry_after_s)


def _shown(text: str) -> str:
    """The service's own words on one line, without credentials, without what was to be said, without length."""
    return _SPOKEN.sub("…", _CREDENTIAL.sub("***", " ".join(text.split())))[:_SHOWN_CHARS]


def _after(details: str) -> str:
    return f": {details}" if details else ""


def _retry_after_s(trailers: Any) -> float | None:
    for key, value in trailers or ():
        if key == "retry-after" and (seconds := _seconds(str(value))) is not None:
            return seconds
        if key == "grpc-status-details-bin":
            for detail in _details(value):
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return info.retry_delay.ToTimedelta().total_seconds()
    return None


def _details(packed: bytes) -> list[Any]:
    try:
        return list(status_pb2.Status.FromString(packed).details)
    except DecodeError:
        return []


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None
