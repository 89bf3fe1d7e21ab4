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
import numpy as np
import structlog
from yandex.cloud.ai.stt.v3.stt_pb2 import (
    AudioChunk,
    Eou,
    SilenceChunk,
    StreamingOptions,
    StreamingRequest,
    StreamingResponse,
)

from voxbot.domain.audio import TELEPHONE_RATE_HZ
from voxbot.domain.errors import ProviderAuthError, ProviderError, ProviderUnavailableError
from voxbot.providers.yandex.errors import PROVIDER, from_rpc
from voxbot.providers.yandex.stt_words import Words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from voxbot.domain.audio import Samples
    from voxbot.providers.yandex.auth import Metadata, YandexAuth

log = structlog.get_logger(__name__)

SERVICE = "распознавание речи"

_SAMPLES_PER_MS = TELEPHONE_RATE_HZ // 1000
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


class SttSession:
    """One RPC, begun at once. `begin(requests, metadata)` gives the call; `on_event(kind)` is told of every message.

    Sound goes out in pieces of `piece_ms`. Bounded by its owner, who finishes it before MAX_MS. An RPC that is refused
    for a token that was revoked is begun once more with a new one, and hears everything from the start.
    """

    def __init__(
        self,
        begin: Callable[[AsyncGenerator[StreamingRequest, None], Metadata], Any],
        auth: YandexAuth,
        options: StreamingOptions,
        on_event: Callable[[str | None], None],
        *,
        piece_ms: int,
    ) -> None:
        self._begin = begin
        self._auth = auth
        self._options = options
        self._on_event = on_event
        self._piece_samples = piece_ms * _SAMPLES_PER_MS
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._out: deque[bytes | None] = deque()  # None: the end of an utterance
        self._unanswered: list[StreamingRequest] = []
        """What was sent before the service's first answer; an account is refused before it."""
        self._rpc = 0
        self._answering = False
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._finishing = False
        self._over = False
        self._asked_ends = 0
        self._asked_at_ms = self._asked_before_ms = 0.0
        self._final_since_asked = False
        self._silent_since_end = True
        self.words = Words()
        self.error: ProviderError | None = None
        self.sent_ms = 0.0
        """So much sound has gone out, or is about to."""
        self.task = asyncio.create_task(self._run())

    # --- out -----------------------------------------------------------------------------------

    def push(self, samples: Samples) -> None:
        """Take sound, 8 kHz."""
        if self._over or self._finishing:
            return
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples >= self._piece_samples:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._waiting:
            self._out.append(np.concatenate(self._waiting).astype("<i2", copy=False).tobytes())
            self.sent_ms += self._waiting_samples / _SAMPLES_PER_MS
            self._waiting, self._waiting_samples = [], 0
            self._silent_since_end = False
            self._wake.set()

    def ask(self) -> None:
        """Ask for the words of all sound so far; the utterance goes on."""
        self.flush()
        self._asked_at_ms = self.sent_ms

    def end_utterance(self) -> None:
        """Ask for the final words of all sound so far; without new sound the last question stands."""
        self.flush()
        if self._silent_since_end or self._finishing:
            return
        self._out.append(None)
        self._wake.set()
        self._asked_ends += 1
        self._asked_before_ms = self._asked_at_ms
        self.ask()
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

    async def caught_up(self) -> None:
        """Wait for the words asked for by `ask`, as `answered` does. Raises ProviderError."""
        while self._asked_at_ms and not self._over and not self.covers():
            await self.change(None)
        if self.error:
            raise self.error

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

    async def _requests(self, rpc: int) -> AsyncGenerator[StreamingRequest, None]:
        """What goes out, as long as `rpc` is the RPC that is held: gRPC goes on reading after its end."""
        yield StreamingRequest(session_options=self._options)
        for request in tuple(self._unanswered):
            yield request
        while self._rpc == rpc:
            if not self._out:
                if self._finishing:
                    return
                self._wake.clear()
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        await self._wake.wait()
                except TimeoutError:
                    if self._waiting:  # sound goes before the silence after it
                        self.flush()
                        continue
                    self.sent_ms += _KEEP_ALIVE_S * 1000
                    yield self._kept(
                        StreamingRequest(silence_chunk=SilenceChunk(duration_ms=int(_KEEP_ALIVE_S * 1000)))
                    )
                continue
            yield self._kept(self._next_request(self._out.popleft()))

    def _kept(self, request: StreamingRequest) -> StreamingRequest:
        if not self._answering:
            self._unanswered.append(request)
        return request

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
        try:
            while not await self._hold(await self._auth.metadata()):
                pass
            if not self._finishing:
                self.error = ProviderUnavailableError(PROVIDER, f"{SERVICE}: сервис закрыл поток")
        except ProviderError as error:
            self.error = error
        except asyncio.CancelledError:
            self.error = ProviderUnavailableError(PROVIDER, f"{SERVICE}: соединение закрыто")
            task = asyncio.current_task()
            if task is None or task.cancelling():  # else gRPC did it: its channel was closed
                raise
        except Exception as error:
            log.exception("Сеанс распознавания речи сломался не так, как умеет")
            self.error = ProviderUnavailableError(PROVIDER, f"{SERVICE}: сбой ({type(error).__name__})")
        finally:
            self._over = True
            self._changed.set()

    async def _hold(self, metadata: Metadata) -> bool:
        """Hold an RPC to its end; False if it was refused and has to begin anew. Raises ProviderError."""
        self._rpc += 1
        call = self._begin(self._requests(self._rpc), metadata)
        try:
            async for response in call:
                self._answering = True
                self._unanswered.clear()
                self._take(response)
        except grpc.RpcError as error:
            failure = from_rpc(error, SERVICE)
            refused = isinstance(failure, ProviderAuthError) and not self._answering
            if refused and self._auth.refused(metadata):
                return False
            raise failure from error
        finally:
            self._rpc += 1
            self._wake.set()  # ends `_requests`
            call.cancel()
        return True

    def _take(self, response: StreamingResponse) -> None:
        kind = self.words.take(response)
        self._final_since_asked = self._final_since_asked or (kind == "final" and self._answers(response))
        self._changed.set()
        self._on_event(kind)

    def _answers(self, final: StreamingResponse) -> bool:
        """Whether it is of the latest end asked for: that of an end before it may come as late as that."""
        until_ms = final.audio_cursors.final_time_ms
        return until_ms > self._asked_before_ms and until_ms >= self._asked_at_ms - _BEHIND_MS
