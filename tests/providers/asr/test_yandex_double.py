"""The double refuses what the service refuses: whoever breaks the order of messages or a limit finds out here."""

import grpc
import pytest
from fakes.yandex_stt import API_KEY, FOLDER, PERSONAL_TOKEN, SttDouble
from yandex.cloud.ai.stt.v3 import stt_service_pb2_grpc
from yandex.cloud.ai.stt.v3.stt_pb2 import AudioChunk, Eou, SilenceChunk, StreamingOptions, StreamingRequest

from voxbot.providers.asr.yandex import session_options
from voxbot.settings.loader import load_settings

SETTINGS = load_settings(None, {}).yandex
OPTIONS = StreamingRequest(session_options=session_options(SETTINGS, by_service=False))
BY_SERVICE = StreamingRequest(session_options=session_options(SETTINGS, by_service=True))
SOUND = StreamingRequest(chunk=AudioChunk(data=bytes(3200)))
END = StreamingRequest(eou=Eou())


def changed(**options):
    other = StreamingOptions()
    other.CopyFrom(OPTIONS.session_options)
    for name, value in options.items():
        setattr(
            other.recognition_model if name == "model" else other.recognition_model.audio_format.raw_audio, name, value
        )
    return StreamingRequest(session_options=other)


async def ask(*requests, account=API_KEY, folder=None, limits=None):
    """Send messages; return the events of the answers, or the status that ended them."""
    metadata = [("authorization", account)] + ([("x-folder-id", folder)] if folder else [])
    async with (
        SttDouble(lambda sound: "алло", final_ms=10, **(limits or {})) as double,
        grpc.aio.insecure_channel(double.endpoint) as channel,
    ):
        call = stt_service_pb2_grpc.RecognizerStub(channel).RecognizeStreaming(metadata=metadata)
        try:
            for request in requests:
                await call.write(request)
            if not limits:
                await call.done_writing()
            return [response.WhichOneof("Event") async for response in call]
        except grpc.RpcError as error:
            return error.code()


async def test_an_utterance_is_answered_in_the_services_order():
    assert await ask(OPTIONS, SOUND, SOUND, END) == ["status_code", "partial", "final", "eou_update"]
    assert await ask(OPTIONS, SOUND) == ["status_code", "final", "eou_update"], "the end of the session ends it, too"


@pytest.mark.parametrize(
    "requests",
    [
        (SOUND,),
        (OPTIONS, OPTIONS),
        (BY_SERVICE, SOUND, END),
        (changed(sample_rate_hertz=16_000), SOUND),
        (changed(audio_channel_count=2), SOUND),
        (changed(model="general:best"), SOUND),
        (StreamingRequest(session_options=StreamingOptions()), SOUND),
        (OPTIONS, StreamingRequest(chunk=AudioChunk(data=b"odd"))),
    ],
)
async def test_what_breaks_the_protocol_is_refused(requests):
    assert await ask(*requests) == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("account", "folder", "answer"),
    [
        ("Api-Key other", None, grpc.StatusCode.UNAUTHENTICATED),
        ("", None, grpc.StatusCode.UNAUTHENTICATED),
        (PERSONAL_TOKEN, None, grpc.StatusCode.UNAUTHENTICATED),
        (API_KEY, FOLDER, grpc.StatusCode.PERMISSION_DENIED),
        (PERSONAL_TOKEN, FOLDER, ["status_code", "final", "eou_update"]),
    ],
)
async def test_accounts_are_told_apart(account, folder, answer):
    assert await ask(OPTIONS, SOUND, account=account, folder=folder) == answer


@pytest.mark.parametrize(
    ("limits", "requests", "code"),
    [
        ({"idle_s": 0.2}, (OPTIONS, SOUND), grpc.StatusCode.ABORTED),
        ({"max_ms": 300}, (OPTIONS, SOUND, SOUND), grpc.StatusCode.OUT_OF_RANGE),
        ({"max_ms": 300}, (OPTIONS, StreamingRequest(silence_chunk=SilenceChunk(duration_ms=301))), None),
        ({"max_bytes": 6000}, (OPTIONS, SOUND, SOUND), grpc.StatusCode.OUT_OF_RANGE),
    ],
)
async def test_limits_end_a_session(limits, requests, code):
    assert await ask(*requests, limits=limits) == (code or grpc.StatusCode.OUT_OF_RANGE)
