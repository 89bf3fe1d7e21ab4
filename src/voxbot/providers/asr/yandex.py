"""Yandex SpeechKit STT v3: the caller's words while they are said, through the RPC `RecognizeStreaming`.

An utterance is one RPC over a warm connection: it begins with the speech, gets its sound as it comes, and is asked for
its final words in every pause (`settle`). Who says that an utterance is over, YANDEX_STT_EOU decides:

- `bot`: the final words are asked for after 96 ms of silence and are there some 150 ms later: before 250 ms, when the
  answer begins to be prepared. A pause that was none costs the service the context before it, no words.
- `service`: the service waits for a pause of its own, some 500 ms or more, so that the answer is prepared so much
  later; until then `settle` gives the words so far, as soon as they cover all sound. Its verdict is the hint that a
  turn is complete.

v3 takes no hints: nothing in its options names words to expect (`StreamingOptions` in `stt.proto`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from yandex.cloud.ai.stt.v3 import stt_service_pb2_grpc
from yandex.cloud.ai.stt.v3.stt_pb2 import (
    AudioFormatOptions,
    DefaultEouClassifier,
    EouClassifierOptions,
    ExternalEouClassifier,
    LanguageRestrictionOptions,
    RawAudio,
    RecognitionModelOptions,
    StreamingOptions,
    TextNormalizationOptions,
)

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk, silence
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.yandex.auth import YandexAuth, create_auth
from voxbot.providers.yandex.channel import YandexChannel
from voxbot.providers.yandex.errors import PROVIDER
from voxbot.providers.yandex.stt_session import MAX_MS, SERVICE, SttSession
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.resampler import resample

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from yandex.cloud.ai.stt.v3.stt_pb2 import StreamingRequest

    from voxbot.domain.audio import Samples
    from voxbot.providers.yandex.auth import Metadata
    from voxbot.settings.schema import Settings, YandexSettings
    from voxbot.speech.asr import AsrListener, AsrStream, StreamingAsr

_LEAST_SILENCE_MS = 96
_MIN_MS = 60
"""Anything shorter is a click."""
_PIECE_MS = 400
"""Sound goes out in such pieces, as the service advises; each costs 0.3 ms of CPU. The rest goes out with `settle`."""
_PIECE_BY_SERVICE_MS = 100
"""A service that listens for pauses should not hear of them late."""
_WHOLE_SHARE = 0.25
"""Time given to a whole utterance at once, as a share of its length, beside YANDEX_STT_TIMEOUT."""
_RENEW_MS, _LATEST_RENEWAL_MS = MAX_MS * 0.8, MAX_MS * 0.95
"""A session gives way to the next in the first silence after the former, at the latter in any case."""
_OVERLAP_SAMPLES = TELEPHONE_RATE_HZ
"""A session that begins in the middle of speech hears the last second of the one before again: no word is cut."""
_TAIL_FRAMES = 64
"""Kept for the overlap: 1.28 s of frames of 20 ms."""
_SILENT_LEVEL = 300.0
"""Root mean square (-41 dBFS): no word is cut in a frame that is quieter."""
_REFINEMENT_S = 0.3


def create(settings: Settings) -> StreamingAsr:
    """Make the recogniser; nothing is sent yet. Raises ConfigError."""
    return YandexAsr(settings.yandex, create_auth(settings.yandex))


class YandexAsr:
    """The recogniser of the process. A StreamingAsr."""

    name = PROVIDER
    capabilities = AsrCapabilities(streaming=True, max_ms=_RENEW_MS, least_silence_ms=_LEAST_SILENCE_MS)

    def __init__(self, settings: YandexSettings, auth: YandexAuth) -> None:
        self._settings = settings
        self._auth = auth
        self._channel = YandexChannel(settings.stt_endpoint, SERVICE)
        self._sessions: set[asyncio.Task[None]] = set()
        self._closed = False

    def open(self, hints: AsrHints, listener: AsrListener) -> AsrStream:  # noqa: ARG002 - v3 takes no hints
        """Begin an utterance: an RPC of its own."""
        return _Stream(self, listener, by_service=self._settings.stt_eou == "service", settings=self._settings)

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:  # noqa: ARG002 - v3 takes no hints
        """Recognise one utterance through the same RPC, sent at once. Raises ProviderError."""
        if audio.duration_ms < _MIN_MS:
            return Transcript("", 0.0)
        stream = _Stream(self, None, by_service=False, settings=self._settings)
        try:
            stream.push(resample(audio.samples, audio.rate_hz, TELEPHONE_RATE_HZ))
            return await stream.settle(self._settings.stt_timeout_s + _WHOLE_SHARE * audio.duration_ms / 1000)
        finally:
            stream.close()

    async def warm_up(self) -> None:
        """Connect, and let the service hear half a second of silence: that tells of a wrong key or folder."""
        await self._channel.connect()
        await self.transcribe(AudioChunk(silence(500), TELEPHONE_RATE_HZ), AsrHints())

    async def close(self) -> None:
        """Break everything off."""
        self._closed = True
        for task in self._sessions:
            task.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions)
        await self._channel.close()
        await self._auth.close()

    def session(
        self, options: StreamingOptions, on_event: Callable[[str | None], None], *, piece_ms: int
    ) -> SttSession:
        """Begin a session; `close` ends it with all others."""
        session = SttSession(self._begin, self._auth, options, on_event, piece_ms=piece_ms)
        self._sessions.add(session.task)
        session.task.add_done_callback(self._sessions.discard)
        return session

    def _begin(self, requests: AsyncGenerator[StreamingRequest, None], metadata: Metadata) -> Any:
        if self._closed:
            raise ProviderUnavailableError(PROVIDER, f"{SERVICE}: соединение закрыто")
        return self._channel.stub(stt_service_pb2_grpc.RecognizerStub).RecognizeStreaming(requests, metadata=metadata)


class _Stream:
    """One utterance: a session, or several one after another. An AsrStream."""

    def __init__(
        self, asr: YandexAsr, listener: AsrListener | None, *, by_service: bool, settings: YandexSettings
    ) -> None:
        self._asr = asr
        self._listener = listener
        self._by_service = by_service
        self._settings = settings
        self._options = session_options(settings, by_service=by_service)
        self._told = ""
        self._closed = False
        self._sessions = [self._session()]
        self._overlaps = [False]
        """Whether a session hears the end of the one before again."""
        self._tail: deque[Samples] = deque(maxlen=_TAIL_FRAMES)

    def push(self, samples: Samples) -> None:
        if self._closed or not len(samples):
            return
        session = self._sessions[-1]
        session.push(samples)
        if session.sent_ms >= _RENEW_MS:
            self._tail.append(samples)
            if (silent := _is_silent(samples)) or session.sent_ms >= _LATEST_RENEWAL_MS:
                self._renew(session, overlap=not silent)

    async def settle(self, limit_s: float | None = None) -> Transcript:
        limit_s = limit_s or self._settings.stt_timeout_s
        session = self._sessions[-1]
        self._end_utterance(session)
        try:
            async with asyncio.timeout(limit_s):
                for each in self._sessions:
                    await (each.caught_up() if self._by_service else each.answered())
        except TimeoutError as error:
            if not all(
                each.covers() for each in self._sessions
            ):  # what was said of all sound is good enough, final or not
                text = f"{SERVICE}: нет ответа {limit_s:g} с"
                raise ProviderUnavailableError(PROVIDER, text) from error
        if self._settings.stt_normalization:
            await self._refinement(session)
        return Transcript(self._text(), 1.0)  # the service rates nothing: it is believed

    def close(self) -> None:
        self._closed = True
        for session in self._sessions:
            session.task.cancel()

    def _renew(self, session: SttSession, *, overlap: bool) -> None:
        self._end_utterance(session)
        session.finish()
        self._sessions.append(self._session())
        self._overlaps.append(overlap)
        if overlap:
            self._sessions[-1].push(np.concatenate(self._tail)[-_OVERLAP_SAMPLES:])
        self._tail.clear()

    def _session(self) -> SttSession:
        piece_ms = _PIECE_BY_SERVICE_MS if self._by_service else _PIECE_MS
        return self._asr.session(self._options, self._on_event, piece_ms=piece_ms)

    def _end_utterance(self, session: SttSession) -> None:
        if self._by_service:
            session.ask()
        else:
            session.end_utterance()

    async def _refinement(self, session: SttSession) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _REFINEMENT_S
        while session.error is None and not session.words.refined and loop.time() < until_s:
            await session.change(until_s - loop.time())

    def _text(self) -> str:
        text = ""
        for session, overlap in zip(self._sessions, self._overlaps, strict=True):
            text = join(text, session.words.text, overlap=overlap)
        return text

    def _on_event(self, kind: str | None) -> None:
        if self._closed or self._listener is None:
            return
        if kind == "partial" and (text := self._text()) and text != self._told:
            self._told = text
            self._listener.on_partial(text)
        elif kind == "eou_update" and self._by_service:
            self._listener.on_end_of_utterance()


def join(before: str, after: str, *, overlap: bool) -> str:
    """Put the words of two sessions together; with `overlap` those that both have heard stand once.

    The last word of the first and the first of the second may be half ones: then the other session has them whole.
    """
    first, second = before.split(), after.split()
    if overlap:
        for ends, begins in ((0, 0), (1, 0), (0, 1), (1, 1)):
            kept, rest = first[: len(first) - ends], second[begins:]
            for same in range(min(len(kept), len(rest)), 0, -1):
                if kept[-same:] == rest[:same]:
                    return " ".join((*kept, *rest[same:]))
    return " ".join((*first, *second))


def session_options(settings: YandexSettings, *, by_service: bool) -> StreamingOptions:
    """Options of a session: Russian telephone sound, words as they were spoken unless YANDEX_STT_NORMALIZATION."""
    normalization = TextNormalizationOptions(
        text_normalization=TextNormalizationOptions.TEXT_NORMALIZATION_ENABLED
        if settings.stt_normalization
        else TextNormalizationOptions.TEXT_NORMALIZATION_DISABLED,
        phone_formatting_mode=TextNormalizationOptions.PHONE_FORMATTING_MODE_DISABLED,
    )
    classifier = (
        EouClassifierOptions(default_classifier=DefaultEouClassifier(type=DefaultEouClassifier.HIGH))
        if by_service
        else EouClassifierOptions(external_classifier=ExternalEouClassifier())
    )
    return StreamingOptions(
        recognition_model=RecognitionModelOptions(
            model=settings.stt_model,
            audio_format=AudioFormatOptions(
                raw_audio=RawAudio(
                    audio_encoding=RawAudio.LINEAR16_PCM, sample_rate_hertz=TELEPHONE_RATE_HZ, audio_channel_count=1
                )
            ),
            text_normalization=normalization,
            language_restriction=LanguageRestrictionOptions(
                restriction_type=LanguageRestrictionOptions.WHITELIST, language_code=["ru-RU"]
            ),
            audio_processing_type=RecognitionModelOptions.REAL_TIME,
        ),
        eou_classifier=classifier,
    )


def _is_silent(samples: Samples) -> bool:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) < _SILENT_LEVEL
