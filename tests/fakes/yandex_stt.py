"""SpeechKit STT v3 on loopback: the real stubs, the documented order of messages, the documented limits.

A real gRPC server. It recognises by `recognise(samples) -> text` (8 kHz int16; may be a coroutine function), which gets
the sound since the last end of utterance: a script in tests, a local engine in `voxbot dev doubles`. What the service
refuses is refused here: an unknown account, a personal account without a folder, anything but session options first,
sound of another format, more than 5 s without a message, more than 5 min or 10 MB of sound, `eou` without an external
classifier. The statuses of the limits are not published: an idle session ABORTED, too much sound OUT_OF_RANGE.
"""

import asyncio
import inspect
from dataclasses import dataclass, field

import grpc
import numpy as np
from yandex.cloud.ai.stt.v3 import stt_service_pb2_grpc
from yandex.cloud.ai.stt.v3.stt_pb2 import (
    WORKING,
    Alternative,
    AlternativeUpdate,
    AudioCursors,
    EouUpdate,
    FinalRefinement,
    LanguageRestrictionOptions,
    RawAudio,
    SessionUuid,
    StatusCode,
    StreamingResponse,
    TextNormalizationOptions,
)

API_KEY = "Api-Key AQVN-test"
PERSONAL_TOKEN = "Bearer t1.personal"
FOLDER = "b1gtest"
MODELS = {"", "general", "general:rc", "general:deprecated"}
_BYTES_PER_MS = 16
_SILENT_PEAK = 300
_NETWORK_S = 0.02


@dataclass
class Fault:
    """What goes wrong in one session.

    error: refused with `code` before anything; reset: broken off after `after_ms` of sound; hang: nothing is said any
    more after `after_ms`; half: closed as if all were well after `after_ms`; mute: ends of utterances are not answered.
    """

    kind: str
    after_ms: float = 0
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    details: str = "scripted failure"
    trailers: tuple = ()


@dataclass
class SttDouble:
    """The server. `sessions` are all that were opened; `faults` are used up by one session each, None: a sound one."""

    recognise: object
    final_ms: float = 150
    """From the end of an utterance to its final."""
    partial_every_ms: float = 300
    """Of sound; 0: no partials."""
    eou_silence_ms: float = 500
    """After which the service's own classifier ends an utterance."""
    refinement_ms: float = 50
    normalize: object = str.capitalize
    idle_s: float = 5
    max_ms: float = 300_000
    max_bytes: int = 10 * 1024 * 1024
    accounts: dict = field(default_factory=lambda: {API_KEY: False, PERSONAL_TOKEN: True})
    """What `authorization` may say, and whether it is a personal account, which needs `x-folder-id`."""
    faults: list = field(default_factory=list)
    sessions: list = field(default_factory=list)

    async def start(self, port=0):
        """Listen on loopback; return `host:port`."""
        self._server = grpc.aio.server()
        stt_service_pb2_grpc.add_RecognizerServicer_to_server(_Recognizer(self), self._server)
        bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()
        return f"127.0.0.1:{bound}"

    async def stop(self):
        await self._server.stop(0)

    async def __aenter__(self):
        self.endpoint = await self.start()
        return self

    async def __aexit__(self, *_):
        await self.stop()


class _Recognizer(stt_service_pb2_grpc.RecognizerServicer):
    def __init__(self, double):
        self._double = double

    async def RecognizeStreaming(self, request_iterator, context):  # noqa: N802 - the stub's name
        double = self._double
        fault = double.faults.pop(0) if double.faults else None
        session = Session(double, context, fault)
        double.sessions.append(session)
        try:
            await session.serve(aiter(request_iterator))
        finally:
            session.over = True
            for task in session.finals:
                task.cancel()


async def _check_account(double, context):
    metadata = dict(context.invocation_metadata())
    account = metadata.get("authorization", "")
    if account not in double.accounts:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is invalid")
    if double.accounts[account] and metadata.get("x-folder-id") != FOLDER:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "You have to specify folder ID for user account")
    if not double.accounts[account] and "x-folder-id" in metadata:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission denied: folder of another account")


class Session:
    """One RPC, as the test may look at it afterwards."""

    def __init__(self, double, context, fault):
        self._double = double
        self._context = context
        self._fault = fault
        self._sound = bytearray()  # since the last end of utterance
        self._unread_ms = 0.0
        self._silent_ms = 0.0
        self._final_ms = self._partial_ms = self._eou_ms = 0.0
        self._final_index = -1
        self._writing = asyncio.Lock()
        self.options = None
        self.received_ms = 0.0
        self.bytes = 0
        self.chunks = 0
        self.silence_chunks = 0
        self.eous = 0
        self.over = False
        self.finals = []

    async def serve(self, requests):
        first = await self._next(requests)
        # As on a network, a while later: gRPC's client takes a refusal that meets its own write for INTERNAL.
        await asyncio.sleep(_NETWORK_S)
        await _check_account(self._double, self._context)
        if self._fault and self._fault.kind == "error":
            self._context.set_trailing_metadata(self._fault.trailers)
            await self._context.abort(self._fault.code, self._fault.details)
        await self._begin(first)
        while (request := await self._next(requests)) is not None:
            if await self._broken():
                return
            match request.WhichOneof("Event"):
                case "chunk":
                    self.chunks += 1
                    await self._hear(request.chunk.data)
                case "silence_chunk":
                    self.silence_chunks += 1
                    await self._hear(bytes(request.silence_chunk.duration_ms * _BYTES_PER_MS))
                case "eou":
                    if not self._external:
                        await self._refuse("eou works only with external EOU classifier")
                    self.eous += 1
                    self._end_utterance()
                case _:
                    await self._refuse("session options are sent once, then audio")
        if self._sound:  # the end of the session is the end of the utterance
            self._end_utterance()
        await asyncio.gather(*self.finals)

    async def _next(self, requests):
        try:
            async with asyncio.timeout(self._double.idle_s):
                return await anext(requests, None)
        except TimeoutError:
            await self._context.abort(grpc.StatusCode.ABORTED, "no messages in 5 seconds")

    async def _begin(self, request):
        if request is None or request.WhichOneof("Event") != "session_options":
            await self._refuse("session options must be the first message")
        self.options = request.session_options
        model = self.options.recognition_model
        raw = model.audio_format.raw_audio
        if model.audio_format.WhichOneof("AudioFormat") != "raw_audio":
            await self._refuse("audio format must be specified")
        if raw.audio_encoding != RawAudio.LINEAR16_PCM or raw.sample_rate_hertz != 8000 or raw.audio_channel_count != 1:
            await self._refuse("this double takes LINEAR16_PCM, 8000 Hz, one channel")
        if model.model not in MODELS:
            await self._refuse(f"unknown model {model.model}")
        restriction = model.language_restriction
        if restriction.restriction_type != LanguageRestrictionOptions.WHITELIST or list(restriction.language_code) != [
            "ru-RU"
        ]:
            await self._refuse("this double understands Russian")
        self._external = self.options.eou_classifier.WhichOneof("Classifier") == "external_classifier"
        enabled = TextNormalizationOptions.TEXT_NORMALIZATION_ENABLED
        self._normalizing = model.text_normalization.text_normalization == enabled
        await self._say(status_code=StatusCode(code_type=WORKING))

    async def _hear(self, data):
        if len(data) % 2:
            await self._refuse("half a sample")
        self.bytes += len(data)
        self.received_ms += len(data) / _BYTES_PER_MS
        if self.received_ms > self._double.max_ms:
            await self._context.abort(grpc.StatusCode.OUT_OF_RANGE, "audio is longer than 5 minutes")
        if self.bytes > self._double.max_bytes:
            await self._context.abort(grpc.StatusCode.OUT_OF_RANGE, "more than 10 MB of audio")
        self._sound += data
        self._unread_ms += len(data) / _BYTES_PER_MS
        if self._double.partial_every_ms and self._unread_ms >= self._double.partial_every_ms:
            self._unread_ms = 0.0
            text = await self._text(bytes(self._sound))
            self._partial_ms = self.received_ms
            if text:
                await self._say(partial=_update(text))
        if not self._external:
            self._listen_for_the_end(data)

    def _listen_for_the_end(self, data):
        peak = np.abs(np.frombuffer(data, "<i2").astype(int)).max(initial=0)
        self._silent_ms = self._silent_ms + len(data) / _BYTES_PER_MS if peak < _SILENT_PEAK else 0.0
        loud = np.abs(np.frombuffer(bytes(self._sound), "<i2").astype(int)).max(initial=0) >= _SILENT_PEAK
        if loud and self._silent_ms >= self._double.eou_silence_ms:
            self._end_utterance()

    def _end_utterance(self):
        sound, self._sound = bytes(self._sound), bytearray()
        self._unread_ms = 0.0
        if not (self._fault and self._fault.kind == "mute"):
            previous = self.finals[-1] if self.finals else None
            self.finals.append(asyncio.create_task(self._finish(sound, self.received_ms, previous)))

    async def _finish(self, sound, at_ms, previous):
        asked_s = asyncio.get_running_loop().time()
        text = await self._text(sound)
        await asyncio.sleep(max(0.0, self._double.final_ms / 1000 - (asyncio.get_running_loop().time() - asked_s)))
        if previous:
            await previous
        self._final_index += 1
        index, self._final_ms, self._eou_ms = self._final_index, at_ms, at_ms
        await self._say(final=_update(text))
        await self._say(eou_update=EouUpdate(time_ms=round(at_ms)))
        if self._normalizing:
            await asyncio.sleep(self._double.refinement_ms / 1000)
            update = _update(self._double.normalize(text))
            await self._say(final_refinement=FinalRefinement(final_index=index, normalized_text=update))

    async def _text(self, sound):
        found = self._double.recognise(np.frombuffer(sound, "<i2").astype(np.int16))
        return await found if inspect.isawaitable(found) else found

    async def _broken(self):
        """Whether the session ends here by its fault."""
        fault = self._fault
        if fault is None or self.received_ms < fault.after_ms:
            return False
        if fault.kind == "reset":
            await self._context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset by peer")
        if fault.kind == "hang":
            await asyncio.Event().wait()
        return fault.kind == "half"

    async def _say(self, **event):
        cursors = AudioCursors(
            received_data_ms=round(self.received_ms),
            partial_time_ms=round(self._partial_ms),
            final_time_ms=round(self._final_ms),
            final_index=max(0, self._final_index),
            eou_time_ms=round(self._eou_ms),
        )
        async with self._writing:
            await self._context.write(
                StreamingResponse(session_uuid=SessionUuid(uuid="double"), audio_cursors=cursors, **event)
            )

    async def _refuse(self, reason):
        await self._context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)


def _update(text):
    return AlternativeUpdate(alternatives=[Alternative(text=text)] if text else [])
