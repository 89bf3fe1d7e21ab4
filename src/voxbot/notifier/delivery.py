"""From wishes to Telegram: each chat gets one request at a time, chats in parallel, within Telegram's limits.

What to do next is chosen in the database (store/notifier_delivery.py), where the intent is committed before the
request and the result after it. A worker serves one chat while there is something to do.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from voxbot.domain.errors import StoreError
from voxbot.notifier.telegram import CONNECTIONS, open_telegram
from voxbot.store import notifier_delivery as steps
from voxbot.store.notifier_choice import GaveUp
from voxbot.store.notifier_limits import Limits, Pause
from voxbot.store.notifier_operations import Operation, Outcome, main_id_of
from voxbot.store.notifier_registry import list_enterprises
from voxbot.store.notifier_results import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.notifier.telegram import Telegram
    from voxbot.store.notifier_choice import Step
    from voxbot.store.notifier_database import NotifierDatabase, Transaction
    from voxbot.store.notifier_messages import Chat

T = TypeVar("T")

_CHATS_AT_ONCE = CONNECTIONS
_CHATS_OF_A_BOT = 25
"""Enough for a bot's 30 requests a second, and few enough for the others when Telegram hangs for some."""
_TAKEN_AT_ONCE = 20
_LOOK_S = 1.0
"""How often to look for what nobody has woken us for."""
_LOOK_SHARED_S = 0.2
_STOP_S = 20.0
_STORE_RETRY_S = 1.0
_SET_BACK_S = 1.0
"""A clock that is set back by more makes the times that were noted before wrong."""
_TOKENS_S = 5.0
_NO_BOT = Outcome(kind="unauthorized", reason="no bot token")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneOperation:
    """A request to Telegram that got its answer, or failed.

    `at`: when (seconds since the epoch). `unique_id` names the call, "" while no event did. `text` is HTML, whole.
    `outcome.kind` is "done" for success. `delay_ms`: since the event behind it arrived, for sends and edits.
    """

    at: float
    operation: Operation
    outcome: Outcome
    unique_id: str
    delay_ms: int | None
    request_ms: int


class Delivery:
    """Brings chats to what they should show. `observer` hears of every request but probes; it must not block."""

    def __init__(
        self,
        database: NotifierDatabase,
        *,
        api_base: str,
        limits: Limits | None = None,
        observer: Callable[[DoneOperation], None] = lambda _done: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._database = database
        self._api_base = api_base
        self._limits = limits or Limits()
        self._observer = observer
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._clock = clock
        self._clock_lead_s = clock() - time.monotonic()
        self._workers: dict[asyncio.Task[None], str] = {}
        """With the bot that each works for."""
        self._tokens: dict[str, str] = {}
        self._tokens_at = float("-inf")

    def wake(self) -> None:
        """Say that there may be something to deliver. Never blocks."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; then finish the requests under way."""
        if not self._database.shared:
            await self._retried(steps.drop_leases)
        await self._retried(lambda tx: steps.correct_times(tx, self._clock()))
        async with open_telegram(self._api_base) as telegram:
            try:
                await self._serve_all(telegram)
            finally:
                self._stopping.set()
                if self._workers:
                    await asyncio.wait(self._workers, timeout=_STOP_S)
                for worker in self._workers:
                    worker.cancel()

    async def _serve_all(self, telegram: Telegram) -> None:
        while True:
            self._woken.clear()
            await self._watch_clock()
            taken = await self._take()
            for chat, step in taken:
                worker = asyncio.create_task(self._serve(telegram, chat, step))
                self._workers[worker] = chat.bot
                worker.add_done_callback(self._workers.pop)
            if len(self._workers) >= _CHATS_AT_ONCE:
                await asyncio.wait(self._workers, return_when=asyncio.FIRST_COMPLETED)
            elif not taken:
                await self._until_woken()

    async def _watch_clock(self) -> None:
        lead_s = self._clock() - time.monotonic()
        if lead_s < self._clock_lead_s - _SET_BACK_S:
            log.warning("Часы переведены назад, паузы доставки пересчитаны", seconds=round(self._clock_lead_s - lead_s))
            await self._retried(lambda tx: steps.correct_times(tx, self._clock()))
        self._clock_lead_s = lead_s

    async def _until_woken(self) -> None:
        now = self._clock()
        look_s = _LOOK_SHARED_S if self._database.shared else _LOOK_S
        due_at = await self._retried(lambda tx: steps.next_chat_due_at(tx, now), read=True)
        timeout_s = look_s if due_at is None else min(look_s, max(0.01, due_at - now))
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _take(self) -> list[tuple[Chat, Step]]:
        now = self._clock()
        room = {bot: _CHATS_OF_A_BOT - busy for bot, busy in Counter(self._workers.values()).items()}
        full = {bot for bot, places in room.items() if places <= 0}
        if not await self._retried(lambda tx: steps.has_due_chats(tx, now, full), read=True):
            return []

        def take(tx: Transaction) -> list[tuple[Chat, Step]]:
            now = self._clock()
            chats = steps.take_chats(tx, self._owner, now, _TAKEN_AT_ONCE, room)
            return [(chat, steps.next_step(tx, chat, self._owner, now, self._limits)) for chat in chats]

        return await self._retried(take)

    async def _serve(self, telegram: Telegram, chat: Chat, step: Step) -> None:
        """Do what there is to do in a leased chat. When it ends, the chat is given back."""
        try:
            while step is not None:
                match step:
                    case Pause():
                        await self._pause(step.seconds)
                        step = await self._next(chat)
                    case GaveUp():
                        self._tell(step.operation, step.outcome, "", 0)
                        step = await self._next(chat)
                    case Operation():
                        step = await self._perform(telegram, step)
        except Exception:  # the lease runs out, and the chat is served again
            log.exception("Сбой доставки в чат Telegram", bot=chat.bot, chat=chat.chat_id)
        finally:
            self.wake()  # what was wished while the chat was given back

    async def _perform(self, telegram: Telegram, operation: Operation) -> Step:
        begin = time.monotonic()
        token = await self._token(operation.chat.bot)
        outcome = await telegram.perform(operation, token) if token else _NO_BOT
        request_ms = round((time.monotonic() - begin) * 1000)
        if outcome.kind == "unauthorized":
            self._tokens = {}

        def keep(tx: Transaction) -> tuple[str, Step]:
            # Now, not when the request ended: a wish of the meantime would seem to lie in the future.
            now = self._clock()
            finish(tx, operation, outcome, self._owner, now)
            return main_id_of(tx, operation.call_id), self._step(tx, operation.chat)

        unique_id, step = await self._retried(keep)
        self._tell(operation, outcome, unique_id, request_ms)
        return step

    async def _next(self, chat: Chat) -> Step:
        return await self._retried(lambda tx: self._step(tx, chat))

    def _step(self, tx: Transaction, chat: Chat) -> Step:
        if self._stopping.is_set():
            steps.release(tx, chat, self._owner)
            return None
        return steps.next_step(tx, chat, self._owner, self._clock(), self._limits)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _tell(self, operation: Operation, outcome: Outcome, unique_id: str, request_ms: int) -> None:
        if operation.action == "probe":
            return
        now = self._clock()
        if outcome.kind not in ("done", "gone"):
            place = {"enterprise": operation.enterprise, "chat": operation.chat.chat_id}
            log.warning("Telegram не выполнил запрос", action=operation.action, reason=outcome.reason, **place)
        delay_ms = None if operation.event_at is None else round((now - operation.event_at) * 1000)
        try:
            self._observer(
                DoneOperation(
                    at=now,
                    operation=operation,
                    outcome=outcome,
                    unique_id=unique_id,
                    delay_ms=delay_ms,
                    request_ms=request_ms,
                )
            )
        except Exception:  # an observer can't stop a delivery
            log.exception("Сбой наблюдателя доставки")

    async def _token(self, bot: str) -> str | None:
        """Return the token of a bot; tokens may be changed at any time."""
        if bot not in self._tokens or time.monotonic() - self._tokens_at > _TOKENS_S:
            enterprises = await self._retried(list_enterprises, read=True)
            self._tokens = {enterprise.bot: enterprise.bot_token for enterprise in enterprises if enterprise.bot}
            self._tokens_at = time.monotonic()
        return self._tokens.get(bot)

    async def _retried(self, work: Callable[[Transaction], T], *, read: bool = False) -> T:
        """Do work on the database, however long it is away: a result that is known must not be lost."""
        while True:
            try:
                return await (self._database.read(work) if read else self._database.write(work))
            except StoreError as error:
                if self._stopping.is_set():
                    raise
                log.error("База данных не отвечает, доставка ждёт", reason=str(error))
                await asyncio.sleep(_STORE_RETRY_S)
