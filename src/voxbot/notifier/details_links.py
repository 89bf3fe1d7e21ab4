"""Links to the page of a call: signed, and dead after some days.

The signature is HMAC-SHA256 over enterprise, unique id and expiry, its first 128 bits in hex. The expiry is counted in
whole days from the call's own time, so that the same call has the same link whenever its message is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_DAY_S = 86_400
_KEY_BYTES = 32
_SIGNATURE_CHARS = 32


class DetailsLinks:
    """Makes and checks links; all processes of one notifier must have the same key."""

    def __init__(self, key: bytes, public_url: str, valid_days: int) -> None:
        """Make links below `public_url`, with or without a slash at its end."""
        self._key = key
        self._base = public_url.rstrip("/")
        self._valid_days = valid_days

    def url(self, enterprise: str, unique_id: str, at: float) -> str | None:
        """The link to the call of a channel, None for none.

        `at` is when the call began (seconds since the epoch), the same whenever its message is written.
        """
        if not unique_id:
            return None
        until = self._until(at)
        asked = {"e": enterprise, "until": str(until), "sig": self._signature(enterprise, unique_id, str(until))}
        return f"{self._base}/call/details/{quote(unique_id, safe='')}?{urlencode(asked)}"

    def lasts(self, at: float, now: float) -> bool:
        """Whether the link to a call that began `at` is not past its time."""
        return now < self._until(at)

    def _until(self, at: float) -> int:
        return (int(at) // _DAY_S + self._valid_days + 1) * _DAY_S

    def allows(self, enterprise: str, unique_id: str, until: str, signature: str, now: float) -> bool:
        """Whether what stands in a link is signed and not past its time (`now`: seconds since the epoch)."""
        right = self._signature(enterprise, unique_id, until)
        signed = hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace"))
        return signed and until.isascii() and until.isdigit() and now < int(until)

    def _signature(self, enterprise: str, unique_id: str, until: str) -> str:
        signed = f"{enterprise}\n{unique_id}\n{until}".encode("utf-8", "replace")
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()[:_SIGNATURE_CHARS]


def load_key(path: Path) -> bytes:
    """Read the key that signs links, made at first use. Raises ConfigError."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "в нём не ключ"
        raise ConfigError(
            f"{path}: ключ подписи ссылок не читается ({reason}); удалите файл или задайте NOTIFIER_LINK_KEY"
        ) from error
    if len(key) < _KEY_BYTES:
        raise ConfigError(f"{path}: ключ подписи ссылок короткий или пустой; удалите файл, он будет создан заново")
    return key.encode()


def _make_key(path: Path) -> None:
    """Put the key in place whole: another process may be doing the same, and then the first one's key stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
