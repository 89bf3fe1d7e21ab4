"""Turn-taking without audio and without a clock: windows of 32 ms with a probability, and what the machine asks for."""

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from voxbot.turns import machine
from voxbot.turns.events import (
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
)
from voxbot.turns.machine import Phase
from voxbot.turns.policy import TurnPolicy

WINDOW_MS = 32


@dataclass
class Caller:
    """Drives the machine as a call would: windows of sound pass, timers fire when they are due."""

    policy: TurnPolicy = field(default_factory=TurnPolicy)
    now_ms: float = 0.0
    actions: list = field(default_factory=list)

    def __post_init__(self):
        self.state = machine.begin(self.now_ms)

    def tell(self, event):
        self.state, actions = machine.step(self.state, event, self.now_ms, self.policy)
        self.actions += actions
        return list(actions)

    def sound(self, probability, duration_ms):
        """Let sound pass; return the actions it caused and remember when."""
        caused = []
        for _ in range(round(duration_ms / WINDOW_MS)):
            self.now_ms += WINDOW_MS
            caused += self.tell(SpeechWindow(probability, WINDOW_MS))
            if self.now_ms >= machine.deadline_ms(self.state, self.policy):
                caused += self.tell(Tick())
        return caused

    def speak(self, duration_ms):
        return self.sound(0.95, duration_ms)

    def pause(self, duration_ms):
        return self.sound(0.01, duration_ms)

    def nothing_arrives(self, duration_ms):
        """No frames at all: only timers."""
        end, caused = self.now_ms + duration_ms, []
        while (due := machine.deadline_ms(self.state, self.policy)) <= end:
            self.now_ms = max(self.now_ms, due)
            caused += self.tell(Tick())
        self.now_ms = end
        return caused

    def greeted(self):
        self.tell(ReplyEnded())
        return self

    def asked(self, words="сколько стоит"):
        """The caller has said something and the bot has begun to answer."""
        self.speak(1000)
        self.pause(800)
        self.tell(Recognised(self.state.attempt, words))
        self.tell(ReplyStarted())
        return self


def kinds(actions):
    return [type(action) for action in actions]


def test_a_question_is_recognised_in_the_pause_and_answered_at_its_end():
    caller = Caller().greeted()
    assert kinds(caller.speak(1000)) == [OpenUtterance]
    assert caller.pause(320) == [Recognise(1)]
    assert caller.tell(Recognised(1, "сколько стоит")) == []
    assert kinds(caller.pause(480)) == [TakeTurn, Answer]
    assert caller.state.phase is Phase.THINKING


def test_words_that_come_after_the_end_of_the_turn_are_answered_at_once():
    caller = Caller().greeted()
    caller.speak(1000)
    assert kinds(caller.pause(800)) == [Recognise, TakeTurn]
    assert caller.tell(Recognised(1, "где вы")) == [Answer("где вы")]


def test_a_caller_who_goes_on_after_a_pause_is_not_cut():
    caller = Caller().greeted()
    caller.speak(600)
    caller.pause(600)
    caller.tell(Recognised(1, "сколько"))
    assert caller.speak(600) == []
    assert caller.state.phase is Phase.LISTENING
    assert kinds(caller.pause(800)) == [Recognise, TakeTurn], "the first words are void: the whole is recognised anew"


def test_a_late_result_of_a_void_attempt_is_ignored():
    caller = Caller().greeted()
    caller.speak(600)
    caller.pause(400)
    caller.speak(600)
    caller.pause(800)
    assert caller.tell(Recognised(1, "сколько")) == []
    assert caller.tell(Recognised(caller.state.attempt, "сколько стоит")) == [Answer("сколько стоит")]


def test_a_click_in_the_pause_does_not_prolong_the_turn():
    caller = Caller().greeted()
    caller.speak(1000)
    caller.pause(400)
    caller.speak(WINDOW_MS)
    actions = caller.pause(320)
    assert TakeTurn in kinds(actions)


def test_clicks_alone_open_nothing():
    caller = Caller().greeted()
    for _ in range(20):
        assert caller.speak(WINDOW_MS) == []
        assert caller.pause(160) == []


def test_speech_over_the_bot_stops_it_and_becomes_the_next_turn():
    caller = Caller().greeted().asked()
    assert kinds(caller.speak(320)) == [CancelReply, OpenUtterance]
    assert caller.state.phase is Phase.LISTENING
    caller.speak(500)
    caller.pause(320)
    caller.tell(Recognised(caller.state.attempt, "нет, другая"))
    assert Answer("нет, другая") in caller.pause(480)


def test_a_short_sound_over_the_bot_does_not_stop_it():
    caller = Caller().greeted().asked()
    assert caller.speak(128) == []
    assert caller.pause(500) == []
    assert caller.state.phase is Phase.SPEAKING


def test_an_uninterruptible_greeting_is_not_interrupted():
    caller = Caller(TurnPolicy(greeting_interruptible=False))
    assert caller.speak(1000) == []
    caller = Caller()
    assert kinds(caller.speak(320)) == [CancelReply, OpenUtterance]


def test_a_caller_who_goes_on_before_the_first_sound_is_still_in_the_same_turn():
    caller = Caller().greeted()
    caller.speak(1000)
    caller.pause(800)
    caller.tell(Recognised(caller.state.attempt, "сколько стоит"))
    assert kinds(caller.speak(320)) == [CancelReply], "no new utterance: the sound so far belongs to the question"
    caller.pause(320)
    caller.tell(Recognised(caller.state.attempt, "сколько стоит пресс"))
    assert Answer("сколько стоит пресс") in caller.pause(480)


def test_speech_without_words_gets_a_request_to_repeat_but_not_for_ever():
    caller = Caller(TurnPolicy(max_not_heard=2)).greeted()
    asked = 0
    for _ in range(5):
        caller.speak(1000)
        caller.pause(800)
        actions = caller.tell(Recognised(caller.state.attempt, ""))
        if SayLine(Line.NOT_HEARD) in actions:
            asked += 1
            caller.tell(ReplyStarted())
            caller.tell(ReplyEnded())
        else:
            assert kinds(actions) == [DropUtterance]
    assert asked == 2


def test_a_short_noise_is_dropped_in_silence():
    caller = Caller().greeted()
    caller.speak(256)
    caller.pause(800)
    assert caller.tell(Recognised(caller.state.attempt, "")) == [DropUtterance()]
    assert caller.state.phase is Phase.LISTENING


def test_a_silent_caller_is_asked_twice_and_then_bidden_goodbye():
    caller = Caller().greeted()
    lines = []
    for _ in range(4):
        for action in caller.pause(8000):
            assert isinstance(action, SayLine)
            lines.append(action)
            caller.tell(ReplyStarted())
            if caller.tell(ReplyEnded(action.end)) == [EndCall("silence")]:
                break
    assert [line.line for line in lines] == [Line.REPROMPT, Line.REPROMPT, Line.SILENCE_GOODBYE]
    assert caller.state.phase is Phase.ENDING


def test_a_peer_that_sends_nothing_when_silent_is_served_like_any_other():
    caller = Caller().greeted()
    caller.speak(1000)
    actions = caller.nothing_arrives(1500)
    assert kinds(actions) == [Recognise, TakeTurn]
    caller.tell(Recognised(caller.state.attempt, "адрес"))
    caller.tell(ReplyStarted())
    caller.tell(ReplyEnded())
    assert SayLine(Line.REPROMPT) in caller.nothing_arrives(8000)


def test_noise_without_end_does_not_keep_a_call_for_ever():
    caller = Caller(TurnPolicy(idle_ms=60_000)).greeted()
    ended = False
    for _ in range(40):
        for action in caller.speak(2000) + caller.pause(1000):
            match action:
                case Recognise(attempt):
                    caller.tell(Recognised(attempt, ""))
                case _:
                    pass
        if caller.state.phase in {Phase.THINKING, Phase.ENDING}:  # it says a line
            line = next(action for action in reversed(caller.actions) if isinstance(action, SayLine))
            caller.tell(ReplyStarted())
            ended = bool(caller.tell(ReplyEnded(line.end)))
        if ended:
            break
    assert ended
    assert caller.now_ms < 100_000


def test_a_caller_who_never_stops_is_answered_at_the_longest_turn():
    caller = Caller(TurnPolicy(max_utterance_ms=10_000)).greeted()
    actions = caller.speak(10_500)
    assert kinds(actions) == [OpenUtterance, Recognise, TakeTurn]
    assert caller.tell(Recognised(caller.state.attempt, "и вот ещё")) == [Answer("и вот ещё")]
    assert caller.speak(500) == [], "whose endless speech must not cancel every answer before its first sound"
    caller.tell(ReplyStarted())
    assert caller.state.phase is Phase.SPEAKING


def test_a_long_call_ends_with_a_goodbye():
    caller = Caller(TurnPolicy(max_call_ms=20_000, reprompt_after_ms=60_000)).greeted()
    assert caller.pause(25_000)[0] == SayLine(Line.TOO_LONG_GOODBYE, end="too_long")


def test_a_goodbye_can_still_be_interrupted_by_a_question():
    caller = Caller().greeted().asked("до свидания")
    assert kinds(caller.speak(320)) == [CancelReply, OpenUtterance]
    caller.tell(ReplyEnded())
    assert caller.state.phase is not Phase.ENDING


EVENTS = st.one_of(
    st.builds(SpeechWindow, st.floats(0, 1), st.just(float(WINDOW_MS))),
    st.builds(Recognised, st.integers(0, 6), st.sampled_from(["", "да", "сколько стоит"])),
    st.just(ReplyStarted()),
    st.builds(ReplyEnded, st.sampled_from([None, None, None, "goodbye"])),
    st.just(Tick()),
)


@given(st.lists(st.tuples(st.floats(0, 500), EVENTS), max_size=300))
def test_whatever_happens_the_machine_stays_sane(history):
    """It never raises, never answers a void attempt, and never waits for ever while it is the machine's turn to act."""
    caller = Caller()
    for wait_ms, event in history:
        caller.now_ms += wait_ms
        before = caller.state
        actions = caller.tell(event)
        if any(isinstance(action, Answer) for action in actions) and isinstance(event, Recognised):
            assert event.attempt == before.attempt
        if caller.state.phase in {Phase.LISTENING, Phase.ENDPOINTING}:
            assert math.isfinite(machine.deadline_ms(caller.state, caller.policy))
        if before.phase is Phase.ENDING:
            assert caller.state.phase is Phase.ENDING
            assert all(isinstance(action, EndCall) for action in actions)
        attempts = [action.attempt for action in actions if isinstance(action, Recognise)]
        assert all(attempt == caller.state.attempt for attempt in attempts)


def test_speech_during_a_forced_turn_does_not_cancel_the_answer_when_it_starts():
    caller = Caller(TurnPolicy(max_utterance_ms=10_000)).greeted()
    caller.speak(10_500)
    caller.tell(Recognised(caller.state.attempt, "и вот ещё"))
    caller.speak(2000)
    caller.tell(ReplyStarted())
    assert caller.pause(500) == []
    assert caller.state.phase is Phase.SPEAKING


def test_the_announcement_of_a_transfer_is_not_interrupted_and_ends_the_call():
    caller = Caller().greeted()
    caller.speak(1000)
    caller.pause(800)
    caller.tell(Recognised(caller.state.attempt, "оператора"))
    caller.tell(ReplyStarted(final=True))
    assert caller.speak(1000) == []
    assert caller.tell(ReplyEnded("operator")) == [EndCall("operator")]


def test_a_line_that_never_falls_silent_ends_at_the_longest_call_too():
    caller = Caller(TurnPolicy(max_call_ms=60_000)).greeted()
    for _ in range(40):
        caller.speak(1500)
        for action in caller.pause(800):
            if isinstance(action, Recognise):
                caller.tell(Recognised(action.attempt, "радио"))
        if caller.state.phase is Phase.ENDING:
            break
        caller.tell(ReplyStarted())
    assert SayLine(Line.TOO_LONG_GOODBYE, end="too_long") in caller.actions
    assert caller.now_ms < 65_000


@given(st.sampled_from(["greeting", "thinking", "speaking"]))
def test_a_bot_that_hangs_while_it_should_speak_ends_at_the_longest_call_even_if_the_goodbye_hangs(where):
    caller = Caller(TurnPolicy(max_call_ms=60_000))
    if where != "greeting":
        caller.greeted().asked()
    if where == "thinking":
        caller.tell(ReplyEnded())
        caller.speak(1000)
        caller.pause(800)
    actions = caller.nothing_arrives(120_000)
    assert kinds(actions)[-3:] == [CancelReply, SayLine, EndCall]
