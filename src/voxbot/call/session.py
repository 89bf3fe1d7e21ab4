"""One call on Asterisk: its channels, and what becomes of the caller when the conversation is over."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars

from voxbot.call.pipeline import Pipeline
from voxbot.domain.errors import AriError, ChannelGoneError, VoxbotError, first_error
from voxbot.domain.events import CallEnded, CallStarted, CallStatus, EndReason
from voxbot.domain.ids import CallId
from voxbot.media.websocket import WebSocketMedia
from voxbot.telephony.channels import CallerChannel, media_channel, mixing_bridge

if TYPE_CHECKING:
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
    "operator": "Transferred",
    "stopped": "Failed",
    "error": "Failed",
}
_LAST_WORD_S = 0.2
"""The caller's phone still holds the end of the last word in its jitter buffer when Asterisk has played it."""


class CallSession:
    """One call. `run` returns when nothing of it is left in Asterisk or in this process."""

    def __init__(self, ari: AriClient, channel: Channel, services: Services) -> None:
        self.call_id = CallId(channel.id)
        self._ari = ari
        self._caller = CallerChannel(ari, channel.id)
        self._caller_number = channel.caller
        self._services = services
        self._reason: EndReason | None = None
        self._detail = ""
        self._task: asyncio.Task[None] | None = None
        self._conversing = True
        self._started = time.monotonic()

    def caller_gone(self) -> None:
        """Take note that the caller's channel has left our application, whoever made it leave."""
        self._stop("caller_hangup")

    def stop(self) -> None:
        """Hand the caller over: the bot is going down."""
        self._stop("stopped")

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
        self._services.publish(CallStarted(self.call_id, time.time(), self._caller_number))
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
                    media = await self._connect(owned)
                    reason = await Pipeline(self.call_id, media, self._services).run()
                    self._reason = self._reason or reason
                finally:
                    self._conversing = False
        except* VoxbotError as group:
            self._fail(group, unexpected=False)
        except* Exception as group:  # noqa: BLE001 - a broken call must not take the others with it
            self._fail(group, unexpected=True)

    async def _connect(self, owned: AsyncExitStack) -> WebSocketMedia:
        """Answer, make the bridge and the media channel (all at once), and join them."""
        async with asyncio.TaskGroup() as setup:
            setup.create_task(self._caller.answer())
            bridging = setup.create_task(owned.enter_async_context(mixing_bridge(self._ari, self.call_id)))
            connecting = setup.create_task(self._open_media(owned))
        media, media_id = connecting.result()
        await bridging.result().add(self._caller.id, media_id)
        return media

    async def _open_media(self, owned: AsyncExitStack) -> tuple[WebSocketMedia, ChannelId]:
        channel = await owned.enter_async_context(media_channel(self._ari))
        media = await WebSocketMedia.connect(self._ari.http, channel.url)
        owned.push_async_callback(media.close)
        await channel.started()
        return media, channel.id

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
                case "goodbye" | "silence" | "too_long":
                    await asyncio.sleep(_LAST_WORD_S)
                    await self._caller.hang_up()
                case "operator" | "stopped" | "error":
                    await self._send_to_operator(reason)
        except ChannelGoneError:
            log.info(f"⚠️ Канал {self.call_id} не существует")
            reason = "caller_hangup"  # the caller was faster
        except AriError as error:
            log.error("Не удалось завершить звонок", error=str(error))
            await self._caller.hang_up()
        finally:
            log.info("Звонок завершён", reason=reason, seconds=round(time.monotonic() - self._started, 1))
            detail = self._detail
            self._services.publish(CallEnded(self.call_id, time.time(), STATUS[reason], reason, detail))

    async def _send_to_operator(self, reason: EndReason) -> None:
        ari = self._services.settings().ari
        await self._caller.set_variable("VOXBOT_REASON", reason)
        await self._caller.continue_at(ari.operator_context, ari.operator_extension)
