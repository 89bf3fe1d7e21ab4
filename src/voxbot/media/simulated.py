"""A telephone line without a telephone: says WAV files to the pipeline and records what it answers.

It plays Asterisk's part of the transport contract: a queue played at 20 ms a frame, marks, flush. Each utterance
is said when the bot has spoken and then been silent for a moment, as a polite caller would.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_MS, FRAME_SAMPLES, Samples, silence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.media.transport import MediaSink

_FRAME_S = FRAME_MS / 1000
_LOUD = 300
"""Peak from which a frame of the bot counts as speech (-41 dBFS)."""


class SimulatedMedia:
    """One simulated caller. Times are milliseconds since the call began."""

    def __init__(
        self, utterances: Sequence[Samples], *, polite_silence_ms: float = 700, patience_ms: float = 15_000
    ) -> None:
        self._to_say = deque(utterances)
        self._polite_silence_ms = polite_silence_ms
        self._patience_ms = patience_ms
        self._queue: deque[Samples | int] = deque()  # frames and marks, in order
        self._saying: Samples = silence(0)
        self._bot_spoke = False
        self._quiet_ms = 0.0
        self.said: list[Samples] = []
        self.heard: list[Samples] = []
        self.spans: list[tuple[str, float, float]] = []
        """(who, start, end) of each stretch of speech."""

    @property
    def live(self) -> bool:
        """Frames come in real time."""
        return True

    async def receive(self, sink: MediaSink) -> None:
        """Run the call in real time until the caller has nothing left to say and the bot is silent."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._hung_up():
            heard = self._play(sink)
            self.heard.append(heard)
            loud = bool(np.abs(heard).max() >= _LOUD)
            self._note("bot", loud=loud)
            self._bot_spoke = self._bot_spoke or loud
            self._quiet_ms = 0.0 if loud or len(self._saying) else self._quiet_ms + FRAME_MS
            said = self._speak()
            self.said.append(said)
            sink.on_audio(said)
            due += _FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def send(self, samples: Samples) -> None:
        """Queue whole frames."""
        self._queue.extend(samples[i : i + FRAME_SAMPLES] for i in range(0, len(samples), FRAME_SAMPLES))

    async def mark(self, mark: int) -> None:
        """Queue a mark."""
        self._queue.append(mark)

    async def flush(self) -> None:
        """Forget frames and marks."""
        self._queue.clear()

    @property
    def now_ms(self) -> float:
        """Length of the call so far."""
        return len(self.heard) * FRAME_MS

    def _hung_up(self) -> bool:
        if self._to_say or len(self._saying):
            return False
        return self._quiet_ms >= (2 * self._polite_silence_ms if self._bot_spoke else self._patience_ms)

    def _play(self, sink: MediaSink) -> Samples:
        while self._queue:
            item = self._queue.popleft()
            if not isinstance(item, int):
                self._report_marks(sink)
                return item
            sink.on_mark(item)
        return silence(FRAME_MS)

    def _report_marks(self, sink: MediaSink) -> None:
        while self._queue and isinstance(mark := self._queue[0], int):
            self._queue.popleft()
            sink.on_mark(mark)

    def _speak(self) -> Samples:
        if not len(self._saying) and self._to_say:
            ready = self._bot_spoke and self._quiet_ms >= self._polite_silence_ms
            if ready or self._quiet_ms >= self._patience_ms:
                self._saying = self._to_say.popleft()
                self._bot_spoke = False
                self.spans.append(("caller", self.now_ms, self.now_ms + len(self._saying) / 8))
        frame, self._saying = self._saying[:FRAME_SAMPLES], self._saying[FRAME_SAMPLES:]
        return np.pad(frame, (0, FRAME_SAMPLES - len(frame)))

    def _note(self, who: str, *, loud: bool) -> None:
        """Extend or begin a stretch of speech; a pause under 300 ms belongs to it."""
        if not loud:
            return
        last = next((span for span in reversed(self.spans) if span[0] == who), None)
        if last and self.now_ms - last[2] < 300:  # noqa: PLR2004 - see the docstring
            self.spans[self.spans.index(last)] = (who, last[1], self.now_ms)
        else:
            self.spans.append((who, self.now_ms - FRAME_MS, self.now_ms))
