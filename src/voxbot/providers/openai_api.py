"""What all providers of an OpenAI-compatible service share: the account, the client, and what its errors mean.

The same protocol is spoken by OpenAI, Yandex Cloud (`https://ai.api.cloud.yandex.net/v1`, models by URI
`gpt://<folder>/yandexgpt/latest`, an API key of a service account as the key), GigaChat (its token lives for 30 min:
behind a proxy that renews it, such as gpt2giga), vLLM, Ollama (`http://<host>:11434/v1`), LocalAI and others.
The SDK's own retries are off: the wrappers of speech/fallback.py and agent/llm.py go on with another engine instead.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
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
_NO_ACCESS, _NOT_FOUND, _SERVER_ERROR = frozenset({401, 403}), 404, 500
_FORBIDDEN_REGION = "unsupported_country_region_territory"
_NO_MODEL = frozenset({"model_not_found", "invalid_model", "model_not_available"})
_MODEL_REFUSED = re.compile(
    r"\b(invalid|unknown|no such|parse|find|load) (the )?model\b"
    r"|\bmodel\b[^.]{0,80}?\b(not found|not exist|not available|unknown|invalid)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z][a-z0-9_.\[\]]{0,60}")
"""What codes and parameters look like: no words of a caller, no key."""
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

    The text of the server's answer is left out: it may repeat what a caller said, or the key. Its code and the
    parameter that it names are shown.
    """
    import openai  # noqa: PLC0415 - loaded together with the client

    if isinstance(error, ProviderError):
        return error
    match error:
        case openai.RateLimitError():
            text = "слишком много запросов или исчерпана квота; проверьте тариф"
            made: ProviderError = ProviderRateLimitError(provider, text, retry_after_s(error))
        case openai.APITimeoutError():
            made = ProviderUnavailableError(provider, f"нет ответа за {read_s:g} с")
        case openai.APIConnectionError():
            text = f"сервер недоступен; проверьте {variables.base_url} и сеть"
            made = ProviderUnavailableError(provider, text)
        case openai.APIStatusError(status_code=status) if status < _SERVER_ERROR:
            made = _refused(error, variables, provider)
        case openai.APIStatusError(status_code=status):
            made = ProviderUnavailableError(provider, f"сервер ответил {status}")
        case _:
            made = ProviderUnavailableError(provider, f"ответ оборвался ({type(error).__name__})")
    return made


def _refused(error: Any, variables: Variables, provider: str) -> ProviderError:
    """Say whose fault a refusal is: the account's, the model's, the request's."""
    names = [str(getattr(error, name, None) or "") for name in ("code", "param")]
    what = " ".join([str(error.status_code), *filter(_NAME.fullmatch, names)])
    if names_model(error):
        return ProviderError(provider, f"сервис не знает такой модели ({what}); проверьте {variables.model}")
    if _FORBIDDEN_REGION in names:
        fix = f"укажите в {variables.base_url} прокси или другой сервис"
        return ProviderAuthError(provider, f"сервис не работает из этой страны ({what}), ключ ни при чём; {fix}")
    if error.status_code in _NO_ACCESS:
        return ProviderAuthError(provider, f"ключ не принят ({what}); проверьте {variables.key}")
    if error.status_code == _NOT_FOUND:
        text = f"нет такой модели или адреса ({what}); проверьте {variables.model} и {variables.base_url}"
        return ProviderError(provider, text)
    text = f"сервер отклонил запрос ({what}); проверьте {variables.model} и {variables.base_url}"
    return ProviderError(provider, text)


def names_model(error: Exception) -> bool:
    """Whether a refusal is of the model as such, not of what a request asks of it.

    Services say so with 400, 403 or 404; Yandex Cloud complains of the model's URI.
    """
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or status >= _SERVER_ERROR:
        return False
    code, param, body = (getattr(error, name, None) for name in ("code", "param", "body"))
    if code in _NO_MODEL or param:
        return code in _NO_MODEL or param == "model"
    text = cast("dict[str, Any]", body).get("message") if isinstance(body, dict) else error
    return _MODEL_REFUSED.search(str(text)) is not None


def retry_after_s(error: Any) -> float | None:
    """Return the seconds of the header `Retry-After` (RFC 9110, 10.2.3); None without them (a date is not read)."""
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except (AttributeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
