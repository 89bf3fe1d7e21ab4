"""An IAM token that the service takes no more is replaced in the middle of calls: nobody's words are lost by it."""

import asyncio

import pytest
from fakes.scripted_engines import ScriptedAsr
from fakes.yandex_account import FOLDER
from fakes.yandex_caller import Caller, Listener, push
from fakes.yandex_stt import SttDouble

from voxbot.domain.errors import ProviderAuthError
from voxbot.providers.asr.yandex import YandexAsr
from voxbot.providers.yandex.auth import YandexAuth
from voxbot.providers.yandex.tokens import FreshToken, RenewedToken
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.switches import Switches

LATENCY_S = 0.05


class Account:
    """Issues tokens of the double's; `issued` are all of them."""

    def __init__(self, double):
        self._accounts = double.accounts
        self.issued = []
        self.good = True

    async def fetch(self):
        await asyncio.sleep(LATENCY_S)
        self.issued.append(self._accounts.issue("user"))
        if not self.good:
            self.revoke()
        return FreshToken(self.issued[-1], 12 * 3600)

    def revoke(self):
        self._accounts.tokens.clear()


@pytest.fixture
def caller():
    return Caller()


@pytest.fixture
async def double(caller):
    async with SttDouble(caller.book.hear, final_ms=50) as server:
        yield server


@pytest.fixture
def account(double):
    return Account(double)


@pytest.fixture
async def engine(double, account):
    """A recogniser with a token that may be refused at any age."""
    settings = load_settings(None, {"YANDEX_STT_ENDPOINT": double.endpoint}).yandex
    asr = YandexAsr(settings, YandexAuth("Bearer", RenewedToken(account.fetch, young_s=0.0), FOLDER))
    await asr.warm_up()
    yield asr
    await asr.close()


@pytest.fixture
def with_spare(engine):
    switches = Switches()
    return FallbackAsr([engine, ScriptedAsr("whisper", "по-другому")], switches=switches), switches


async def said(asr, caller, words):
    stream = asr.open(AsrHints(), Listener())
    push(stream, caller.say(words))
    try:
        return (await stream.settle()).text
    finally:
        stream.close()


async def test_a_stream_whose_token_was_revoked_goes_on_with_a_new_one(with_spare, caller, account):
    asr, switches = with_spare
    assert await said(asr, caller, "сколько стоит") == "сколько стоит"
    account.revoke()
    assert await said(asr, caller, "какой адрес") == "какой адрес"
    assert len(account.issued) == 2
    assert switches.total("failures") == switches.total("switches") == 0


async def test_streams_in_mid_sentence_lose_no_word_by_it_and_share_the_new_token(with_spare, caller, account):
    asr, switches = with_spare
    account.revoke()
    words = [f"сколько стоит пресс {number}" for number in range(4)]
    assert await asyncio.gather(*(said(asr, caller, each) for each in words)) == words
    assert len(account.issued) == 2
    assert switches.total("failures") == 0


async def test_an_account_that_is_refused_with_a_new_token_too_is_an_error(double, caller, account):
    account.good = False
    settings = load_settings(None, {"YANDEX_STT_ENDPOINT": double.endpoint}).yandex
    asr = YandexAsr(settings, YandexAuth("Bearer", RenewedToken(account.fetch), FOLDER))
    with pytest.raises(ProviderAuthError):
        await said(asr, caller, "сколько стоит")
    assert len(account.issued) == 1
    await asr.close()
