"""The operator's phone, dialled by the bot: it rings, is answered or not, and hangs up in the end.

Protocol facts: FINDINGS, section 6. The channel is ours: it enters our application when it is answered, and stays
in it until somebody deletes it, also when the caller is long gone.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import uuid4

import structlog

from voxbot.domain.errors import AriError, ChannelGoneError
from voxbot.domain.ids import ChannelId
from voxbot.telephony.events import AriEvent, ChannelDestroyed, DialStatus, StasisEnd, StasisStart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from voxbot.telephony.ari import AriClient

log = structlog.get_logger(__name__)

OPERATOR_PREFIX = "voxbot-operator-"

DialOutcome: TypeAlias = Literal["answered", "busy", "no_answer", "failed", "lost"]
"""`lost`: the channel went while nobody listened to Asterisk, which hangs up whoever answers just then."""

_EVENT_LATE_S = 3.0
"""How long after its own timeout Asterisk may take to tell that nobody answered."""
_BUSY_CAUSES = frozenset({17, 21})
"""Q.850: user busy, call rejected (a phone whose owner pressed «reject»: SIP 603)."""
_NO_ANSWER_CAUSES = frozenset({18, 19, 20})
"""Q.850: no user responding, no answer, subscriber absent."""
_BUSY_SIP = frozenset({486, 600, 603})
_NO_ANSWER_SIP = frozenset({408, 480, 487})
_DIAL_OUTCOMES: Mapping[str, DialOutcome] = {"BUSY": "busy", "NOANSWER": "no_answer"}
_NOT_OF_A_NUMBER = re.compile(r"[^\w+*#.-]")


def whole_of(channel_id: ChannelId) -> ChannelId:
    """Name the channel that we have created: of a Local one Asterisk lists the far half, too, as `ID;2`."""
    return ChannelId(channel_id.partition(";")[0])


def outcome_of(event: ChannelDestroyed, dial_status: str = "") -> DialOutcome:
    """Tell why a dialled channel has ended without an answer; `dial_status` is the last that was reported.

    A Local channel ends with cause 0 whatever happened behind it (FINDINGS, section 6): there the dial status is
    all there is. Elsewhere it says less than the cause: it is NOANSWER for a rejected call and a wrong number, too.
    """
    if event.tech_cause in _BUSY_SIP or event.cause in _BUSY_CAUSES:
        return "busy"
    if event.tech_cause in _NO_ANSWER_SIP or event.cause in _NO_ANSWER_CAUSES:
        return "no_answer"
    return "failed" if event.cause else _DIAL_OUTCOMES.get(dial_status, "failed")


class OperatorChannel:
    """One attempt to get the operator on the line. A `kept` one outlives its owner: two people are talking."""

    def __init__(self, ari: AriClient) -> None:
        self.id = ChannelId(f"{OPERATOR_PREFIX}{uuid4()}")
        self.kept = False
        self._ari = ari
        self._dialled = False
        self._dial_status = ""
        self._outcome: asyncio.Future[DialOutcome] = asyncio.get_running_loop().create_future()
        self._left = asyncio.Event()

    async def dial(
        self, endpoint: str, *, caller: ChannelId, caller_number: str, variables: Mapping[str, str], ring_s: int
    ) -> DialOutcome:
        """Ring until somebody answers or nobody will. Raises AriError when Asterisk refuses the request."""
        number = _NOT_OF_A_NUMBER.sub("", caller_number)
        await self._ari.request(
            "POST",
            "/channels",
            {"variables": dict(variables)},
            endpoint=endpoint,
            app=self._ari.app,
            channelId=self.id,
            originator=caller,
            timeout=ring_s,
            **({"callerId": number} if number else {}),
        )
        self._dialled = True
        try:
            async with asyncio.timeout(ring_s + _EVENT_LATE_S):
                return await self._outcome
        except TimeoutError:
            return "no_answer"

    async def left(self) -> None:
        """Wait until the operator is gone."""
        await self._left.wait()

    async def look_again(self) -> None:
        """Ask Asterisk what became of the channel: events of a lost connection are never repeated."""
        if not self._dialled:
            return
        try:
            channel = await self._ari.request("GET", f"/channels/{self.id}")
        except ChannelGoneError:
            self._settle("lost")
            self._left.set()
        except AriError as error:  # `dial` has its time limit
            log.warning("Не удалось узнать, ответил ли оператор", error=str(error))
        else:
            # Asterisk runs its Stasis application on the channel from the answer on, and something else before
            # (seen on 22; versions before 16.6 do not tell).
            if channel["state"] == "Up" and channel["dialplan"].get("app_name", "Stasis") == "Stasis":
                self._settle("answered")
            elif self._outcome.done():
                self._left.set()

    def on_event(self, event: AriEvent) -> None:
        """Take an ARI event of this channel."""
        match event:
            case StasisStart():
                self._settle("answered")
            case DialStatus(_, status):
                self._dial_status = status
            case ChannelDestroyed():
                self._settle(outcome_of(event, self._dial_status))
                self._left.set()
            case StasisEnd():
                self._left.set()
            case _:
                pass

    def _settle(self, outcome: DialOutcome) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)


@asynccontextmanager
async def operator_channel(ari: AriClient) -> AsyncGenerator[OperatorChannel, None]:
    """Own an operator's channel: on the way out he is hung up, in whatever state he is."""
    operator = OperatorChannel(ari)
    with ari.listening(operator.id, operator.on_event):
        try:
            yield operator
        finally:
            if not operator.kept:
                await ari.delete_quietly(f"/channels/{operator.id}")
