"""The caller's sound in the turn machine: speech, pauses, interruptions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from voxbot.turns import bot
from voxbot.turns.events import (
    Action,
    CancelReply,
    DropUtterance,
    HoldReply,
    OpenUtterance,
    Prepare,
    Recognise,
    Rewind,
    SpeechWindow,
    TakeTurn,
    TurnEvent,
)
from voxbot.turns.state import Phase, Step, TurnState
from voxbot.turns.wording import Completeness, asks_to_wait, completeness

if TYPE_CHECKING:
    from voxbot.turns.policy import TurnPolicy

_SOUNDS_FINISHED = 0.8
_SOUNDS_UNFINISHED = 0.2
_HARDEST = 4
"""Times `barge_in_ms` that an interruption takes after false alarms, at most."""
_VOICED_MS = 64
_STIR_MS = 128
_OVER_BOT_LEAD_MS = 400
_LEAD_MS = 2_000
"""The sound before an utterance that is still there (speech/utterance.py)."""


# --- sound -----------------------------------------------------------------------------------


def hear(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> TurnState:
    """Count a window of sound; a Tick stands for the silence of a peer that has sent nothing."""
    missing_ms = now_ms - state.window_ms
    if isinstance(event, SpeechWindow):
        duration_ms, probability = event.duration_ms, event.probability
        state = _listen_for_anything(state, event)
        if missing_ms - duration_ms >= policy.frame_gap_ms:
            state = replace(state, run_ms=0.0)
    else:
        duration_ms, probability = missing_ms, 0.0
        state = replace(state, audible=False, audible_ms=0.0)
    if probability >= policy.speech_probability:
        run_ms, voiced_ms = state.run_ms + duration_ms, duration_ms
    elif probability < policy.silence_probability:
        run_ms, voiced_ms = max(0.0, state.run_ms - duration_ms), 0.0
    else:
        run_ms, voiced_ms = state.run_ms, 0.0
    if not state.in_utterance:
        return replace(state, window_ms=now_ms, run_ms=run_ms)
    confirmed = voiced_ms > 0 and (state.silence_ms == 0 or run_ms >= policy.speech_resume_ms)
    return replace(
        state,
        window_ms=now_ms,
        run_ms=run_ms,
        voiced_ms=state.voiced_ms + voiced_ms,
        utterance_ms=state.utterance_ms + duration_ms,
        silence_ms=0.0 if confirmed else state.silence_ms + duration_ms,
    )


def _listen_for_anything(state: TurnState, event: SpeechWindow) -> TurnState:
    if event.audible:
        return replace(state, audible=True, audible_ms=min(_LEAD_MS, state.audible_ms + event.duration_ms))
    return replace(state, audible=False, audible_ms=max(0.0, state.audible_ms - 2 * event.duration_ms))


def open_utterance(state: TurnState, now_ms: float) -> Step:
    """The caller has begun to speak, perhaps with words before whose recognition is not done."""
    opened = replace(
        state,
        phase=Phase.LISTENING,
        idle_ms=state.window_ms,
        in_utterance=True,
        forced=False,
        silence_ms=0.0,
        utterance_ms=state.run_ms,
        voiced_ms=state.run_ms,
        asked=False,
        asked_voiced_ms=0.0,
        asked_utterance_ms=0.0,
        words=None,
        hint=None,
        prepared=False,
        speculations=0,
        misses=0,
        wary=False,
        quiet_ms=math.inf,
        continues=False,
        closed=False,
    )
    return opened, (OpenUtterance(_lead_ms(state, now_ms)),)


def _lead_ms(state: TurnState, now_ms: float) -> float:
    """How long ago the sound began; sound before it whose words are not known yet belongs to it."""
    pending = state.asked and state.words is None
    return min(_LEAD_MS, now_ms - state.unheard_from_ms if pending else state.run_ms)


def while_listening(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The caller speaks, or may begin to."""
    state = hear(state, event, now_ms, policy)
    if not state.in_utterance:
        return open_utterance(state, now_ms) if state.run_ms >= policy.speech_start_ms else (state, ())
    if state.utterance_ms >= policy.max_utterance_ms:
        return _take_by_force(state, now_ms, policy)
    if state.silence_ms >= policy.recognise_silence_ms:
        paused = replace(state, phase=Phase.ENDPOINTING, run_ms=0.0, asked=False, words=None, hint=None)
        return in_pause(paused, now_ms, policy)
    if state.held and state.utterance_ms - state.asked_utterance_ms >= policy.partial_ms:
        asking, actions = recognise(state, speaking=True)
        return replace(asking, asked=False), actions
    return state, ()


def while_endpointing(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The caller pauses."""
    state = hear(state, event, now_ms, policy)
    if state.silence_ms > 0:
        return in_pause(state, now_ms, policy)
    going_on = replace(state, phase=Phase.LISTENING, asked=False, words=None, prepared=False)
    return going_on, (CancelReply(goes_on=True),) if state.prepared else ()


def while_thinking(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Sound before the bot's first: the caller goes on, so it is still the same turn."""
    state = hear(state, event, now_ms, policy)
    if state.forced or not _interrupts(state, policy):
        return state, ()
    if state.own_line:  # the bot was about to speak by itself: this is a new turn, not the rest of one
        opened, actions = open_utterance(state, now_ms)
        return opened, (CancelReply(), *actions)
    if state.closed:
        opened, actions = open_utterance(state, now_ms)
        return replace(opened, held=state.held or Phase.THINKING, closed=True), (HoldReply(), *actions)
    held = state.held or (Phase.THINKING if state.words else None)
    resumed = replace(
        state,
        phase=Phase.LISTENING,
        in_utterance=True,
        held=held,
        continues=True,
        silence_ms=0.0,
        utterance_ms=state.utterance_ms + state.run_ms,
        voiced_ms=state.voiced_ms + state.run_ms,
        asked=False,
        words=None,
        prepared=False,
        quiet_ms=math.inf,
    )
    return resumed, (HoldReply() if held else CancelReply(goes_on=True),)


def while_speaking(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Sound over the bot's voice: silence it first, then find out whether it was meant."""
    state = hear(state, event, now_ms, policy)
    if state.phase is Phase.GREETING and not policy.greeting_interruptible:
        return state, ()
    if state.wary:
        return _look_again(state, policy)
    if (isinstance(event, SpeechWindow) and event.protected) or not _interrupts(state, policy):
        return state, ()
    opened, _ = open_utterance(state, now_ms)
    # Over the bot's voice the caller's is noticed late: what an echo might have been is not counted as speech.
    opening = OpenUtterance(min(_LEAD_MS, _lead_ms(state, now_ms) + _OVER_BOT_LEAD_MS))
    return replace(opened, held=state.phase), (HoldReply(), opening)


def _interrupts(state: TurnState, policy: TurnPolicy) -> bool:
    needed_ms = policy.barge_in_ms * min(1 + state.false_alarms, _HARDEST) - policy.onset_lag_ms
    if state.run_ms >= needed_ms:
        return True
    # «Сколько» begins with a hiss that no detector takes for speech: what follows tells that it was.
    return not state.false_alarms and state.run_ms >= _VOICED_MS and state.audible_ms >= needed_ms


def _look_again(state: TurnState, policy: TurnPolicy) -> Step:
    """The sound that held no words: it is forgotten in its first pause; while it lasts, words may come into it."""
    if state.run_ms == 0:
        return replace(state, wary=False), ()
    if state.run_ms - state.looked_ms < policy.undertone_ms:
        return state, ()
    asking, actions = recognise(replace(state, looked_ms=state.run_ms))
    return asking, (OpenUtterance(min(_LEAD_MS, policy.undertone_ms)), *actions, DropUtterance())


# --- pauses ----------------------------------------------------------------------------------


def in_pause(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step:
    """Decide what is due after `silence_ms` of silence: recognise, prepare the answer, take the turn."""
    actions: tuple[Action, ...] = ()
    fresh_ms = state.voiced_ms - state.asked_voiced_ms
    if not state.asked and (fresh_ms >= policy.recognise_again_ms or state.silence_ms >= policy.speculate_silence_ms):
        state, actions = recognise(state)
    if state.held:
        settled = _settle(state, now_ms, policy)
        if settled:
            after, more = settled
            return after, (*actions, *more)
    if _may_prepare(state, policy):
        assert state.words
        actions = (*actions, Prepare(state.words))
        state = replace(state, prepared=True, speculations=state.speculations + 1)
    # Sound that is not known to be speech yet may be the first of the rest of the sentence: it is given a moment.
    overdue_ms = state.silence_ms - _patience_ms(state, policy)
    stirs = state.run_ms > 0 or state.audible
    if overdue_ms >= (_STIR_MS if stirs else 0):
        after, more = _take(state, now_ms, policy)
        return after, (*actions, *more)
    return state, actions


def recognise(state: TurnState, *, speaking: bool = False) -> Step:
    """Have the utterance so far recognised, under a new number."""
    asking = replace(
        state,
        attempt=state.attempt + 1,
        asked=True,
        asked_voiced_ms=state.voiced_ms,
        asked_utterance_ms=state.utterance_ms,
        words=None,
        hint=None,
    )
    return asking, (Recognise(asking.attempt, speaking),)


def _settle(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step | None:
    """In the pause after speech over the bot: was it meant? None: not known yet."""
    if state.words is not None and not bot.wants_nothing(state, state.words, state.confidence):
        after, actions = in_pause(bot.let_go(state), now_ms, policy)
        return after, (bot.drop(state), *actions)
    if state.words is not None:
        return bot.resume(state, Rewind.HEARD if state.words else Rewind.SENTENCE, now_ms)
    brief = state.voiced_ms < policy.not_heard_min_ms
    if brief and state.silence_ms >= policy.false_alarm_ms:
        return bot.resume(state, Rewind.SENTENCE, now_ms)
    return None


def _may_prepare(state: TurnState, policy: TurnPolicy) -> bool:
    return (
        bool(state.words)
        and not state.prepared
        and state.speculations < policy.max_speculations
        and state.silence_ms >= policy.speculate_silence_ms
        and not asks_to_wait(state.words or "")
    )


def _patience_ms(state: TurnState, policy: TurnPolicy) -> float:
    """How much silence ends the turn, by what was said and how it sounded."""
    longest_ms = max(policy.end_silence_ms, policy.max_silence_ms)
    if state.words is None:
        return longest_ms
    if not state.words:
        return policy.end_silence_ms
    finished = completeness(state.words, expects_number=state.expects_number)
    if finished is Completeness.UNSURE and state.hint is not None:
        if state.hint >= _SOUNDS_FINISHED:
            finished = Completeness.COMPLETE
        elif state.hint <= _SOUNDS_UNFINISHED:
            finished = Completeness.INCOMPLETE
    return {
        Completeness.COMPLETE: policy.end_silence_ms,
        Completeness.UNSURE: (policy.end_silence_ms + longest_ms) / 2,
        Completeness.INCOMPLETE: longest_ms,
    }[finished]


def _take(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step:
    """The caller's turn is over; answer if its words are known already."""
    taken = TakeTurn(state.silence_ms)
    # A cough while the caller waits must not prolong the wait for ever; more to say does.
    same = state.continues and state.voiced_ms - state.taken_voiced_ms < policy.not_heard_min_ms
    thinking = replace(
        state,
        phase=Phase.THINKING,
        in_utterance=False,
        own_line=False,
        run_ms=0.0,
        digits="",
        quiet_ms=bot.quiet_from(state, now_ms - state.silence_ms),
        progress_ms=state.progress_ms if same else now_ms,
        taken_voiced_ms=state.voiced_ms,
    )
    if thinking.words is None:
        return thinking, (taken,)
    after, actions = bot.respond(thinking, thinking.words, now_ms, policy)
    return after, (taken, *actions)


def _take_by_force(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step:
    """The utterance is as long as it may be."""
    dropped: tuple[Action, ...] = (bot.drop(state),) if state.held else ()
    asking, actions = recognise(replace(bot.let_go(state), forced=True))
    after, more = _take(asking, now_ms, policy)
    return after, (*dropped, *actions, *more)
