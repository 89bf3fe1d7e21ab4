"""What the caller has said or keyed in, in the turn machine: words in a pause, over the bot, too late, and digits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxbot.turns import bot, caller
from voxbot.turns.events import (
    Action,
    Answer,
    CancelReply,
    Digit,
    DropUtterance,
    EndOfTurnHint,
    KeepWords,
    Line,
    Partial,
    Recognised,
    Rewind,
    SayLine,
    TakeTurn,
    TurnEvent,
)
from voxbot.turns.state import Phase, Step, TurnState
from voxbot.turns.wording import may_become_backchannel

if TYPE_CHECKING:
    from voxbot.turns.policy import TurnPolicy

_DIGITS_KEPT_MS = 10_000
"""Digits that the bot spoke over are remembered so long."""
_MISSES = 2
"""So many recognitions without words of a sound that goes on: it is no speech."""


def in_pause(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The words of the utterance so far; it may be over."""
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt or not state.asked:
        return state, ()
    return caller.in_pause(_with_words(state, event), now_ms, policy)


def awaited_words(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The words of a turn that is over."""
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt or state.words is not None:
        return state, ()
    return bot.respond(_with_words(state, event), event.text, now_ms, policy)


def of_speech(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Words of a caller who speaks on: they settle whether the bot was interrupted."""
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt:
        return state, ()
    if not state.held:
        # Words of a sound over the bot that are known only now that it has finished.
        late = not state.in_utterance and state.asked and state.words is None and event.text
        return over_bot(state, event, now_ms, policy) if late else (state, ())
    if not bot.wants_nothing(state, event.text, event.confidence):
        return bot.let_go(state), (bot.drop(state),)
    missed = replace(state, misses=state.misses + 1)
    if missed.misses < _MISSES:
        return missed, ()
    return bot.resume(missed, Rewind.SENTENCE, now_ms)


def so_far(state: TurnState, event: TurnEvent, _now_ms: float, _policy: TurnPolicy) -> Step:
    """Words of a caller who is still speaking over the bot: as soon as they can be no nod, they have interrupted it."""
    assert isinstance(event, Partial)
    if not state.held or not state.in_utterance:
        return state, ()
    whole = event.text.rpartition(" ")[0]
    if may_become_backchannel(whole) or any(bot.wants_nothing(state, text, 1.0) for text in (whole, event.text)):
        return state, ()
    return bot.let_go(state), (bot.drop(state),)


def over_bot(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Words of a sound that was not let interrupt the bot: they do."""
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt or state.words is not None or not state.asked:
        return state, ()
    state = _with_words(state, event)
    if bot.wants_nothing(state, event.text, event.confidence):
        return state, ()
    if state.run_ms > 0:  # they go on
        opened, actions = caller.open_utterance(replace(state, words=None if not state.wary else ""), now_ms)
        return opened, (CancelReply(), *actions)
    quiet_ms = bot.quiet_from(state, now_ms)
    taken = replace(bot.let_go(state), phase=Phase.THINKING, closed=True, wary=False, quiet_ms=quiet_ms)
    after, actions = bot.respond(taken, event.text, now_ms, policy)
    return after, (CancelReply(), TakeTurn(0.0), *actions)


def _with_words(state: TurnState, event: Recognised) -> TurnState:
    return replace(
        state, words=event.text, confidence=event.confidence, failures=state.failures + 1 if event.failed else 0
    )


def sounds_finished(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The hint of the utterance's sound."""
    assert isinstance(event, EndOfTurnHint)
    if event.attempt != state.attempt or not state.asked:
        return state, ()
    return caller.in_pause(replace(state, hint=event.probability), now_ms, policy)


# --- a person is to take over ------------------------------------------------------------------


def transfer_asked(state: TurnState, _event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """Staff want a person to take over: whatever is being said or done, the caller is told and passed on.

    What the caller was saying is why they are passed on: it is kept, once it is known.
    """
    said, asking = _unanswered(state)
    actions: tuple[Action, ...] = ()
    if state.in_utterance and not state.asked:
        state, actions = caller.recognise(state, speaking=True)
        asking = True
    after, (cancel, line) = bot.part(state, SayLine(Line.OPERATOR, "operator", to=said), now_ms)
    if said and state.held:  # words whose answer was not heard are among them
        cancel = bot.drop(state)
    if state.in_utterance and (said or asking):
        actions = (*actions, TakeTurn(state.silence_ms))
    if not asking:  # what is being recognised is void
        after = replace(after, attempt=state.attempt + 1, asked=False)
    return after, (cancel, *actions, line, DropUtterance())


def _unanswered(state: TurnState) -> tuple[str, bool]:
    """Give the words of the caller that nobody has answered, and whether they are still being recognised."""
    if state.phase not in (Phase.ENDPOINTING, Phase.THINKING) or not state.asked or state.own_line:
        return "", False
    if state.words is None:
        return "", True
    mere_sound = state.held and bot.wants_nothing(state, state.words, state.confidence)
    return "" if state.phase is Phase.THINKING or mere_sound else state.words, False


def while_parting(state: TurnState, event: TurnEvent, _now_ms: float, _policy: TurnPolicy) -> Step:
    """The words of a caller who is passed on meanwhile: whoever takes over is told them."""
    assert isinstance(event, Recognised)
    if event.attempt != state.attempt or not state.asked or state.words is not None:
        return state, ()
    return _with_words(state, event), (KeepWords(event.text),) if event.text else ()


# --- keys ------------------------------------------------------------------------------------


def key_pressed(state: TurnState, event: TurnEvent, now_ms: float, _policy: TurnPolicy) -> Step:
    """0 calls a person; digits are an answer where a number was asked for."""
    assert isinstance(event, Digit)
    if now_ms - state.digit_ms > _DIGITS_KEPT_MS:
        state = replace(state, digits="")
    state = replace(state, active_ms=now_ms, run_ms=0.0)
    if event.digit == "0" and not event.expected and not state.digits:
        return _call_operator(state, now_ms)
    if event.digit == "#" and state.digits:
        return number_keyed(state, now_ms)
    if event.digit == "*":
        return replace(state, digits=""), ()
    if not event.expected or not event.digit.isdigit():
        return state, ()
    return replace(state, digits=state.digits + event.digit, digit_ms=now_ms), ()


def number_keyed(state: TurnState, now_ms: float) -> Step:
    """The digits so far are the caller's turn; a lone 0 is no number, whatever was asked for."""
    if state.digits == "0":
        return _call_operator(replace(state, digits=""), now_ms)
    text = " ".join((*_said_before(state), state.digits))
    keyed = replace(
        bot.let_go(state),
        phase=Phase.THINKING,
        in_utterance=False,
        closed=True,
        continues=False,
        own_line=False,
        attempt=state.attempt + 1,  # what is being recognised is void
        asked=False,
        digits="",
        words=text,
        answered=text,
        quiet_ms=now_ms,  # what sounds is cut: the wait begins now
        progress_ms=now_ms,
        active_ms=now_ms,
        reprompts=0,
    )
    return keyed, (CancelReply(), TakeTurn(0.0, keyed=True), Answer(text), DropUtterance())


def _said_before(state: TurnState) -> tuple[str, ...]:
    """Words of the utterance in whose pause a key was pressed."""
    return (state.words,) if state.words and state.phase is Phase.ENDPOINTING else ()


def _call_operator(state: TurnState, now_ms: float) -> Step:
    said = " ".join((*_said_before(state), "0"))
    after, (cancel, *rest) = bot.part(state, SayLine(Line.OPERATOR, "operator", to=said), now_ms)
    return after, (cancel, TakeTurn(0.0, keyed=True), *rest)
