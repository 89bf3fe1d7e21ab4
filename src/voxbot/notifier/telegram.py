"""One request to the Telegram Bot API, and what came of it."""

from __future__ import annotations

import html
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import DeleteMessage, EditMessageText, GetMe, GetUpdates, Response, SendMessage
from aiogram.types import LinkPreviewOptions
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientConnectorError

from voxbot.store.notifier_operations import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.store.notifier_operations import Operation

_ANSWERS = tuple(
    Response[method.__returning__] for method in (SendMessage, EditMessageText, DeleteMessage, GetUpdates, GetMe)
)
"""aiogram names the type of an answer anew for each one, and Pydantic forgets types that nobody holds: without this
each answer would take 0.1 s of building its type, during which no other thread runs."""
_REQUEST_S = 15.0
_MAX_CHARS = 4096
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TAG = re.compile(r"<[^<>]*>")
_SPOILT = ("can't parse entities", "message is too long", "message text is empty", "text must be non-empty")
"""Texts that Telegram refuses, though it would take their words."""
_SAME = "message is not modified"
_GONE = (
    "message to edit not found",
    "message to delete not found",
    "message can't be edited",
    "message can't be deleted",
    "message identifier is not specified",
    "message_id_invalid",
)
_NO_CHAT = (
    "chat not found",
    "user is deactivated",
    "peer_id_invalid",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "bot was kicked",
    "upgraded to a supergroup",
    "topic_closed",
)


class Telegram:
    """Makes requests, of all bots over one pool of connections. Made by `open_telegram`, which closes it."""

    def __init__(self, session: AiohttpSession) -> None:
        self._session = session
        self._bots: dict[str, Bot] = {}

    async def perform(self, operation: Operation, bot_token: str) -> Outcome:
        """Make a request. Never raises: a failure is an outcome."""
        outcome = await self._attempt(operation, bot_token, plain=False)
        if outcome.kind == "rejected" and any(sign in outcome.reason for sign in _SPOILT):
            # Certainly not done: its words may be sent at once. A message without its bold type is better than none.
            return await self._attempt(operation, bot_token, plain=True)
        return outcome

    async def _attempt(self, operation: Operation, bot_token: str, *, plain: bool) -> Outcome:
        try:
            return await self._request(operation, self._bot(bot_token), plain=plain)
        except TokenValidationError:
            return Outcome(kind="unauthorized", reason="not a bot token")
        except (AiogramError, OSError, TimeoutError) as error:
            return outcome_of(error)

    async def _request(self, operation: Operation, bot: Bot, *, plain: bool) -> Outcome:
        chat_id, message_id = operation.chat.chat_id, operation.message_id
        text = _plain(operation.text) if plain else operation.text
        parse_mode = None if plain else ParseMode.HTML
        if operation.action == "send":
            sent = await bot.send_message(chat_id, text, parse_mode=parse_mode, link_preview_options=_NO_PREVIEW)
            return Outcome(kind="done", message_id=sent.message_id)
        assert message_id is not None
        if operation.action == "delete":
            await bot.delete_message(chat_id, message_id)
        else:
            await bot.edit_message_text(
                text,
                chat_id=chat_id,
                message_id=message_id,
                parse_mode=parse_mode,
                link_preview_options=_NO_PREVIEW,
            )
        return Outcome(kind="done")

    def _bot(self, token: str) -> Bot:
        bot = self._bots.get(token)
        if bot is None:
            bot = self._bots[token] = Bot(token, session=self._session)
        return bot


@asynccontextmanager
async def open_telegram(api_base: str) -> AsyncGenerator[Telegram, None]:
    """Make ready for requests to the Bot API at `api_base` (https://api.telegram.org, or a server of one's own)."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_base), timeout=_REQUEST_S)
    try:
        yield Telegram(session)
    finally:
        await session.close()


def outcome_of(error: BaseException) -> Outcome:
    """Say what a failed request means. Only certain failures are told apart from «may have been done»."""
    reason = " ".join(str(getattr(error, "message", error) or type(error).__name__).split())[:200]
    match error:
        case TelegramRetryAfter():
            return Outcome(kind="flood", reason=reason, seconds=float(error.retry_after))
        case TelegramForbiddenError() | TelegramMigrateToChat():
            return Outcome(kind="refused", reason=reason)
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Outcome(kind="unauthorized", reason=reason)
        case TelegramBadRequest():
            return _bad_request(reason)
        case TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return Outcome(kind="retry", reason=reason)
        case _:
            return Outcome(kind="uncertain", reason=reason)


def _bad_request(reason: str) -> Outcome:
    text = reason.lower()
    if _SAME in text:
        return Outcome(kind="done")
    if any(sign in text for sign in _GONE):
        return Outcome(kind="gone", reason=reason)
    if any(sign in text for sign in _NO_CHAT):
        return Outcome(kind="refused", reason=reason)
    return Outcome(kind="rejected", reason=reason)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text))[:_MAX_CHARS].strip() or "…"
