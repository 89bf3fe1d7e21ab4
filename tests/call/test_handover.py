"""Three ways to a person, and every way they fail, without losing the caller or leaving a phone ringing."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from fakes.ari import FakeAri
from fakes.virtual_time import run_virtual

from voxbot.call.handover import Handover
from voxbot.call.line import Line
from voxbot.call.transfer import TransferRequest
from voxbot.domain.errors import AriError, AriUnavailableError, ChannelGoneError
from voxbot.settings.loader import load_settings
from voxbot.telephony.channels import Bridge, CallerChannel
from voxbot.telephony.events import ChannelDestroyed, DialStatus, StasisEnd, StasisStart

REQUEST = TransferRequest("operator", "Сколько стоит «${X}»?")
IN_OUR_APPLICATION = {"state": "Up", "dialplan": {"app_name": "Stasis"}}
SENT_ON = {"state": "Up", "dialplan": {"app_name": "Dial"}}
RINGING = {"state": "Ringing", "dialplan": {"app_name": "AppDial2"}}
REMOVE, ADD = "POST /bridges/b/removeChannel", "POST /bridges/b/addChannel"


@asynccontextmanager
async def call_in_progress(way, media_id="media"):
    ari = FakeAri()
    settings = load_settings(environ={"OPERATOR_TRANSFER": way, "OPERATOR_ENDPOINT": "PJSIP/operator"}).operator
    handover = Handover(ari, CallerChannel(ari, "call"), "79161234567", lambda: settings)
    async with handover:
        handover.connected(Line(None, Bridge(ari, "b"), media_id, release=None))
        yield ari, handover


async def ringing(ari, handover):
    transfer = asyncio.create_task(handover(REQUEST))
    await ari.until_sent("POST /channels")
    return transfer, ari.query("POST", "/channels")["channelId"]


async def talking(ari, handover):
    transfer, operator = await ringing(ari, handover)
    ari.emit(StasisStart, operator)
    assert await transfer == "joined"
    return operator


def virtual(test):
    """Run an asynchronous test in virtual time."""

    def run(*args, **kwargs):
        run_virtual(test(*args, **kwargs))

    run.__name__ = test.__name__
    return run


@virtual
async def test_the_dialplan_gets_the_caller_and_what_the_call_is_about():
    async with call_in_progress("continue") as (ari, handover):
        assert await handover(REQUEST) == "left"
    written = {
        query["variable"]: query["value"]
        for method, path, query, _ in ari.requests
        if method == "POST" and "variable" in path
    }
    assert written == {"VOXBOT_REASON": "operator", "VOXBOT_SUMMARY": "Сколько стоит « X »?"}
    assert ari.sent[-1] == "POST /channels/call/continue"
    assert not handover.caller_hung_up


@virtual
async def test_a_caller_who_hangs_up_first_is_not_taken_for_transferred():
    async with call_in_progress("continue") as (ari, handover):
        ari.answers["POST", "/channels/call/continue"] = ChannelGoneError("404", 404)
        assert await handover(REQUEST) == "left"
        assert handover.caller_hung_up


@virtual
async def test_asterisk_refusing_the_transfer_leaves_the_caller_with_the_bot():
    async with call_in_progress("continue") as (ari, handover):
        ari.answers["POST", "/channels/call/continue"] = AriError("500", 500)
        assert await handover(REQUEST) == "failed"
        assert not handover.took_leave(), "a hangup from here on is the caller's own"


@virtual
async def test_a_caller_is_not_sent_where_the_dialplan_has_nothing():
    async with call_in_progress("continue") as (ari, handover):
        ari.answers["GET", "/channels/call/variable"] = {"value": "0"}
        assert await handover(REQUEST) == "failed"
        assert "POST /channels/call/continue" not in ari.sent
        assert ari.query("GET", "/channels/call/variable") == {"variable": "DIALPLAN_EXISTS(operators,200,1)"}
        assert not handover.took_leave(), "a hangup from here on is the caller's own"


@pytest.mark.parametrize("answer", [{"value": "1"}, {}, None, AriError("func_dialplan.so не загружен", 500)])
def test_a_dialplan_that_cannot_be_asked_is_trusted(answer):
    async def main():
        async with call_in_progress("continue") as (ari, handover):
            ari.answers["GET", "/channels/call/variable"] = answer
            assert await handover(REQUEST) == "left"
            assert ari.sent[-1] == "POST /channels/call/continue"

    run_virtual(main())


@virtual
async def test_the_operator_takes_the_bots_place():
    async with call_in_progress("dial") as (ari, handover):
        operator = await talking(ari, handover)
        assert ari.sent[-2:] == [REMOVE, ADD]
        assert ari.query("POST", "/bridges/b/removeChannel")["channel"] == "media"
        assert ari.query("POST", "/bridges/b/addChannel")["channel"] == operator
        parting = asyncio.create_task(handover.parted())
        ari.emit(StasisEnd, operator)
        await parting
    assert ari.sent[-1] == f"DELETE /channels/{operator}"


@virtual
async def test_a_transport_without_a_channel_lets_the_caller_into_the_bridge():
    async with call_in_progress("dial", media_id=None) as (ari, handover):
        operator = await talking(ari, handover)
        assert ari.query("POST", "/bridges/b/addChannel")["channel"] == f"call,{operator}"


@pytest.mark.parametrize(
    ("cause", "status", "outcome"), [(17, "BUSY", "busy"), (19, "NOANSWER", "no_answer"), (1, "NOANSWER", "failed")]
)
def test_without_an_operator_the_bot_stays_on_the_line(cause, status, outcome):
    async def main():
        async with call_in_progress("dial") as (ari, handover):
            for _ in range(2):  # and may try again
                transfer, operator = await ringing(ari, handover)
                ari.emit(DialStatus, operator, status)
                ari.emit(ChannelDestroyed, operator, cause, "", 0)
                assert await transfer == outcome
                assert ari.sent[-1] == f"DELETE /channels/{operator}"
                ari.requests.clear()
            assert not handover.joined

    run_virtual(main())


@virtual
async def test_a_phone_that_cannot_be_dialled_is_a_failure():
    async with call_in_progress("dial") as (ari, handover):
        ari.answers["POST", "/channels"] = AriUnavailableError("Asterisk не отвечает")
        assert await handover(REQUEST) == "failed"


@virtual
async def test_an_operator_who_is_gone_at_the_joining_gives_the_bot_its_place_back():
    async with call_in_progress("dial") as (ari, handover):

        def refuse_operators(query):
            return ChannelGoneError("400", 400) if query["channel"] != "media" else None

        ari.answers["POST", "/bridges/b/addChannel"] = refuse_operators
        transfer, operator = await ringing(ari, handover)
        ari.emit(StasisStart, operator)
        assert await transfer == "failed"
        assert ari.query("POST", "/bridges/b/addChannel")["channel"] == "media"


@virtual
async def test_called_off_while_it_rings_the_phone_falls_silent():
    async with call_in_progress("dial") as (ari, handover):
        transfer, operator = await ringing(ari, handover)
        transfer.cancel()
        await asyncio.wait({transfer})
        assert ari.sent[-1] == f"DELETE /channels/{operator}"
        assert handover.outcome is None


@virtual
async def test_people_who_talk_are_left_alone_when_the_bot_goes_down():
    async with call_in_progress("dial") as (ari, handover):
        operator = await talking(ari, handover)
        handover.let_talk()
    assert f"DELETE /channels/{operator}" not in ari.sent


@pytest.mark.parametrize("after", [ChannelGoneError("404", 404), SENT_ON], ids=["hung up", "sent on"])
def test_an_operator_who_left_during_a_lost_connection_is_missed_afterwards(after):
    async def main():
        async with call_in_progress("dial") as (ari, handover):
            operator = await talking(ari, handover)
            ari.answers["GET", f"/channels/{operator}"] = IN_OUR_APPLICATION
            await handover.look_again()
            parting = asyncio.create_task(handover.parted())
            await asyncio.sleep(60)
            assert not parting.done()
            ari.answers["GET", f"/channels/{operator}"] = after
            await handover.look_again()
            await parting

    run_virtual(main())


@pytest.mark.parametrize(
    ("channel", "outcome", "within_s"),
    [
        (IN_OUR_APPLICATION, "joined", 1),
        (RINGING, "no_answer", 60),
        (AriError("500", 500), "no_answer", 60),
    ],
    ids=["answered", "ringing", "no-telling"],
)
def test_what_became_of_a_ringing_phone_during_a_lost_connection_is_asked(channel, outcome, within_s):
    async def main():
        async with call_in_progress("dial") as (ari, handover):
            transfer, operator = await ringing(ari, handover)
            ari.answers["GET", f"/channels/{operator}"] = channel
            await asyncio.sleep(1)
            await handover.look_again()
            async with asyncio.timeout(within_s):
                assert await transfer == outcome

    run_virtual(main())


@virtual
async def test_an_operator_lost_with_the_connection_is_dialled_once_more():
    async with call_in_progress("dial") as (ari, handover):
        transfer, lost = await ringing(ari, handover)
        ari.answers["GET", f"/channels/{lost}"] = ChannelGoneError("404", 404)
        ari.requests.clear()
        await handover.look_again()
        await ari.until_sent("POST /channels")
        operator = ari.query("POST", "/channels")["channelId"]
        assert operator != lost
        ari.emit(StasisStart, operator)
        assert await transfer == "joined"


@virtual
async def test_an_operator_lost_twice_does_not_answer():
    async with call_in_progress("dial") as (ari, handover):
        transfer = asyncio.create_task(handover(REQUEST))
        for _ in range(2):
            await ari.until_sent("POST /channels")
            lost = ari.query("POST", "/channels")["channelId"]
            ari.answers["GET", f"/channels/{lost}"] = ChannelGoneError("404", 404)
            ari.requests.clear()
            await handover.look_again()
        assert await transfer == "no_answer"


@virtual
async def test_a_phone_not_yet_dialled_is_not_taken_for_gone():
    async with call_in_progress("dial") as (ari, handover):
        transfer = asyncio.create_task(handover(REQUEST))
        while "POST /channels" not in ari.sent:
            await asyncio.sleep(0)  # the request is on its way, not answered
        operator = ari.query("POST", "/channels")["channelId"]
        ari.answers["GET", f"/channels/{operator}"] = ChannelGoneError("404", 404)
        await handover.look_again()
        await asyncio.sleep(1)
        ari.emit(StasisStart, operator)
        assert await transfer == "joined"


@virtual
async def test_a_redirection_counts_only_when_the_caller_leaves():
    async with call_in_progress("redirect") as (ari, handover):
        assert await handover(REQUEST) == "failed", "the caller's exchange took no notice"
        redirecting = asyncio.create_task(handover(REQUEST))
        await asyncio.sleep(1)
        assert handover.took_leave(), "sent away, not hung up"
        assert await redirecting == "left"
        assert ari.query("POST", "/channels/call/redirect") == {"endpoint": "PJSIP/operator"}
