"""The turn machine: (state, event, time) → (state, actions).

    GREETING ─heard──────────────▶ LISTENING ◀──────────────heard─ SPEAKING
       │                            │     ▲                          ▲ │
       └─caller interrupts─────────▶│     │ caller goes on           │ │ caller interrupts
                              pause ▼     │                          │ └──────▶ LISTENING
                                  ENDPOINTING ─silence, words──▶ THINKING ─first sound
                                                                     └─no words──▶ LISTENING
    any of them ─a reply that ends the call was heard, or time is up──▶ ENDING

LISTENING covers both a silent caller and one who is speaking (`in_utterance`); ENDPOINTING is a pause that may be
the end of the turn; THINKING lasts from the decision that it was until the bot's first sound. Every rule is one
entry of TRANSITIONS. `step` is the only function that makes a new state's phase effective.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from voxbot.turns.events import (
    Action,
    Answer,
    CancelReply,
    DropUtterance,
    EndCall,
    Line,
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.domain.events import EndReason
    from voxbot.turns.policy import TurnPolicy


class Phase(Enum):
    """Where the conversation stands."""

    GREETING = "greeting"
    LISTENING = "listening"
    ENDPOINTING = "endpointing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class TurnState:
    """Everything the next decision depends on. Milliseconds on the driver's clock, or of sound."""

    phase: Phase
    started_ms: float
    window_ms: float
    """When the last sound came (or time was last counted as silence)."""
    active_ms: float
    """When the caller last said words or the bot last finished an answer."""
    idle_ms: float
    """Since when nobody has been speaking."""
    in_utterance: bool = False
    run_ms: float = 0
    """Recent speech in a row; single silent windows only shorten it."""
    silence_ms: float = 0
    """Silence since the utterance's last confirmed speech."""
    utterance_ms: float = 0
    voiced_ms: float = 0
    attempt: int = 0
    words: str | None = None
    """Result of the current attempt, None until it is there."""
    forced: bool = False
    """The turn was taken at its maximum length: the caller may still be speaking."""
    own_line: bool = False
    """The bot says a line of its own, not an answer: that is no activity of the dialogue."""
    reprompts: int = 0
    not_heard: int = 0
    parting: EndReason | None = None
    """Why the call ends after the last words, which began at `parted_ms`."""
    parted_ms: float = 0


Step: TypeAlias = tuple[TurnState, tuple[Action, ...]]


def begin(now_ms: float) -> TurnState:
    """State of a call whose greeting is being said."""
    return TurnState(Phase.GREETING, now_ms, now_ms, now_ms, now_ms)


def step(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Apply one event. Unknown combinations of phase and event leave the state as it is."""
    rule = TRANSITIONS.get((state.phase, type(event)))
    return rule(state, event, now_ms, policy) if rule else (state, ())


def deadline_ms(state: TurnState, policy: TurnPolicy) -> float:
    """When the machine wants a Tick if nothing else happens (inf: never)."""
    match state.phase:
        case Phase.LISTENING if not state.in_utterance:
            return min(
                state.idle_ms + policy.reprompt_after_ms,
                state.active_ms + policy.idle_ms,
                state.started_ms + policy.max_call_ms,
            )
        case Phase.LISTENING | Phase.ENDPOINTING:
            return state.window_ms + policy.frame_gap_ms
        case Phase.GREETING | Phase.THINKING | Phase.SPEAKING:
            return state.started_ms + policy.max_call_ms
        case Phase.ENDING:
            return state.parted_ms + policy.parting_ms if state.parting else math.inf


# --- the caller's sound ----------------------------------------------------------------------


def _hear(state: TurnState, event: SpeechWindow, now_ms: float, policy: TurnPolicy) -> TurnState:
    """Count a window of sound."""
    duration = event.duration_ms
    if event.probability >= policy.speech_probability:
        run, voiced = state.run_ms + duration, duration
    elif event.probability < policy.silence_probability:
        run, voiced = max(0.0, state.run_ms - duration), 0.0
    else:
        run, voiced = state.run_ms, 0.0
    if not state.in_utterance:
        return replace(state, window_ms=now_ms, run_ms=run)
    confirmed = voiced > 0 and (state.silence_ms == 0 or run >= policy.speech_resume_ms)
    return replace(
        state,
        window_ms=now_ms,
        run_ms=run,
        voiced_ms=state.voiced_ms + voiced,
        utterance_ms=state.utterance_ms + duration,
        silence_ms=0.0 if confirmed else state.silence_ms + duration,
    )


def _open(state: TurnState) -> Step:
    """The caller has begun to speak."""
    opened = replace(
        state,
        phase=Phase.LISTENING,
        idle_ms=state.window_ms,
        in_utterance=True,
        forced=False,
        silence_ms=0.0,
        utterance_ms=state.run_ms,
        voiced_ms=state.run_ms,
        words=None,
    )
    return opened, (OpenUtterance(lead_ms=state.run_ms),)


def _take(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step:
    """The caller's turn is over; answer if its words are known already."""
    taken = TakeTurn(state.silence_ms)
    thinking = replace(state, phase=Phase.THINKING, in_utterance=False, run_ms=0.0)
    if thinking.words is None:
        return thinking, (taken,)
    after, actions = _respond(thinking, thinking.words, now_ms, policy)
    return after, (taken, *actions)


def _while_listening(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    state = _hear(state, _sound(state, event, now_ms), now_ms, policy)
    if not state.in_utterance:
        return _open(state) if state.run_ms >= policy.speech_start_ms else (state, ())
    if state.utterance_ms >= policy.max_utterance_ms:
        state = replace(state, attempt=state.attempt + 1, words=None, forced=True)
        after, actions = _take(state, now_ms, policy)
        return after, (Recognise(state.attempt), *actions)
    if state.silence_ms >= policy.speculate_silence_ms:
        paused = replace(state, phase=Phase.ENDPOINTING, run_ms=0.0, attempt=state.attempt + 1, words=None)
        return paused, (Recognise(paused.attempt),)
    return state, ()


def _while_endpointing(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    state = _hear(state, _sound(state, event, now_ms), now_ms, policy)
    if state.silence_ms == 0:
        return replace(state, phase=Phase.LISTENING, attempt=state.attempt + 1, words=None), ()
    return _take(state, now_ms, policy) if state.silence_ms >= policy.end_silence_ms else (state, ())


def _while_thinking(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Sound before the bot's first: the caller goes on, so it is still the same turn."""
    state = _hear(state, _sound(state, event, now_ms), now_ms, policy)
    if state.forced or state.run_ms < policy.barge_in_ms:
        return state, ()
    if state.own_line:  # the bot was about to speak by itself: this is a new turn, not the rest of one
        opened, actions = _open(state)
        return opened, (CancelReply(), *actions)
    resumed = replace(
        state,
        phase=Phase.LISTENING,
        in_utterance=True,
        silence_ms=0.0,
        utterance_ms=state.utterance_ms + state.run_ms,
        voiced_ms=state.voiced_ms + state.run_ms,
        attempt=state.attempt + 1,
        words=None,
    )
    return resumed, (CancelReply(),)


def _while_speaking(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    state = _hear(state, _sound(state, event, now_ms), now_ms, policy)
    if state.run_ms < policy.barge_in_ms:
        return state, ()
    opened, actions = _open(state)
    return opened, (CancelReply(), *actions)


def _while_greeting(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    if policy.greeting_interruptible:
        return _while_speaking(state, event, now_ms, policy)
    return replace(state, window_ms=now_ms), ()


def _sound(state: TurnState, event: TurnEvent, now_ms: float) -> SpeechWindow:
    """The window itself, or, for a Tick, the silence of a peer that has sent nothing."""
    return event if isinstance(event, SpeechWindow) else SpeechWindow(0.0, now_ms - state.window_ms)


# --- the words -------------------------------------------------------------------------------


def _early_words(state: TurnState, event: TurnEvent, _now_ms: float, _policy: TurnPolicy) -> Step:
    assert isinstance(event, Recognised)
    return (replace(state, words=event.text) if event.attempt == state.attempt else state), ()


def _awaited_words(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt or state.words is not None:
        return state, ()
    return _respond(replace(state, words=event.text), event.text, now_ms, policy)


def _respond(state: TurnState, words: str, now_ms: float, policy: TurnPolicy) -> Step:
    """Answer the words of a finished turn, or deal with a turn without any."""
    if now_ms >= state.started_ms + policy.max_call_ms:  # a line that never falls silent gets no Tick to end it
        return _part(state, Line.TOO_LONG_GOODBYE, "too_long", now_ms)
    if words:
        answering = replace(state, active_ms=now_ms, own_line=False, reprompts=0, not_heard=0)
        return answering, (Answer(words),)
    if state.voiced_ms >= policy.not_heard_min_ms and state.not_heard < policy.max_not_heard:
        return replace(state, own_line=True, not_heard=state.not_heard + 1), (SayLine(Line.NOT_HEARD),)
    return replace(state, phase=Phase.LISTENING, idle_ms=now_ms, run_ms=0.0), (DropUtterance(),)


# --- the bot's voice -------------------------------------------------------------------------


def _bot_started(state: TurnState, event: TurnEvent, _now_ms: float, _policy: TurnPolicy) -> Step:
    assert isinstance(event, ReplyStarted)
    # Speech before the first sound is no interruption of it.
    return replace(state, phase=Phase.ENDING if event.final else Phase.SPEAKING, run_ms=0.0), ()


def _bot_finished(state: TurnState, event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    assert isinstance(event, ReplyEnded)
    if event.end:
        return replace(state, phase=Phase.ENDING, parting=None), (EndCall(event.end),)
    if state.phase is Phase.ENDING:
        return state, ()
    active = state.active_ms if state.own_line else now_ms
    return replace(
        state, phase=Phase.LISTENING, in_utterance=False, idle_ms=now_ms, active_ms=active, own_line=False
    ), ()


# --- time ------------------------------------------------------------------------------------


def _time_passes(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Nobody speaks: ask, and at last say goodbye."""
    if state.in_utterance:
        return _while_listening(state, event, now_ms, policy)
    if now_ms >= state.started_ms + policy.max_call_ms:
        return _part(state, Line.TOO_LONG_GOODBYE, "too_long", now_ms)
    if now_ms >= state.active_ms + policy.idle_ms:
        return _part(state, Line.SILENCE_GOODBYE, "silence", now_ms)
    if now_ms < state.idle_ms + policy.reprompt_after_ms:
        return state, ()
    if state.reprompts >= policy.max_reprompts:
        return _say(state, SayLine(Line.SILENCE_GOODBYE, end="silence"))
    return _say(replace(state, reprompts=state.reprompts + 1), SayLine(Line.REPROMPT))


def _say(state: TurnState, line: SayLine) -> Step:
    return replace(state, phase=Phase.THINKING, own_line=True, forced=False, words="", run_ms=0.0), (line,)


def _part(state: TurnState, line: Line, end: EndReason, now_ms: float) -> Step:
    """A goodbye that cannot be interrupted: a line with nothing but noise on it would never end otherwise."""
    return replace(state, phase=Phase.ENDING, in_utterance=False, parting=end, parted_ms=now_ms), (SayLine(line, end),)


def _time_is_up(state: TurnState, _event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The call has reached its longest duration while the bot speaks, or was to speak and hangs."""
    if now_ms < state.started_ms + policy.max_call_ms:
        return state, ()
    parting, actions = _part(state, Line.TOO_LONG_GOODBYE, "too_long", now_ms)
    return parting, (CancelReply(), *actions)


def _parting_overdue(state: TurnState, _event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Even the goodbye hangs."""
    if not state.parting or now_ms < state.parted_ms + policy.parting_ms:
        return state, ()
    return replace(state, parting=None), (EndCall(state.parting),)


Rule: TypeAlias = "Callable[[TurnState, TurnEvent, float, TurnPolicy], Step]"

TRANSITIONS: dict[tuple[Phase, type[TurnEvent]], Rule] = {
    (Phase.GREETING, SpeechWindow): _while_greeting,
    (Phase.GREETING, ReplyEnded): _bot_finished,
    (Phase.GREETING, Tick): _time_is_up,
    (Phase.LISTENING, SpeechWindow): _while_listening,
    (Phase.LISTENING, Tick): _time_passes,
    (Phase.ENDPOINTING, SpeechWindow): _while_endpointing,
    (Phase.ENDPOINTING, Recognised): _early_words,
    (Phase.ENDPOINTING, Tick): _while_endpointing,
    (Phase.THINKING, SpeechWindow): _while_thinking,
    (Phase.THINKING, Recognised): _awaited_words,
    (Phase.THINKING, ReplyStarted): _bot_started,
    (Phase.THINKING, ReplyEnded): _bot_finished,
    (Phase.THINKING, Tick): _time_is_up,
    (Phase.SPEAKING, SpeechWindow): _while_speaking,
    (Phase.SPEAKING, ReplyEnded): _bot_finished,
    (Phase.SPEAKING, Tick): _time_is_up,
    (Phase.ENDING, ReplyEnded): _bot_finished,
    (Phase.ENDING, Tick): _parting_overdue,
}
