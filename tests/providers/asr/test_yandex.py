"""Yandex STT v3 against a real gRPC server on its own stubs: words while they are said, limits, faults, renewal."""

import asyncio
import time

import grpc
import numpy as np
import pytest
from fakes.sounds import murmur
from fakes.yandex_account import API_KEY, FOLDER
from fakes.yandex_caller import Caller, Listener, push, push_in_real_time
from fakes.yandex_stt import Fault, SttDouble

from voxbot.domain.audio import AudioChunk, silence
from voxbot.domain.errors import ProviderAuthError, ProviderError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.providers.asr import yandex
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints

HINTS = AsrHints()


@pytest.fixture
def caller():
    return Caller()


@pytest.fixture
async def double(caller):
    async with SttDouble(caller.book.hear, final_ms=100) as server:
        yield server


@pytest.fixture
async def engine(double):
    """Makes recognisers of the double, and closes them."""
    engines = []

    def make(**environ):
        known = {"YANDEX_API_KEY": API_KEY, "YANDEX_STT_ENDPOINT": double.endpoint, "YANDEX_STT_TIMEOUT": "0.6"}
        engines.append(yandex.create(load_settings(None, {**known, **environ})))
        return engines[-1]

    yield make
    for each in engines:
        await each.close()


async def until(condition):
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.005)


def is_of_server(task):
    return task.get_coro().__qualname__.startswith("AioServer")


async def test_words_come_while_they_are_said_and_all_of_them_when_asked(engine, double, caller):
    listener = Listener()
    stream = engine().open(HINTS, listener)
    push(stream, caller.say("сколько стоит разрывная машина"))
    await until(lambda: listener.partials)
    assert "сколько стоит разрывная машина".startswith(listener.partials[0])
    push(stream, silence(100))
    assert (await stream.settle()).text == "сколько стоит разрывная машина"
    push(stream, caller.say("на сто килоньютонов"))
    push(stream, silence(100))
    await until(lambda: listener.partials[-1] != listener.partials[0])
    assert listener.partials[-1].startswith("сколько стоит разрывная машина "), "a partial tells of the whole utterance"
    assert (await stream.settle()).text == "сколько стоит разрывная машина на сто килоньютонов"
    stream.close()
    assert len(double.sessions) == 1
    assert double.sessions[0].eous == 2
    assert not listener.ends, "an end that the bot has asked for is no news to it"


async def test_the_final_words_are_there_as_soon_as_the_service_gives_them(engine, double, caller):
    double.final_ms = 150
    asr = engine()
    await asr.warm_up()
    waits = []
    for _ in range(5):
        stream = asr.open(HINTS, Listener())
        push(stream, caller.say("сколько стоит машина"))
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        assert (await stream.settle()).text == "сколько стоит машина"
        waits.append((time.perf_counter() - started) * 1000)
        stream.close()
    assert np.median(waits) < 150 + 25


async def test_a_session_says_what_it_sends_and_sends_it_in_moderate_pieces(engine, double, caller):
    stream = engine(YANDEX_STT_MODEL="general:rc").open(HINTS, Listener())
    await until(lambda: double.sessions)
    for _ in range(20):
        push(stream, caller.say("раз"))
        await asyncio.sleep(0.01)
    await stream.settle()
    session = double.sessions[0]
    assert session.options.recognition_model.model == "general:rc"
    assert session.received_ms == 20 * 240
    assert session.chunks <= 20 * 240 / 400 + 1


async def test_an_utterance_asked_twice_without_new_sound_is_ended_once(engine, double, caller):
    stream = engine().open(HINTS, Listener())
    push(stream, caller.say("алло"))
    assert [(await stream.settle()).text for _ in range(2)] == ["алло", "алло"]
    assert double.sessions[0].eous == 1


async def test_an_attempt_that_is_given_up_leaves_the_next_right(engine, caller):
    stream = engine().open(HINTS, Listener())
    push(stream, caller.say("какой адрес"))
    first = asyncio.create_task(stream.settle())
    await asyncio.sleep(0.02)
    first.cancel()
    push(stream, caller.say("у завода"))
    assert (await stream.settle()).text == "какой адрес у завода"


@pytest.mark.parametrize("final_ms", [150, 500, 700])
async def test_the_last_word_is_waited_for_where_the_words_before_it_come_late(engine, double, caller, final_ms):
    """The final words of one pause come only after the next pause has begun: they do not answer for it."""
    double.final_ms = final_ms
    stream = engine(YANDEX_STT_TIMEOUT="2.5").open(HINTS, Listener())
    push(stream, caller.say("сколько стоит машина"))
    push(stream, silence(100))
    first = asyncio.create_task(stream.settle())
    await asyncio.sleep(0.3)
    first.cancel()
    push(stream, caller.say("на"))
    push(stream, silence(100))
    assert (await stream.settle()).text == "сколько стоит машина на"


async def test_whole_utterances_go_through_the_same_rpc_at_any_rate(engine, double, caller):
    asr = engine()
    assert (await asr.transcribe(AudioChunk(caller.say("гарантия два года"), 8000), HINTS)).text == "гарантия два года"
    double.recognise = lambda samples: f"{len(samples) / 8000:.1f}"
    assert (await asr.transcribe(AudioChunk(silence(900, 16_000), 16_000), HINTS)).text == "0.9"
    assert (await asr.transcribe(AudioChunk(silence(0), 8000), HINTS)).text == ""


async def test_a_caller_who_is_silent_for_long_keeps_the_session(engine, double, caller):
    double.idle_s = 2.4
    stream = engine().open(HINTS, Listener())
    push(stream, caller.say("минуту"))
    await stream.settle()
    await asyncio.sleep(2.8)
    push(stream, caller.say("нашёл"))
    assert (await stream.settle()).text == "минуту нашёл"
    assert double.sessions[0].silence_chunks == 1


@pytest.mark.parametrize("pauses", [True, False])
async def test_a_session_gives_way_to_the_next_before_its_time_is_up_and_no_word_is_lost_or_repeated(
    engine, double, caller, pauses
):
    double.partial_every_ms = 0
    stream = engine(YANDEX_STT_TIMEOUT="5").open(HINTS, Listener())
    said = [f"слово{number}" for number in range(1300)]
    for number, word in enumerate(said):
        push(stream, caller.say(word))
        if pauses and number % 10 == 9:
            push(stream, silence(60))
        if number % 50 == 49:
            await asyncio.sleep(0)
    heard = (await stream.settle()).text.split()
    assert len(double.sessions) == 2
    assert all(session.received_ms < 300_000 for session in double.sessions)
    assert heard == said


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("раз два три", "два три четыре", "раз два три четыре"),
        ("раз два тр", "два три четыре", "раз два три четыре"),
        ("раз два три", "ва три четыре", "раз два три четыре"),
        ("раз два тр", "аз два три", "раз два три"),
        ("раз", "два", "раз два"),
        ("", "два", "два"),
        ("раз", "", "раз"),
    ],
)
def test_what_two_sessions_have_both_heard_stands_once(before, after, whole):
    assert yandex.join(before, after, overlap=True) == whole
    assert yandex.join("раз раз", "раз", overlap=False) == "раз раз раз"


async def test_normalised_words_replace_the_final_ones(engine, double, caller):
    double.normalize = {"сто рублей": "100 ₽"}.get
    stream = engine(YANDEX_STT_NORMALIZATION="true").open(HINTS, Listener())
    push(stream, caller.say("сто рублей"))
    assert (await stream.settle()).text == "100 ₽"


async def test_the_services_own_verdict_is_a_hint_and_words_do_not_wait_for_it(engine, double, caller):
    double.partial_every_ms = 100
    listener = Listener()
    stream = engine(YANDEX_STT_EOU="service").open(HINTS, listener)
    push(stream, caller.say("сколько стоит"))
    push(stream, silence(200))
    assert (await stream.settle()).text == "сколько стоит"
    assert not listener.ends
    push(stream, silence(400))
    await until(lambda: listener.ends)
    assert double.sessions[0].eous == 0
    push(stream, caller.say("пресс"))
    push(stream, silence(200))
    assert (await stream.settle()).text == "сколько стоит пресс"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("error"), ProviderUnavailableError),
        (Fault("error", code=grpc.StatusCode.UNAUTHENTICATED), ProviderAuthError),
        (Fault("error", code=grpc.StatusCode.RESOURCE_EXHAUSTED), ProviderRateLimitError),
        (Fault("error", code=grpc.StatusCode.INVALID_ARGUMENT), ProviderError),
        (Fault("reset", 300), ProviderUnavailableError),
        (Fault("hang"), ProviderUnavailableError),
        (Fault("half", 300), ProviderUnavailableError),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
async def test_a_stream_that_fails_says_so_in_time_and_the_next_utterance_is_heard(
    engine, double, caller, fault, error
):
    double.faults = [fault]
    asr = engine()
    stream = asr.open(HINTS, Listener())
    push(stream, caller.say("сколько стоит машина"))
    started = time.perf_counter()
    with pytest.raises(error) as caught:
        await stream.settle()
    assert caught.value.retryable == (error in {ProviderUnavailableError, ProviderRateLimitError})
    assert time.perf_counter() - started < 0.6 + 0.2
    push(stream, caller.say("ещё"))  # it is of no use, and does no harm
    stream.close()
    whole = await asr.transcribe(AudioChunk(caller.say("сколько стоит машина"), 8000), HINTS)
    assert whole.text == "сколько стоит машина"


async def test_with_the_service_s_own_ends_words_that_come_late_are_waited_for(engine, double, caller):
    async def hear(samples):
        await asyncio.sleep(0.4)  # for each partial: the service falls behind
        return caller.book.hear(samples)

    double.recognise = hear
    stream = engine(YANDEX_STT_EOU="service", YANDEX_STT_TIMEOUT="2.5").open(HINTS, Listener())
    await push_in_real_time(stream, caller.say("сколько стоит машина на сто"))
    await push_in_real_time(stream, silence(100))
    asked = asyncio.create_task(stream.settle())
    await push_in_real_time(stream, silence(400))
    assert (await asked).text == "сколько стоит машина на сто"
    stream.close()


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("hang", 600)], ids=["at once", "in mid-sentence"])
async def test_with_the_service_s_own_ends_a_service_that_hangs_is_a_failure_and_no_shorter_sentence(
    engine, double, caller, fault
):
    double.faults = [fault]
    stream = engine(YANDEX_STT_EOU="service").open(HINTS, Listener())
    await push_in_real_time(stream, caller.say("сколько стоит разрывная машина"))
    with pytest.raises(ProviderUnavailableError):
        await stream.settle()


async def test_with_the_service_s_own_ends_silence_is_nothing_to_wait_for(engine):
    stream = engine(YANDEX_STT_EOU="service").open(HINTS, Listener())
    started = time.perf_counter()
    assert (await stream.settle()).text == ""
    assert time.perf_counter() - started < 0.3


async def test_words_that_never_become_final_are_words_all_the_same(engine, double, caller):
    double.faults = [Fault("mute")]
    stream = engine().open(HINTS, Listener())
    push(stream, caller.say("сколько стоит"))
    push(stream, silence(120))
    assert (await stream.settle()).text == "сколько стоит"


async def test_noise_is_no_words_and_no_failure(engine, caller):
    stream = engine().open(HINTS, Listener())
    push(stream, murmur(50, seed=99, level=2000))
    assert (await stream.settle()).text == ""


async def test_a_service_that_tells_no_end_is_not_waited_for_long(engine, double, caller):
    double.tells_ends = False
    stream = engine().open(HINTS, Listener())
    push(stream, caller.say("сколько стоит"))
    started = time.perf_counter()
    assert (await stream.settle()).text == "сколько стоит"
    assert time.perf_counter() - started < 0.1 + 0.15 + 0.1
    push(stream, caller.say("пресс"))
    assert (await stream.settle()).text == "сколько стоит пресс"


async def test_a_service_that_does_not_answer_silence_is_no_failure(engine, double):
    double.answers_silence = False
    stream = engine(YANDEX_STT_TIMEOUT="5").open(HINTS, Listener())
    push(stream, murmur(50, seed=99, level=2000))
    started = time.perf_counter()
    assert (await stream.settle()).text == ""
    assert time.perf_counter() - started < 1.2 + 0.2


async def test_a_wrong_key_is_found_out_before_the_first_call(engine):
    with pytest.raises(ProviderAuthError):
        await engine(YANDEX_API_KEY="AQVN-other").warm_up()


async def test_a_personal_account_is_let_in_with_its_folder_only(engine, double):
    account = {"YANDEX_AUTH": "iam", "YANDEX_IAM_TOKEN": double.accounts.issue("user")}
    await engine(**account, YANDEX_FOLDER_ID=FOLDER).warm_up()
    with pytest.raises(ProviderAuthError, match="YANDEX_FOLDER_ID"):
        await engine(**account).warm_up()


async def test_a_service_that_is_down_is_a_failure_at_once(engine, double, caller):
    asr = engine(YANDEX_STT_TIMEOUT="5")
    await double.stop()
    stream = asr.open(HINTS, Listener())
    push(stream, caller.say("алло"))
    started = time.perf_counter()
    with pytest.raises(ProviderUnavailableError):
        await stream.settle()
    assert time.perf_counter() - started < 2


async def test_an_utterance_that_is_dropped_ends_its_rpc_and_leaves_no_task(engine, double, caller):
    asr = engine()
    await asr.warm_up()
    before = asyncio.all_tasks()
    listener = Listener()
    streams = [asr.open(HINTS, listener) for _ in range(3)]
    for stream in streams:
        push(stream, caller.say("сколько стоит"))
    await until(lambda: len(double.sessions) == 4)
    for stream in streams:
        stream.close()
        stream.close()
    told = len(listener.partials)
    await until(lambda: all(session.over for session in double.sessions))
    await until(lambda: not [task for task in asyncio.all_tasks() - before if not is_of_server(task)])
    assert len(listener.partials) == told
