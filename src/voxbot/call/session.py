"""One call on Asterisk: its channels, and what becomes of the caller when the conversation is over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import AsyncExitStack, suppress
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars

from voxbot.call.handover import Handover
from voxbot.call.overrides import CallOverrides
from voxbot.call.pipeline import Pipeline
from voxbot.call.transfer import TransferRequest, TransferStart
from voxbot.domain.errors import AriError, ChannelGoneError, MediaError, VoxbotError, first_error
from voxbot.domain.events import CallEnded, CallStarted, CallStatus, EndReason
from voxbot.domain.ids import CallId
from voxbot.telephony.channels import CallerChannel

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from voxbot.call.line import Line, Lines
    from voxbot.call.services import Services
    from voxbot.domain.ids import ChannelId
    from voxbot.telephony.ari import AriClient
    from voxbot.telephony.events import Channel

log = structlog.get_logger(__name__)

STATUS: dict[EndReason, CallStatus] = {
    "caller_hangup": "Completed",
    "goodbye": "Completed",
    "silence": "Completed",
    "too_long": "Completed",
    "staff": "Completed",
    "operator": "Transferred",
    "unanswered": "Transferred",
    "stopped": "Failed",
    "error": "Failed",
}
_LAST_WORD_S = 0.2
"""The caller's phone still holds the end of the last word in its jitter buffer when Asterisk has played it."""
_EARLY_DIGITS = 32
_NOT_OURS = 409
"""Asterisk's answer for a channel that is in the dialplan (FINDINGS, section 5)."""


class CallSession:
    """One call. `run` returns when nothing of it is left in Asterisk or in this process.

    The one exception: a caller and an operator who are talking go on talking when the bot goes down.
    """

    def __init__(
        self, ari: AriClient, lines: Lines, channel: Channel, services: Services, arguments: Sequence[str] = ()
    ) -> None:
        self.call_id = CallId(channel.id)
        self._lines = lines
        self._caller = CallerChannel(ari, channel.id)
        self._caller_number = channel.caller
        self._services = services
        self._arguments = arguments
        self._handover = Handover(ari, self._caller, channel.caller, lambda: self._services.settings().operator)
        self._pipeline: Pipeline | None = None
        self._digits: deque[str] = deque(maxlen=_EARLY_DIGITS)  # pressed before there was a pipeline
        self._reason: EndReason | None = None
        self._detail = ""
        self._task: asyncio.Task[None] | None = None
        self._conversing = True
        self._started = time.monotonic()
        self._context = copy_context()

    def caller_gone(self) -> None:
        """Take note that the caller's channel has left our application, whoever made it leave."""
        if not self._handover.took_leave():
            self._stop(self._handover.reason if self._handover.joined else "caller_hangup")

    def stop(self) -> None:
        """Hand the caller over: the bot is going down."""
        if self._handover.joined and self._conversing:
            self._handover.let_talk()
            log.info("Разговор с оператором продолжится без бота", call_id=self.call_id)
        self._stop(self._handover.reason if self._handover.outcome in ("joined", "left") else "stopped")

    def hang_up(self) -> None:
        """End the call because staff want it; a caller who has been passed on has been so all the same."""
        self._stop(self._handover.reason if self._handover.joined else "staff")

    async def transfer(self) -> TransferStart:
        """Begin to get the caller to a person because staff want it."""
        if not self._pipeline or not self._conversing or self._handover.joined:
            return "not_now"
        try:
            if not await self._handover.possible():
                return "no_operator"
        except AriError:  # Asterisk does not answer, or the caller is gone
            return "not_now"
        return "begun" if self._conversing and self._context.run(self._pipeline.transfer) else "not_now"

    def on_digit(self, digit: str) -> None:
        """Take a key that the caller has pressed."""
        if self._pipeline:
            # What a key starts belongs to this call, on its log lines too, not to the reader of ARI's events.
            self._context.run(self._pipeline.on_digit, digit)
        else:
            self._digits.append(digit)

    async def compare(self, live: Collection[ChannelId]) -> None:
        """Compare with the channels that Asterisk has: events of a lost connection are never repeated."""
        if self.call_id not in live:
            self.caller_gone()
        await self._handover.look_again()

    def _stop(self, reason: EndReason) -> None:
        # After the conversation the task only frees what it holds; cancelling that would leave it in Asterisk.
        if self._conversing and self._reason is None and self._task:
            self._reason = reason
            self._task.cancel()

    def start(self) -> asyncio.Task[None]:
        """Begin the call's one task."""
        self._task = asyncio.create_task(self.run(), name=f"call {self.call_id}")
        return self._task

    async def run(self) -> None:
        """Answer, converse, part. Whatever goes wrong ends this call alone."""
        bind_contextvars(call_id=self.call_id)  # of this task and those it starts: on every log line of the call
        self._context = copy_context()
        self._services.publish(CallStarted(self.call_id, time.time(), self._caller_number))
        if self._arguments:
            self._services = replace(self._services, settings=CallOverrides(self._services.settings, self._arguments))
        try:
            await self._converse()
        except asyncio.CancelledError:
            if self._reason is None:
                self._reason = "stopped"
                raise
            if self._task:  # our own `_stop`: the cancellation has done its work
                self._task.uncancel()
        finally:
            await self._part(self._reason or "error")

    async def _converse(self) -> None:
        try:
            async with AsyncExitStack() as owned:
                try:
                    line = await owned.enter_async_context(self._lines.open(self._caller))
                    await owned.enter_async_context(self._handover)
                    self._handover.connected(line)
                    reason = await self._talk(line)
                    if self._handover.joined:
                        await self._with_operator(line)
                    self._reason = "caller_hangup" if self._handover.caller_hung_up else self._reason or reason
                finally:
                    self._conversing = False
        except* VoxbotError as group:
            self._fail(group, unexpected=False)
        except* Exception as group:  # noqa: BLE001 - a broken call must not take the others with it
            self._fail(group, unexpected=True)

    async def _talk(self, line: Line) -> EndReason:
        pipeline = Pipeline(self.call_id, line.transport, self._services, transfer=self._handover)
        # Runs when the pipeline has begun: digits pressed during the setup belong after its greeting.
        asyncio.get_running_loop().call_soon(self._open_to_digits, pipeline)
        return await pipeline.run()

    def _open_to_digits(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        while self._digits:
            pipeline.on_digit(self._digits.popleft())

    async def _with_operator(self, line: Line) -> None:
        """Wait until the operator hangs up; a caller who does cancels this."""
        with suppress(MediaError):
            await line.transport.flush()  # a file that is still played would be heard instead of the operator
        await line.release()
        await self._handover.parted()

    def _fail(self, group: BaseExceptionGroup[BaseException], *, unexpected: bool) -> None:
        self._reason = self._reason or "error"
        first = first_error(group)
        self._detail = str(first) or type(first).__name__
        # A caller who hangs up during the setup makes requests fail; whether it was that shows in `_part`.
        level = logging.INFO if isinstance(first, ChannelGoneError) else logging.ERROR
        log.log(level, "Сбой в звонке", error=self._detail, exc_info=group if unexpected else None)

    async def _part(self, reason: EndReason) -> None:
        """Hang up, or send on to a person a caller whom the bot cannot serve: nobody is left in silence."""
        try:
            match reason:
                case "caller_hangup":
                    pass
                case "goodbye" | "silence" | "too_long" | "staff":
                    await asyncio.sleep(_LAST_WORD_S)
                    await self._caller.hang_up()
                case "operator" | "unanswered" | "stopped" | "error":
                    await self._hand_over(reason)
        except ChannelGoneError:
            log.info(f"⚠️ Канал {self.call_id} не существует")
            reason = "caller_hangup"  # the caller was faster
        except AriError as error:
            log.error("Не удалось завершить звонок", error=str(error))
            if error.status != _NOT_OURS:  # a transfer that the stop has interrupted may have been done already
                await self._caller.hang_up()
        finally:
            log.info("Звонок завершён", reason=reason, seconds=round(time.monotonic() - self._started, 1))
            dead_air_ms = self._pipeline.longest_dead_air_ms if self._pipeline else 0.0
            end = CallEnded(self.call_id, time.time(), STATUS[reason], reason, self._detail, round(dead_air_ms, 1))
            self._services.publish(end)

    async def _hand_over(self, reason: EndReason) -> None:
        match self._handover.outcome:
            case "left":
                pass
            case "joined":  # the operator has hung up, or the caller has
                if not self._handover.kept:
                    await self._caller.hang_up()
            case _:
                await self._handover.send_on(TransferRequest(reason, self._pipeline.summary if self._pipeline else ""))
