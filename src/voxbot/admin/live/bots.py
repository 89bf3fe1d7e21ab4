"""The bots behind the API: their live calls, controls, and calls from the browser, by their own HTTP servers."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from urllib.parse import quote

import aiohttp
import structlog

from voxbot.admin.live.watching import BotEvent, Watch
from voxbot.domain.errors import VoxbotError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)

_CONNECT_S = 3.0
_SILENT_S = 30.0
"""A bot sends a comment every 10 s."""
_AGAIN_S = 2.0
_MAX_LINE_BYTES = 1024 * 1024
_SILENT = "Бот {bot} не отвечает. Запущен ли он, и верны ли BOT_HTTP_PORT и BOT_URLS?"
_NO_KEY = "Бот {bot} не принял ключ: задайте у него и у панели один API_SECRET_KEY и перезапустите их."
_FULL = "Сейчас идёт слишком много разговоров из браузера. Дождитесь конца одного из них."
_OFF = "Звонки из браузера выключены (BROWSER_CALLS_MAX=0)."
_NOBODY = "Бот не отвечает: звонок из браузера идёт через него. Запустите voxbot bot или voxbot up."

Outcome: TypeAlias = Literal["done", "no_call", "not_now", "no_operator", "key", "unreachable"]


class BotUnreachableError(VoxbotError):
    """No bot takes what is asked of it."""

    code = "bot_unreachable"
    retryable = True


@dataclass(frozen=True, slots=True)
class Controlled:
    """What came of a control; `detail` says which bot it failed at."""

    outcome: Outcome
    detail: str = ""


class Bots:
    """All bots of the settings at the start, as the API's own address and key are. Close it after the last request."""

    def __init__(self, started: Settings) -> None:
        key = started.api.secret_key
        self._headers = {"X-API-Key": key.get_secret_value()} if key else {}
        self._addresses = started.bot.addresses
        self._session: aiohttp.ClientSession | None = None
        self.watch = Watch(self._addresses, self._follow)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.watch.close()
        if self._session:
            await self._session.close()

    async def control(self, call_id: str, action: Literal["hangup", "transfer"]) -> Controlled:
        """Do something to a call, at whichever bot has it. That there is none has to be said by every bot."""
        path = f"/live/{quote(call_id, safe='')}/{action}"
        asking = [asyncio.create_task(self._control(bot, path)) for bot in self._addresses]
        found: list[Controlled] = []
        try:
            for asked in asyncio.as_completed(asking):
                found.append(await asked)
                if found[-1].outcome in _OF_THE_CALL:
                    return found[-1]
        finally:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        return next((answer for answer in found if answer.outcome != "no_call"), found[0])

    async def talk(self, rate_hz: int, caller: str) -> aiohttp.ClientWebSocketResponse:
        """Call the first bot that has room, as a browser does (media/browser.py). Raises BotUnreachableError."""
        reasons: list[str] = []
        for bot in self._addresses:
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
                status = error.status if isinstance(error, aiohttp.WSServerHandshakeError) else 0
                reasons.append(_TALK_REFUSALS.get(status, "").format(bot=bot))
        # What the caller can do most about: wait, above all.
        raise BotUnreachableError(next((text for text in (_FULL, *reasons) if text in reasons and text), _NOBODY))

    async def _control(self, bot: str, path: str) -> Controlled:
        try:
            async with (
                asyncio.timeout(_CONNECT_S),
                self._http.post(f"{bot}{path}", headers=self._headers) as answer,
            ):
                code = "" if answer.status == HTTPStatus.OK else (await answer.json()).get("code", "")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, AttributeError):
            return Controlled("unreachable", _SILENT.format(bot=bot))
        if outcome := _OUTCOMES.get(code):
            return Controlled(outcome)
        return Controlled("key", _NO_KEY.format(bot=bot))

    async def _follow(self, bot: str) -> AsyncGenerator[BotEvent, None]:
        """Give what a bot tells, for ever; of one that is not there only that, and again when it comes."""
        told = None
        while True:
            try:
                async with self._stream(bot) as answer:
                    if told != "":
                        told = ""
                        yield BotEvent("bot", {"ok": True, "detail": ""})
                    async for event in _events(answer):
                        yield event
                detail = _SILENT.format(bot=bot)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                status = error.status if isinstance(error, aiohttp.ClientResponseError) else 0
                detail = (_NO_KEY if status in _KEY_REFUSED else _SILENT).format(bot=bot)
                log.debug("Поток бота прерван", bot=bot, reason=type(error).__name__)
            if told != detail:
                told = detail
                log.info("Бот не отвечает панели", bot=bot, reason=detail)
                yield BotEvent("bot", {"ok": False, "detail": detail})
            await asyncio.sleep(_AGAIN_S)

    @asynccontextmanager
    async def _stream(self, bot: str) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_S, sock_read=_SILENT_S)
        async with asyncio.timeout(_CONNECT_S):
            answer = await self._http.get(f"{bot}/live", headers=self._headers, timeout=timeout)
        async with answer:
            answer.raise_for_status()
            yield answer

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # aiohttp allows 100 connections at once, and a call from the browser holds one.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                read_bufsize=_MAX_LINE_BYTES,
            )
        return self._session


async def _events(answer: aiohttp.ClientResponse) -> AsyncGenerator[BotEvent, None]:
    kind = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: ") and kind:
            yield BotEvent(kind, cast("dict[str, Any]", json.loads(line.removeprefix("data: "))))


_OUTCOMES: dict[str, Outcome] = {"": "done", "no_call": "no_call", "not_now": "not_now", "no_operator": "no_operator"}
_OF_THE_CALL = ("done", "not_now", "no_operator")
_KEY_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_TALK_REFUSALS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: _NO_KEY,
    HTTPStatus.FORBIDDEN: _NO_KEY,
    HTTPStatus.SERVICE_UNAVAILABLE: _FULL,
    HTTPStatus.CONFLICT: _OFF,
}
