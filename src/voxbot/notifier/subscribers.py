"""How people join and leave through the bot itself: `/start CODE`, `/stop`, or blocking it.

Each bot is asked for updates by long polling (Bot API, getUpdates), by one process at a time. An update is confirmed by
the next request, after it has been worked off; worked off twice it does the same.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update
from aiogram.utils.token import TokenValidationError
from pydantic import ValidationError

from voxbot.domain.errors import StoreError
from voxbot.notifier.subscription import answer_to
from voxbot.store.notifier_limits import remember_id
from voxbot.store.notifier_messages import Chat
from voxbot.store.notifier_polling import give_polling_back, take_polling
from voxbot.store.notifier_registry import bot_of, list_enterprises

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.store.notifier_database import NotifierDatabase

log = structlog.get_logger(__name__)

_UPDATES = ["message", "my_chat_member"]
_CONNECTIONS = 1000
"""One for each bot: they all wait at the same time."""
_REQUEST_S = 15
_LATER_S = 300.0
"""Until a bot is tried again that Telegram does not know."""
_BUSY_S = 30.0
"""Until a bot is tried again that somebody else polls."""
_PAUSE_LAST_S = 60.0
_LEASE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOptions:
    """How bots are polled: the Bot API's address, how long a request waits for updates, how often to look for bots."""

    api_base: str
    poll_s: int = 25
    look_s: float = 5.0


class Subscribers:
    """Serves the bots of all enterprises."""

    def __init__(
        self, database: NotifierDatabase, options: PollOptions, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._database = database
        self._options = options
        self._clock = clock
        self._owner = uuid.uuid4().hex

    async def run(self) -> None:
        """Serve until cancelled."""
        server = TelegramAPIServer.from_base(self._options.api_base)
        session = AiohttpSession(api=server, limit=_CONNECTIONS, timeout=_REQUEST_S)
        try:
            async with asyncio.TaskGroup() as polling:
                await self._follow(session, polling)
        finally:
            await session.close()
            await self._give_back()

    async def _follow(self, session: AiohttpSession, polling: asyncio.TaskGroup) -> None:
        """Begin to serve bots that were added, and end with those that were taken away."""
        tasks: dict[str, asyncio.Task[None]] = {}
        while True:
            try:
                enterprises = await self._database.read(list_enterprises)
            except StoreError as error:
                log.warning("Список ботов не читается", error=str(error))
            else:
                wanted = {enterprise.bot_token for enterprise in enterprises if enterprise.bot_token}
                for gone in tasks.keys() - wanted:
                    tasks.pop(gone).cancel()
                for new in wanted - tasks.keys():
                    tasks[new] = polling.create_task(self._serve(new, session))
            await asyncio.sleep(self._options.look_s)

    async def _serve(self, bot_token: str, session: AiohttpSession) -> None:
        """Serve one bot until cancelled, whatever Telegram answers."""
        try:
            bot = Bot(bot_token, session=session)
        except TokenValidationError:
            log.error("Токен бота неверен: нужен вид 123456:ABC-..., как его выдал @BotFather", bot=bot_of(bot_token))
            return
        offset: int | None = None
        failures = 0
        while True:
            try:
                if not await self._may_poll(bot_token):
                    await asyncio.sleep(self._options.look_s)
                    continue
                for update_id, update in await self._updates(bot, offset):
                    if update is not None:
                        await self._handle(update, bot, bot_token)
                    offset = update_id + 1
                failures = 0
            except (AiogramError, OSError, StoreError) as error:
                failures += 1
                await asyncio.sleep(_pause_s(error, failures, bot_of(bot_token)))

    async def _updates(self, bot: Bot, offset: int | None) -> list[tuple[int, Update | None]]:
        """Wait for updates: their ids, and None for one that aiogram can't read."""
        seconds = self._options.poll_s
        try:
            updates = await bot.get_updates(
                offset=offset, timeout=seconds, allowed_updates=_UPDATES, request_timeout=seconds + _REQUEST_S
            )
        except ClientDecodeError as error:
            # Telegram adds kinds of things at any time, and sends an update again until it is confirmed.
            return _readable(error, bot)
        return [(update.update_id, update) for update in updates]

    async def _handle(self, update: Update, bot: Bot, bot_token: str) -> None:
        answer = await self._database.write(lambda connection: answer_to(connection, update, bot_token, self._clock()))
        if answer is None:
            return
        try:
            sent = await bot.send_message(answer.chat_id, answer.text)
        except TelegramForbiddenError:
            return  # blocked meanwhile: its own update will come
        except AiogramError as error:
            # Subscribed all the same; to repeat the update would not make the chat take the answer.
            log.warning("Ответ подписчику не отправлен", bot=bot_of(bot_token), error=type(error).__name__)
            return
        chat = Chat(bot=bot_of(bot_token), chat_id=answer.chat_id)
        await self._database.write(lambda connection: remember_id(connection, chat, sent.message_id))

    async def _may_poll(self, bot_token: str) -> bool:
        if not self._database.shared:
            return True
        lease_s = _LEASE_S + self._options.poll_s
        return await self._database.write(
            lambda connection: take_polling(connection, bot_of(bot_token), self._owner, self._clock(), lease_s)
        )

    async def _give_back(self) -> None:
        if self._database.shared:
            try:
                await self._database.write(lambda connection: give_polling_back(connection, self._owner))
            except StoreError as error:
                log.warning("Опрос ботов не передан другим процессам, они начнут его позже", error=str(error))


def _readable(error: ClientDecodeError, bot: Bot) -> list[tuple[int, Update | None]]:
    """Read the updates of an answer that can't be read whole one by one. Raises the error for another answer."""
    try:
        answer = cast("list[dict[str, Any]]", error.data["result"])
        ids = [int(update["update_id"]) for update in answer]
    except (TypeError, KeyError, ValueError):
        raise error from None
    updates: list[tuple[int, Update | None]] = []
    for update_id, update in zip(ids, answer, strict=True):
        try:
            updates.append((update_id, Update.model_validate(update, context={"bot": bot})))
        except ValidationError:
            log.warning("Обновление Telegram нового вида пропущено", bot=bot.id, update_id=update_id)
            updates.append((update_id, None))
    return updates


def _pause_s(error: Exception, failures: int, bot: str) -> float:
    """How long to leave a bot alone after a failure, which is said when it is new."""
    match error:
        case TelegramRetryAfter():
            return float(error.retry_after)
        case TelegramUnauthorizedError() | TelegramNotFound():
            log.error("Telegram не знает такого бота; проверьте токен бота у предприятия", bot=bot)
            return _LATER_S
        case TelegramConflictError():
            log.warning("Бота опрашивает другая программа или у него задан webhook; подписка через бота ждёт", bot=bot)
            return _BUSY_S
        case _:
            if failures == 1:
                log.warning("Бот не отвечает на запрос обновлений, повторяю", bot=bot, error=type(error).__name__)
            return min(_PAUSE_LAST_S, 2.0 ** min(failures - 1, 6)) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
