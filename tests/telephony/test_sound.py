"""Sound through ARI: what Asterisk has for it, and the tape deck of the transport `files`."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from fakes.asterisk import MODULES, Asterisk, ari_of

from voxbot.domain.errors import AriUnavailableError, ChannelGoneError, MediaError
from voxbot.domain.ids import ChannelId
from voxbot.settings.loader import load_settings
from voxbot.telephony.abilities import ask_abilities
from voxbot.telephony.ari import AriClient
from voxbot.telephony.deck import RECORDING_PREFIX, channel_deck, discard_recordings

CALLER = ChannelId("1795279347.0")


@asynccontextmanager
async def deck_of(far):
    async with ari_of(far) as ari, channel_deck(ari, CALLER, threshold=300, silence_ms=250) as deck:
        yield deck


@pytest.mark.parametrize(
    ("version", "websocket", "audiosocket"),
    [
        ("22.10.1+dfsg", True, True),
        ("22.8.0", True, True),
        ("22.7.2", False, True),
        ("20.18.0", True, True),
        ("20.17.0", False, True),
        ("21.12.0", False, True),
        ("23.2.0", True, True),
        ("24.0.0-rc1", True, True),
        ("18.26.4", False, True),
        ("16.30.1", False, False),
        ("certified-20.7-cert8", False, True),
        ("GIT-master-f8a1b2c", True, True),
    ],
)
async def test_versions_that_lack_something_are_known(version, websocket, audiosocket):
    async with ari_of(Asterisk(version)) as ari:
        found = await ask_abilities(ari)
    assert (not found.no_websocket, not found.no_audiosocket, not found.no_files) == (websocket, audiosocket, True)


async def test_a_module_that_is_not_loaded_is_named():
    async with ari_of(Asterisk(modules=MODULES - {"chan_websocket.so", "func_talkdetect.so"})) as ari:
        found = await ask_abilities(ari)
    assert found.no_websocket == ("chan_websocket.so",)
    assert found.no_files == ("func_talkdetect.so",)
    assert not found.no_audiosocket


async def test_no_answer_is_not_taken_for_no_module():
    async with AriClient(load_settings(environ={"ARI_HTTP_URL": "http://127.0.0.1:9"}).ari) as ari:
        with pytest.raises(AriUnavailableError):
            await ask_abilities(ari)


async def test_a_playback_lasts_until_asterisk_says_so():
    far = Asterisk()
    async with deck_of(far) as deck:
        assert await deck.play("p1", "voxbot/x", "ru", 1.0)
        assert far.playbacks == {"p1": ("sound:voxbot/x", "ru")}
        far.on_play = lambda name: "failed"
        assert not await deck.play("p2", "voxbot/none", "ru", 1.0)
        far.on_play = lambda name: None
        playing = asyncio.create_task(deck.play("p3", "voxbot/x", "ru", 1.0))
        async with asyncio.timeout(5):
            while "p3" not in far.playbacks:
                await asyncio.sleep(0.01)
            await deck.stop("p3")
            assert await playing


async def test_a_stop_that_overtakes_its_playback_stops_it_all_the_same():
    """Barge-in while the request to play is under way: the request and the stop go by different connections."""
    far = Asterisk()
    far.on_play = lambda name: None
    async with deck_of(far) as deck:
        far.playing_allowed.clear()
        playing = asyncio.create_task(deck.play("p", "voxbot/x", "ru", 30.0))
        async with asyncio.timeout(5):
            await far.play_asked.wait()
            await deck.stop("p")
            far.playing_allowed.set()
            await playing


async def test_recordings_are_fetched_and_removed_and_the_next_one_runs():
    far = Asterisk()
    async with deck_of(far) as deck:
        await deck.record()
        (first,) = far.live
        assert await deck.take() == b"RIFF" + first.encode()
        assert far.live
        assert far.live != {first}
        assert far.stored == {}
    assert (far.live, far.stored, far.channels) == (set(), {}, set())


async def test_a_recording_that_fails_is_an_error_and_nothing_is_left():
    far = Asterisk()
    async with deck_of(far) as deck:
        await deck.record()
        far.on_stop = lambda name: far.stored.pop(name) and "RecordingFailed"
        with pytest.raises(MediaError):
            await deck.take()
    assert (far.live, far.stored, far.channels) == (set(), {}, set())


async def test_the_recording_that_a_hangup_has_ended_is_removed_too():
    far = Asterisk()
    async with deck_of(far) as deck:
        await deck.record()
        far.stored = dict.fromkeys(far.live, b"")
        far.live = set()
        with pytest.raises(MediaError):
            await deck.take()
    assert far.stored == {}


async def test_talk_is_detected_as_long_as_the_deck_is_there():
    far, told = Asterisk(), asyncio.Queue()
    async with deck_of(far) as deck:
        assert far.variables == [("TALK_DETECT(set)", "250,300")]
        deck.tell_talk_to(told.put_nowait)
        await far.tell("ChannelTalkingStarted", channel={"id": "another"})
        await far.tell("ChannelTalkingStarted", channel={"id": CALLER})
        await far.tell("ChannelTalkingFinished", channel={"id": CALLER}, duration=900)
        async with asyncio.timeout(5):
            assert [await told.get(), await told.get()] == [True, False]
    assert far.variables[-1] == ("TALK_DETECT(remove)", "")


async def test_recordings_of_dead_bots_are_removed_and_others_are_not_ours():
    far = Asterisk()
    async with ari_of(far) as ari, channel_deck(ari, CALLER, threshold=300, silence_ms=250) as deck:
        await deck.record()
        (ours,) = far.live
        others = {f"{RECORDING_PREFIX}{ari.app}-2@1", "voicemail", ours}
        far.stored = dict.fromkeys([*others, f"{RECORDING_PREFIX}{ari.app}@1"], b"")
        await discard_recordings(ari)
        assert set(far.stored) == others


async def test_a_caller_who_has_gone_cannot_be_played_to():
    far = Asterisk()
    async with deck_of(far) as deck:
        real, far._answer = far._answer, None

        async def gone(method, path, query):
            return None if "play" in path else await real(method, path, query)

        far._answer = gone
        with pytest.raises(ChannelGoneError):
            await deck.play("p", "voxbot/x", "ru", 1.0)
