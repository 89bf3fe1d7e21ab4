"""The whole flow of one call, in the order of the sound.

    frame → media.transport → speech.vad → turns.machine → speech.asr → text.normalizer
          → agent (route → retrieve → stream) → text.segmenter → speech.tts → media.playout → frame

The first half stands here, stage by stage; the second, from the agent to the playout, is one `Reply`
(call/reply.py), because it is what the caller's voice interrupts. In between, the turn machine decides:
`_dispatch` tells it what happened and `_perform` does what it asks for.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, assert_never

import structlog

from voxbot.agent.phrases import line_text
from voxbot.call.reply import Reply
from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.domain.errors import ProviderError
from voxbot.domain.events import BotTurn, CallerTurn
from voxbot.media.playout import Playout
from voxbot.speech.utterance import UtteranceRecorder
from voxbot.turns import machine
from voxbot.turns.events import (
    Action,
    Answer,
    CancelReply,
    DropUtterance,
    EndCall,
    OpenUtterance,
    Recognise,
    Recognised,
    ReplyEnded,
    ReplyStarted,
    SayLine,
    SpeechWindow,
    TakeTurn,
    Tick,
    TurnEvent,
)
from voxbot.turns.policy import TurnPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.call.services import Services
    from voxbot.domain.audio import AudioChunk, Samples
    from voxbot.domain.events import EndReason
    from voxbot.domain.ids import CallId
    from voxbot.media.transport import MediaTransport

log = structlog.get_logger(__name__)

_ASR_TIMEOUT_S = 12.0
"""More than the limits of two recognisers in a row (speech/fallback.py): the second must have its chance."""
_MAX_ASR_FAILURES = 2


class Pipeline:
    """One call's conversation. `run` it once; it owns every task of the conversation."""

    def __init__(self, call_id: CallId, transport: MediaTransport, services: Services) -> None:
        self._call_id = call_id
        self._transport = transport
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._settings = services.settings()
        self._policy = TurnPolicy.from_settings(self._settings)
        self._playout = Playout(transport, self._settings.media)
        self._recorder = UtteranceRecorder()
        self._window_ms = services.vad.window_samples / 8
        self._state = machine.begin(self._now_ms())
        self._timer: asyncio.TimerHandle | None = None
        self._history: list[Utterance] = []
        self._turn: CallerTurn | None = None  # taken, but not answered aloud yet
        self._raw_words = ""
        self._turn_ms: dict[str, float] = {}
        self._speech_end_ms = 0.0
        self._asr_failures = 0
        self._recognition: asyncio.Task[None] | None = None
        self._reply: Reply | None = None
        self._reply_task: asyncio.Task[None] | None = None
        self._silencing: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[EndReason] = self._loop.create_future()

    async def run(self) -> EndReason:
        """Greet and converse until one side ends the call. Raises MediaError when the audio connection breaks."""
        self._vad = self._services.vad.open(self._on_speech_probability)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                receiving = self._tasks.create_task(self._receive())
                self._say(self._services.greeting())
                self._arm_timer()
                reason = await self._ended
                for task in (receiving, self._recognition, self._reply_task, self._silencing):
                    if task:
                        task.cancel()
            return reason
        finally:
            self._vad.close()
            if self._timer:
                self._timer.cancel()
            self._remember_unanswered()
            self._remember_caller()
            if self._reply:
                self._remember_bot(self._reply, cut=True)

    # --- in: frame → VAD → turn machine --------------------------------------------------------

    async def _receive(self) -> None:
        await self._transport.receive(self)
        self._end("caller_hangup")

    def on_audio(self, samples: Samples) -> None:
        """Take a frame of the caller's sound (called by the transport)."""
        self._recorder.push(samples)
        self._vad.push(samples)

    def on_mark(self, mark: int) -> None:
        """Take a playout mark (called by the transport)."""
        self._playout.on_mark(mark)

    def _on_speech_probability(self, probability: float) -> None:
        self._dispatch(SpeechWindow(probability, self._window_ms))

    # --- decide --------------------------------------------------------------------------------

    def _dispatch(self, event: TurnEvent) -> None:
        """Tell the turn machine; the only place where the state of the call changes."""
        if self._ended.done():
            return
        self._state, actions = machine.step(self._state, event, self._now_ms(), self._policy)
        for action in actions:
            self._perform(action)
        self._arm_timer()

    def _perform(self, action: Action) -> None:
        match action:
            case OpenUtterance(lead_ms):
                self._recorder.open(lead_ms)
                self._turn_ms = {}
            case DropUtterance():
                self._recorder.close()
            case Recognise(attempt):
                self._start_recognition(attempt)
            case TakeTurn(silence_ms):
                self._speech_end_ms = self._now_ms() - silence_ms
                self._turn_ms["endpoint"] = round(silence_ms, 1)
            case Answer(text):
                self._answer(text)
            case SayLine(line, end):
                self._say(line_text(line.value), end)
            case CancelReply():
                self._cancel_reply()
            case EndCall(reason):
                self._end(reason)
            case _:
                assert_never(action)

    def _arm_timer(self) -> None:
        """Have a Tick sent at the machine's deadline. A timer that fires too early only arms the next one."""
        due_ms = machine.deadline_ms(self._state, self._policy)
        if math.isinf(due_ms) or self._ended.done():
            return
        due_s = due_ms / 1000
        if self._timer is None or self._timer.cancelled() or self._timer.when() > due_s:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(due_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._now_ms() >= machine.deadline_ms(self._state, self._policy):
            self._dispatch(Tick())
        else:
            self._arm_timer()

    # --- speech → words ------------------------------------------------------------------------

    def _start_recognition(self, attempt: int) -> None:
        if self._recognition:
            self._recognition.cancel()
        audio = self._recorder.snapshot()
        self._recognition = self._tasks.create_task(self._recognise(attempt, audio))

    async def _recognise(self, attempt: int, audio: AudioChunk) -> None:
        """speech.asr → text.normalizer."""
        started_ms, raw = self._now_ms(), ""
        try:
            async with asyncio.timeout(_ASR_TIMEOUT_S):
                raw = (await self._services.asr.transcribe(audio, self._services.asr_hints())).text
            self._asr_failures = 0
        except (ProviderError, TimeoutError) as error:
            log.error("Распознавание речи не удалось", error=str(error) or "нет ответа вовремя")
            self._asr_failures += 1
            if self._asr_failures >= _MAX_ASR_FAILURES:  # a deaf bot cannot help: a person must take over
                self._end("error")
        self._raw_words = raw
        self._turn_ms["asr"] = round(self._now_ms() - started_ms, 1)
        self._dispatch(Recognised(attempt, self._services.normalize(raw).strip()))

    # --- words → reply -------------------------------------------------------------------------

    def _answer(self, text: str) -> None:
        self._settings = self._services.settings()  # pinned until the next turn
        self._policy = TurnPolicy.from_settings(self._settings)
        waited_ms = self._now_ms() - self._speech_end_ms - self._turn_ms.get("endpoint", 0)
        timings = {**self._turn_ms, "asr_wait": round(max(0.0, waited_ms), 1)}
        self._turn = CallerTurn(self._call_id, time.time(), text, self._raw_words, timings)
        self._start_reply(self._services.answerer.reply(text, tuple(self._history)))

    def _say(self, text: str, end: EndReason | None = None) -> None:
        self._start_reply(_ready(text), end)

    def _start_reply(self, source: AsyncGenerator[str | AnswerInfo, None], end: EndReason | None = None) -> None:
        reply = Reply(
            source,
            tts=self._services.tts,
            verbalize=self._services.verbalize,
            playout=self._playout,
            first_text_s=self._settings.call.answer_s,
            on_started=self._on_reply_started,
        )
        self._reply = reply
        self._reply_task = self._tasks.create_task(self._speak(reply, self._silencing, end))

    async def _speak(self, reply: Reply, silencing: asyncio.Task[None] | None, end: EndReason | None) -> None:
        """Agent → text.segmenter → speech.tts → media.playout, after the previous reply has fallen silent."""
        if silencing:
            await asyncio.wait({silencing})
        await reply.run()
        self._remember_caller()  # also when the answer made no sound
        self._remember_bot(reply, cut=False)
        if reply.mute:  # no voice is left: a person must take over
            self._end("error")
        self._dispatch(ReplyEnded(end or _end_of(reply.answer)))

    def _on_reply_started(self) -> None:
        if self._turn and self._reply:
            self._reply.ms["response"] = round(self._now_ms() - self._speech_end_ms, 1)
        self._remember_caller()
        answer = self._reply.answer if self._reply else None
        self._dispatch(ReplyStarted(final=answer is not None and answer.intent == "operator"))

    # --- barge-in ------------------------------------------------------------------------------

    def _cancel_reply(self) -> None:
        self._turn = None  # an answer that nobody heard leaves its question to the turn that goes on
        if self._reply and self._reply_task and not self._reply_task.done():
            self._reply_task.cancel()
            before = {self._reply_task, self._silencing} if self._silencing else {self._reply_task}
            self._silencing = self._tasks.create_task(self._silence(self._reply, before))

    async def _silence(self, reply: Reply, before: set[asyncio.Task[None]]) -> None:
        """Stop the making of sound, then what Asterisk still holds, then keep only what was heard."""
        await asyncio.wait(before)
        await self._playout.flush()
        self._remember_bot(reply, cut=True)

    # --- memory --------------------------------------------------------------------------------

    def _remember_unanswered(self) -> None:
        """Keep what a caller said who hung up before the turn was taken."""
        if self._turn is None and self._state.phase is machine.Phase.ENDPOINTING and self._state.words:
            ms = dict(self._turn_ms)
            self._turn = CallerTurn(self._call_id, time.time(), self._state.words, self._raw_words, ms)

    def _remember_caller(self) -> None:
        if turn := self._turn:
            self._turn = None
            self._history.append(Utterance("user", turn.text))
            self._services.publish(turn)

    def _remember_bot(self, reply: Reply, *, cut: bool) -> None:
        """Keep the words that were heard, and only those."""
        if self._reply is reply:
            self._reply = None
        heard = reply.heard_text if cut else reply.spoken_text
        if not heard:
            return
        self._history.append(Utterance("bot", heard))
        ms = {**(reply.answer.ms if reply.answer else {}), **reply.ms}
        cut = cut and heard != reply.planned_text
        self._services.publish(BotTurn(self._call_id, time.time(), heard, reply.planned_text, cut, reply.answer, ms))

    def _end(self, reason: EndReason) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _now_ms(self) -> float:
        return self._loop.time() * 1000


async def _ready(text: str) -> AsyncGenerator[str | AnswerInfo, None]:
    """A reply whose words are known."""
    yield text


def _end_of(answer: AnswerInfo | None) -> EndReason | None:
    """What the caller asked to be done with the call."""
    return answer.intent if answer else None
