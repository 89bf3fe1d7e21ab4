"""What nobody expects inside a session, a bug or a closed connection, is a failure too: never a shorter sentence."""

import asyncio

import pytest
from fakes.scripted_engines import ScriptedAsr
from fakes.yandex_account import API_KEY
from fakes.yandex_caller import Caller, Listener, push
from fakes.yandex_stt import SttDouble
from structlog.testing import capture_logs

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.asr.yandex import YandexAsr
from voxbot.providers.yandex.auth import YandexAuth
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.switches import Switches


class BuggyAuth(YandexAuth):
    async def metadata(self):
        raise ValueError("could not convert string to float: 'soon'")


class BuggyListener(Listener):
    def on_partial(self, text):
        raise ValueError("a bug in a listener")


@pytest.fixture
def caller():
    return Caller()


@pytest.fixture
async def double(caller):
    async with SttDouble(caller.book.hear, final_ms=100) as server:
        yield server


@pytest.fixture
def settings(double):
    return load_settings(None, {"YANDEX_STT_ENDPOINT": double.endpoint}).yandex


@pytest.mark.parametrize(
    ("auth", "listener"),
    [
        (BuggyAuth("Api-Key", API_KEY), Listener()),
        (YandexAuth("Api-Key", API_KEY), BuggyListener()),
    ],
    ids=["account", "listener"],
)
async def test_a_bug_is_logged_and_the_next_recogniser_hears_the_utterance(settings, caller, auth, listener):
    switches = Switches()
    asr = FallbackAsr([YandexAsr(settings, auth), ScriptedAsr("whisper", "целиком")], switches=switches)
    with capture_logs() as logs:
        stream = asr.open(AsrHints(), listener)
        push(stream, caller.say("раз два три"))
        await asyncio.sleep(0.1)
        push(stream, caller.say("четыре пять шесть семь"))
        assert (await stream.settle()).text == "целиком"
        stream.close()
    assert switches.total("failures", engine="yandex") == 1
    assert [entry.get("exc_info") for entry in logs if entry["log_level"] == "error"] == [True]
    await asr.close()


async def test_a_recogniser_that_is_closed_under_a_request_gives_no_half_of_a_sentence(settings, caller):
    asr = YandexAsr(settings, YandexAuth("Api-Key", API_KEY))
    listener = Listener()
    stream = asr.open(AsrHints(), listener)
    push(stream, caller.say("раз два три"))
    async with asyncio.timeout(3):
        while not listener.partials:
            await asyncio.sleep(0.005)
    push(stream, caller.say("четыре пять шесть семь"))
    settling = asyncio.create_task(stream.settle())
    await asyncio.sleep(0)
    await asr.close()
    with pytest.raises(ProviderUnavailableError, match="закрыт"):
        await settling
