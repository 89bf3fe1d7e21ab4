"""What all providers of an OpenAI-compatible service share: the account, the client, and what its errors mean.

The same protocol is spoken by OpenAI, Yandex Cloud (`https://ai.api.cloud.yandex.net/v1`, models by URI
`gpt://<folder>/yandexgpt/latest`, an API key of a service account as the key), GigaChat (its token lives for 30 min:
behind a proxy that renews it, such as gpt2giga), vLLM, Ollama (`http://<host>:11434/v1`), LocalAI and others.
The SDK's own retries are off: the wrappers of speech/fallback.py and agent/llm.py go on with another engine instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)

if TYPE_CHECKING:
    from pydantic import AnyHttpUrl, SecretStr

    from voxbot.settings.schema import Settings

NAME = "openai"
KEEPALIVE_S = 50.0
"""An idle connection is kept so long: a caller's next question must not wait for a new TLS handshake (the client's own
default is 5 s). Servers commonly close theirs after 60 s or more; a closed one is noticed and not used."""
_OPENAI = "https://api.openai.com/v1"
_SERVER_ERROR = 500
_NO_KEY = "none"
"""Servers of one's own mostly take any key, but the header must be there."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the service is, None for OpenAI itself, and the key to it."""

    key: str
    base_url: str | None

    @property
    def elsewhere(self) -> str:
        """The address as `host:port/path`, without what may be secret in it; nothing for OpenAI itself."""
        address = urlsplit(self.base_url or _OPENAI)
        place = f"{address.netloc.rpartition('@')[2].lower()}{address.path.rstrip('/')}"
        return "" if place == _OPENAI.removeprefix("https://") else place

    def __repr__(self) -> str:
        """Without the key: an account may end up in a traceback."""
        return f"Account(base_url={self.base_url!r})"


def find_account(
    settings: Settings, otherwise: str, *, base_url: AnyHttpUrl | None = None, key: SecretStr | None = None
) -> Account:
    """Return the account of a provider: its own address and key, each instead of that of OPENAI_*.

    Raises ConfigError that ends with `otherwise`, what else the operator may do, if there is neither.
    """
    key = key or settings.llm.api_key
    base_url = base_url or settings.llm.base_url
    if key is None and base_url is None:
        raise ConfigError(
            f"OPENAI_API_KEY не задан; впишите его (для своего сервера и OPENAI_BASE_URL) или {otherwise}"
        )
    return Account(key.get_secret_value() if key else _NO_KEY, str(base_url) if base_url else None)


def kept_connections(timeout: Any) -> Any:
    """Make an HTTP client of the SDK that keeps idle connections for KEEPALIVE_S."""
    import openai  # noqa: PLC0415 - 0.5 s, paid only where the service is used

    limits = openai.DEFAULT_CONNECTION_LIMITS
    kept = type(limits)(
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=KEEPALIVE_S,
    )
    return openai.DefaultAsyncHttpxClient(limits=kept, timeout=timeout, event_hooks={"request": [_in_one_piece]})


async def _in_one_piece(request: Any) -> None:
    """Have a form sent at once: the client writes each of its 70 scraps on its own, in 1.5 ms and as many packets."""
    await request.aread()


def make_client(account: Account, *, connect_s: float, read_s: float) -> Any:
    """Make an `openai.AsyncOpenAI`; nothing is sent yet. Blocking: the library is loaded (0.5 s)."""
    import openai  # noqa: PLC0415 - 0.5 s, paid only where the service is used

    timeout = openai.Timeout(read_s, connect=connect_s)
    return openai.AsyncOpenAI(
        api_key=account.key,
        base_url=account.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=kept_connections(timeout),
    )


@dataclass(frozen=True, slots=True)
class Variables:
    """The names of the settings that an error's text sends the operator to."""

    key: str = "OPENAI_API_KEY"
    base_url: str = "OPENAI_BASE_URL"
    model: str = "LLM_MODEL_*"


def translated(error: Exception, variables: Variables, *, read_s: float, provider: str = NAME) -> ProviderError:
    """Say in our error tree what an exception of the SDK or its HTTP client means.

    The text of the server's answer is left out: it may repeat what a caller said, or the key.
    """
    import openai  # noqa: PLC0415 - loaded together with the client

    if isinstance(error, ProviderError):
        return error
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            text = f"ключ не принят ({error.status_code}); проверьте {variables.key}"
            made: ProviderError = ProviderAuthError(provider, text)
        case openai.RateLimitError():
            text = "слишком много запросов или исчерпана квота; проверьте тариф"
            made = ProviderRateLimitError(provider, text, retry_after_s(error))
        case openai.NotFoundError():
            text = f"нет такой модели или адреса; проверьте {variables.model} и {variables.base_url}"
            made = ProviderError(provider, text)
        case openai.APITimeoutError():
            made = ProviderUnavailableError(provider, f"нет ответа за {read_s:g} с")
        case openai.APIConnectionError():
            text = f"сервер недоступен; проверьте {variables.base_url} и сеть"
            made = ProviderUnavailableError(provider, text)
        case openai.APIStatusError(status_code=status) if status < _SERVER_ERROR:
            made = ProviderError(provider, f"сервер отклонил запрос ({status})")
        case openai.APIStatusError(status_code=status):
            made = ProviderUnavailableError(provider, f"сервер ответил {status}")
        case _:
            made = ProviderUnavailableError(provider, f"ответ оборвался ({type(error).__name__})")
    return made


def retry_after_s(error: Any) -> float | None:
    """Return the seconds of the header `Retry-After` (RFC 9110, 10.2.3); None without them (a date is not read)."""
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except (AttributeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
