"""The whole flow of one call, in the order of the sound.

    frame → media.transport → speech.vad → turns.machine → speech.asr → text.normalizer
          → agent (route → retrieve → stream) → text.segmenter → speech.tts → media.playout → frame

Frames become speech windows in `Ear` (call/ear.py), utterances become words in `Recognition` (call/recognition.py).
What is said, from the agent to the playout, is one `Reply` (call/reply.py), because it is what the caller's voice
interrupts; `Voice` (call/voice.py) has the one being said and the one being prepared. In between, the turn machine
decides: `_dispatch` tells it what happened and `_perform` does what it asks for.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, assert_never

import structlog

from voxbot.agent.phrases import line_text
from voxbot.call.ear import Ear
from voxbot.call.memory import Memory
from voxbot.call.recognition import Recognition
from voxbot.call.telling import Telling
from voxbot.call.transfer import TransferRequest
from voxbot.call.voice import Voice
from voxbot.media.playout import Playout
from voxbot.turns import machine
from voxbot.turns.events import (
    Action,
    Answer,
    CancelReply,
    Digit,
    DropUtterance,
    EndCall,
    Fill,
    HoldReply,
    KeepWords,
    OpenUtterance,
    Prepare,
    Recognise,
    ReplyEnded,
    ReplyStarted,
    ResumeReply,
    Rewind,
    SayLine,
    SoundEnded,
    SoundStarted,
    SpeechWindow,
    TakeTurn,
    Tick,
    TransferAsked,
    TransferFailed,
    TurnEvent,
)
from voxbot.turns.policy import TurnPolicy
from voxbot.turns.wording import asks_for_number, same_words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.call.recording import Recorder
    from voxbot.call.reply import Reply
    from voxbot.call.services import Services
    from voxbot.call.transfer import Transfer
    from voxbot.domain.audio import Samples
    from voxbot.domain.dialogue import AnswerInfo
    from voxbot.domain.events import EndReason
    from voxbot.domain.ids import CallId
    from voxbot.media.transport import MediaTransport

log = structlog.get_logger(__name__)

_TIMER_S = 0.001


class Pipeline:
    """One call's conversation. `run` it once; it owns every task of the conversation.

    Without `transfer` a caller who wants a person ends the conversation, and what follows is the owner's business.
    """

    def __init__(
        self, call_id: CallId, transport: MediaTransport, services: Services, *, transfer: Transfer | None = None
    ) -> None:
        self._call_id = call_id
        self._transport = transport
        self._services = services
        self._transfer = transfer
        self._loop = asyncio.get_running_loop()
        self._pin_settings()
        self._state = machine.begin(self._now_ms())
        self._timer: asyncio.TimerHandle | None = None
        self._telling = Telling(call_id, services.publish_live)
        self._memory = Memory(call_id, services.publish, log_speech=self._settings.log.speech)
        self._playout = Playout(transport, self._settings.media, self._on_sound)
        self._turn_ms: dict[str, float] = {}
        self._keyed = False
        self._speech_end_ms = 0.0
        self._handing_over: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[EndReason] = self._loop.create_future()
        self.longest_dead_air_ms = 0.0
        """The longest that the caller has waited for the bot and heard nothing; known when `run` has ended."""

    @property
    def summary(self) -> str:
        """What the caller has asked, for the person who takes over."""
        return self._memory.summary

    async def run(self) -> EndReason:
        """Greet and converse until one side ends the call. Raises MediaError when the audio connection breaks."""
        recorder = self._open_recording()
        self._ear = Ear(
            self._services.vad,
            self._playout,
            self._on_speech,
            talk_silence_ms=self._settings.media.talk_silence_ms,
            recorder=recorder,
            on_utterance=self._on_utterance if self._services.asr.capabilities.streaming else None,
        )
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._recognition = Recognition(self._services, self._tasks, self._dispatch)
                self._voice = Voice(
                    self._services,
                    self._tasks,
                    self._playout,
                    on_started=self._on_reply_started,
                    on_heard=self._on_reply_heard,
                    on_cut=self._memory.heard,
                )
                receiving = self._tasks.create_task(self._receive())
                notice = self._settings.recording.notice if recorder else ""
                self._say("|".join(filter(None, (notice, self._services.greeting()))))
                self._telling.state(self._state)
                self._arm_timer()
                reason = await self._ended
                self._voice.stop()
                self._recognition.close()
                for task in (receiving, self._handing_over):
                    if task:
                        task.cancel()
            return reason
        finally:
            self._close()
            if recorder:
                await recorder.close()

    def _close(self) -> None:
        self._ear.close()
        self._recognition.close()
        self._playout.close()
        if self._timer:
            self._timer.cancel()
        self._remember_the_rest()
        self.longest_dead_air_ms = machine.longest_quiet_ms(self._state, self._now_ms())
        log.info("Самая долгая тишина в ожидании ответа", milliseconds=round(self.longest_dead_air_ms))

    def _open_recording(self) -> Recorder | None:
        if self._transport.live:
            return self._services.open_recording(self._call_id)
        if self._settings.recording.enabled:  # such a line has no common time of both sides to record
            log.warning("Разговор не записывается: MEDIA_TRANSPORT=files отдаёт голос звонящего с опозданием")
        return None

    # --- in: frame → VAD → turn machine --------------------------------------------------------

    async def _receive(self) -> None:
        await self._transport.receive(self)
        self._end("caller_hangup")

    def on_audio(self, samples: Samples) -> None:
        """Take the caller's sound (called by the transport)."""
        self._ear.on_audio(samples, live=self._transport.live)

    def on_talk(self, talking: bool) -> None:  # noqa: FBT001 - see MediaSink
        """Take note that the caller talks or has ceased to (called by a transport that is not live)."""
        self._ear.on_talk(talking)

    def on_mark(self, mark: int) -> None:
        """Take a playout mark (called by the transport)."""
        self._playout.on_mark(mark)

    def on_digit(self, digit: str) -> None:
        """Take a key that the caller has pressed (called by the session)."""
        reply = self._voice.reply
        asked = (reply.planned_text if reply else "") or self._memory.last_bot_text
        self._dispatch(Digit(digit, expected=asks_for_number(asked)))

    def _on_speech(self, probability: float, duration_ms: float, audible: bool) -> None:  # noqa: FBT001 - see Ear
        self._dispatch(SpeechWindow(probability, duration_ms, self._is_protected(), audible))

    def _on_utterance(self, samples: Samples) -> None:
        self._recognition.hear(samples)

    def _on_sound(self, sounding: bool) -> None:  # noqa: FBT001 - see Playout
        self._dispatch(SoundStarted() if sounding else SoundEnded())

    # --- decide --------------------------------------------------------------------------------

    def _dispatch(self, event: TurnEvent) -> None:
        """Tell the turn machine; the only place where the state of the call changes."""
        if self._ended.done():
            return
        self._state, actions = machine.step(self._state, event, self._now_ms(), self._policy)
        for action in actions:
            self._perform(action)
        self._telling.state(self._state, event)
        self._arm_timer()

    def _perform(self, action: Action) -> None:  # noqa: C901, PLR0912 - a branch per action
        match action:
            case OpenUtterance(lead_ms):
                self._recognition.open()
                self._ear.open(lead_ms)
                self._voice.hush()
                self._turn_ms = {}
            case DropUtterance():
                self._ear.drop()
                self._recognition.drop()
                self._voice.stop_filling()
            case Recognise(attempt, speaking):
                self._recognition.start(attempt, self._ear.snapshot(), speaking=speaking)
            case Prepare(text):
                self._voice.prepare(lambda: self._reply_to(text), text)
            case TakeTurn(silence_ms, keyed):
                self._take_turn(silence_ms, keyed=keyed)
            case Answer(text):
                self._answer(text)
            case KeepWords(text):
                self._take_words(text)
                self._memory.commit()
            case SayLine(line, end, to):
                if to:  # the words that the line answers
                    self._take_words(to)
                self._say(line_text(line.value), end)
            case Fill():
                self._voice.fill(self._hold_sound())
            case HoldReply():
                self._voice.hold()
            case ResumeReply(rewind):
                if rewind is Rewind.SENTENCE:
                    self._ear.false_alarm()
                self._voice.resume(rewind)
            case CancelReply(goes_on):
                # An answer that nobody heard leaves its question to the turn that goes on.
                self._memory.withdraw() if goes_on else self._memory.commit()
                self._voice.cancel()
            case EndCall(reason):
                self._end(reason)
            case _:
                assert_never(action)

    def _arm_timer(self) -> None:
        """Have a Tick sent at the machine's deadline. A timer that fires too early only arms the next one."""
        due_ms = machine.deadline_ms(self._state, self._policy)
        if math.isinf(due_ms) or self._ended.done():
            return
        due_s = max(due_ms / 1000, self._loop.time() + _TIMER_S)  # a rounding error early is not to be asked again
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

    # --- words → reply -------------------------------------------------------------------------

    def _take_turn(self, silence_ms: float, *, keyed: bool) -> None:
        log.info("⏰ Таймер завершения сброшен")
        self._keyed = keyed
        self._speech_end_ms = self._now_ms() - silence_ms
        self._turn_ms["endpoint"] = round(silence_ms, 1)
        self._telling.stage("endpoint", silence_ms)

    def _answer(self, text: str) -> None:
        self._pin_settings()
        waited_ms = self._now_ms() - self._speech_end_ms - self._turn_ms.get("endpoint", 0)
        self._turn_ms |= {"asr": self._recognition.took_ms, "asr_wait": round(max(0.0, waited_ms), 1)}
        self._telling.stage("asr", self._recognition.took_ms)
        self._take_words(text)
        if not self._voice.take_prepared(lambda prepared: same_words(prepared, text)):
            self._voice.say(lambda: self._reply_to(text), words=text)

    def _reply_to(self, text: str) -> AsyncGenerator[str | AnswerInfo, None]:
        return self._telling.answer(self._services.answerer.reply(text, tuple(self._memory.history)))

    def _pin_settings(self) -> None:
        """Take the settings that hold until the next turn, and what every window of sound asks of them."""
        self._settings = self._services.settings()
        least_ms = self._services.asr.capabilities.least_silence_ms
        self._policy = TurnPolicy.from_settings(self._settings, recognise_silence_ms=least_ms)
        self._protected = self._settings.protected_phrases

    def _take_words(self, text: str) -> None:
        """Keep what the caller has said or keyed in."""
        self._telling.turn_taken()
        if self._keyed:
            self._memory.take(text, text, {})
        else:
            self._memory.take(text, self._recognition.raw, dict(self._turn_ms))

    def _say(self, text: str, end: EndReason | None = None) -> None:
        self._voice.say(lambda: _ready(text), end=end)

    def _on_reply_started(self, reply: Reply) -> None:
        self._recognition.drop()  # what the caller says from now on is an utterance of its own
        if self._memory.awaits_answer:
            reply.ms["response"] = round(self._now_ms() - self._speech_end_ms, 1)
            self._telling.stage("tts", reply.ms.get("tts_first_audio", 0.0))
        self._memory.commit()
        self._dispatch(ReplyStarted(final=reply.answer is not None and reply.answer.intent == "operator"))

    def _on_reply_heard(self, reply: Reply, end: EndReason | None) -> None:
        self._memory.commit()  # also when the answer made no sound
        self._memory.heard(reply)
        if self._transport.live and reply.sounding:
            log.info(f"✅ ARI playback: {self._call_id}")
        if reply.mute:  # not even what was spoken beforehand
            log.error("❌ ARI playback не удался")
            self._finish("error")
        wish = "unanswered" if reply.voiceless else reply.answer.intent if reply.answer else None
        self._dispatch(ReplyEnded(end or wish, asks_number=asks_for_number(reply.planned_text)))

    def _is_protected(self) -> bool:
        """Whether what the caller hears now must be heard to its end."""
        reply = self._voice.reply
        heard = reply.at_ear if reply and self._protected else ""
        return bool(heard) and any(phrase in heard or heard in phrase for phrase in self._protected)

    def _hold_sound(self) -> Samples | None:
        if not self._settings.call.hold_during_ai:
            return None
        log.info("🔒 Channel held during AI processing")
        return self._services.hold_sound()

    # --- the end -------------------------------------------------------------------------------

    def transfer(self) -> bool:
        """Find the caller a person because staff want it (called by the session); False if the call is ending."""
        if self._ended.done() or self._state.phase is machine.Phase.ENDING:
            return False
        self._dispatch(TransferAsked())
        return True

    def _end(self, reason: EndReason) -> None:
        """End the call, or first find the caller a person."""
        if self._transfer and reason in ("operator", "unanswered"):
            self._handing_over = self._tasks.create_task(self._hand_over(self._transfer, reason))
        else:
            self._finish(reason)

    async def _hand_over(self, transfer: Transfer, reason: EndReason) -> None:
        self._voice.fill(self._services.hold_sound())
        outcome = await transfer(TransferRequest(reason, self._memory.summary))
        match outcome:
            case "joined" | "left":
                self._finish(reason)
            case _:
                self._dispatch(TransferFailed(outcome))

    def _finish(self, reason: EndReason) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _remember_the_rest(self) -> None:
        """Keep what was said and heard when the call broke off."""
        if not self._memory.awaits_answer and self._state.phase is machine.Phase.ENDPOINTING and self._state.words:
            self._memory.take(self._state.words, self._recognition.raw, dict(self._turn_ms))
        self._memory.commit()
        for reply in self._voice.unreported():
            self._memory.heard(reply)
        self._memory.heard_alone(self._voice.unclaimed())

    def _now_ms(self) -> float:
        return self._loop.time() * 1000


async def _ready(text: str) -> AsyncGenerator[str | AnswerInfo, None]:
    """A reply whose words are known."""
    yield text
