"""Calls from the panel: the same pipeline as a phone call's, with a browser at the other end."""

from __future__ import annotations

import asyncio
import time
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from structlog.contextvars import bind_contextvars

from voxbot.call.pipeline import Pipeline
from voxbot.call.session import STATUS
from voxbot.domain.errors import MediaError, VoxbotError, first_error
from voxbot.domain.events import (
    BotTurn,
    CallEnded,
    CallerTurn,
    CallStarted,
    PartialHeard,
    StageReached,
    TurnStateChanged,
)
from voxbot.domain.ids import BROWSER_PREFIX, CallId
from voxbot.media.browser import BrowserMedia

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import WebSocketResponse

    from voxbot.call.services import Services
    from voxbot.domain.events import CallEvent, EndReason, LiveEvent

log = structlog.get_logger(__name__)

_BUSY = "Сейчас идёт слишком много разговоров из браузера. Дождитесь конца одного из них."

_OFF = "Звонки из браузера выключены (BROWSER_CALLS_MAX=0)."


class BrowserCalls:
    """The browser's calls of this process; `limit` gives how many there may be at once."""

    def __init__(self, services: Services, limit: Callable[[], int]) -> None:
        self._services = services
        self._limit = limit
        self._calls: dict[str, _BrowserCall] = {}

    @property
    def refusal(self) -> str:
        """Why there can be no call more now: `off`, `full`, or nothing."""
        limit = self._limit()
        if len(self._calls) < limit:
            return ""
        return "full" if limit else "off"

    async def take(self, socket: WebSocketResponse, *, caller: str, rate_hz: int) -> bool:
        """Hold a call with an open websocket, to its end; False if the connection is to be cut off, not closed.

        Never raises for what happens in it.
        """
        if refusal := self.refusal:
            await socket.send_json({"type": "error", "detail": _BUSY if refusal == "full" else _OFF})
            return True
        call = _BrowserCall(socket, self._services, caller, rate_hz)
        self._calls[call.call_id] = call
        try:
            await asyncio.wait({call.start()})
        finally:
            # The server may give the connection up before the call has ended.
            call.stop("caller_hangup")
            del self._calls[call.call_id]
        return not call.flooded

    def hang_up(self, call_id: str) -> bool:
        """End a call because staff want it; False if there is no such call."""
        call = self._calls.get(call_id)
        if call:
            call.stop("staff")
        return call is not None

    def transfer(self, call_id: str) -> bool | None:
        """Do as if the caller had asked for a person, which ends a browser's call; None without the call."""
        call = self._calls.get(call_id)
        return call.transfer() if call else None

    async def close(self) -> None:
        """End every call: the bot is going down."""
        calls = list(self._calls.values())
        for call in calls:
            call.stop("stopped")
        if tasks := [call.task for call in calls if call.task]:
            await asyncio.wait(tasks)


class _BrowserCall:
    def __init__(self, socket: WebSocketResponse, services: Services, caller: str, rate_hz: int) -> None:
        self.call_id = CallId(f"{BROWSER_PREFIX}{uuid4()}")
        self.task: asyncio.Task[None] | None = None
        self._media = BrowserMedia(socket, rate_hz, self._on_digit)
        self._services = replace(services, publish=self._publish, publish_live=self._publish_live)
        self._tell_all, self._tell_live = services.publish, services.publish_live
        self._caller = caller
        self._pipeline: Pipeline | None = None
        self._reason: EndReason | None = None
        self._detail = ""
        self._context = copy_context()

    @property
    def flooded(self) -> bool:
        """See BrowserMedia.flooded."""
        return self._media.flooded

    def start(self) -> asyncio.Task[None]:
        """Begin the call's one task."""
        self.task = asyncio.create_task(self._run(), name=f"call {self.call_id}")
        return self.task

    def stop(self, reason: EndReason) -> None:
        """End the call; once."""
        if self._reason is None and self.task and not self.task.done():
            self._reason = reason
            self.task.cancel()

    def transfer(self) -> bool:
        """See BrowserCalls.transfer."""
        return self._context.run(self._pipeline.transfer) if self._pipeline else False

    async def _run(self) -> None:
        bind_contextvars(call_id=self.call_id)
        self._context = copy_context()
        log.info(f"📞 Новый звонок: {self.call_id}", kind="browser")
        self._publish(CallStarted(self.call_id, time.time(), self._caller, "browser"))
        reason: EndReason = "error"
        try:
            reason = await self._converse()
        except asyncio.CancelledError:
            reason = self._reason or "stopped"
            if self._reason is None:
                raise
        finally:
            log.info("Звонок завершён", reason=reason)
            dead_air_ms = round(self._pipeline.longest_dead_air_ms, 1) if self._pipeline else 0.0
            self._publish(CallEnded(self.call_id, time.time(), STATUS[reason], reason, self._detail, dead_air_ms))
        await self._media.tell_last({"type": "ended", "reason": reason})

    async def _converse(self) -> EndReason:
        reason: EndReason = "error"
        try:
            self._pipeline = Pipeline(self.call_id, self._media, self._services)
            reason = await self._pipeline.run()
        except* MediaError as group:  # who closes the page takes the connection with it
            reason = "caller_hangup"
            log.info("Соединение с браузером кончилось", reason=str(first_error(group)))
        except* Exception as group:
            first = first_error(group)
            self._detail = str(first) or type(first).__name__
            ours = isinstance(first, VoxbotError)
            log.error("Сбой в звонке из браузера", error=self._detail, exc_info=None if ours else group)
        return reason

    def _on_digit(self, digit: str) -> None:
        if self._pipeline:
            self._pipeline.on_digit(digit)

    def _publish(self, event: CallEvent) -> None:
        self._tell_all(event)
        match event:
            case CallStarted():
                self._media.tell({"type": "started", "call_id": event.call_id})
            case CallerTurn():
                self._media.tell({"type": "turn", "speaker": "user", "text": event.text, "ms": dict(event.ms)})
            case BotTurn():
                self._media.tell(_bot_turn(event))
            case CallEnded():
                pass

    def _publish_live(self, event: LiveEvent) -> None:
        self._tell_live(event)
        match event:
            case TurnStateChanged():
                self._media.tell(
                    {
                        "type": "state",
                        "phase": event.phase,
                        "caller_speaks": event.caller_speaks,
                        "bot_speaks": event.bot_speaks,
                    }
                )
            case PartialHeard():
                self._media.tell({"type": "partial", "text": event.text})
            case StageReached():
                self._media.tell({"type": "stage", "stage": event.stage, "ms": event.ms})


def _bot_turn(event: BotTurn) -> dict[str, Any]:
    answer = event.answer
    return {
        "type": "turn",
        "speaker": "bot",
        "text": event.text,
        "planned": event.planned,
        "cut": event.cut,
        "kb": answer.kb if answer else None,
        "sources": list(answer.sources) if answer else [],
        "known": answer.known if answer else None,
        "ms": dict(event.ms),
    }
