"""SpeechKit's voice over HTTP (API v1): behind the gRPC one, for when that is blocked, broken or slow.

A form in, raw little-endian 16-bit sound out (https://yandex.cloud/docs/speechkit/tts/request). It knows fewer voices.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from voxbot.domain.errors import ProviderAuthError, ProviderUnavailableError
from voxbot.providers.yandex.auth import create_auth
from voxbot.providers.yandex.errors import PROVIDER, from_http
from voxbot.providers.yandex.sound import RATE_HZ, SERVICE, SampleStream, elsewhere, plain
from voxbot.settings.schema import YandexSettings
from voxbot.speech.tts import TtsCapabilities, is_speakable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.domain.audio import AudioChunk
    from voxbot.providers.yandex.auth import YandexAuth
    from voxbot.settings.schema import Settings
    from voxbot.speech.tts import Tts

_NAME = f"{PROVIDER}_http"
_SERVICE = f"{SERVICE} по HTTP"
_CHARS = 5000
_EMOTIONS: dict[str, tuple[str, ...]] = {
    "alena": ("neutral", "good"),
    "filipp": (),
    "ermil": ("neutral", "good"),
    "jane": ("neutral", "good", "evil"),
    "omazh": ("neutral", "evil"),
    "zahar": ("neutral", "good"),
    "madirus": (),
}
"""The voices of this API, and the roles each of them has (https://yandex.cloud/docs/speechkit/tts/voices)."""
_DEFAULT_VOICE = "alena"
_URL: object = YandexSettings.model_fields["tts_http_url"].default
_KEEPALIVE_S = 50.0
"""A connection idle for longer may be closed by the server just as it is used again."""
_WARM_UP_S = 5.0
_OK = 200
_WARM_UP_TEXT = "Да."


def create(settings: Settings) -> Tts:
    """Make the voice; nothing is sent yet. Raises ConfigError if no account is set."""
    return YandexHttpTts(settings.yandex, create_auth(settings.yandex))


def available(settings: Settings) -> bool:
    """Whether an account is set."""
    return settings.yandex.is_given


class YandexHttpTts:
    """The voice."""

    name = _NAME

    def __init__(self, settings: YandexSettings, auth: YandexAuth) -> None:
        self._settings = settings
        self._auth = auth
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        wanted = settings.tts_http_voice or settings.tts_voice
        self._voice = wanted if wanted in _EMOTIONS else _DEFAULT_VOICE
        self._emotion = settings.tts_role if settings.tts_role in _EMOTIONS[self._voice] else ""
        voice = f"{self._voice}/{self._emotion}/{settings.tts_speed:g}"
        place = elsewhere(settings.tts_http_url, _URL)
        self.capabilities = TtsCapabilities(
            streaming=True, max_chars=_CHARS, voice_id=f"{self.name}/v1/{voice}/{RATE_HZ}{place}"
        )

    def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """See Tts. A sound that is late, the first or a next one, is ProviderUnavailableError."""
        return self._speak(plain(text), self._settings.tts_http_first_audio_s)

    async def warm_up(self) -> None:
        """Connect and speak once."""
        async for _ in self._speak(_WARM_UP_TEXT, _WARM_UP_S):
            pass

    async def close(self) -> None:
        """Break off the connections and whatever is being spoken."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        await self._auth.close()

    async def _speak(self, line: str, first_audio_s: float) -> AsyncGenerator[AudioChunk, None]:
        if not line:
            return
        samples = SampleStream()
        response: aiohttp.ClientResponse | None = None
        limit_s = first_audio_s
        try:
            async with asyncio.timeout(limit_s):
                response = await self._asked(line)
                data = await response.content.readany()
            if not data and is_speakable(line):
                raise ProviderUnavailableError(_NAME, f"{_SERVICE}: ответ без звука")
            limit_s = self._settings.tts_chunk_s
            while data:
                if (chunk := samples.take(data)) is not None:
                    yield chunk
                async with asyncio.timeout(limit_s):
                    data = await response.content.readany()
        except TimeoutError as error:
            raise ProviderUnavailableError(_NAME, f"{_SERVICE}: звука нет {limit_s:g} с") from error
        except (aiohttp.ClientError, OSError) as error:
            reason = f"{_SERVICE}: соединение не удалось или оборвалось ({type(error).__name__})"
            raise ProviderUnavailableError(_NAME, reason) from error
        except (AssertionError, RuntimeError) as error:  # what aiohttp raises when it is closed while it connects
            if not self._closed:
                raise
            raise ProviderUnavailableError(_NAME, f"{_SERVICE}: голос закрыт") from error
        finally:
            if response is not None:
                response.close()

    async def _asked(self, line: str) -> aiohttp.ClientResponse:
        """Send the request; its answer is 200. A token that was revoked is replaced once."""
        while True:
            headers = await self._auth.headers()
            headers.pop("x-folder-id", None)  # this API takes it in the form
            response = await self._opened().post(
                str(self._settings.tts_http_url), data=self._form(line), headers=headers
            )
            if response.status == _OK:
                return response
            async with response:
                failure = from_http(response.status, await response.text(), response.headers, _SERVICE)
            if not (isinstance(failure, ProviderAuthError) and self._auth.refused(headers)):
                raise failure

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ProviderUnavailableError(_NAME, f"{_SERVICE}: соединение закрыто")
        if self._session is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE_S, limit=0)
            timeout = aiohttp.ClientTimeout(total=None)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True)
        return self._session

    def _form(self, line: str) -> dict[str, str]:
        form = {
            "text": line,
            "lang": "ru-RU",
            "voice": self._voice,
            "speed": f"{self._settings.tts_speed:g}",
            "format": "lpcm",
            "sampleRateHertz": str(RATE_HZ),
        }
        if self._emotion:
            form["emotion"] = self._emotion
        if self._auth.folder_id:
            form["folderId"] = self._auth.folder_id
        return form
