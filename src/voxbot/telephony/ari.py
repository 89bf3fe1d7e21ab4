"""ARI client: requests over kept-alive HTTP, events over a websocket that reconnects.

Measured on Asterisk 22.10 (FINDINGS, sections 1, 2, 4): a kept-alive request takes 0.1 ms; a second connection
for the same application replaces the first; after a reconnect Asterisk says nothing about live channels.
"""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import structlog

from voxbot.domain.errors import AriAuthError, AriError, AriUnavailableError, ChannelGoneError
from voxbot.telephony.events import ApplicationReplaced, AriEvent, SoundEvent, parse_event, parse_sound_event

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from voxbot.domain.ids import ChannelId
    from voxbot.settings.schema import AriSettings

log = structlog.get_logger(__name__)

_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
_RETRY_FIRST_S = 0.5
_RETRY_LAST_S = 5.0
_REPLACED_PAUSE_S = 30.0
"""Long, so that two bots under one name do not snatch the application from each other all the time."""
_HEARTBEAT_S = 20.0
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_GONE_TEXT = "Channel not found"
"""addChannel for a channel that has left answers 400 with this text, not 404 (FINDINGS, section 5)."""


class _ReplacedError(Exception):
    """The event websocket is still open but nothing will come of it (FINDINGS, section 4)."""


class AriClient:
    """Asterisk's REST interface for one Stasis application. Use as an async context manager."""

    def __init__(self, settings: AriSettings) -> None:
        self.base_url = str(settings.url).rstrip("/").removesuffix("/ari")
        self.app = settings.app_name
        self._login = aiohttp.encode_basic_auth(settings.user, settings.password.get_secret_value())
        self._user = settings.user
        self._listeners: dict[ChannelId, Callable[[AriEvent], None]] = {}
        self._sound_listeners: dict[str, Callable[[SoundEvent], None]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._events: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        # limit=0: aiohttp's default of 100 connections would count every call's media websocket
        # (FINDINGS, section 1), so the 98th caller would get no audio.
        self._http = aiohttp.ClientSession(
            headers={"Authorization": self._login}, connector=aiohttp.TCPConnector(limit=0), timeout=_REQUEST_TIMEOUT
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The HTTP session, shared with the media websockets."""
        if self._http is None:
            raise RuntimeError("AriClient is used outside its context")
        return self._http

    @property
    def listened_channels(self) -> frozenset[ChannelId]:
        """Channels with a listener of their own: those that live calls have created."""
        return frozenset(self._listeners)

    def media_url(self, connection_id: str) -> str:
        """Where the audio of a chan_websocket channel in server mode is fetched."""
        return f"{self.base_url.replace('http', 'ws', 1)}/media/{connection_id}"

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, /, **params: str | int
    ) -> Any:
        """Send one request (`body` goes as JSON); return the decoded JSON answer, or None for an empty one.

        Raises AriAuthError, ChannelGoneError, AriUnavailableError or AriError.
        """
        answer = await self._exchange(method, path, params, body)
        return json.loads(answer) if answer else None

    async def download(self, path: str) -> bytes:
        """Fetch a file, such as a stored recording. Raises what `request` raises."""
        return await self._exchange("GET", path, {}, None)

    async def _exchange(
        self, method: str, path: str, params: Mapping[str, str | int], body: Mapping[str, Any] | None
    ) -> bytes:
        try:
            async with self.http.request(method, f"{self.base_url}/ari{path}", params=params, json=body) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AriUnavailableError(
                f"Asterisk не отвечает: {self.base_url} ({error or type(error).__name__})"
            ) from error
        if answer.status == _UNAUTHORIZED:
            raise self._refused()
        if answer.status < 400:  # noqa: PLR2004 - the HTTP class of errors
            return data
        text = data.decode(errors="replace").strip()
        if answer.status == _NOT_FOUND or _GONE_TEXT in text:
            raise ChannelGoneError(f"{method} {path}: {text}", answer.status)
        raise AriError(f"{method} {path}: {answer.status} {text}", answer.status)

    async def delete_quietly(self, path: str) -> None:
        """Delete a channel or bridge that may be gone already."""
        try:
            await self.request("DELETE", path)
        except ChannelGoneError:
            pass
        except AriError as error:
            log.warning("ARI: не удалось освободить ресурс", path=path, error=str(error))

    @contextmanager
    def listening(self, channel_id: ChannelId, listener: Callable[[AriEvent], None]) -> Generator[None, None, None]:
        """Have the events of one channel delivered to `listener` instead of the default one."""
        self._listeners[channel_id] = listener
        try:
            yield
        finally:
            del self._listeners[channel_id]

    @contextmanager
    def listening_to_sound(self, about: str, listener: Callable[[SoundEvent], None]) -> Generator[None, None, None]:
        """Have the events about one playback or recording, or the talk on one channel, delivered to `listener`."""
        self._sound_listeners[about] = listener
        try:
            yield
        finally:
            del self._sound_listeners[about]

    async def run(self, on_event: Callable[[AriEvent], None], on_connected: Callable[[], None]) -> None:
        """Keep the event websocket up until cancelled; events without a listener go to `on_event`.

        Raises AriAuthError at once (retrying a wrong password would lock the account out, not heal).
        """
        delay_s, told = _RETRY_FIRST_S, False
        while True:
            try:
                await self._listen(on_event, on_connected)
            except AriUnavailableError as error:
                if not told:
                    log.warning(
                        f"Asterisk не отвечает ({self.base_url}), продолжаю попытки. "
                        "Без него работают: voxbot simulate, voxbot chat",
                        error=str(error),
                    )
                told = True
            except _ReplacedError:
                delay_s, told = _REPLACED_PAUSE_S, False
                log.error(
                    f"Другая программа подключилась к ARI под именем приложения «{self.app}» и забрала звонки; "
                    f"вернусь через {_REPLACED_PAUSE_S:g} с. Остановите её или смените ARI_APP_NAME"
                )
            else:
                delay_s, told = _RETRY_FIRST_S, False
                log.warning("Соединение с ARI закрыто, переподключаюсь")
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay_s = min(delay_s * 2, _RETRY_LAST_S)

    async def _listen(self, on_event: Callable[[AriEvent], None], on_connected: Callable[[], None]) -> None:
        try:
            socket = await self.http.ws_connect(
                f"{self.base_url}/ari/events", params={"app": self.app}, heartbeat=_HEARTBEAT_S
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == _UNAUTHORIZED:
                raise self._refused() from error
            raise AriUnavailableError(f"{self.base_url}: {error.status} {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AriUnavailableError(str(error) or type(error).__name__) from error
        async with socket:
            self._events = socket
            on_connected()
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._deliver(message.data, on_event)

    def _deliver(self, data: str, on_event: Callable[[AriEvent], None]) -> None:
        """Hand one event to its listener. One broken event must not end the listening."""
        try:
            raw = json.loads(data)
            event, sound = parse_event(raw), parse_sound_event(raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("ARI: непонятное событие", error=repr(error))
            return
        if sound:
            self._deliver_sound(sound)
        if event is None:
            return
        if isinstance(event, ApplicationReplaced):
            raise _ReplacedError
        try:
            self._listeners.get(event.channel.id, on_event)(event)
        except Exception:
            log.exception("ARI: событие не обработано")

    def _deliver_sound(self, event: SoundEvent) -> None:
        """Hand over an event of sound; one that nobody waits for (any more) is of no use to anybody."""
        try:
            if listener := self._sound_listeners.get(event.about):
                listener(event)
        except Exception:
            log.exception("ARI: событие не обработано")

    def _refused(self) -> AriAuthError:
        return AriAuthError(
            f"Asterisk отказал пользователю ARI «{self._user}» ({self.base_url}): "
            "проверьте ARI_USER и ARI_PASSWORD, они должны совпадать с ari.conf",
            _UNAUTHORIZED,
        )
