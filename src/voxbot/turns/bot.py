"""The bot's side of the turn machine: what it says, holds, takes up again, and how it takes its leave."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from voxbot.turns.events import (
    Answer,
    CancelReply,
    DropUtterance,
    EndCall,
    Fill,
    Line,
    ReplyEnded,
    ReplyStarted,
    ResumeReply,
    Rewind,
    SayLine,
    TransferFailed,
    TurnEvent,
)
from voxbot.turns.state import Phase, Step, TurnState
from voxbot.turns.wording import asks_to_wait, is_backchannel, is_murmur, same_words

if TYPE_CHECKING:
    from voxbot.turns.policy import TurnPolicy

_NO_OPERATOR = {"busy": Line.OPERATOR_BUSY, "no_answer": Line.OPERATOR_SILENT, "failed": Line.OPERATOR_SILENT}
_FILLER_MS = 3_000
WAITING = frozenset({Phase.GREETING, Phase.THINKING, Phase.SPEAKING, Phase.ENDING})
"""In these the caller waits for the bot: silence counts as dead air."""


# --- what the bot does -----------------------------------------------------------------------


def respond(state: TurnState, words: str, now_ms: float, policy: TurnPolicy) -> Step:
    """Answer the words of a finished turn, or deal with a turn without any."""
    if now_ms >= state.started_ms + policy.max_call_ms:  # a line that never falls silent gets no Tick to end it
        return part(state, SayLine(Line.TOO_LONG_GOODBYE, "too_long"), now_ms)
    if state.held:
        if wants_nothing(state, words, state.confidence):
            return resume(state, Rewind.HEARD if words else Rewind.SENTENCE, now_ms)
        after, actions = respond(let_go(state), words, now_ms, policy)
        return after, (drop(state), *actions)
    if words:
        return _answer(state, words, now_ms, policy)
    return _without_words(state, now_ms, policy)


def _without_words(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step:
    if state.failures >= policy.max_failures:
        return part(state, SayLine(Line.DEAF, "error"), now_ms)
    if state.voiced_ms >= policy.not_heard_min_ms and state.not_heard < policy.max_not_heard:
        return say(replace(state, not_heard=state.not_heard + 1), SayLine(Line.NOT_HEARD), now_ms)
    return replace(listening(state, now_ms), run_ms=0.0), (DropUtterance(),)


def _answer(state: TurnState, words: str, now_ms: float, policy: TurnPolicy) -> Step:
    answering = replace(
        state,
        active_ms=now_ms,
        progress_ms=now_ms,
        own_line=False,
        reprompts=0,
        not_heard=0,
        false_alarms=0,
        answered=words,
        continues=False,
    )
    if asks_to_wait(words):
        patient = replace(answering, patient_until_ms=now_ms + policy.wait_ms)
        return say(patient, SayLine(Line.WAITING, to=words), now_ms)
    return answering, (Answer(words),)


def say(state: TurnState, line: SayLine, now_ms: float) -> Step:
    """Say a line of the bot's own; the caller may interrupt it."""
    speaking = replace(state, phase=Phase.THINKING, own_line=True, forced=False, words="", run_ms=0.0)
    return replace(speaking, in_utterance=False, quiet_ms=quiet_from(state, now_ms), progress_ms=now_ms), (line,)


def part(state: TurnState, line: SayLine, now_ms: float) -> Step:
    """Say the last words. They cannot be interrupted: a line with nothing but noise on it would never end."""
    ending = replace(state, phase=Phase.ENDING, in_utterance=False, held=None, parting=line.end, parted_ms=now_ms)
    return replace(ending, quiet_ms=now_ms), (CancelReply(), line)  # what sounds is cut: the wait begins now


def listening(state: TurnState, now_ms: float) -> TurnState:
    """The caller has the floor and is silent."""
    return replace(
        state, phase=Phase.LISTENING, in_utterance=False, idle_ms=now_ms, quiet_ms=math.inf, wary=False, filling=False
    )


# --- a reply that was interrupted ------------------------------------------------------------


def wants_nothing(state: TurnState, words: str, confidence: float) -> bool:
    """Whether sound over the bot was no interruption: no words, a nod, or a hum that was written as a word.

    Before the bot's first sound the utterance is the question and what came after it: nothing came if it is the same.
    """
    if state.held is Phase.THINKING and not state.closed and same_words(words, state.answered):
        return True
    return not words or is_backchannel(words) or is_murmur(words, confidence)


def resume(state: TurnState, rewind: Rewind, now_ms: float) -> Step:
    """Go on with the held reply: what silenced it was no interruption."""
    assert state.held
    thinking = state.held is Phase.THINKING
    going_on = replace(
        state,
        phase=state.held,
        held=None,
        in_utterance=False,
        wary=state.run_ms > 0 and state.silence_ms == 0,
        looked_ms=state.run_ms,
        false_alarms=state.false_alarms + (rewind is Rewind.SENTENCE),
        misses=0,
        quiet_ms=quiet_from(state, state.quiet_ms if state.phase in WAITING else now_ms - state.silence_ms),
        unheard_from_ms=now_ms - state.utterance_ms,
        words=state.answered if thinking else state.words,
        progress_ms=state.progress_ms if thinking else now_ms,
    )
    # Before the bot's first sound the utterance stays open: the caller may still go on with it.
    open_still = thinking and not state.closed
    return going_on, (ResumeReply(rewind),) if open_still else (ResumeReply(rewind), DropUtterance())


def let_go(state: TurnState) -> TurnState:
    """The caller has really interrupted: there is no reply to go back to. Goes with `drop`."""
    return replace(state, held=None, misses=0, false_alarms=0)


def drop(state: TurnState) -> CancelReply:
    """Drop the held reply; the words of a turn whose answer was not heard come again with the rest."""
    return CancelReply(goes_on=state.held is Phase.THINKING and not state.closed)


# --- what the bot's voice reports ------------------------------------------------------------


def sound_started(state: TurnState, _event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """The wait is over, by the answer or a filler."""
    longest_ms = longest_quiet_ms(state, now_ms)
    return replace(state, sounding=True, sounding_from_ms=now_ms, quiet_ms=math.inf, longest_quiet_ms=longest_ms), ()


def sound_ended(state: TurnState, _event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """If that was not the end of what the bot says, the caller waits again."""
    silent = replace(state, sounding=False, filling=False)
    if state.phase not in WAITING:
        return silent, ()
    # An answer may have followed a filler without a gap: no filler lasts so long.
    filled = state.filling and now_ms - state.sounding_from_ms < _FILLER_MS
    return replace(silent, quiet_ms=now_ms, progress_ms=state.progress_ms if filled else now_ms), ()


def quiet_from(state: TurnState, since_ms: float) -> float:
    """`quiet_ms` of a caller who waits from `since_ms` on: never while something sounds."""
    return math.inf if state.sounding else since_ms


def longest_quiet_ms(state: TurnState, now_ms: float) -> float:
    """The longest that the caller has waited in silence so far."""
    return (
        state.longest_quiet_ms if math.isinf(state.quiet_ms) else max(state.longest_quiet_ms, now_ms - state.quiet_ms)
    )


def started(state: TurnState, event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """The bot begins to speak."""
    assert isinstance(event, ReplyStarted)
    # Speech before the first sound is no interruption of it.
    speaking = replace(state, phase=Phase.SPEAKING, run_ms=0.0, wary=False, filling=False, progress_ms=now_ms)
    if event.final:
        return replace(speaking, phase=Phase.ENDING, parting="operator", parted_ms=now_ms), ()
    return speaking, ()


def finished(state: TurnState, event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """The bot has said it all."""
    assert isinstance(event, ReplyEnded)
    if event.end:
        return replace(state, phase=Phase.ENDING, parting=None, quiet_ms=math.inf), (EndCall(event.end),)
    if state.phase is Phase.ENDING:
        return state, ()
    active_ms = state.active_ms if state.own_line else now_ms
    return replace(listening(state, now_ms), active_ms=active_ms, own_line=False, expects_number=event.asks_number), ()


def transfer_failed(state: TurnState, event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """No operator has taken the caller: the bot is there for them again."""
    assert isinstance(event, TransferFailed)
    back = replace(state, parting=None, active_ms=now_ms, window_ms=now_ms, failures=0)
    return say(back, SayLine(_NO_OPERATOR[event.outcome]), now_ms)


# --- the caller's patience -------------------------------------------------------------------


def keep_company(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step | None:
    """What is due to a caller who waits: a filler, or at last the truth. None: nothing yet."""
    if state.parting is None and _hopeless_ms(state, policy) <= now_ms:
        return part(state, SayLine(Line.UNANSWERED, "unanswered"), now_ms)
    if _fill_ms(state, policy) <= now_ms:
        # Counted on from now: a filler that makes no sound must not be asked for in a loop.
        longest_ms = longest_quiet_ms(state, now_ms)
        return replace(state, quiet_ms=now_ms, longest_quiet_ms=longest_ms, filling=True), (Fill(),)
    return None


def company_due_ms(state: TurnState, policy: TurnPolicy) -> float:
    """When `keep_company` has something to do."""
    due_ms = _fill_ms(state, policy)
    return due_ms if state.parting else min(due_ms, _hopeless_ms(state, policy))


def _fill_ms(state: TurnState, policy: TurnPolicy) -> float:
    return state.quiet_ms + policy.dead_air_ms - policy.path_ms


def _hopeless_ms(state: TurnState, policy: TurnPolicy) -> float:
    """Only silence is hopeless: what sounds, even a long filler, is waited for."""
    return math.inf if math.isinf(state.quiet_ms) else state.progress_ms + policy.answer_ms


def overdue(state: TurnState, now_ms: float, policy: TurnPolicy) -> Step | None:
    """End a call whose last words hang, too. None: not yet."""
    if not state.parting or now_ms < state.parted_ms + policy.parting_ms:
        return None
    return replace(state, parting=None, quiet_ms=math.inf), (EndCall(state.parting),)
