"""The bots behind the API: their live calls, controls, and calls from the browser, by their own HTTP servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import quote

import aiohttp
import structlog

from voxbot.domain.errors import VoxbotError
from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_CONNECT_S = 3.0
_SILENT_S = 30.0
"""A bot sends a comment every 10 s."""
_AGAIN_S = 2.0
_MAX_LINE_BYTES = 1024 * 1024

Outcome: TypeAlias = Literal["done", "no_call", "not_now", "key", "unreachable"]


class BotUnreachableError(VoxbotError):
    """No bot answers at its address."""

    code = "bot_unreachable"
    retryable = True


@dataclass(frozen=True, slots=True)
class BotEvent:
    """What a bot tells: `snapshot`, `call` or `ended` as in observers/live_http.py, or `bot`: whether it is there."""

    bot: str
    kind: str
    document: dict[str, Any]


class Bots:
    """All bots of the settings in force. Close it when the last request is over."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    @property
    def addresses(self) -> Sequence[str]:
        """Where the bots are."""
        return self._settings().bot.addresses

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session:
            await self._session.close()

    async def snapshot(self, bot: str) -> list[dict[str, Any]] | None:
        """Ask a bot for its calls; None if it does not answer."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                async for event in self._stream(bot):
                    if event.kind == "snapshot":
                        return event.document["calls"]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            pass
        return None

    async def follow(self, bot: str) -> AsyncGenerator[BotEvent, None]:
        """Give what a bot tells, for ever; of one that is not there only that, and again when it comes."""
        was_there: bool | None = None
        while True:
            reason = ""
            try:
                async for event in self._stream(bot):
                    if not was_there:
                        was_there = True
                        yield BotEvent(bot, "bot", {"ok": True, "detail": ""})
                    yield event
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                reason = type(error).__name__
            if was_there is not False:
                was_there = False
                log.info("Бот не отвечает панели", bot=bot, reason=reason)
                detail = f"Бот {bot} не отвечает. Запущен ли он, и верны ли BOT_HTTP_PORT и BOT_URLS?"
                yield BotEvent(bot, "bot", {"ok": False, "detail": detail})
            await asyncio.sleep(_AGAIN_S)

    async def control(self, call_id: str, action: Literal["hangup", "transfer"]) -> Outcome:
        """Do something to a call, at whichever bot has it."""
        outcome: Outcome = "unreachable"
        for bot in self.addresses:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    path = f"/live/{quote(call_id, safe='')}/{action}"
                    async with self._http.post(f"{bot}{path}", headers=self._headers) as answer:
                        status = answer.status
            except (aiohttp.ClientError, OSError, TimeoutError):
                continue
            found = _OUTCOMES.get(status, "key")
            if found != "no_call":
                return found
            outcome = "no_call"
        return outcome

    async def talk(self, rate_hz: int, caller: str) -> aiohttp.ClientWebSocketResponse:
        """Call a bot as a browser does (media/browser.py). Raises BotUnreachableError."""
        for bot in self.addresses:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    return await self._http.ws_connect(
                        f"{bot}/talk",
                        params={"rate": str(rate_hz), "caller": caller},
                        headers=self._headers,
                        max_msg_size=_MAX_LINE_BYTES,
                    )
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.info("Бот не принимает звонок из браузера", bot=bot, reason=type(error).__name__)
        raise BotUnreachableError(
            "Бот не отвечает: звонок из браузера идёт через него. Запустите voxbot bot или voxbot up."
        )

    async def _stream(self, bot: str) -> AsyncGenerator[BotEvent, None]:
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_S, sock_read=_SILENT_S)
        async with self._http.get(f"{bot}/live", headers=self._headers, timeout=timeout) as answer:
            answer.raise_for_status()
            kind = ""
            async for raw in answer.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind:
                    yield BotEvent(bot, kind, cast("dict[str, Any]", json.loads(line.removeprefix("data: "))))

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S), read_bufsize=_MAX_LINE_BYTES
            )
        return self._session

    @property
    def _headers(self) -> dict[str, str]:
        key = self._settings().api.secret_key
        return {"X-API-Key": key.get_secret_value()} if key else {}


_OUTCOMES: dict[int, Outcome] = {200: "done", 404: "no_call", 409: "not_now"}
