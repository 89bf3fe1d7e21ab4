"""The turn machine: (state, event, time) → (state, actions).

    GREETING ─heard──────────────▶ LISTENING ◀──────────────heard─ SPEAKING
       │                            │     ▲                          ▲ │
       └─caller's sound────────────▶│     │ caller goes on           │ │ caller's sound: the reply is held
                              pause ▼     │                          │ └──────▶ LISTENING
                                  ENDPOINTING ─silence, words──▶ THINKING ─first sound
                                    │ no words, or a nod             └─no words──▶ LISTENING
                                    └──────▶ the held reply goes on: SPEAKING
    any of them ─a reply that ends the call was heard, or time is up──▶ ENDING ─no operator──▶ THINKING

LISTENING covers both a silent caller and one who is speaking (`in_utterance`); ENDPOINTING is a pause that may be
the end of the turn; THINKING lasts from the decision that it was until the bot's first sound. In a pause the words
are recognised after `recognise_silence_ms`, the answer is prepared unheard after `speculate_silence_ms`, and the turn
is taken after `end_silence_ms` if the words look complete, after `max_silence_ms` in any case. Sound over the bot
holds its reply (`held` is the phase to go back to); words drop it, their absence or a nod lets it go on. Whoever waits
for the bot hears something every `dead_air_ms`, and is passed on after `answer_ms` without an answer.

Every rule is one entry of TRANSITIONS. `step` is the only function that makes a new state effective.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from voxbot.turns import bot, caller, words
from voxbot.turns.bot import longest_quiet_ms
from voxbot.turns.events import (
    Digit,
    EndOfTurnHint,
    Line,
    Partial,
    Recognised,
    ReplyEnded,
    ReplyStarted,
    SayLine,
    SoundEnded,
    SoundStarted,
    SpeechWindow,
    Tick,
    TransferAsked,
    TransferFailed,
    TurnEvent,
)
from voxbot.turns.state import Phase, Step, TurnState

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.turns.policy import TurnPolicy

__all__ = ["TRANSITIONS", "Phase", "TurnState", "begin", "deadline_ms", "longest_quiet_ms", "step"]


def begin(now_ms: float) -> TurnState:
    """State of a call whose greeting is being said."""
    return TurnState(Phase.GREETING, now_ms, now_ms, now_ms, now_ms, quiet_ms=now_ms, progress_ms=now_ms)


def step(state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """Apply one event. Unknown combinations of phase and event leave the state as it is."""
    rule = TRANSITIONS.get((state.phase, type(event)))
    return rule(state, event, now_ms, policy) if rule else (state, ())


def deadline_ms(state: TurnState, policy: TurnPolicy) -> float:
    """When the machine wants a Tick if nothing else happens (inf: never)."""
    match state.phase:
        case Phase.LISTENING if not state.in_utterance:
            return min(
                _reprompt_ms(state, policy),
                _idle_ms(state, policy),
                _keyed_ms(state, policy),
                state.started_ms + policy.max_call_ms,
            )
        case Phase.LISTENING | Phase.ENDPOINTING:
            return state.window_ms + policy.frame_gap_ms
        case Phase.GREETING | Phase.THINKING | Phase.SPEAKING:
            return min(bot.company_due_ms(state, policy), state.started_ms + policy.max_call_ms)
        case Phase.ENDING if state.parting:
            return min(bot.company_due_ms(state, policy), state.parted_ms + policy.parting_ms)
        case Phase.ENDING:
            return math.inf


def _reprompt_ms(state: TurnState, policy: TurnPolicy) -> float:
    return max(state.idle_ms + policy.reprompt_after_ms, state.patient_until_ms)


def _idle_ms(state: TurnState, policy: TurnPolicy) -> float:
    return max(state.active_ms + policy.idle_ms, state.patient_until_ms)


def _keyed_ms(state: TurnState, policy: TurnPolicy) -> float:
    return state.digit_ms + policy.digits_gap_ms if state.digits else math.inf


def _time_passes(  # noqa: PLR0911 - one return per thing that time may bring
    state: TurnState, event: TurnEvent, now_ms: float, policy: TurnPolicy
) -> Step:
    """Nobody speaks: take the keyed number; ask, and at last say goodbye."""
    if state.in_utterance:
        return caller.while_listening(state, event, now_ms, policy)
    if now_ms >= state.started_ms + policy.max_call_ms:
        return bot.part(state, SayLine(Line.TOO_LONG_GOODBYE, "too_long"), now_ms)
    if now_ms >= _keyed_ms(state, policy):
        return words.number_keyed(state, now_ms)
    if now_ms >= _idle_ms(state, policy):
        return bot.part(state, SayLine(Line.SILENCE_GOODBYE, "silence"), now_ms)
    if now_ms < _reprompt_ms(state, policy):
        return state, ()
    if state.reprompts >= policy.max_reprompts:
        return bot.say(state, SayLine(Line.SILENCE_GOODBYE, "silence"), now_ms)
    return bot.say(replace(state, reprompts=state.reprompts + 1), SayLine(Line.REPROMPT), now_ms)


def _time_waits(state: TurnState, _event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The bot speaks, or is about to and takes its time."""
    if now_ms >= state.started_ms + policy.max_call_ms:
        return bot.part(state, SayLine(Line.TOO_LONG_GOODBYE, "too_long"), now_ms)
    return bot.keep_company(state, now_ms, policy) or (state, ())


def _time_ends(state: TurnState, _event: TurnEvent, now_ms: float, policy: TurnPolicy) -> Step:
    """The last words are being said, or hang."""
    if not state.parting:
        return state, ()
    return bot.overdue(state, now_ms, policy) or bot.keep_company(state, now_ms, policy) or (state, ())


Rule: TypeAlias = "Callable[[TurnState, TurnEvent, float, TurnPolicy], Step]"

TRANSITIONS: dict[tuple[Phase, type[TurnEvent]], Rule] = {
    **{(phase, SoundStarted): bot.sound_started for phase in Phase},
    **{(phase, SoundEnded): bot.sound_ended for phase in Phase},
    **{(phase, TransferAsked): words.transfer_asked for phase in Phase if phase is not Phase.ENDING},
    (Phase.GREETING, SpeechWindow): caller.while_speaking,
    (Phase.GREETING, Recognised): words.over_bot,
    (Phase.GREETING, Digit): words.key_pressed,
    (Phase.GREETING, ReplyEnded): bot.finished,
    (Phase.GREETING, Tick): _time_waits,
    (Phase.LISTENING, SpeechWindow): caller.while_listening,
    (Phase.LISTENING, Recognised): words.of_speech,
    (Phase.LISTENING, Partial): words.so_far,
    (Phase.LISTENING, Digit): words.key_pressed,
    (Phase.LISTENING, Tick): _time_passes,
    (Phase.ENDPOINTING, SpeechWindow): caller.while_endpointing,
    (Phase.ENDPOINTING, Recognised): words.in_pause,
    (Phase.ENDPOINTING, EndOfTurnHint): words.sounds_finished,
    (Phase.ENDPOINTING, Digit): words.key_pressed,
    (Phase.ENDPOINTING, Tick): caller.while_endpointing,
    (Phase.THINKING, SpeechWindow): caller.while_thinking,
    (Phase.THINKING, Recognised): words.awaited_words,
    (Phase.THINKING, Digit): words.key_pressed,
    (Phase.THINKING, ReplyStarted): bot.started,
    (Phase.THINKING, ReplyEnded): bot.finished,
    (Phase.THINKING, Tick): _time_waits,
    (Phase.SPEAKING, SpeechWindow): caller.while_speaking,
    (Phase.SPEAKING, Recognised): words.over_bot,
    (Phase.SPEAKING, Digit): words.key_pressed,
    (Phase.SPEAKING, ReplyEnded): bot.finished,
    (Phase.SPEAKING, Tick): _time_waits,
    (Phase.ENDING, Recognised): words.while_parting,
    (Phase.ENDING, ReplyEnded): bot.finished,
    (Phase.ENDING, TransferFailed): bot.transfer_failed,
    (Phase.ENDING, Tick): _time_ends,
}
