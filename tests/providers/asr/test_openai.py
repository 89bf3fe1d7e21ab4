"""OpenAI's transcription as OpenAI and servers of others really answer it, failures included."""

import asyncio

import numpy as np
import pytest
from fakes.http_faults import Fault
from fakes.openai_audio import Heard
from fakes.openai_server import openai_server
from structlog.testing import capture_logs

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers.asr.openai import OpenAiAsr, create
from voxbot.providers.openai_api import Account, Variables
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints

pytestmark = pytest.mark.enable_socket

KEY = "sk-test"
TERMS = AsrHints("Разрывная машина, РЭМ-100, килоньютонов, маятниковый копёр.")
TEXT = "Сколько стоит разрывная машина?"


def sound(ms=1500, rate_hz=8000):
    return AudioChunk(np.random.default_rng(1).integers(-3000, 3000, ms * rate_hz // 1000).astype(np.int16), rate_hz)


@pytest.fixture
async def server():
    async with openai_server() as running:
        running.key = KEY
        yield running


@pytest.fixture
async def recogniser(server):
    """Makes the recogniser of a model."""
    made = []

    def make(model="gpt-transcribe", lesson_s=None, **variables):
        given = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url, "ASR_OPENAI_MODEL": model, **variables}
        if lesson_s is None:
            made.append(create(load_settings(None, given)))
        else:
            made.append(OpenAiAsr(model, Account(KEY, server.base_url), Variables(), lesson_s=lesson_s))
        return made[-1]

    yield make
    for asr in made:
        await asr.close()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (
            "gpt-transcribe",
            {
                "languages": ["ru"],
                "keywords": ["Разрывная машина", "РЭМ-100", "килоньютонов", "маятниковый копёр"],
                "response_format": "json",
            },
        ),
        (
            "gpt-4o-mini-transcribe",
            {"language": "ru", "prompt": TERMS.terms, "include": ["logprobs"], "response_format": "json"},
        ),
        ("whisper-1", {"language": "ru", "prompt": TERMS.terms, "response_format": "verbose_json"}),
        ("large-v3-turbo", {"language": "ru", "prompt": TERMS.terms, "response_format": "verbose_json"}),
    ],
)
async def test_each_model_gets_what_it_takes(server, recogniser, model, fields):
    transcript = await recogniser(model).transcribe(sound(), TERMS)
    assert transcript.text == TEXT
    (asked,) = server.audio.requests
    assert (asked.model, asked.fields, asked.rate_hz, len(asked.samples)) == (model, fields, 8000, 12000)
    assert np.array_equal(asked.samples, sound().samples)


@pytest.mark.parametrize(("model", "expected"), [("gpt-4o-transcribe", 0.7), ("whisper-1", 0.7), ("gpt-transcribe", 1)])
async def test_confidence_is_the_models_own_where_it_tells_it(server, recogniser, model, expected):
    server.audio.recognise = lambda samples, rate_hz: Heard(TEXT, probability=0.7)
    assert (await recogniser(model).transcribe(sound(), TERMS)).confidence == pytest.approx(expected)


@pytest.mark.parametrize(
    ("takes", "asked"),
    [
        ({"language", "prompt", "response_format", "temperature"}, 1),
        ({"response_format"}, 4),
        (set(), 4),
    ],
)
async def test_a_server_that_takes_less_is_asked_with_less_and_then_known(server, recogniser, takes, asked):
    server.audio.takes = takes | {"response_format"}
    asr = recogniser("own-model")
    assert (await asr.transcribe(sound(), TERMS)).text == TEXT
    before = len(server.audio.requests)
    assert before <= asked
    assert (await asr.transcribe(sound(), TERMS)).text == TEXT
    assert len(server.audio.requests) == before + 1


async def test_one_bad_sound_teaches_nothing(server, recogniser):
    asr = recogniser("whisper-1")
    server.audio.faults.plan(*[Fault(status=400)] * 4, Fault())
    with pytest.raises(ProviderError) as raised:
        await asr.transcribe(sound(), TERMS)
    assert type(raised.value) is ProviderError
    await asr.transcribe(sound(), TERMS)
    assert server.audio.requests[-1].fields["response_format"] == "verbose_json"


NO_MODEL = [
    Fault(status=400, message="Invalid model: wisper-1", code="invalid_value"),
    Fault(status=400, message="Failed to parse model URI: gpt:/folder", code=None),
    Fault(status=403, message="Project has no access to it", code="model_not_found"),
    Fault(status=404, message="The model `wisper-1` does not exist"),
]


@pytest.mark.parametrize("fault", NO_MODEL)
async def test_a_model_that_there_is_not_is_named_at_once(server, recogniser, fault):
    server.audio.faults.plan(fault)
    with pytest.raises(ProviderError, match=r"не знает такой модели.*ASR_OPENAI_MODEL") as raised:
        await recogniser("wisper-1").transcribe(sound(), TERMS)
    assert type(raised.value) is ProviderError
    assert len(server.audio.requests) == 1


async def test_a_country_that_is_not_served_is_not_blamed_on_the_key(server, recogniser):
    message = "Country, region, or territory not supported"
    server.audio.faults.plan(Fault(status=403, message=message, code="unsupported_country_region_territory"))
    with pytest.raises(ProviderAuthError, match=r"страны.*OPENAI_BASE_URL") as raised:
        await recogniser().transcribe(sound(), TERMS)
    assert "OPENAI_API_KEY" not in str(raised.value)


async def test_a_refusal_shows_its_code_and_nothing_of_its_text(server, recogniser):
    server.audio.faults.plan(Fault(status=400, message="слова звонящего sk-secret", code="audio_too_short"))
    with pytest.raises(ProviderError, match="400 audio_too_short") as raised:
        await recogniser().transcribe(sound(), TERMS)
    assert "слова" not in str(raised.value)
    assert "secret" not in str(raised.value)


async def test_what_no_plainer_request_helped_is_not_tried_at_every_turn(server, recogniser):
    asr = recogniser("whisper-1")
    server.audio.faults.plan(Fault(status=400))
    for _ in range(3):
        with pytest.raises(ProviderError):
            await asr.transcribe(sound(), TERMS)
    assert len(server.audio.requests) == 4 + 1 + 1


async def test_a_bad_sound_does_not_keep_a_server_that_takes_less_from_being_known_again(server, recogniser):
    server.audio.takes = {"response_format"}
    asr = recogniser("whisper-1", lesson_s=0.0)  # forgotten at once
    await asr.transcribe(sound(), TERMS)
    server.audio.faults.plan(*[Fault(status=400)] * 4, Fault())
    with pytest.raises(ProviderError):
        await asr.transcribe(sound(), TERMS)
    assert (await asr.transcribe(sound(), TERMS)).text == TEXT


async def test_one_refusal_by_accident_costs_the_terms_for_a_while_only(server, recogniser):
    asr = recogniser("whisper-1", lesson_s=0.2)
    server.audio.faults.plan(Fault(status=400), Fault(status=400), Fault())
    with capture_logs() as logs:
        await asr.transcribe(sound(), TERMS)
        await asr.transcribe(sound(), TERMS)
    assert "prompt" not in server.audio.requests[-1].fields
    assert [line["left_out"] for line in logs] == [["prompt", "segments"]]
    async with asyncio.timeout(5):
        while "prompt" not in server.audio.requests[-1].fields:
            await asr.transcribe(sound(), TERMS)


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-transcribe"])
@pytest.mark.parametrize("invented", ["Субтитры сделал DimaTorzok", "Продолжение следует...", "", "  "])
async def test_what_nobody_said_is_no_text(server, recogniser, model, invented):
    server.audio.recognise = lambda samples, rate_hz: invented
    assert (await recogniser(model).transcribe(sound(), TERMS)).text == ""


async def test_a_segment_that_whisper_itself_doubts_is_left_out(server, recogniser):
    server.audio.recognise = lambda samples, rate_hz: Heard("До встречи", probability=0.3, no_speech=0.8)
    assert (await recogniser("whisper-1").transcribe(sound(), TERMS)).text == ""


@pytest.mark.parametrize("ms", [0, 20, 59])
async def test_a_click_is_not_sent(server, recogniser, ms):
    assert (await recogniser().transcribe(sound(ms), TERMS)).text == ""
    assert server.audio.requests == []


async def test_a_short_word_is_long_enough_for_the_service(server, recogniser):
    assert (await recogniser().transcribe(sound(80), TERMS)).text == TEXT


@pytest.mark.parametrize(("rate_hz", "sent_hz"), [(8000, 8000), (16000, 16000), (24000, 16000)])
async def test_any_rate_is_taken(server, recogniser, rate_hz, sent_hz):
    await recogniser().transcribe(sound(1000, rate_hz), TERMS)
    (asked,) = server.audio.requests
    assert (asked.rate_hz, len(asked.samples)) == (sent_hz, sent_hz)


async def test_of_too_many_terms_the_last_are_sent_whole(server, recogniser):
    many = ", ".join(f"насос номер {number}" for number in range(200))
    await recogniser("whisper-1").transcribe(sound(), AsrHints(many))
    prompt = server.audio.requests[0].fields["prompt"]
    assert len(prompt) <= 560
    assert many.endswith(prompt)
    assert prompt.startswith("насос")
    await recogniser().transcribe(sound(), AsrHints(f"a<b, c\nd, {many}"))
    keywords = server.audio.requests[1].fields["keywords"]
    assert len(keywords) == 100
    assert keywords[-1] == "насос номер 199"


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(status=403), ProviderAuthError, "OPENAI_API_KEY"),
        (Fault(status=429, headers={"Retry-After": "7"}), ProviderRateLimitError, "тариф"),
        (Fault(status=404), ProviderError, "ASR_OPENAI_MODEL"),
        (Fault(status=500), ProviderUnavailableError, "500"),
        (Fault(status=503), ProviderUnavailableError, "503"),
        (Fault(cut="reset"), ProviderUnavailableError, "OPENAI_BASE_URL"),
        (Fault(cut="half"), ProviderUnavailableError, "openai"),
    ],
)
async def test_failures_become_our_errors_without_a_retry(server, recogniser, fault, error, words):
    server.audio.faults.plan(fault)
    with pytest.raises(error, match=words) as raised:
        await recogniser().transcribe(sound(), TERMS)
    assert type(raised.value) is error
    assert len(server.audio.requests) == 1
    if error is ProviderRateLimitError:
        assert raised.value.retry_after_s == 7


async def test_a_wrong_key_shows_when_the_bot_starts(server, recogniser):
    with pytest.raises(ProviderAuthError, match="ASR_OPENAI_API_KEY"):
        await recogniser(ASR_OPENAI_API_KEY="wrong").warm_up()
    await recogniser(ASR_OPENAI_API_KEY=KEY, OPENAI_API_KEY="wrong").warm_up()


async def test_a_missing_key_is_told_with_the_fix():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        create(load_settings(None, {}))


async def test_turns_of_many_calls_share_the_connections_and_one_hung_up_on_disturbs_nobody(server, recogniser):
    asr = recogniser()
    await asr.warm_up()
    server.audio.faults.plan(Fault(hang=True), Fault())
    hung = asyncio.create_task(asr.transcribe(sound(), TERMS))
    while len(server.audio.requests) < 2:
        await asyncio.sleep(0.01)
    others = await asyncio.gather(*(asr.transcribe(sound(), TERMS) for _ in range(5)))
    assert {transcript.text for transcript in others} == {TEXT}
    hung.cancel()
    await asyncio.wait({hung})
    assert hung.cancelled()


async def test_a_closed_recogniser_says_so(server, recogniser):
    asr = recogniser()
    await asr.warm_up()
    await asr.close()
    with pytest.raises(ProviderError):
        await asr.transcribe(sound(), TERMS)
