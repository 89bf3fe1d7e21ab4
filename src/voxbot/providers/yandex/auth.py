"""Who asks Yandex Cloud: an API key, an OAuth token, an IAM token, or the service account of a virtual machine.

The folder to charge (`x-folder-id`) goes with a request exactly when the account needs it
(https://yandex.cloud/docs/speechkit/concepts/auth):

- a service account (API key, metadata service) belongs to a folder, and naming another is an error: never sent;
- a personal account (OAuth) belongs to none: always sent, YANDEX_FOLDER_ID must be set;
- an IAM token does not say whose it is: sent when YANDEX_FOLDER_ID is set. That is what a personal account needs and
  what a service account of that folder allows; for a service account of another folder leave the variable empty.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp

from voxbot.domain.errors import ConfigError, ProviderAuthError, ProviderUnavailableError
from voxbot.providers.yandex.errors import PROVIDER, from_http
from voxbot.providers.yandex.tokens import FreshToken, RenewedToken

if TYPE_CHECKING:
    from pydantic import SecretStr

    from voxbot.settings.schema import YandexSettings

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=2)
_METADATA_TIMEOUT = aiohttp.ClientTimeout(total=2, sock_connect=1)
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_LEAST_LIFE_S, _MOST_LIFE_S = 60.0, 12 * 3600.0
_OK, _NOT_FOUND = 200, 404

Metadata: TypeAlias = tuple[tuple[str, str], ...]
_Ask: TypeAlias = Callable[[aiohttp.ClientSession], Awaitable[FreshToken]]


class YandexAuth:
    """The account of all requests of one provider. `folder_id` is what must be sent with each, None: nothing."""

    def __init__(self, scheme: str, secret: str | RenewedToken, folder_id: str | None = None) -> None:
        self.folder_id = folder_id
        self._scheme = scheme
        self._secret = secret

    async def metadata(self) -> Metadata:
        """Metadata of an RPC. At once unless a token must be fetched first. Raises ProviderError."""
        return tuple((await self.headers()).items())

    async def headers(self) -> dict[str, str]:
        """Headers of an HTTP request, as `metadata`."""
        secret = self._secret if isinstance(self._secret, str) else await self._secret.value()
        headers = {"authorization": f"{self._scheme} {secret}"}
        if self.folder_id:
            headers["x-folder-id"] = self.folder_id
        return headers

    def refused(self, sent: Metadata | Mapping[str, str]) -> bool:
        """Take note that the service refused a request with this metadata (or headers) of ours.

        True if another token may be accepted: ask once more.
        """
        if isinstance(self._secret, str):
            return False
        return self._secret.refused(dict(sent)["authorization"].removeprefix(f"{self._scheme} "))

    async def close(self) -> None:
        """Stop renewing."""
        if isinstance(self._secret, RenewedToken):
            await self._secret.close()


def create_auth(settings: YandexSettings) -> YandexAuth:
    """Choose the account as YANDEX_AUTH says; nothing is sent yet. Raises ConfigError that names what to set."""
    given = _given(settings)
    kind = settings.auth if settings.auth != "auto" else next(iter(given), None)
    if kind is None:
        raise ConfigError(
            "Yandex Cloud: не задан ни один ключ; впишите YANDEX_API_KEY (сервисный аккаунт) "
            "или OAUTH_TOKEN и YANDEX_FOLDER_ID (личный), на виртуальной машине облака — YANDEX_AUTH=metadata"
        )
    if kind == "metadata":
        url = str(settings.metadata_url).rstrip("/") + _METADATA_PATH
        return YandexAuth("Bearer", _renewed(lambda session: _from_metadata(session, url)))
    if kind not in given:
        raise ConfigError(f"YANDEX_AUTH={kind}: задайте {_VARIABLES[kind]}")
    secret = _checked(_VARIABLES[kind], given[kind])
    folder_id = settings.folder_id or None
    match kind:
        case "api_key":
            return YandexAuth("Api-Key", secret)
        case "iam":
            return YandexAuth("Bearer", secret, folder_id)
        case _:
            if folder_id is None:
                raise ConfigError(
                    "OAUTH_TOKEN: это токен личного аккаунта, ему нужен каталог; впишите YANDEX_FOLDER_ID, "
                    "идентификатор каталога из консоли Yandex Cloud (b1g…)"
                )
            url = str(settings.iam_url)
            return YandexAuth("Bearer", _renewed(lambda session: _from_oauth(session, url, secret)), folder_id)


_VARIABLES = {"api_key": "YANDEX_API_KEY", "iam": "YANDEX_IAM_TOKEN", "oauth": "OAUTH_TOKEN"}
"""In order of preference: a key needs no other service, a given token was put there on purpose."""


def _given(settings: YandexSettings) -> dict[str, SecretStr]:
    secrets = {"api_key": settings.api_key, "iam": settings.iam_token, "oauth": settings.oauth_token}
    return {kind: secrets[kind] for kind in _VARIABLES if secrets[kind] is not None}  # pyright: ignore[reportReturnType]


def _checked(variable: str, secret: SecretStr) -> str:
    """Metadata takes visible ASCII only; a pasted line break would fail at the first call, with the key in the text."""
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"{variable}: в ключе пробел или посторонний символ; скопируйте его заново")
    return text


def _renewed(ask: _Ask) -> RenewedToken:
    async def fetch() -> FreshToken:
        # A session for each fetch: one an hour, and nothing to close in between.
        async with aiohttp.ClientSession(trust_env=True) as session:
            return await ask(session)

    return RenewedToken(fetch)


async def _from_oauth(session: aiohttp.ClientSession, url: str, oauth_token: str) -> FreshToken:
    """Exchange (https://yandex.cloud/docs/iam/operations/iam-token/create): OAuth token to IAM token."""
    try:
        async with session.post(url, json={"yandexPassportOauthToken": oauth_token}, timeout=_TIMEOUT) as response:
            text = await response.text()
            if response.status in {400, 401, 403}:  # the service answers 400 or 401 to an unknown token
                raise ProviderAuthError(
                    PROVIDER, f"OAUTH_TOKEN не принят ({response.status}); он живёт год, получите новый"
                )
            if response.status != _OK:
                raise from_http(response.status, text, response.headers, "выдача IAM-токена")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(f"выдача IAM-токена ({url})", error) from error
    answer = _json(text)
    expires_at = str(answer.get("expiresAt", ""))
    return _token(answer.get("iamToken"), _until(expires_at))


async def _from_metadata(session: aiohttp.ClientSession, url: str) -> FreshToken:
    """The service account linked to this machine (https://yandex.cloud/docs/compute/operations/vm-metadata)."""
    try:
        async with session.get(url, headers={"Metadata-Flavor": "Google"}, timeout=_METADATA_TIMEOUT) as response:
            text = await response.text()
            if response.status == _NOT_FOUND:
                raise ProviderAuthError(
                    PROVIDER, "YANDEX_AUTH=metadata: к этой виртуальной машине не привязан сервисный аккаунт"
                )
            if response.status != _OK:
                raise from_http(response.status, text, response.headers, "сервис метаданных")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable("сервис метаданных (он есть только в Yandex Cloud)", error) from error
    answer = _json(text)
    return _token(answer.get("access_token"), _seconds(answer.get("expires_in")))


def _unreachable(what: str, error: Exception) -> ProviderUnavailableError:
    return ProviderUnavailableError(PROVIDER, f"{what}: нет ответа ({type(error).__name__})")


def _json(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise ProviderUnavailableError(PROVIDER, "выдача токена: ответ непонятен, это не JSON") from error


def _token(value: object, life_s: float) -> FreshToken:
    if not isinstance(value, str) or not value:
        raise ProviderUnavailableError(PROVIDER, "выдача токена: в ответе нет токена")
    return FreshToken(value, min(_MOST_LIFE_S, max(_LEAST_LIFE_S, life_s)))


def _seconds(value: Any) -> float:
    """A life in seconds; the shortest if it cannot be read."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return _LEAST_LIFE_S


def _until(expires_at: str) -> float:
    """Seconds to a moment like `2026-01-31T12:00:00.123456789Z`; the longest life if it cannot be read."""
    try:
        moment = datetime.fromisoformat(expires_at[:19] + "+00:00")
    except ValueError:
        return _MOST_LIFE_S
    return moment.timestamp() - time.time()
