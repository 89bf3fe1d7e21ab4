"""Transfers through the real Asterisk: what the caller and the operator hear, and that nobody is left behind."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from fakes.voice import ScriptedAnswerer, ScriptedAsr, services
from phone import ASTERISK_ROOT, AUDIO, caller_module

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallStarted

HEAR = [{"do": "wait_for_speech", "timeout_ms": 5000}, {"do": "wait_for_silence", "ms": 600}]
ASK_FOR_OPERATOR = [*HEAR, {"do": "say", "wav": "operator.wav"}, *HEAR]
RING_MS = 1500
SOUNDS = ASTERISK_ROOT / "usr/share/asterisk/sounds"
SPEAK_AND_WAIT = [{"do": "say", "wav": "address.wav"}, {"do": "expect_hangup", "timeout_ms": 20000}]


class AnyWords(ScriptedAsr):
    async def transcribe(self, audio, hints):
        transcript = await super().transcribe(audio, hints)
        return type(transcript)(self.words[0], 0.9)


def operator_bot(published, **environ):
    answerer = ScriptedAnswerer({"оператора": ("Соединяю.", AnswerInfo(intent="operator"))})
    return services(AnyWords({0: "оператора"}, delay_s=0.1), answerer, published=published, environ=environ)


def pretty(*reports):
    return json.dumps(reports, ensure_ascii=False, indent=1, default=str)[:6000]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class OperatorPhone:
    """A SIP phone that rings and answers; `endpoint` dials it."""

    def __init__(self, script, ring_ms=RING_MS):
        port = free_port()
        self.endpoint = f"PJSIP/operator/sip:operator@127.0.0.1:{port}"
        self.call = caller_module.Call(caller_module.Options(listen=port, ring_ms=ring_ms), script, AUDIO)
        self._answering = asyncio.create_task(self.call.run())

    @property
    def answered(self):
        return self.call.answered_ms is not None

    async def report(self):
        async with asyncio.timeout(15):
            await self._answering
        return self.call.report(None)


@asynccontextmanager
async def refusing_phone(code):
    """A SIP phone that answers every INVITE with a refusal (code 0: not at all); gives the endpoint that dials it."""

    class Refuser(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            first, *headers = data.decode().split("\r\n\r\n")[0].split("\r\n")
            if code and first.startswith("INVITE"):
                kept = [
                    line for line in headers if line.partition(":")[0].lower() in {"via", "from", "call-id", "cseq"}
                ]
                to = next(line for line in headers if line.lower().startswith("to:"))
                answer = [f"SIP/2.0 {code} No", *kept, f"{to};tag=1", "Content-Length: 0", "", ""]
                self.transport.sendto("\r\n".join(answer).encode(), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Refuser, local_addr=("127.0.0.1", 0))
    try:
        yield f"PJSIP/operator/sip:operator@127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def until(condition, within_s=10):
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


async def ended(published):
    await until(lambda: any(isinstance(event, CallEnded) for event in published))
    return next(event for event in published if isinstance(event, CallEnded))


def heard_of(listener, speaker):
    """What one heard of the other's last words: (start, end) in ms after their true start and end.

    The tone that a caller hears while it rings may run into them.
    """
    said, shift_ms = speaker["utterances"][-1], (speaker["t0_monotonic_s"] - listener["t0_monotonic_s"]) * 1000
    start_ms, end_ms = said["speech_start_ms"] + shift_ms, said["speech_end_ms"] + shift_ms
    spans = [span for span in listener["remote"] if start_ms < span["end_ms"] and span["start_ms"] < end_ms]
    assert spans, pretty(listener, speaker)
    return max(0, spans[0]["start_ms"] - start_ms), spans[-1]["end_ms"] - end_ms


def beeps(report):
    """The operator of the lab's dialplan: tones of 300 ms."""
    return [span for span in report["remote"] if 250 < span["end_ms"] - span["start_ms"] < 350]


@pytest.mark.parametrize("transport", ["websocket", "audiosocket", "files"])
async def test_the_operator_dialled_hears_the_caller_and_is_heard(lab, bot_in_process, transport):
    published = []
    phone = OperatorPhone(SPEAK_AND_WAIT)
    media = {"MEDIA_TRANSPORT": transport, "ASTERISK_SOUNDS_DIR": str(SOUNDS), "ASTERISK_LANG": "ru"}
    wired = operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=phone.endpoint, **media)
    async with bot_in_process(wired):
        (caller,) = await lab.call([*ASK_FOR_OPERATOR, *HEAR, {"do": "say", "wav": "price.wav"}, {"do": "hangup"}])
        end = await ended(published)
        operator = await phone.report()
    assert caller["ok"], pretty(caller, operator)
    assert operator["ok"], pretty(caller, operator)
    assert (end.status, end.reason) == ("Transferred", "operator")
    assert heard_of(caller, operator) == pytest.approx((0, 0), abs=150)
    assert heard_of(operator, caller) == pytest.approx((0, 0), abs=150)
    assert "79161234567" in phone.call.dialog.remote, "the operator's phone shows who calls"
    assert operator["ended_by"] == "remote"
    assert await lab.leftovers() == []


async def test_an_operator_behind_the_dialplan_keeps_through_a_lost_ari_connection(lab, bot_in_process):
    """`Local/` goes through the dialplan; Asterisk lists both its halves, and neither is an orphan."""
    published = []
    wired = operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT="Local/200@operators")
    async with bot_in_process(wired) as dispatcher:
        calling = asyncio.create_task(lab.call([*ASK_FOR_OPERATOR, {"do": "pause", "ms": 6000}, {"do": "hangup"}]))
        await until(lambda: any(name.startswith("voxbot-operator") for name in dispatcher._ari.listened_channels), 20)
        reconnected = asyncio.Event()
        dispatcher._on_ready = reconnected.set
        await dispatcher._ari._events.close()
        async with asyncio.timeout(5):
            await reconnected.wait()
        (caller,) = await calling
        end = await ended(published)
    assert (end.status, end.reason) == ("Transferred", "operator")
    assert len(beeps(caller)) >= 5, pretty(caller)
    assert await lab.leftovers() == []


async def test_an_operator_who_hangs_up_ends_the_call(lab, bot_in_process):
    published = []
    phone = OperatorPhone([{"do": "say", "wav": "goodbye.wav"}, {"do": "hangup"}])
    async with bot_in_process(operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=phone.endpoint)):
        (caller,) = await lab.call([*ASK_FOR_OPERATOR, {"do": "expect_hangup", "timeout_ms": 10000}])
        end = await ended(published)
        operator = await phone.report()
    assert caller["ok"], pretty(caller, operator)
    assert (end.status, end.reason) == ("Transferred", "operator")
    assert await lab.leftovers() == []


async def test_a_caller_who_hangs_up_while_it_rings_stops_the_ringing(lab, bot_in_process):
    published = []
    phone = OperatorPhone(SPEAK_AND_WAIT, ring_ms=4000)
    async with bot_in_process(operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=phone.endpoint)):
        await lab.call([*ASK_FOR_OPERATOR, {"do": "pause", "ms": 1000}, {"do": "hangup"}])
        end = await ended(published)
        operator = await phone.report()
    assert end.reason == "caller_hangup"
    assert "cancelled" in operator["error"], pretty(operator)
    assert await lab.leftovers() == []


@pytest.mark.parametrize(("code", "told", "after_ms"), [(486, "занят", 4000), (0, "не отвечает", 8000)])
async def test_without_an_operator_the_bot_says_so_and_the_call_goes_on(lab, bot_in_process, code, told, after_ms):
    published = []
    async with refusing_phone(code) as endpoint:
        wired = operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=endpoint, OPERATOR_RING_SECONDS="3")
        async with bot_in_process(wired):
            script = [*HEAR, {"do": "say", "wav": "operator.wav"}, {"do": "wait_for_speech"}]
            (caller,) = await lab.call([*script, {"do": "pause", "ms": after_ms}, {"do": "hangup"}])
            end = await ended(published)
    assert told in [event.text for event in published if isinstance(event, BotTurn)][-1]
    assert end.reason == "caller_hangup", "it was the caller who ended the call"
    assert caller["ok"], pretty(caller)
    assert await lab.leftovers() == []


async def test_key_zero_calls_the_operator(lab, bot_in_process):
    published = []
    async with bot_in_process(operator_bot(published)):
        (caller,) = await lab.call(
            [*HEAR, {"do": "dtmf", "digits": "0"}, {"do": "pause", "ms": 5000}, {"do": "hangup"}]
        )
        end = await ended(published)
    assert (end.status, end.reason) == ("Transferred", "operator")
    assert len(beeps(caller)) >= 2, pretty(caller)
    assert await lab.leftovers() == []


async def test_a_caller_stays_with_the_bot_where_the_dialplan_has_no_operator(lab, bot_in_process):
    published = []
    async with bot_in_process(operator_bot(published, OPERATOR_CONTEXT="nowhere", OPERATOR_EXTENSION="999")):
        (caller,) = await lab.call(
            [*HEAR, {"do": "dtmf", "digits": "0"}, {"do": "pause", "ms": 9000}, {"do": "hangup"}]
        )
        end = await ended(published)
    assert end.reason == "caller_hangup", "it was the caller who ended the call"
    assert "не отвечает" in [event.text for event in published if isinstance(event, BotTurn)][-1]
    assert caller["ended_by"] == "caller", pretty(caller)
    assert await lab.leftovers() == []


async def in_conversation(lab, bot, phone, script, published):
    """Make a call that is with the operator when the bot goes down; give the running call."""
    async with bot(operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=phone.endpoint)):
        calling = asyncio.create_task(lab.call([*ASK_FOR_OPERATOR, *script]))
        await until(lambda: phone.answered, 20)
        await asyncio.sleep(0.5)
    return calling


async def test_two_people_talk_on_without_the_bot_and_the_next_bot_sees_them_off(lab, bot_in_process):
    published = []
    phone = OperatorPhone([{"do": "pause", "ms": 3000}, {"do": "say", "wav": "address.wav"}, {"do": "hangup"}])
    script = [{"do": "wait_for_speech"}, {"do": "expect_hangup", "timeout_ms": 20000}]
    calling = await in_conversation(lab, bot_in_process, phone, script, published)
    end = await ended(published)
    assert (end.status, end.reason) == ("Transferred", "operator")
    async with bot_in_process(operator_bot([])):
        operator = await phone.report()
        (caller,) = await calling
        assert await lab.leftovers() == []
    assert caller["ok"], pretty(caller, operator)
    assert heard_of(caller, operator) == pytest.approx((0, 0), abs=150)


async def test_the_next_bot_releases_an_operator_whose_caller_is_gone(lab, bot_in_process):
    phone = OperatorPhone([{"do": "expect_hangup", "timeout_ms": 15000}])
    calling = await in_conversation(lab, bot_in_process, phone, [{"do": "pause", "ms": 1500}, {"do": "hangup"}], [])
    await calling
    assert any("voxbot-operator" in name for name in await lab.leftovers(0.5)), "nobody was there to release him"
    async with bot_in_process(operator_bot([])):
        assert (await phone.report())["ok"]
    assert await lab.leftovers() == []


async def test_a_stop_while_it_rings_sends_the_caller_on(lab, bot_in_process):
    published = []
    phone = OperatorPhone(SPEAK_AND_WAIT, ring_ms=8000)
    async with bot_in_process(operator_bot(published, OPERATOR_TRANSFER="dial", OPERATOR_ENDPOINT=phone.endpoint)):
        calling = asyncio.create_task(lab.call([*ASK_FOR_OPERATOR, {"do": "pause", "ms": 4000}, {"do": "hangup"}]))
        await until(phone.call.dialog.invited.done, 20)
    (caller,) = await calling
    assert (await ended(published)).reason == "stopped"
    assert "cancelled" in (await phone.report())["error"]
    assert len(beeps(caller)) >= 2, pretty(caller)
    assert await lab.leftovers() == []


async def test_the_dialplan_learns_why_the_caller_comes(lab, bot_in_process):
    published = []
    async with bot_in_process(operator_bot(published)):
        calling = asyncio.create_task(lab.call([*ASK_FOR_OPERATOR, {"do": "pause", "ms": 2500}, {"do": "hangup"}]))
        await ended(published)
        call_id = next(event.call_id for event in published if isinstance(event, CallStarted))
        login = {"Authorization": aiohttp.encode_basic_auth("asterisk", "asterisk123")}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{lab.http_port}", headers=login) as http:

            async def variable(name):
                async with http.get(f"/ari/channels/{call_id}/variable", params={"variable": name}) as answer:
                    return (await answer.json())["value"]

            assert await variable("VOXBOT_REASON") == "operator"
            assert await variable("VOXBOT_SUMMARY") == "оператора"
        (caller,) = await calling
    assert len(beeps(caller)) >= 2, pretty(caller)
    assert await lab.leftovers() == []


class ObedientCall(caller_module.Call):
    """A phone that does what a REFER asks for: accepts it, reports success, and hangs up (RFC 3515)."""

    async def run(self):
        running = asyncio.create_task(super().run())
        await asyncio.sleep(0)
        self.referred, self._others = asyncio.Event(), self.dialog._on_request
        self.dialog._on_request = self._on_request
        await running

    def _on_request(self, request):
        if request.method != "REFER":
            self._others(request)
            return
        dialog = self.dialog
        dialog._reply(request, 202, "Accepted")
        dialog.cseq += 1
        headers = "message/sipfrag;version=2.0\r\nEvent: refer\r\nSubscription-State: terminated;reason=noresource"
        notify = dialog._build("NOTIFY", dialog.target, "SIP/2.0 200 OK\r\n").decode()
        dialog._send(notify.replace("application/sdp", headers).encode())
        self.referred.set()

    async def _do_obey(self):
        async with asyncio.timeout(5):
            await self.referred.wait()
        await self.dialog.bye()


async def test_a_redirected_caller_who_obeys_is_transferred(lab, bot_in_process):
    published = []
    wired = operator_bot(published, OPERATOR_TRANSFER="redirect", OPERATOR_ENDPOINT="PJSIP/sip:200@127.0.0.1")
    async with bot_in_process(wired):
        call = ObedientCall(
            caller_module.Options(to="100", port=lab.sip_port), [*ASK_FOR_OPERATOR, {"do": "obey"}], AUDIO
        )
        await call.run()
        end = await ended(published)
    caller = call.report(None)
    assert caller["ok"], pretty(caller)
    assert (end.status, end.reason) == ("Transferred", "operator")
    assert await lab.leftovers() == []


async def test_the_dialplan_sets_the_settings_of_one_call(lab, bot_in_process):
    published = []
    wired = services(AnyWords({0: "алло"}), ScriptedAnswerer({}), published=published)
    async with bot_in_process(wired) as dispatcher:
        arguments = "нечто,MAX_CALL_SECONDS=2,KB_TOP_K=5,TURN_MAX_REPROMPTS=мало"
        await dispatcher._ari.request(
            "POST", "/channels", app="asterisk-bot", appArgs=arguments, endpoint="Local/200@operators"
        )
        end = await ended(published)
    assert end.reason == "too_long"
    assert await lab.leftovers() == []
