"""Yandex's voice over gRPC and over HTTP, against doubles that check what the services check."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest
from fakes.yandex_account import OAUTH_TOKEN
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_tts import Speech, tone

from voxbot.domain.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers import registry
from voxbot.providers.tts import yandex, yandex_http
from voxbot.providers.yandex.auth import YandexAuth
from voxbot.providers.yandex.tokens import FreshToken, RenewedToken
from voxbot.settings.loader import load_settings
from voxbot.speech.tts import voice_key
from voxbot.speech.tts_cache import CachedTts
from voxbot.speech.tts_disk import TtsDisk

MODULES = {"yandex": yandex, "yandex_http": yandex_http}
TEXT = "Разрывная машина на сто килоньютонов."
QUICK = {
    "YANDEX_TTS_FIRST_AUDIO_TIMEOUT": "0.3",
    "YANDEX_TTS_HTTP_FIRST_AUDIO_TIMEOUT": "0.3",
    "YANDEX_TTS_CHUNK_TIMEOUT": "0.2",
}


@pytest.fixture
async def cloud():
    async with yandex_cloud() as double:
        yield double


@pytest.fixture(params=MODULES)
def kind(request):
    return request.param


@asynccontextmanager
async def voice(cloud, kind, **environ):
    engine = MODULES[kind].create(load_settings(None, cloud.environment(**QUICK | environ)))
    try:
        yield engine
    finally:
        await engine.close()


def double(cloud, kind):
    return cloud.tts if kind == "yandex" else cloud.tts_http


async def spoken(engine, text=TEXT):
    async with aclosing(engine.synthesize(text)) as chunks:
        return [chunk.samples async for chunk in chunks]


async def collect(engine, said):
    """Speak, and keep what came before a failure."""
    async for chunk in engine.synthesize(TEXT):
        said.append(chunk)


async def test_the_sound_comes_whole_at_the_telephones_rate(cloud, kind):
    double(cloud, kind).answer(Speech(chunk_ms=333))
    async with voice(cloud, kind) as engine, aclosing(engine.synthesize(TEXT)) as chunks:
        said = [chunk async for chunk in chunks]
    assert {chunk.rate_hz for chunk in said} == {8000}
    assert np.array_equal(np.concatenate([chunk.samples for chunk in said]), tone(TEXT))


async def test_sound_is_given_as_it_comes(cloud, kind):
    double(cloud, kind).answer(Speech(hang_after=1))
    async with voice(cloud, kind) as engine, aclosing(engine.synthesize(TEXT)) as chunks:
        assert (await anext(chunks)).duration_ms == 200


async def test_voice_role_and_speed_are_asked_for(cloud):
    chosen = {"YANDEX_TTS_VOICE": "jane", "YANDEX_TTS_ROLE": "good", "YANDEX_TTS_SPEED": "1.2"}
    for kind in MODULES:
        async with voice(cloud, kind, **chosen) as engine:
            await spoken(engine)
            await spoken(engine, "слово " * 50)
            voice_id = f"{kind}/{'v3' if kind == 'yandex' else 'v1'}/jane/good/1.2/8000"
            assert engine.capabilities.voice_id.startswith(voice_id)
    utterance, options = cloud.tts.requests[0], cloud.tts.requests[1].options
    hints = {hint.WhichOneof("Hint"): hint for hint in utterance.hints}
    assert (hints["voice"].voice, hints["role"].role, hints["speed"].speed) == ("jane", "good", pytest.approx(1.2))
    assert (options.voice, options.role, options.speed) == ("jane", "good", pytest.approx(1.2))
    form = cloud.tts_http.requests[0]
    assert (form["voice"], form["emotion"], form["speed"]) == ("jane", "good", "1.2")


async def test_what_a_double_or_another_cloud_says_is_not_kept_as_the_services_own(tmp_path, cloud, kind):
    async def kept(**environ):
        engine = MODULES[kind].create(load_settings(None, {"YANDEX_API_KEY": "AQVNreal"} | environ))
        await engine.close()
        return TtsDisk(tmp_path, 1_000_000).read(voice_key(engine), TEXT) is not None

    async with voice(cloud, kind) as engine:
        tts = CachedTts(engine, disk=TtsDisk(tmp_path, 1_000_000))
        await spoken(tts)
        await tts.close()
    country = {
        "YANDEX_TTS_ENDPOINT": "tts.api.yandexcloud.kz:443",
        "YANDEX_TTS_HTTP_URL": "https://tts.api.yandexcloud.kz/speech/v1/tts:synthesize",
    }
    assert await kept(**cloud.environment())
    assert not await kept()
    assert not await kept(**country)


async def test_the_usual_address_is_the_same_however_it_is_written():
    ids = []
    for environ in ({}, {"YANDEX_TTS_ENDPOINT": "https://tts.api.cloud.yandex.net"}):
        engine = yandex.create(load_settings(None, {"YANDEX_API_KEY": "AQVNreal"} | environ))
        ids.append(engine.capabilities.voice_id)
        await engine.close()
    assert set(ids) == {"yandex/v3/alena//1/8000"}


async def test_http_takes_a_voice_that_it_has(cloud):
    async with voice(cloud, "yandex_http", YANDEX_TTS_VOICE="marina", YANDEX_TTS_ROLE="friendly") as engine:
        await spoken(engine)
    async with voice(cloud, "yandex_http", YANDEX_TTS_VOICE="kirill", YANDEX_TTS_HTTP_VOICE="filipp") as engine:
        await spoken(engine)
    assert [form["voice"] for form in cloud.tts_http.requests] == ["alena", "filipp"]


@pytest.mark.parametrize("chars", [249, 250, 251, 4000])
async def test_a_long_text_is_said_whole_and_in_one_go(cloud, chars):
    text = ("Машина испытывает металлы, гарантия полтора года. " * 100)[: chars - 1] + "."
    async with voice(cloud, "yandex", YANDEX_TTS_FIRST_AUDIO_TIMEOUT="10") as engine:
        await spoken(engine, text)
    assert [said.split() for said in cloud.tts.texts] == [text.split()]


async def test_slow_speech_keeps_to_the_longest_utterance(cloud):
    async with voice(cloud, "yandex", YANDEX_TTS_SPEED="0.5") as engine:
        await spoken(engine, "а" * 140)
        await spoken(engine, "а" * 200)
    assert [type(request).__name__ for request in cloud.tts.requests][:2] == [
        "UtteranceSynthesisRequest",
        "StreamSynthesisRequest",
    ]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("скидка **10** + [[a]] sil<[300]> {x}", "скидка 10 a sil 300 x"),
        ("за\u0301мок и замо\u0301к", "з+амок и зам+ок"),
        ("и\u0306 \ud800 \0", "и"),
    ],
)
async def test_a_text_is_no_markup(cloud, kind, text, sent):
    async with voice(cloud, kind) as engine:
        await spoken(engine, text)
    assert double(cloud, kind).texts == [sent]


@pytest.mark.parametrize("account", ["oauth", "metadata"])
async def test_every_kind_of_account_is_let_in(cloud, kind, account):
    async with voice(cloud, kind, YANDEX_AUTH=account, OAUTH_TOKEN=OAUTH_TOKEN) as engine:
        assert await spoken(engine)


async def test_a_personal_account_without_a_folder_is_told_the_fix(cloud, kind):
    environ = {"YANDEX_AUTH": "iam", "YANDEX_IAM_TOKEN": cloud.accounts.issue("user"), "YANDEX_FOLDER_ID": ""}
    async with voice(cloud, kind, **environ) as engine:
        with pytest.raises(ProviderAuthError, match="YANDEX_FOLDER_ID"):
            await engine.warm_up()


async def test_a_wrong_key_is_told_and_not_shown(cloud, kind):
    async with voice(cloud, kind, YANDEX_API_KEY="AQVNwrong-secret") as engine:
        with pytest.raises(ProviderAuthError, match="роли") as caught:
            await engine.warm_up()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        Speech(latency_s=60),
        Speech(hang_after=0),
        Speech(hang_after=2),
        Speech(break_after=0),
        Speech(break_after=2),
        Speech(cut_after=0),
        Speech(cut_after=2),
    ],
)
async def test_a_voice_that_fails_says_so_in_time_and_works_again(cloud, kind, answer):
    double(cloud, kind).answer(answer, Speech())
    async with voice(cloud, kind) as engine:
        said = []
        async with asyncio.timeout(2):
            with pytest.raises(ProviderUnavailableError):
                await collect(engine, said)
        if answer.hang_after is not None:  # a reset may take what is under way with it
            assert sum(chunk.duration_ms for chunk in said) == 200 * answer.hang_after
        async with asyncio.timeout(5):
            while True:
                try:
                    sound = await spoken(engine)
                except ProviderUnavailableError:  # the connection is still being made again
                    await asyncio.sleep(0.05)
                else:
                    break
        assert np.array_equal(np.concatenate(sound), tone(TEXT))


async def test_an_answer_without_sound_is_a_failure_unless_there_was_nothing_to_say(cloud):
    async def mute(text):
        return np.zeros(0, np.int16)

    cloud.tts.speak = mute
    async with voice(cloud, "yandex") as engine:
        assert await spoken(engine) == []
        cloud.tts.answer(Speech(mute=True))
        with pytest.raises(ProviderUnavailableError, match="без звука"):
            await spoken(engine)
    cloud.tts_http.answer(Speech(mute=True))
    async with voice(cloud, "yandex_http") as engine:
        with pytest.raises(ProviderUnavailableError, match="без звука"):
            await spoken(engine)
        assert await spoken(engine, "語") == []


async def test_the_next_voice_speaks_when_http_is_mute(cloud):
    cloud.tts.answer(Speech(status="UNAVAILABLE"))
    cloud.tts_http.answer(Speech(mute=True), Speech())
    environ = cloud.environment(**QUICK, TTS_PROVIDER="yandex_http,espeak")
    tts = CachedTts(registry.create_tts(load_settings(None, environ)))
    assert sum(map(len, await spoken(tts))) > 8000
    assert np.array_equal(np.concatenate(await spoken(tts)), tone(TEXT)), "the first voice speaks again"
    await tts.close()


async def test_a_quota_is_an_error_with_its_delay(cloud, kind):
    status = "RESOURCE_EXHAUSTED" if kind == "yandex" else 429
    double(cloud, kind).answer(Speech(status=status, retry_after_s=2))
    async with voice(cloud, kind) as engine:
        with pytest.raises(ProviderRateLimitError) as caught:
            await spoken(engine)
    assert caught.value.retry_after_s == 2


async def test_what_the_service_does_not_take_is_not_worth_repeating(cloud):
    async with voice(cloud, "yandex", YANDEX_TTS_VOICE="siri") as engine:
        with pytest.raises(ProviderError, match="Unsupported voice siri") as caught:
            await spoken(engine)
    assert not caught.value.retryable


async def test_a_dead_network_is_told_in_time(cloud, kind):
    async with voice(cloud, kind) as engine:
        await engine.warm_up()
        (cloud.grpc_link if kind == "yandex" else cloud.http_link).jam()
        async with asyncio.timeout(1):
            with pytest.raises(ProviderUnavailableError):
                await spoken(engine)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_reply_that_is_cut_off_is_not_made_further(cloud, kind):
    service = double(cloud, kind)
    service.answer(Speech(chunk_s=0.05))
    async with voice(cloud, kind) as engine:
        async with aclosing(engine.synthesize(TEXT * 3)) as chunks:
            await anext(chunks)
        await until(lambda: service.cancelled == 1)
        talking = asyncio.create_task(spoken(engine, TEXT * 3))
        await until(lambda: len(service.texts) == 2)
        talking.cancel()
        await asyncio.wait({talking})
        assert talking.cancelled()
        await until(lambda: service.cancelled == 2)
    assert service.finished == 0


@pytest.mark.parametrize("make", [yandex.YandexTts, yandex_http.YandexHttpTts])
async def test_a_revoked_token_is_replaced_without_a_word_lost(cloud, make):
    async def issue():
        return FreshToken(cloud.accounts.issue("service"), 3600)

    settings = load_settings(None, cloud.environment(**QUICK)).yandex
    engine = make(settings, YandexAuth("Bearer", RenewedToken(issue, young_s=0)))
    await spoken(engine)
    cloud.accounts.tokens.clear()
    assert np.array_equal(np.concatenate(await spoken(engine)), tone(TEXT))
    assert len(cloud.accounts.tokens) == 1
    await engine.close()


@pytest.mark.parametrize("answer", [Speech(status="UNAVAILABLE"), Speech(latency_s=60), Speech(cut_after=0)])
async def test_http_speaks_when_grpc_does_not(cloud, answer):
    cloud.tts.answer(answer)
    environ = cloud.environment(**QUICK, TTS_PROVIDER="yandex")
    engine = registry.create_tts(load_settings(None, environ))
    assert np.array_equal(np.concatenate(await spoken(engine)), tone(TEXT))
    assert len(cloud.tts_http.requests) == 1
    await engine.close()


@pytest.mark.parametrize("answer", [Speech(break_after=12), Speech(hang_after=12), Speech(cut_after=12)])
async def test_http_goes_on_where_grpc_broke_off(cloud, answer):
    text = "Разрывная машина на сто килоньютонов стоит один миллион рублей, доставка занимает две недели."
    engine = registry.create_tts(load_settings(None, cloud.environment(**QUICK, TTS_PROVIDER="yandex")))
    await spoken(engine, text)  # from here on the wrapper knows how fast the voice speaks
    cloud.tts.answer(answer)
    sound = np.concatenate(await spoken(engine, text))
    (rest,) = cloud.tts_http.texts
    assert text.endswith(f" {rest}")
    assert abs(len(sound) - len(tone(text))) < len(tone("килоньютонов"))
    await engine.close()


async def test_the_start_is_told_in_the_words_that_operators_look_for(cloud, capsys):
    async with voice(cloud, "yandex") as engine:
        await engine.warm_up()
        await engine.warm_up()
    assert capsys.readouterr().out.count("🚀 Используем TTS Adapter с gRPC + HTTP fallback") == 1
