"""A token that is always fresh: fetched once for all who ask, renewed beside the calls long before it expires.

IAM tokens live up to 12 hours; Yandex advises to ask for a new one every hour, so that one that was revoked or cut
short does not surprise (https://yandex.cloud/docs/iam/concepts/authorization/iam-token).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.providers.yandex.errors import PROVIDER

log = structlog.get_logger(__name__)

_RENEW_S = 3600.0
_RENEW_SHARE = 0.7
_JITTER_SHARE = 0.1
"""Units started together should not ask together."""
_SPARE_S = 10.0
"""A token that expires sooner may do so on its way: whoever uses it asks for the next one."""
_FIRST_PAUSES_S = (0.2, 0.6)
"""Between the attempts of someone who waits."""
_LATER_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
_YOUNG_S = 30.0
"""A token refused at this age or younger is not the reason: another one would be refused as well."""


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A token as its issuer gave it, good for `life_s` from now."""

    value: str = field(repr=False)
    life_s: float


Fetch: TypeAlias = Callable[[], Awaitable[FreshToken]]


class RenewedToken:
    """`fetch` raises ProviderError. Time is the event loop's; `chance` gives 0-1; see `refused` for `young_s`."""

    def __init__(self, fetch: Fetch, *, chance: Callable[[], float] = random.random, young_s: float = _YOUNG_S) -> None:
        self._fetch = fetch
        self._young_s = young_s
        self._chance = chance
        self._token: FreshToken | None = None
        self._fetched_at_s = 0.0
        self._fetching: asyncio.Task[FreshToken] | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def value(self) -> str:
        """Return a valid token, at once unless there is none. Raises ProviderError."""
        if self._token is None or self._left_s() <= 0:
            await asyncio.shield(self._one_fetch(_FIRST_PAUSES_S))
        elif self._left_s() < _SPARE_S:  # renewing has failed for long: what is left of it is used
            self._one_fetch(_FIRST_PAUSES_S)
        assert self._token is not None
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_for_ever())
        return self._token.value

    def refused(self, value: str) -> bool:
        """The service did not take this token: forget it. False if it is so new that another would not help."""
        if self._token is None or self._token.value != value:  # another request has found it out
            return True
        if asyncio.get_running_loop().time() - self._fetched_at_s < self._young_s:
            return False
        self._token = None
        return True

    async def close(self) -> None:
        """Stop renewing."""
        tasks = {task for task in (self._renewing, self._fetching) if task is not None}
        self._renewing = self._fetching = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _one_fetch(self, pauses_s: tuple[float, ...]) -> asyncio.Task[FreshToken]:
        """Give the fetch under way, or begin one; who waits shields it: giving up does not stop it for the others."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._attempts(pauses_s))
            self._fetching.add_done_callback(_seen)
        return self._fetching

    async def _attempts(self, pauses_s: tuple[float, ...]) -> FreshToken:
        for pause_s in (*pauses_s, None):
            try:
                token = await self._fetched()
            except ProviderError as error:
                if pause_s is None or not error.retryable:
                    raise
                await asyncio.sleep(pause_s)
            else:
                self._token, self._fetched_at_s = token, asyncio.get_running_loop().time()
                return token
        raise AssertionError

    async def _fetched(self) -> FreshToken:
        try:
            return await self._fetch()
        except ProviderError:
            raise
        except Exception as error:  # whatever it is, calls go on and renewing does
            log.exception("Запрос токена сломался не так, как умеет")
            raise ProviderUnavailableError(PROVIDER, f"выдача токена: сбой ({type(error).__name__})") from error

    async def _renew_for_ever(self) -> None:
        pause_s = self._until_renewal_s()
        failures = 0
        while True:
            await asyncio.sleep(pause_s)
            try:
                await asyncio.shield(self._one_fetch(()))
            except ProviderError as error:
                failures += 1
                pause_s = min(_LONGEST_PAUSE_S, _LATER_PAUSE_S * 2 ** (failures - 1)) * self._jitter()
                log.warning("Токен Yandex Cloud пока не продлён", error=str(error), code=error.code, failures=failures)
            else:
                failures = 0
                pause_s = self._until_renewal_s()

    def _until_renewal_s(self) -> float:
        assert self._token is not None
        return min(_RENEW_S, self._token.life_s * _RENEW_SHARE) * self._jitter()

    def _jitter(self) -> float:
        return 1 - _JITTER_SHARE * self._chance()

    def _left_s(self) -> float:
        assert self._token is not None
        return self._fetched_at_s + self._token.life_s - asyncio.get_running_loop().time()


def _seen(task: asyncio.Task[FreshToken]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
