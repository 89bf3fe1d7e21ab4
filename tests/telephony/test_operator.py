"""Dialling an operator: how it ends, and that his phone never rings for nobody."""

import asyncio

import pytest
from fakes.ari import FakeAri
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import AriError
from voxbot.telephony.events import Channel, ChannelDestroyed, DialStatus, StasisEnd, StasisStart, parse_event
from voxbot.telephony.operator import operator_channel, outcome_of

DIAL = {"caller": "1", "caller_number": "+7916<x>", "variables": {"VOXBOT_REASON": "operator"}, "ring_s": 20}


def destroyed(cause, tech_cause=0):
    return ChannelDestroyed(Channel("o", "", ""), cause, "", tech_cause)


@pytest.mark.parametrize(
    ("cause", "tech_cause", "dial_status", "outcome"),
    [
        (17, 486, "BUSY", "busy"),
        (21, 603, "NOANSWER", "busy"),
        (19, 480, "NOANSWER", "no_answer"),
        (19, 0, "RINGING", "no_answer"),
        (1, 404, "NOANSWER", "failed"),
        (38, 0, "", "failed"),
        (0, 0, "BUSY", "busy"),
        (0, 0, "NOANSWER", "no_answer"),
        (0, 0, "CONGESTION", "failed"),
    ],
)
def test_every_end_without_an_answer_is_told_apart(cause, tech_cause, dial_status, outcome):
    """As the lab's Asterisk reported them for phones that refuse, do not answer, or are not there."""
    assert outcome_of(destroyed(cause, tech_cause), dial_status) == outcome


def test_an_answer_is_reported_and_the_operator_is_hung_up_on_the_way_out():
    async def main():
        ari = FakeAri()
        async with operator_channel(ari) as operator:
            dialling = asyncio.create_task(operator.dial("PJSIP/200", **DIAL))
            await ari.until_sent("POST /channels")
            ari.emit(DialStatus, operator.id, "RINGING")
            ari.emit(StasisStart, operator.id)
            assert await dialling == "answered"
            leaving = asyncio.create_task(operator.left())
            ari.emit(StasisEnd, operator.id)
            await leaving
        _, _, query, body = ari.requests[0]
        assert query["callerId"] == "+7916x", "nothing that Asterisk takes for another field"
        assert (query["endpoint"], query["originator"], query["timeout"]) == ("PJSIP/200", "1", 20)
        assert body == {"variables": {"VOXBOT_REASON": "operator"}}
        assert ari.sent[-1] == f"DELETE /channels/{operator.id}"
        assert not ari.listeners

    run_virtual(main())


def test_lost_events_count_as_no_answer():
    async def main():
        async with operator_channel(FakeAri()) as operator:
            assert await operator.dial("PJSIP/200", **DIAL) == "no_answer"

    run_virtual(main())


def test_a_refused_or_called_off_attempt_leaves_no_channel():
    async def main():
        ari = FakeAri()
        ari.answers["POST", "/channels"] = AriError("POST /channels: 500 Allocation failed")
        with pytest.raises(AriError):
            async with operator_channel(ari) as operator:
                await operator.dial("PJSIP/nobody", **DIAL)
        assert ari.sent[-1].startswith("DELETE /channels/voxbot-operator-")

    run_virtual(main())


def test_what_the_far_side_said_is_parsed():
    channel = {"id": "o", "name": "PJSIP/x", "caller": {}}
    gone = {"type": "ChannelDestroyed", "channel": channel, "cause": 21, "cause_txt": "Rejected", "tech_cause": 603}
    assert parse_event(gone) == ChannelDestroyed(Channel("o", "PJSIP/x", ""), 21, "Rejected", 603)
    del gone["tech_cause"]  # Asterisk before 22.2 sends none
    assert parse_event(gone).tech_cause == 0
    assert parse_event({"type": "Dial", "peer": channel, "dialstatus": "BUSY"}).status == "BUSY"
    assert parse_event({"type": "StasisStart", "channel": channel, "args": ["A=1"]}).args == ("A=1",)
