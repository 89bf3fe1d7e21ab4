"""Everything that VoxBot raises on purpose.

VoxbotError
├── ConfigError            a setting, a file or the environment is wrong; the operator must act
│   ├── ModelError         a local model is missing or its checksum is wrong
│   └── PortBusyError      an address is taken by another program
├── KnowledgeError         a knowledge base cannot be read, or its index cannot be built or opened
├── ProviderError          a speech, language or embedding engine failed
│   ├── ProviderUnavailableError   refused, reset, 5xx, hung            (retryable)
│   ├── ProviderRateLimitError     too many requests, retry later       (retryable)
│   └── ProviderAuthError          the key or account was refused
├── AriError               Asterisk refused a request
│   ├── AriAuthError       wrong ARI user or password
│   ├── AriUnavailableError        Asterisk does not answer             (retryable)
│   └── ChannelGoneError   the channel or bridge of the request no longer exists
├── MediaError             the audio connection of a call failed
├── StoreError             the database cannot be opened or written
│   └── StoreBusyError     another program holds it                     (retryable)
├── EventError             a posted call event is malformed
└── RosterError            a change to who gets which calls is refused
    └── RosterMissingError there is no such enterprise, or it does not send calls to this chat

`code` is stable and fit for logs, metrics and API answers. `retryable` says whether the same request may
succeed when it is sent again; only the fallback wrappers act on it.
"""

from __future__ import annotations

from typing import ClassVar, cast


class VoxbotError(Exception):
    """Root of the tree: the text says what, where and what to do, in one line."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False


class ConfigError(VoxbotError):
    """A setting, a file or the environment is wrong."""

    code = "config"


class ModelError(ConfigError):
    """A local model is missing or damaged."""

    code = "model"


class PortBusyError(ConfigError):
    """An address that a unit must listen on is taken."""

    code = "port_busy"


class KnowledgeError(VoxbotError):
    """A knowledge base or its index is unusable."""

    code = "knowledge"


class IndexBusyError(KnowledgeError):
    """Another program builds the index now."""

    code = "index_busy"

    def __init__(self, where: str) -> None:
        super().__init__(f"индекс в {where} уже строит другая программа; дождитесь её конца")


class ProviderError(VoxbotError):
    """An engine failed; `provider` names it."""

    code = "provider"

    def __init__(self, provider: str, text: str) -> None:
        super().__init__(f"{provider}: {text}")
        self.provider = provider


class ProviderUnavailableError(ProviderError):
    """The engine refused, reset or hung."""

    code = "provider_unavailable"
    retryable = True


class ProviderRateLimitError(ProviderError):
    """The engine asks to send less; `retry_after_s` is when it may be asked again, if it says so."""

    code = "provider_rate_limit"
    retryable = True

    def __init__(self, provider: str, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(provider, text)
        self.retry_after_s = retry_after_s


class ProviderAuthError(ProviderError):
    """The engine refused the key or the account."""

    code = "provider_auth"


class AriError(VoxbotError):
    """Asterisk refused an ARI request; `status` is the HTTP status, 0 if there was none."""

    code = "ari"

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class AriAuthError(AriError):
    """Asterisk refused the ARI user or password."""

    code = "ari_auth"


class AriUnavailableError(AriError):
    """Asterisk's HTTP server does not answer."""

    code = "ari_unavailable"
    retryable = True


class ChannelGoneError(AriError):
    """The channel or bridge does not exist (any more)."""

    code = "channel_gone"


class MediaError(VoxbotError):
    """The audio connection of a call failed."""

    code = "media"


class StoreError(VoxbotError):
    """The database cannot be opened or written."""

    code = "store"


class StoreBusyError(StoreError):
    """Another program holds the database."""

    code = "store_busy"
    retryable = True


class EventError(VoxbotError):
    """A posted call event is malformed: `field` names the JSON key, "" the whole body; `reason` says why."""

    code = "bad_event"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"поле {field}: {reason}" if field else f"тело запроса: {reason}")
        self.field = field
        self.reason = reason


class RosterError(VoxbotError):
    """A change to who gets which calls is refused."""

    code = "roster"


class RosterMissingError(RosterError):
    """There is no such enterprise, or it does not send calls to this chat."""

    code = "roster_missing"


def first_error(error: BaseException) -> BaseException:
    """Take the first error out of a task group's bundle, however deep; any other error is itself."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
