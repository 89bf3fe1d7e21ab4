"""SpeechKit's voice over gRPC (API v3): sound comes while it is made, in the telephone's own format.

A text of up to 250 characters and 24 s is one `UtteranceSynthesis`; a longer one goes through `StreamSynthesis` (up to
5,000), which speaks it as a whole (limits: https://yandex.cloud/docs/speechkit/concepts/limits). The registry puts the
same voice over HTTP (tts/yandex_http.py) behind this one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from yandex.cloud.ai.tts.v3 import tts_pb2, tts_service_pb2_grpc

from voxbot.domain.errors import ProviderAuthError, ProviderUnavailableError
from voxbot.providers.yandex.auth import create_auth
from voxbot.providers.yandex.channel import END, YandexChannel, parse_endpoint, received
from voxbot.providers.yandex.errors import PROVIDER
from voxbot.providers.yandex.sound import RATE_HZ, SERVICE, SampleStream, elsewhere, plain
from voxbot.settings.schema import YandexSettings
from voxbot.speech.clauses import split_clauses
from voxbot.speech.tts import TtsCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from voxbot.domain.audio import AudioChunk
    from voxbot.providers.yandex.auth import Metadata, YandexAuth
    from voxbot.settings.schema import Settings
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_UTTERANCE_CHARS = 250
_UTTERANCE_S = 24
_SLOWEST_CHARS_PER_S = 12
"""Speech full of consonants and pauses at the usual speed."""
_STREAM_CHARS = 5000
_WARM_UP_TEXT = "Да."
_WARM_UP_S = 5.0
_ENDPOINT: str = YandexSettings.model_fields["tts_endpoint"].default
_pb: Any = tts_pb2


def create(settings: Settings) -> Tts:
    """Make the voice; nothing is sent yet. Raises ConfigError if no account is set."""
    return YandexTts(settings.yandex, create_auth(settings.yandex))


def available(settings: Settings) -> bool:
    """Whether an account is set."""
    return settings.yandex.is_given


class YandexTts:
    """The voice. All calls share one connection."""

    name = PROVIDER

    def __init__(self, settings: YandexSettings, auth: YandexAuth) -> None:
        self._settings = settings
        self._auth = auth
        self._channel = YandexChannel(settings.tts_endpoint, SERVICE)
        self._announced = False
        voice = f"{settings.tts_voice}/{settings.tts_role}/{settings.tts_speed:g}"
        place = elsewhere(parse_endpoint(settings.tts_endpoint)[0], parse_endpoint(_ENDPOINT)[0])
        self.capabilities = TtsCapabilities(
            streaming=True, max_chars=_STREAM_CHARS, voice_id=f"{self.name}/v3/{voice}/{RATE_HZ}{place}"
        )

    def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """See Tts. A sound that is late, the first or a next one, is ProviderUnavailableError."""
        return self._speak(plain(text), self._settings.tts_first_audio_s)

    async def warm_up(self) -> None:
        """Connect and speak once."""
        if not self._announced:
            self._announced = True
            log.info("🚀 Используем TTS Adapter с gRPC + HTTP fallback")
        await self._channel.connect(_WARM_UP_S)
        async for _ in self._speak(_WARM_UP_TEXT, _WARM_UP_S):
            pass

    async def close(self) -> None:
        """Break off the connection and whatever is being spoken."""
        await self._channel.close()
        await self._auth.close()

    async def _speak(self, line: str, first_audio_s: float) -> AsyncGenerator[AudioChunk, None]:
        if not line:
            return
        try:
            async with asyncio.timeout(first_audio_s):
                call, answer = await self._begun(line)
        except TimeoutError as error:
            text = f"{SERVICE}: первого звука нет {first_audio_s:g} с"
            raise ProviderUnavailableError(PROVIDER, text) from error
        samples = SampleStream()
        try:
            while answer is not END:
                if (chunk := samples.take(answer.audio_chunk.data)) is not None:
                    yield chunk
                answer = await received(call, SERVICE, self._settings.tts_chunk_s)
        finally:
            call.cancel()

    async def _begun(self, line: str) -> tuple[Any, Any]:
        """Return the call and its first answer with sound; END if the service finds nothing to pronounce.

        A token that was revoked is replaced once.
        """
        while True:
            metadata = await self._auth.metadata()
            call = self._call(line, metadata)
            try:
                silent = False
                answer = await received(call, SERVICE)
                while answer is not END and not answer.audio_chunk.data:
                    silent = silent or answer.chunk_type == answer.NO_SPEAKABLE_TEXT
                    answer = await received(call, SERVICE)
                if answer is END and not silent:
                    raise ProviderUnavailableError(PROVIDER, f"{SERVICE}: ответ без звука")
            except ProviderAuthError:
                if not self._auth.refused(metadata):
                    raise
            else:
                return call, answer

    def _call(self, line: str, metadata: Metadata) -> Any:
        stub = self._channel.stub(tts_service_pb2_grpc.SynthesizerStub)
        if len(line) <= min(_UTTERANCE_CHARS, _UTTERANCE_S * _SLOWEST_CHARS_PER_S * self._settings.tts_speed):
            return stub.UtteranceSynthesis(self._utterance(line), metadata=metadata)
        return stub.StreamSynthesis(self._requests(line), metadata=metadata)

    def _utterance(self, line: str) -> Any:
        voice = self._settings
        hints = [_pb.Hints(voice=voice.tts_voice), _pb.Hints(speed=voice.tts_speed)]
        if voice.tts_role:
            hints.append(_pb.Hints(role=voice.tts_role))
        return _pb.UtteranceSynthesisRequest(text=line, hints=hints, output_audio_spec=_telephone())

    def _requests(self, line: str) -> Iterator[Any]:
        voice = self._settings
        options = _pb.SynthesisOptions(
            voice=voice.tts_voice, role=voice.tts_role, speed=voice.tts_speed, output_audio_spec=_telephone()
        )
        yield _pb.StreamSynthesisRequest(options=options)
        for clause in split_clauses(line):
            # The service joins the inputs as they are, so the space between two must be sent.
            yield _pb.StreamSynthesisRequest(synthesis_input=_pb.SynthesisInput(text=f"{clause} "))
        yield _pb.StreamSynthesisRequest(force_synthesis=_pb.ForceSynthesisEvent())


def _telephone() -> Any:
    raw = _pb.RawAudio(audio_encoding=_pb.RawAudio.LINEAR16_PCM, sample_rate_hertz=RATE_HZ)
    return _pb.AudioFormatOptions(raw_audio=raw)
