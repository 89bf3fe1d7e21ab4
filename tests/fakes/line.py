"""A telephone line in virtual time: a caller who acts by a scenario, an ear, and whatever a transport does wrong.

It plays Asterisk's part of the transport contract, as `media.simulated` does: a queue played at 20 ms a frame,
marks, flush. What the caller says is bound to its words in a SoundBook; what the bot says carries its words in the
low bits of its samples (`StampedTts`), so the ear knows to the frame what was heard.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

import numpy as np
from scenarios.language import Dtmf, Echo, Gap, HangsUp, LineFaults, Noise, Pauses, Says, Stays, Waits

from fakes.sounds import LOUD, frames_of, murmur, spread
from voxbot.domain.audio import FRAME_MS, FRAME_SAMPLES, silence
from voxbot.domain.errors import MediaError

_SILENT_PEAK = 200
_STRETCH_GAP_MS = 300
"""Silence that divides two stretches of the bot's speech."""
_LAST_WAIT_MS = 1500
_PATIENCE_MS = 25_000
_QUIET_FRAME = silence(FRAME_MS)


@dataclass(frozen=True)
class Spoken:
    """What the caller said, and when; milliseconds since the call began."""

    manner: str
    text: str
    start_ms: float
    end_ms: float


@dataclass
class Heard:
    """A frame at the ear: the number that the voice stamped on it, 0 for silence."""

    at_ms: float
    stamp: int


class ScriptedLine:
    """A MediaTransport. `phase()` names the conversation's phase; `press(digit)` delivers a key."""

    def __init__(self, steps, book, *, stamp_of, phase, press):
        self._steps = steps
        self._book = book
        self._stamp_of = stamp_of
        self._phase = phase
        self._press = press
        self._queue = deque()  # frames and marks, in order
        self._mouth = deque()  # (frame, word or None)
        self._background = deque()
        self._echo = Echo(0.0)
        self._heard_frames = deque(maxlen=50)
        self._faults = LineFaults()
        self._drop_frames = 0
        self._stalled_until_ms = 0.0
        self._old_marks = deque()
        self._seed = 0
        self._bot_since_ms = None
        self._bot_spoke = False
        self._loud_at_ms = -1e9
        self._over = False
        self._carry = silence(0)
        self.now_ms = 0.0
        self.heard: list[Heard] = []
        self.spoken: list[Spoken] = []
        self.flushed_ms: list[float] = []

    live = True

    # --- the transport -------------------------------------------------------------------------

    async def receive(self, sink):
        loop = asyncio.get_running_loop()
        due = loop.time()
        script = self._script()
        while not self._over:
            if self._faults.closes:
                raise MediaError("scripted: the connection is gone")
            self._listen(self._play(sink))
            next(script, None)
            self._deliver(sink, self._speak())
            self.now_ms += FRAME_MS
            due += FRAME_MS / 1000 * (1 + self._faults.drift_percent / 100)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def send(self, samples):
        if self._faults.closes:
            raise MediaError("scripted: the connection is gone")
        assert len(samples) % FRAME_SAMPLES == 0, "whole frames"
        self._queue.extend(samples[i : i + FRAME_SAMPLES] for i in range(0, len(samples), FRAME_SAMPLES))

    async def mark(self, mark):
        self._queue.append(mark)

    async def flush(self):
        if any(not isinstance(item, int) for item in self._queue):
            self.flushed_ms.append(self.now_ms)
        if self._faults.repeats_old_marks:
            self._old_marks.extend(item for item in self._queue if isinstance(item, int))
        self._queue.clear()

    def _play(self, sink):
        if self._old_marks:
            sink.on_mark(self._old_marks.popleft())
        while self._queue:
            item = self._queue.popleft()
            if not isinstance(item, int):
                while self._queue and isinstance(self._queue[0], int):
                    self._report(sink, self._queue.popleft())
                return item
            self._report(sink, item)
        return _QUIET_FRAME

    def _report(self, sink, mark):
        if not self._faults.loses_marks:
            sink.on_mark(mark)

    def _deliver(self, sink, frame):
        if self.now_ms < self._faults.late_start_ms:
            return
        if self.now_ms < self._stalled_until_ms:
            self._carry = np.concatenate((self._carry, frame))
            return
        if len(self._carry):  # what was held back comes now, all at once
            for start in range(0, len(self._carry), FRAME_SAMPLES):
                sink.on_audio(self._carry[start : start + FRAME_SAMPLES])
            self._carry = silence(0)
        if self._drop_frames:
            self._drop_frames -= 1
        elif self._faults.odd_frames:
            sink.on_audio(frame[:0])
            sink.on_audio(frame[:37])
            sink.on_audio(frame[37:])
        elif not self._faults.suppresses_silence or np.abs(frame).max() >= _SILENT_PEAK:
            sink.on_audio(frame)

    # --- the ear -------------------------------------------------------------------------------

    def _listen(self, frame):
        self._heard_frames.append(frame)
        stamp = self._stamp_of(frame)
        self.heard.append(Heard(self.now_ms, stamp))
        if not stamp:
            return
        if self.now_ms - self._loud_at_ms > _STRETCH_GAP_MS:
            self._bot_since_ms = self.now_ms
        self._loud_at_ms = self.now_ms
        self._bot_spoke = True

    @property
    def _bot_speaks(self):
        return self.now_ms - self._loud_at_ms <= _STRETCH_GAP_MS

    def _quiet_for(self, ms):
        return self.now_ms - self._loud_at_ms >= ms

    # --- the mouth -----------------------------------------------------------------------------

    def _speak(self):
        frame, word = self._mouth.popleft() if self._mouth else (_QUIET_FRAME, None)
        if self._background:
            frame = frame + self._background.popleft()
        if self._echo.gain:
            late = self._echo.delay_ms // FRAME_MS + 1
            if len(self._heard_frames) >= late:
                frame = frame + (self._heard_frames[-late] * self._echo.gain).astype(np.int16)
        if word:
            self._book.bind(frame, word)
        return frame

    def _script(self):
        for step in self._steps:
            yield from self._act(step)
        yield from self._until(lambda: self._quiet_for(_LAST_WAIT_MS) and not self._background)
        self._over = True

    def _act(self, step):
        after_ms = getattr(step, "after_ms", None)
        if after_ms is not None:
            yield from self._until(lambda: self._bot_speaks and self.now_ms - self._bot_since_ms >= after_ms)
        match step:
            case Says():
                yield from self._say(step)
            case Noise():
                yield from self._make_noise(step)
            case Waits(silence_ms):
                yield from self._until(lambda: self._bot_spoke and self._quiet_for(silence_ms))
            case Pauses(ms) | Stays(ms):
                yield from self._pause(ms)
            case Dtmf(digits):
                for digit in digits:
                    self._press(digit)
                    yield from self._pause(200)
                self._bot_spoke = self._bot_speaks
            case HangsUp(phase):
                yield from self._until(lambda: not phase or self._phase() == phase, 60_000)
                self._over = True
                yield
            case _:
                self._change(step)

    def _change(self, step):
        """What holds from now on."""
        if isinstance(step, Echo):
            self._echo = step
        elif isinstance(step, LineFaults):
            self._faults = step
            self._drop_frames = step.drops_ms // FRAME_MS
            self._stalled_until_ms = self.now_ms + step.stalls_ms

    def _pause(self, ms):
        end_ms = self.now_ms + ms
        yield from self._until(lambda: self.now_ms >= end_ms, float("inf"))

    def _make_noise(self, step):
        frames = np.split(self._noise(step), frames_of(step.ms))
        if step.background:
            self._background.extend(frames)
            return
        self.spoken.append(Spoken("noise", step.kind, self.now_ms, self.now_ms + step.ms))
        self._mouth.extend((frame, None) for frame in frames)
        yield from self._until(lambda: not self._mouth, float("inf"))

    def _say(self, step):
        start_ms = self.now_ms
        for piece in step.pieces:
            count = frames_of(piece.ms)
            if isinstance(piece, Gap):
                self._mouth.extend((_QUIET_FRAME, None) for _ in range(count))
                continue
            self._seed += 1
            sound = murmur(count, self._seed)
            self._mouth.extend(zip(np.split(sound, count), spread(piece.text, count), strict=True))
        end_ms = start_ms + len(self._mouth) * FRAME_MS
        self.spoken.append(Spoken(step.manner, step.text, start_ms, end_ms))
        yield from self._until(lambda: not self._mouth, float("inf"))
        self._bot_spoke = self._bot_speaks

    def _noise(self, step):
        """Without words. A voice detector takes babble, coughs and clicks for speech, music and a noisy line not."""
        self._seed += 1
        level = {"line": 300, "music": 450, "babble": 3000}.get(step.kind, LOUD)
        sound = murmur(frames_of(step.ms), self._seed, level)
        if step.kind == "babble":  # voices far away: on and off
            at = np.arange(len(sound)) // 8
            sound = np.where((at // 400) % 3 == 2, sound // 20, sound)
        return sound

    def _until(self, condition, patience_ms=_PATIENCE_MS):
        deadline_ms = self.now_ms + patience_ms
        while not condition() and self.now_ms < deadline_ms:
            yield
