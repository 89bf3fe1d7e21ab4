"""Playback to a caller's channel and recording of it, through ARI alone: the far side of media/files.py.

Observed on Asterisk 22.10 (and in FINDINGS, section 7): a snoop channel may be recorded only after its own
StasisStart; a recording can be fetched when RecordingFinished has come; a sound that is not there gives
PlaybackFinished with the state `failed`; a snoop channel ends with its caller, and its recording is then stored.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from voxbot.domain.errors import AriError, ChannelGoneError, MediaError
from voxbot.telephony.channels import media_channel
from voxbot.telephony.events import PlaybackFinished, RecordingFinished, SoundEvent, Talking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from voxbot.domain.ids import ChannelId
    from voxbot.telephony.ari import AriClient

log = structlog.get_logger(__name__)

_IN_DIALPLAN = 409
RECORDING_PREFIX = "voxbot-record-"
_THIS_PROCESS = uuid4().hex
_PLAYBACK_GRACE_S = 5.0
"""How much longer than its sound a playback may take before its end counts as lost."""
_RECORDING_STOP_S = 3.0


class ChannelDeck:
    """One caller's channel as a tape deck."""

    def __init__(self, ari: AriClient, caller: ChannelId, recorder: ChannelId) -> None:
        self._ari = ari
        self._caller = caller
        self._recorder = recorder
        self._recording = ""
        self._starting = ""  # the playback that has been asked for and not confirmed yet
        self._on_talk: Callable[[bool], None] | None = None

    def tell_talk_to(self, listener: Callable[[bool], None]) -> None:
        """Have `listener` called with True when the caller begins to talk and with False when he has ceased."""
        self._on_talk = listener

    def on_event(self, event: SoundEvent) -> None:
        """Take an ARI event about the caller's talk."""
        if isinstance(event, Talking) and self._on_talk:
            self._on_talk(event.talking)

    async def play(self, playback_id: str, sound: str, language: str, length_s: float) -> bool:
        """Play a sound to its end; False if it failed or if no end was reported. Raises AriError."""
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def on_event(event: SoundEvent) -> None:
            if isinstance(event, PlaybackFinished) and not ended.done():
                ended.set_result(event.played)

        with self._ari.listening_to_sound(playback_id, on_event):
            try:
                await self._start(playback_id, sound, language)
                async with asyncio.timeout(length_s + _PLAYBACK_GRACE_S):
                    return await ended
            except TimeoutError:
                return False
            finally:
                if not ended.done() or ended.cancelled():
                    await self.stop(playback_id)

    async def _start(self, playback_id: str, sound: str, language: str) -> None:
        self._starting = playback_id
        try:
            await self._ari.request(
                "POST", f"/channels/{self._caller}/play/{playback_id}", media=f"sound:{sound}", lang=language
            )
        finally:
            stopped, self._starting = self._starting != playback_id, ""
        if stopped:  # before Asterisk knew of it
            await self._ari.delete_quietly(f"/playbacks/{playback_id}")

    async def stop(self, playback_id: str) -> None:
        """End a playback at once; one that has ended is fine."""
        if self._starting == playback_id:
            self._starting = ""
        await self._ari.delete_quietly(f"/playbacks/{playback_id}")

    async def record(self) -> None:
        """Begin to record the caller. Raises AriError."""
        self._recording = f"{_own_prefix(self._ari)}{uuid4()}"
        await self._ari.request("POST", f"/channels/{self._recorder}/record", name=self._recording, format="wav")

    async def take(self) -> bytes:
        """End the recording, begin the next, give the first. Raises AriError, MediaError."""
        name, finished = self._recording, asyncio.get_running_loop().create_future()

        def on_event(event: SoundEvent) -> None:
            if isinstance(event, RecordingFinished) and not finished.done():
                finished.set_result(event.stored)

        with self._ari.listening_to_sound(name, on_event):
            try:
                await self._ari.request("POST", f"/recordings/live/{name}/stop")
            except ChannelGoneError as error:  # it ended by itself: with the caller, or the disk is full
                raise MediaError(f"запись {name} прервалась") from error
            try:
                async with asyncio.timeout(_RECORDING_STOP_S):
                    stored = await finished
            except TimeoutError as error:
                raise MediaError(f"Asterisk не закончил запись {name} за {_RECORDING_STOP_S:g} с") from error
        await self.record()
        if not stored:
            raise MediaError(f"Asterisk не сохранил запись {name}")
        try:
            return await self._ari.download(f"/recordings/stored/{name}/file")
        finally:
            await self._ari.delete_quietly(f"/recordings/stored/{name}")

    async def discard(self) -> None:
        """End the recording and forget it."""
        if self._recording:
            await self._ari.delete_quietly(f"/recordings/live/{self._recording}")
            # A recording that ended by itself, with its caller, has been stored.
            await self._ari.delete_quietly(f"/recordings/stored/{self._recording}")


@asynccontextmanager
async def channel_deck(
    ari: AriClient, caller: ChannelId, *, threshold: int, silence_ms: int
) -> AsyncGenerator[ChannelDeck, None]:
    """Own a deck, with talk detection on. Raises AriError, MediaError."""
    async with media_channel(ari, snooping_on=caller) as snoop:
        await snoop.started()
        deck = ChannelDeck(ari, caller, snoop.id)
        with ari.listening_to_sound(caller, deck.on_event):
            try:
                await _detect_talk(ari, caller, "set", f"{silence_ms},{threshold}")
                yield deck
            finally:
                await deck.discard()
                await _stop_detecting(ari, caller)


async def discard_recordings(ari: AriClient) -> None:
    """Delete what bots that died have left under our application's name. Raises AriError."""
    for recording in await ari.request("GET", "/recordings/stored"):
        name = recording["name"]
        if name.startswith(f"{RECORDING_PREFIX}{ari.app}@") and not name.startswith(_own_prefix(ari)):
            await ari.delete_quietly(f"/recordings/stored/{name}")


def _own_prefix(ari: AriClient) -> str:
    # No application's name has an @: «bot» must not take the recordings of «bot-2» for its own.
    return f"{RECORDING_PREFIX}{ari.app}@{_THIS_PROCESS}-"


async def _detect_talk(ari: AriClient, caller: ChannelId, action: str, value: str) -> None:
    await ari.request("POST", f"/channels/{caller}/variable", variable=f"TALK_DETECT({action})", value=value)


async def _stop_detecting(ari: AriClient, caller: ChannelId) -> None:
    """A caller who goes on to a person needs no detector; one who has hung up has none."""
    try:
        await _detect_talk(ari, caller, "remove", "")
    except ChannelGoneError:
        pass
    except AriError as error:
        if error.status == _IN_DIALPLAN:
            return
        log.warning("ARI: распознавание речи Asterisk не выключено", error=str(error))
