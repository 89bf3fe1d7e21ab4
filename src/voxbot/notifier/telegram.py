"""One request to the Telegram Bot API, and what came of it."""

from __future__ import annotations

import html
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

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
from aiohttp import ClientConnectorError, ClientTimeout, ConnectionTimeoutError

from voxbot.store.notifier_operations import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.store.notifier_operations import Operation, OutcomeKind

_ANSWERS = tuple(
    Response[method.__returning__] for method in (SendMessage, EditMessageText, DeleteMessage, GetUpdates, GetMe)
)
"""aiogram names the type of an answer anew for each one, and Pydantic forgets types that nobody holds: without this
each answer would take 0.1 s of building its type, during which no other thread runs."""
CONNECTIONS = 500
"""Requests under way, of all bots."""
_REQUEST_S = 15.0
_CONNECT_S = 5.0
_SECRET = re.compile(r"(\d{3,}:)[\w-]{8,}")
"""A bot token, which is part of each request's address and so of many an error's text."""
_MAX_CHARS = 4096
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TAG = re.compile(r"<[^<>]*>")
_SPOILT = ("can't parse entities", "message is too long", "message text is empty", "text must be non-empty")
"""Texts that Telegram refuses, though it would take their words."""
_NOT_SENT = (ClientConnectorError, ConnectionTimeoutError)
_KINDS: tuple[tuple[Any, OutcomeKind], ...] = (
    (TelegramForbiddenError, "refused"),
    ((TelegramUnauthorizedError, TelegramNotFound), "unauthorized"),
)
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


class _Session(AiohttpSession):
    """Tells a connection that was not made in time, which is certainly no request, from an answer that did not come."""

    async def make_request(self, bot: Bot, method: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109 - aiogram's own
        limit: Any = timeout or ClientTimeout(total=_REQUEST_S, connect=_CONNECT_S)
        return await super().make_request(bot, method, timeout=limit)


@asynccontextmanager
async def open_telegram(api_base: str) -> AsyncGenerator[Telegram, None]:
    """Make ready for requests to the Bot API at `api_base` (https://api.telegram.org, or a server of one's own)."""
    session = _Session(api=TelegramAPIServer.from_base(api_base), limit=CONNECTIONS)
    try:
        yield Telegram(session)
    finally:
        await session.close()


def outcome_of(error: BaseException) -> Outcome:
    """Say what a failed request means. Only certain failures are told apart from «may have been done»."""
    reason = " ".join(str(getattr(error, "message", error) or type(error).__name__).split())
    reason = _SECRET.sub(r"\1***", reason)[:200]
    match error:
        case TelegramRetryAfter():
            return Outcome(kind="flood", reason=reason, seconds=float(error.retry_after))
        case TelegramMigrateToChat():
            return Outcome(kind="moved", reason=reason, moved_to=error.migrate_to_chat_id)
        case TelegramBadRequest():
            return _bad_request(reason)
        case TelegramNetworkError() if isinstance(error.__cause__, _NOT_SENT):
            return Outcome(kind="retry", reason=reason)
        case _:
            return Outcome(kind=_kind_of(error), reason=reason)


def _kind_of(error: BaseException) -> OutcomeKind:
    for errors, kind in _KINDS:
        if isinstance(error, errors):
            return kind
    return "uncertain"


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
