"""One session of SpeechKit STT v3: an RPC `RecognizeStreaming`, sound and ends of utterances in, words out.

Facts of the protocol are from the service's own stubs (yandex.cloud.ai.stt.v3, `stt.proto`) and from
https://yandex.cloud/docs/speechkit/stt/streaming and https://yandex.cloud/docs/speechkit/stt/eou:

- the first message is the session's options, then come `chunk`, `silence_chunk` and, with an external classifier,
  `eou`;
- 5 s without a message, 5 min of sound or 10 MB end the session;
- an end of utterance, ours or the service's, brings one or more `final`, then one `eou_update`; where the text is
  normalised, a `final_refinement` for each `final` follows;
- a `partial` holds the words since the last `final`;
- `confidence` is «currently not used».
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import grpc
from yandex.cloud.ai.stt.v3.stt_pb2 import (
    AlternativeUpdate,
    AudioChunk,
    Eou,
    SilenceChunk,
    StreamingOptions,
    StreamingRequest,
    StreamingResponse,
)

from voxbot.domain.audio import TELEPHONE_RATE_HZ
from voxbot.domain.errors import ProviderError, ProviderUnavailableError
from voxbot.providers.yandex.errors import PROVIDER, from_rpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

SERVICE = "распознавание речи"

BYTES_PER_MS = 2 * TELEPHONE_RATE_HZ // 1000
MAX_MS = 300_000
"""Of sound in a session. At 8 kHz it is half of the 10 MB."""
_KEEP_ALIVE_S = 2.0
_LARGEST_MESSAGE_BYTES = 1_000_000
_EOU_AFTER_FINAL_S = 0.15
"""After a `final` its `eou_update` is as good as there."""
_NOTHING_S = 1.2
"""A service that has worked through all sound, has no words pending and says no more by then has heard none."""
_BEHIND_MS = 200
"""Words that cover all sound but this are all words."""


class Words:
    """What the service has said of a session so far."""

    def __init__(self) -> None:
        self._finals: dict[int, str] = {}
        self._refined: set[int] = set()
        self._partial = ""
        self.ends = 0
        """Ends of utterances that were answered."""
        self.covered_ms = 0
        """So much of the sound is in the words."""

    @property
    def text(self) -> str:
        """All words so far, the latest may still change."""
        return " ".join(filter(None, (*(self._finals[index] for index in sorted(self._finals)), self._partial)))

    @property
    def pending(self) -> bool:
        """Whether the last words are not final."""
        return bool(self._partial)

    @property
    def refined(self) -> bool:
        """Whether every final has had its refinement."""
        return self._refined.issuperset(self._finals)

    def take(self, response: StreamingResponse) -> str | None:
        """Take note of a message; return the kind of event in it."""
        cursors = response.audio_cursors
        self.covered_ms = max(self.covered_ms, cursors.partial_time_ms, cursors.final_time_ms, cursors.eou_time_ms)
        kind = response.WhichOneof("Event")
        match kind:
            case "partial":
                self._partial = _best(response.partial)
            case "final":
                index = cursors.final_index
                if index in self._finals:  # a server that does not count
                    index = max(self._finals) + 1
                self._finals[index] = _best(response.final)
                self._partial = ""
            case "final_refinement":
                refinement = response.final_refinement
                self._finals[refinement.final_index] = _best(refinement.normalized_text)
                self._refined.add(refinement.final_index)
            case "eou_update":
                self.ends += 1
                self._partial = ""
            case _:
                pass
        return kind


def _best(update: AlternativeUpdate) -> str:
    """The likeliest hypothesis; a silent stretch has none."""
    return update.alternatives[0].text.strip() if update.alternatives else ""


class SttSession:
    """One RPC, begun at once. `begin(requests)` gives the call; `on_event(kind)` is called for every message.

    Sound goes out in pieces of `piece_ms`. Bounded by its owner, who finishes it before MAX_MS.
    """

    def __init__(
        self,
        begin: Callable[[AsyncGenerator[StreamingRequest, None]], Awaitable[Any]],
        options: StreamingOptions,
        on_event: Callable[[str | None], None],
        *,
        piece_ms: int,
    ) -> None:
        self._begin = begin
        self._options = options
        self._on_event = on_event
        self._piece_bytes = piece_ms * BYTES_PER_MS
        self._waiting = bytearray()
        self._out: deque[bytes | None] = deque()  # None: the end of an utterance
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._finishing = False
        self._over = False
        self._asked_ends = 0
        self._asked_at_ms = 0.0
        self._final_since_asked = False
        self._silent_since_end = True
        self.words = Words()
        self.error: ProviderError | None = None
        self.sent_ms = 0.0
        self.task = asyncio.create_task(self._run())

    # --- out -----------------------------------------------------------------------------------

    def push(self, sound: bytes) -> None:
        """Take sound, LINEAR16 at 8 kHz."""
        if self._over or self._finishing:
            return
        self._waiting += sound
        self._silent_since_end = False
        self.sent_ms += len(sound) / BYTES_PER_MS
        if len(self._waiting) >= self._piece_bytes:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._waiting:
            self._out.append(bytes(self._waiting))
            self._waiting.clear()
            self._wake.set()

    def end_utterance(self) -> None:
        """Ask for the final words of all sound so far; without new sound the last question stands."""
        if self._silent_since_end or self._finishing:
            return
        self.flush()
        self._out.append(None)
        self._wake.set()
        self._asked_ends += 1
        self._asked_at_ms = self.sent_ms
        self._final_since_asked = False
        self._silent_since_end = True

    def finish(self) -> None:
        """No more sound will come; what was sent is still answered."""
        self.flush()
        self._finishing = True
        self._wake.set()

    async def answered(self) -> None:
        """Wait for the words asked for by `end_utterance`; for ever if the service hangs. Raises ProviderError."""
        started_s = asyncio.get_running_loop().time()
        while not self._is_answered():
            limit_s = _EOU_AFTER_FINAL_S if self._final_since_asked else None
            if self.covers(self._asked_at_ms) and not self.words.pending and limit_s is None:
                limit_s = max(0.0, started_s + _NOTHING_S - asyncio.get_running_loop().time())
            if not await self.change(limit_s):
                return

    def _is_answered(self) -> bool:
        if self.error:
            raise self.error
        return self._over or self.words.ends >= self._asked_ends

    def covers(self, until_ms: float | None = None) -> bool:
        """Whether the words so far cover the sound up to a moment of it, by default all that was ended or sent."""
        if until_ms is None:
            until_ms = self._asked_at_ms or self.sent_ms
        return self.words.covered_ms >= max(1, until_ms - _BEHIND_MS)

    async def change(self, limit_s: float | None) -> bool:
        """Wait for the next message; False if none comes in time."""
        self._changed.clear()
        try:
            async with asyncio.timeout(limit_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _requests(self) -> AsyncGenerator[StreamingRequest, None]:
        yield StreamingRequest(session_options=self._options)
        while not self._over:
            if not self._out:
                if self._finishing:
                    return
                self._wake.clear()
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        await self._wake.wait()
                except TimeoutError:
                    self.sent_ms += _KEEP_ALIVE_S * 1000
                    yield StreamingRequest(silence_chunk=SilenceChunk(duration_ms=int(_KEEP_ALIVE_S * 1000)))
                continue
            yield self._next_request(self._out.popleft())

    def _next_request(self, item: bytes | None) -> StreamingRequest:
        if item is None:
            return StreamingRequest(eou=Eou())
        pieces, size = [item], len(item)
        while self._out and self._out[0] is not None and size < _LARGEST_MESSAGE_BYTES:
            piece = self._out.popleft()
            assert piece is not None
            pieces.append(piece)
            size += len(piece)
        return StreamingRequest(chunk=AudioChunk(data=b"".join(pieces)))

    # --- in ------------------------------------------------------------------------------------

    async def _run(self) -> None:
        call: Any = None
        try:
            call = await self._begin(self._requests())
            async for response in call:
                self._take(response)
            if not self._finishing:
                self.error = ProviderUnavailableError(PROVIDER, f"{SERVICE}: сервис закрыл поток")
        except grpc.RpcError as error:
            self.error = from_rpc(error, SERVICE)
        except ProviderError as error:
            self.error = error
        finally:
            self._over = True
            self._wake.set()  # ends `_requests`, which gRPC goes on reading until then
            self._changed.set()
            if call is not None:
                call.cancel()

    def _take(self, response: StreamingResponse) -> None:
        kind = self.words.take(response)
        self._final_since_asked = self._final_since_asked or kind == "final"
        self._changed.set()
        self._on_event(kind)
