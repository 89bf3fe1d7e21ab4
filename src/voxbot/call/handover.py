"""How a caller gets to a person: sent on into the dialplan, redirected, or joined with an operator whom we dial."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Literal

import structlog

from voxbot.domain.errors import AriError, ChannelGoneError
from voxbot.telephony.operator import OperatorChannel, operator_channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from voxbot.call.line import Line
    from voxbot.call.transfer import TransferOutcome, TransferRequest
    from voxbot.domain.events import EndReason
    from voxbot.settings.schema import OperatorSettings
    from voxbot.telephony.ari import AriClient
    from voxbot.telephony.channels import CallerChannel

log = structlog.get_logger(__name__)

_REDIRECT_S = 8.0
"""A caller's side that obeys a redirection hangs up our call within a few seconds; one that does not, stays."""


class Handover:
    """The `Transfer` of one call on Asterisk. As a context manager it owns the operator's channel.

    `outcome` is that of the last attempt, None before the first; `reason` is what it was made for.
    """

    def __init__(
        self, ari: AriClient, caller: CallerChannel, caller_number: str, settings: Callable[[], OperatorSettings]
    ) -> None:
        self.outcome: TransferOutcome | None = None
        self.reason: EndReason = "operator"
        self.caller_hung_up = False
        self.kept = False
        self._ari = ari
        self._caller = caller
        self._caller_number = caller_number
        self._settings = settings
        self._line: Line | None = None
        self._operator: OperatorChannel | None = None
        self._sending = False
        self._caller_left = asyncio.Event()
        self._owned = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._owned.__aexit__(kind, error, trace)

    @property
    def joined(self) -> bool:
        """Whether the caller and the operator are talking."""
        return self.outcome == "joined"

    def connected(self, line: Line) -> None:
        """Take the caller's line: an operator is joined with it."""
        self._line = line

    async def __call__(self, request: TransferRequest) -> TransferOutcome:
        """Transfer the way the settings say. See `Transfer`."""
        settings = self._settings()
        self.reason = request.reason
        try:
            match settings.way:
                case "continue":
                    self.outcome = await self._send(request)
                case "redirect":
                    self.outcome = await self._redirect(request, settings)
                case "dial":
                    self.outcome = await self._dial(request, settings)
        except AriError as error:
            log.error("Перевод на оператора не удался", way=settings.way, error=str(error))
            self.outcome = "failed"
        if self.outcome == "failed" and self._caller_left.is_set():
            self.outcome, self.caller_hung_up = "left", True
        log.info("Перевод на оператора", way=settings.way, outcome=self.outcome)
        return self.outcome

    async def possible(self) -> bool:
        """Whether the way of the settings leads anywhere, as far as that can be known beforehand.

        Raises AriError, ChannelGoneError.
        """
        settings = self._settings()
        if settings.way != "continue" or await self._caller.reaches(settings.context, settings.extension):
            return True
        log.error(
            f"OPERATOR_CONTEXT={settings.context} OPERATOR_EXTENSION={settings.extension}: в диалплане Asterisk такого "
            "номера нет, звонящий остаётся с ботом; добавьте его или исправьте настройки"
        )
        return False

    async def send_on(self, request: TransferRequest) -> None:
        """Send the caller on into the dialplan: the way that needs no bot. Raises AriError, ChannelGoneError."""
        for name, value in request.variables().items():
            await self._caller.set_variable(name, value)
        settings = self._settings()
        await self._caller.continue_at(settings.context, settings.extension)

    async def parted(self) -> None:
        """Wait until the operator, once joined, hangs up."""
        if self._operator:
            await self._operator.left()

    def took_leave(self) -> bool:
        """Take note that the caller's channel has left our application; tell whether we have sent it away."""
        self._caller_left.set()
        return self._sending or self.outcome == "left"

    def let_talk(self) -> None:
        """Leave the caller and the operator to themselves: they must not notice that the bot goes down."""
        self.kept = True
        if self._operator and self._line:
            self._operator.kept = self._line.bridge.kept = True

    async def look_again(self) -> None:
        """Ask Asterisk about the operator: events of a lost connection are never repeated."""
        if self._operator:
            await self._operator.look_again()

    async def _send(self, request: TransferRequest) -> TransferOutcome:
        try:
            if not await self.possible():
                return "failed"
            self._sending = True
            await self.send_on(request)
        except ChannelGoneError:
            self.caller_hung_up = True
        finally:
            self._sending = False
        return "left"

    async def _redirect(self, request: TransferRequest, settings: OperatorSettings) -> TransferOutcome:
        self._sending = True
        try:
            for name, value in request.variables().items():
                await self._caller.set_variable(name, value)
            await self._caller.redirect(settings.endpoint)
            async with asyncio.timeout(_REDIRECT_S):
                await self._caller_left.wait()
        except ChannelGoneError:
            self.caller_hung_up = True
        except TimeoutError:
            log.warning("Станция звонящего не выполнила перевод", endpoint=settings.endpoint)
            return "failed"
        finally:
            self._sending = False
        return "left"

    async def _dial(self, request: TransferRequest, settings: OperatorSettings) -> TransferOutcome:
        outcome = await self._ring(request, settings)
        if outcome == "lost":
            log.warning("Оператор потерян вместе с соединением с ARI, звоню ему снова")
            outcome = await self._ring(request, settings)
        return "no_answer" if outcome == "lost" else outcome

    async def _ring(self, request: TransferRequest, settings: OperatorSettings) -> TransferOutcome | Literal["lost"]:
        async with AsyncExitStack() as attempt:
            operator = self._operator = await attempt.enter_async_context(operator_channel(self._ari))
            outcome = await operator.dial(
                settings.endpoint,
                caller=self._caller.id,
                caller_number=self._caller_number,
                variables=request.variables(),
                ring_s=settings.ring_s,
            )
            if outcome != "answered":
                return outcome
            await self._join(operator)
            self._owned.push_async_exit(attempt.pop_all())
        return "joined"

    async def _join(self, operator: OperatorChannel) -> None:
        """Put the operator in the bot's place. On any failure the bot takes its place again."""
        if not self._line:
            raise AriError("звонок ещё не соединён")
        bridge, media_id = self._line.bridge, self._line.media_id
        try:
            if media_id:
                await bridge.remove(media_id)
                await bridge.add(operator.id)
            else:  # a transport without a media channel leaves the caller outside the bridge
                await bridge.add(self._caller.id, operator.id)
        except BaseException:
            with suppress(AriError):
                await (bridge.add(media_id) if media_id else bridge.remove(self._caller.id))
            raise
