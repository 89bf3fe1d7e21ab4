"""A call on Asterisk from the session's side: keys, settings of its own, and where the caller goes in the end."""

import asyncio
from contextlib import asynccontextmanager

from fakes.ari import FakeAri
from fakes.virtual_time import run_virtual
from fakes.voice import ScriptedAnswerer, ScriptedAsr, services, speech

from voxbot.call.line import Line
from voxbot.call.session import CallSession
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import AriError
from voxbot.domain.events import CallEnded
from voxbot.media.simulated import SimulatedMedia
from voxbot.telephony.channels import Bridge
from voxbot.telephony.events import Channel, StasisEnd, StasisStart

CONTINUE, HANG_UP = "POST /channels/call/continue", "DELETE /channels/call"
DIAL = {"OPERATOR_TRANSFER": "dial", "OPERATOR_ENDPOINT": "PJSIP/operator"}


class Quiet(SimulatedMedia):
    """A caller who says what he has to say, and then stays on the line."""

    async def receive(self, sink):
        await super().receive(sink)
        await asyncio.Event().wait()


class Lines:
    """Lines that are up at once."""

    def __init__(self, ari, media):
        self.bridge = Bridge(ari, "b")
        self._media = media

    @asynccontextmanager
    async def open(self, caller):
        async def release():
            pass

        yield Line(self._media, self.bridge, "media", release)


class Call:
    """A session that begins with the loop, and what became of it."""

    def __init__(self, *arguments, utterances=(), **environ):
        self.ari, self.published = FakeAri(), []
        answerer = ScriptedAnswerer({"оператора": ("Соединяю.", AnswerInfo(intent="operator"))})
        wired = services(ScriptedAsr({8000: "оператора"}), answerer, published=self.published, environ=environ)
        self.lines = Lines(self.ari, Quiet(list(utterances)))
        self.session = CallSession(self.ari, self.lines, Channel("call", "", "79161234567"), wired, arguments)

    @property
    def end(self):
        (end,) = (event for event in self.published if isinstance(event, CallEnded))
        return end.status, end.reason

    async def with_the_operator(self):
        """Go on until the operator has answered; give his channel."""
        await self.ari.until_sent("POST /channels")
        operator = self.ari.query("POST", "/channels")["channelId"]
        self.ari.emit(StasisStart, operator)
        await self.ari.until_sent("POST /bridges/b/addChannel")
        await asyncio.sleep(1)
        return operator


def test_a_key_pressed_before_the_bot_was_ready_counts():
    async def main():
        call = Call()
        call.session.on_digit("0")
        await call.session.start()
        assert call.end == ("Transferred", "operator")
        assert call.ari.sent[-1] == CONTINUE

    run_virtual(main())


def test_a_call_has_settings_of_its_own():
    async def main():
        call = Call("MAX_CALL_SECONDS=2")
        await call.session.start()
        assert call.end == ("Completed", "too_long")
        assert call.ari.sent[-1] == HANG_UP

    run_virtual(main())


def test_without_the_operator_whom_the_bot_dials_the_dialplan_is_the_last_resort():
    """The caller is told that nobody answers; if then the bot stops, the dialplan gets him."""

    async def main():
        call = Call(utterances=[speech(1500)], **DIAL)
        call.ari.answers["POST", "/channels"] = AriError("500 Allocation failed")
        task = call.session.start()
        await call.ari.until_sent("POST /channels")
        await asyncio.sleep(1)
        assert not task.done()
        call.session.stop()
        await task
        assert call.end == ("Failed", "stopped")
        assert call.ari.sent[-1] == CONTINUE
        summary = [query["value"] for _, _, query, _ in call.ari.requests if query.get("variable") == "VOXBOT_SUMMARY"]
        assert summary == ["оператора"]

    run_virtual(main())


def test_a_stop_does_not_hang_up_whom_the_dialplan_has_already():
    async def main():
        call = Call()
        call.ari.answers["POST", "/channels/call/continue"] = AriError("409 Channel not in Stasis application", 409)
        task = call.session.start()
        await asyncio.sleep(1)
        call.session.stop()
        await task
        assert HANG_UP not in call.ari.sent

    run_virtual(main())


def test_a_caller_whom_nobody_can_take_is_not_left_in_silence():
    async def main():
        call = Call()
        call.ari.answers["POST", "/channels/call/continue"] = AriError("500", 500)
        task = call.session.start()
        await asyncio.sleep(1)
        call.session.stop()
        await task
        assert call.ari.sent[-1] == HANG_UP

    run_virtual(main())


def test_the_last_one_to_leave_a_joined_call_is_released():
    async def main():
        for leaver in ("caller", "operator"):
            call = Call(utterances=[speech(1500)], **DIAL)
            task = call.session.start()
            operator = await call.with_the_operator()
            if leaver == "caller":
                call.session.caller_gone()
            else:
                call.ari.emit(StasisEnd, operator)
            await task
            assert call.end == ("Transferred", "operator")
            assert {HANG_UP, f"DELETE /channels/{operator}"} <= set(call.ari.sent)
            assert CONTINUE not in call.ari.sent

    run_virtual(main())


def test_a_joined_call_outlives_the_bot():
    async def main():
        call = Call(utterances=[speech(1500)], **DIAL)
        task = call.session.start()
        await call.with_the_operator()
        call.session.stop()
        await task
        assert call.end == ("Transferred", "operator")
        assert not any(sent.startswith("DELETE") for sent in call.ari.sent)
        assert call.lines.bridge.kept

    run_virtual(main())


def test_staff_end_a_call():
    async def main():
        call = Call()
        task = call.session.start()
        await asyncio.sleep(1)
        call.session.hang_up()
        await task
        assert call.end == ("Completed", "staff")
        assert call.ari.sent[-1] == HANG_UP

    run_virtual(main())


def test_staff_pass_a_caller_on_in_the_middle_of_the_greeting():
    async def main():
        call = Call()
        task = call.session.start()
        assert await call.session.transfer() == "not_now", "nobody is there yet who could be told"
        await asyncio.sleep(1)
        assert await call.session.transfer() == "begun"
        await task
        assert call.end == ("Transferred", "operator")
        assert call.ari.sent[-1] == CONTINUE
        assert await call.session.transfer() == "not_now"

    run_virtual(main())
