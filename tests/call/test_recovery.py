"""What a new bot does with what the former one has left."""

import asyncio

import pytest
from fakes.ari import FakeAri
from fakes.virtual_time import run_virtual

from voxbot.call.recovery import Pair, attend, release_orphans
from voxbot.settings.loader import load_settings
from voxbot.telephony.events import StasisEnd

OPERATOR = "voxbot-operator-1"
MEDIA = "voxbot-media-1"


def bridge(number, *channels, name=""):
    return {"id": f"voxbot-bridge-asterisk-bot@{number}", "name": name, "channels": list(channels)}


def released(bridges, orphans, calls=()):
    ari = FakeAri()
    ari.answers["GET", "/bridges"] = bridges
    settings = load_settings(environ={}).operator
    pairs = run_virtual(release_orphans(ari, settings, set(orphans), set(calls)))
    return pairs, set(ari.sent) - {"GET /bridges"}


def test_people_who_talk_are_not_touched():
    pairs, sent = released([bridge(1, "call", OPERATOR, name="call")], ["call", OPERATOR, f"{OPERATOR};2"])
    assert pairs == [Pair(bridge(1)["id"], "call", OPERATOR)]
    assert sent == set()


def test_a_caller_with_a_dead_bots_channel_goes_to_the_dialplan():
    pairs, sent = released([bridge(1, "call", MEDIA, name="call")], ["call", MEDIA])
    assert pairs == []
    assert sent == {
        "POST /channels/call/continue",
        f"DELETE /channels/{MEDIA}",
        f"DELETE /bridges/{bridge(1)['id']}",
    }


def test_an_operator_without_a_caller_is_hung_up():
    pairs, sent = released([bridge(1, OPERATOR, name="call")], [OPERATOR])
    assert pairs == []
    assert sent == {f"DELETE /channels/{OPERATOR}", f"DELETE /bridges/{bridge(1)['id']}"}


def test_what_belongs_to_live_calls_or_to_others_stays():
    bridges = [
        bridge(1, name="live"),
        bridge(2, "new", name="new"),
        {"id": "conference", "name": "", "channels": ["orphan"]},
    ]
    _, sent = released(bridges, ["orphan"], calls=["live"])
    assert sent == {"POST /channels/orphan/continue"}


@pytest.mark.parametrize("leaving", ["call", OPERATOR])
def test_whoever_hangs_up_first_the_other_is_let_go(leaving):
    async def main():
        ari = FakeAri()
        ari.answers["GET", "/applications/asterisk-bot"] = {"channel_ids": ["call", OPERATOR]}
        attending = asyncio.create_task(attend(ari, Pair("b", "call", OPERATOR)))
        await asyncio.sleep(60)
        assert not attending.done()
        ari.emit(StasisEnd, leaving)
        await attending
        (other,) = {"call", OPERATOR} - {leaving}
        assert ari.sent[-2:] == [f"DELETE /channels/{other}", "DELETE /bridges/b"]

    run_virtual(main())


def test_a_pair_that_parted_before_it_was_watched_is_let_go():
    async def main():
        ari = FakeAri()
        ari.answers["GET", "/applications/asterisk-bot"] = {"channel_ids": ["call"]}
        await attend(ari, Pair("b", "call", OPERATOR))
        assert ari.sent[-2:] == ["DELETE /channels/call", "DELETE /bridges/b"]

    run_virtual(main())


def test_the_watch_itself_may_end_without_touching_the_people():
    async def main():
        ari = FakeAri()
        ari.answers["GET", "/applications/asterisk-bot"] = {"channel_ids": ["call", OPERATOR]}
        attending = asyncio.create_task(attend(ari, Pair("b", "call", OPERATOR)))
        await asyncio.sleep(1)
        attending.cancel()
        await asyncio.wait({attending})
        assert not any(sent.startswith("DELETE") for sent in ari.sent)

    run_virtual(main())
