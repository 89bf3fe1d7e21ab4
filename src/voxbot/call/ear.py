"""The caller's sound on its way to the turn machine: frames → who speaks → speech windows."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ
from voxbot.speech.foreground import Foreground
from voxbot.speech.utterance import UtteranceRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.recording import Recorder
    from voxbot.domain.audio import AudioChunk, Samples
    from voxbot.media.playout import Playout
    from voxbot.speech.vad import Vad

_GAP_S = 0.1
_LONGEST_GAP_SAMPLES = 10 * TELEPHONE_RATE_HZ
_TALK_WINDOW_S = 0.032


class Ear:
    """One call. `on_speech(probability, duration_ms, audible)` gets each window of the caller's sound.

    `on_utterance` gets the sound of each utterance as it comes, from its lead on.
    """

    def __init__(
        self,
        vad: Vad,
        playout: Playout,
        on_speech: Callable[[float, float, bool], None],
        *,
        talk_silence_ms: float,
        recorder: Recorder | None,
        on_utterance: Callable[[Samples], None] | None = None,
    ) -> None:
        self._playout = playout
        self._on_speech = on_speech
        self._talk_silence_ms = talk_silence_ms
        self._recorder = recorder
        self._utterance = UtteranceRecorder(on_sound=on_utterance)
        self._foreground = Foreground()
        self._window_ms = vad.window_samples * 1000 / TELEPHONE_RATE_HZ
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._due_s = self._loop.time()
        self._talking: asyncio.TimerHandle | None = None
        self._stream = vad.open(self._on_probability)

    def on_audio(self, samples: Samples, *, live: bool) -> None:
        """Take sound; what is not `live` is the utterance of a caller whose speech `on_talk` has told of."""
        if not live:
            self._utterance.push(samples)
            return
        self._keep_in_step()
        played = self._playout.at_ear(len(samples))
        self._utterance.push(samples)
        self._foreground.push(samples, played)
        self._stream.push(samples)
        self._due_s += len(samples) / TELEPHONE_RATE_HZ
        if self._recorder:
            self._recorder.push(samples, played)

    def on_talk(self, talking: bool) -> None:  # noqa: FBT001 - see MediaSink
        """Take the word of a transport that hears for us; it says so `talk_silence_ms` after the end of speech."""
        if self._talking:
            self._talking.cancel()
            self._talking = None
        if talking:
            self._talk()
        else:
            self._on_speech(0.0, self._talk_silence_ms, False)  # noqa: FBT003 - silence is not audible

    def open(self, lead_ms: float) -> None:
        """Begin an utterance that started `lead_ms` ago."""
        self._utterance.open(lead_ms)

    def drop(self) -> None:
        """Forget the utterance."""
        self._utterance.close()

    def snapshot(self) -> AudioChunk:
        """The utterance so far."""
        return self._utterance.snapshot()

    def false_alarm(self) -> None:
        """Take note that what interrupted the bot held no words: it is background."""
        self._foreground.false_alarm()

    def close(self) -> None:
        """Stop; may be called twice."""
        self._stream.close()
        if self._talking:
            self._talking.cancel()

    def _on_probability(self, probability: float) -> None:
        # The engine computes the windows of all calls in the context of one: log lines must name this call.
        self._context.run(self._judge, probability)

    def _judge(self, probability: float) -> None:
        probability = self._foreground.judge(probability, bot_speaking=self._playout.sounding)
        self._on_speech(probability, self._window_ms, self._foreground.audible)

    def _talk(self) -> None:
        self._on_speech(1.0, _TALK_WINDOW_S * 1000, True)  # noqa: FBT003 - talk is audible
        self._talking = self._loop.call_later(_TALK_WINDOW_S, self._talk)

    def _keep_in_step(self) -> None:
        """A peer that sends nothing while it is silent leaves holes: utterances and recordings must keep the time."""
        now_s = self._loop.time()
        missing = int((now_s - self._due_s) * TELEPHONE_RATE_HZ)
        if missing < _GAP_S * TELEPHONE_RATE_HZ:
            self._due_s = max(self._due_s, now_s - _GAP_S)
            return
        self._due_s = now_s
        missing = min(missing, _LONGEST_GAP_SAMPLES) // FRAME_SAMPLES * FRAME_SAMPLES
        nothing = np.zeros(missing, np.int16)
        self._utterance.push(nothing)
        if self._recorder:
            self._recorder.push(nothing, self._playout.at_ear(missing))
