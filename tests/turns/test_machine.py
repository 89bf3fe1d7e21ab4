"""Turn-taking without audio and without a clock: windows of 32 ms with a probability, and what the machine asks for."""

import math
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from voxbot.turns import machine
from voxbot.turns.events import (
    Answer,
    CancelReply,
    Digit,
    DropUtterance,
    EndCall,
    EndOfTurnHint,
    Fill,
    HoldReply,
    KeepWords,
    Line,
    OpenUtterance,
    Prepare,
    Recognise,
    Recognised,
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

    def hear(self):
        """The bot's first sound reaches the caller."""
        self.tell(ReplyStarted())
        self.tell(SoundStarted())
        return self

    def heard(self, end=None):
        """The caller has heard all of it."""
        self.tell(SoundEnded())
        return self.tell(ReplyEnded(end))

    def greeted(self):
        self.tell(SoundStarted())
        self.heard()
        return self

    def asked(self, words="сколько стоит"):
        """The caller has said something and the bot has begun to answer."""
        self.said(words)
        return self.hear()

    def said(self, words, duration_ms=1000, silence_ms=960):
        """The caller has said something; return what it caused."""
        caused = self.speak(duration_ms) + self.pause(256)
        caused += self.tell(Recognised(self.state.attempt, words))
        return caused + self.pause(silence_ms - 256)


def kinds(actions):
    return [type(action) for action in actions]


def test_a_question_is_recognised_and_prepared_in_the_pause_and_answered_at_its_end():
    caller = Caller().greeted()
    assert kinds(caller.speak(1000)) == [OpenUtterance]
    assert caller.pause(128) == [Recognise(1)]
    assert caller.tell(Recognised(1, "сколько стоит пресс")) == []
    assert caller.pause(160) == [Prepare("сколько стоит пресс")]
    assert caller.pause(416) == []
    assert kinds(caller.pause(64)) == [TakeTurn, Answer]
    assert caller.state.phase is Phase.THINKING


def test_words_that_come_after_the_end_of_the_turn_are_answered_at_once():
    caller = Caller().greeted()
    caller.speak(1000)
    assert kinds(caller.pause(960)) == [Recognise, TakeTurn]
    assert caller.tell(Recognised(1, "где вы")) == [Answer("где вы")]


def test_words_that_come_late_in_the_pause_are_answered_without_waiting_for_its_longest():
    caller = Caller().greeted()
    caller.speak(1000)
    assert kinds(caller.pause(832)) == [Recognise]
    assert kinds(caller.tell(Recognised(1, "сколько стоит пресс"))) == [Prepare, TakeTurn, Answer]


def test_unfinished_words_are_waited_for_longer():
    caller = Caller().greeted()
    assert TakeTurn not in kinds(caller.said("сколько стоит машина на", silence_ms=832))
    assert TakeTurn in kinds(caller.pause(96))


def test_how_an_utterance_sounds_decides_where_its_words_do_not():
    def taken_after(probability):
        caller = Caller().greeted()
        caller.said("машина на сто", silence_ms=512)
        caller.tell(EndOfTurnHint(caller.state.attempt, probability))
        silence_ms = 512
        while TakeTurn not in kinds(caller.pause(WINDOW_MS)):
            silence_ms += WINDOW_MS
        return silence_ms

    assert taken_after(0.95) < taken_after(0.5) < taken_after(0.05)


def test_what_a_recogniser_makes_of_a_hum_does_not_interrupt():
    caller = Caller().greeted().asked()
    caller.speak(320)
    caller.pause(256)
    murmur = Recognised(caller.state.attempt, "Белару.", confidence=0.25)
    assert caller.tell(murmur) == [ResumeReply(Rewind.HEARD), DropUtterance()]


@given(st.integers(0, 22), st.sampled_from(["сколько стоит пресс", "сколько", "", "номер восемь девятьсот"]))
def test_no_caller_is_cut_in_a_pause_of_700_ms(late, words):
    """Whatever they have said by then, and whenever its words are known. 700 ms hold 21 whole windows; the detector
    hears the end of a word up to a window early, and the beginning of the next late, when it is audible already."""
    caller = Caller().greeted()
    caller.speak(1000)
    caused = []
    for window in range(25):
        caller.now_ms += WINDOW_MS
        caused += caller.tell(SpeechWindow(0.01, WINDOW_MS, audible=window >= 22))
        if window == late:
            caused += caller.tell(Recognised(caller.state.attempt, words))
    caused += caller.speak(600)
    assert TakeTurn not in kinds(caused)


def test_a_caller_who_goes_on_after_a_pause_is_not_cut_and_nothing_prepared_survives():
    caller = Caller().greeted()
    caller.speak(600)
    caller.pause(256)
    assert kinds(caller.tell(Recognised(1, "сколько"))) == [Prepare]
    assert caller.speak(600) == [CancelReply(goes_on=True)]
    assert caller.state.phase is Phase.LISTENING
    assert kinds(caller.pause(960)) == [Recognise, TakeTurn], "the first words are void: the whole is recognised anew"


def test_answers_in_advance_are_limited_in_number():
    caller = Caller(TurnPolicy(max_speculations=2)).greeted()
    caused = []
    for _ in range(5):
        caused += caller.said("сколько стоит", silence_ms=512)
    assert kinds(caused).count(Prepare) == 2
    assert Prepare not in kinds(Caller(TurnPolicy(max_speculations=0)).greeted().said("сколько стоит"))


def test_a_late_result_of_a_void_attempt_is_ignored():
    caller = Caller().greeted()
    caller.speak(600)
    caller.pause(400)
    caller.speak(600)
    caller.pause(960)
    assert caller.tell(Recognised(1, "сколько")) == []
    assert caller.tell(Recognised(caller.state.attempt, "сколько стоит")) == [Answer("сколько стоит")]


def test_a_click_in_the_pause_does_not_prolong_the_turn():
    caller = Caller().greeted()
    caller.speak(1000)
    caller.pause(400)
    caller.speak(WINDOW_MS)
    assert TakeTurn in kinds(caller.pause(512))


def test_clicks_alone_open_nothing():
    caller = Caller().greeted()
    for _ in range(20):
        assert caller.speak(WINDOW_MS) == []
        assert caller.pause(160) == []


def test_speech_over_the_bot_silences_it_at_once_and_words_make_that_final():
    caller = Caller().greeted().asked()
    assert caller.speak(128) == []
    assert kinds(caller.speak(WINDOW_MS)) == [HoldReply, OpenUtterance], "160 ms seen of speech that began 40 ms before"
    assert caller.state.phase is Phase.LISTENING
    caller.speak(500)
    caller.pause(128)
    assert caller.tell(Recognised(caller.state.attempt, "нет, другая машина")) == [CancelReply()]
    assert Answer("нет, другая машина") in caller.pause(960)


def test_a_nod_over_the_bot_lets_it_go_on_from_where_it_was():
    for nod in ("Угу.", "ага", "да-да", "Понятно."):
        caller = Caller().greeted().asked()
        caller.speak(320)
        caller.pause(256)
        assert caller.tell(Recognised(caller.state.attempt, nod)) == [ResumeReply(Rewind.HEARD), DropUtterance()], nod
        assert caller.state.phase is Phase.SPEAKING


def test_a_cough_lets_the_bot_go_on_from_the_start_of_its_sentence():
    caller = Caller().greeted().asked()
    caller.speak(256)
    caller.pause(256)
    assert caller.tell(Recognised(caller.state.attempt, "")) == [ResumeReply(Rewind.SENTENCE), DropUtterance()]


def test_without_a_result_the_bot_goes_on_700_ms_after_a_short_sound_and_late_words_still_count():
    caller = Caller().greeted().asked()
    caller.speak(320)
    assert ResumeReply(Rewind.SENTENCE) not in caller.pause(640)
    assert ResumeReply(Rewind.SENTENCE) in caller.pause(96)
    caused = caller.tell(Recognised(caller.state.attempt, "а гарантия какая"))
    assert kinds(caused) == [CancelReply, TakeTurn, Answer]


def test_a_long_interruption_is_settled_by_its_words_before_it_ends():
    caller = Caller().greeted().asked()
    caused = caller.speak(1100)
    assert kinds(caused) == [HoldReply, OpenUtterance, Recognise]
    assert caller.tell(Recognised(caller.state.attempt, "подскажите а")) == [CancelReply()]
    assert caller.speak(1100) == []
    assert kinds(caller.pause(128)) == [Recognise]


def test_music_that_goes_on_interrupts_once_and_words_over_it_still_do():
    caller = Caller().greeted().asked()
    caused, words = [], ""
    for _ in range(300):  # ten seconds
        for action in caller.speak(WINDOW_MS):
            caused.append(action)
            if isinstance(action, Recognise):
                caused += caller.tell(Recognised(action.attempt, words))
    assert kinds(caused).count(HoldReply) == 1
    assert kinds(caused).count(ResumeReply) == 1
    assert kinds(caused).count(Recognise) <= 8
    words, caused = "а сколько стоит доставка", []
    for action in caller.speak(1600):
        if isinstance(action, Recognise):
            caused += caller.tell(Recognised(action.attempt, words))
    assert kinds(caused) == [CancelReply, OpenUtterance]


def test_each_false_alarm_makes_the_next_interruption_harder_until_there_are_words():
    caller = Caller().greeted().asked()
    needed = []
    for _ in range(3):
        begun = caller.now_ms
        while HoldReply not in kinds(caller.speak(WINDOW_MS)):
            pass
        needed.append(caller.now_ms - begun)
        caller.pause(256)
        caller.tell(Recognised(caller.state.attempt, ""))
        caller.pause(640)
    assert needed[0] < needed[1] < needed[2]
    caller.said("сколько стоит доставка в Минск")
    caller.hear()
    begun = caller.now_ms
    while HoldReply not in kinds(caller.speak(WINDOW_MS)):
        pass
    assert caller.now_ms - begun == needed[0]


def test_a_word_that_begins_with_a_hiss_interrupts_as_fast_as_any():
    """No detector takes the hiss for speech, but it stands out of the background."""

    def over_bot(*windows):
        caller, begun = Caller().greeted().asked(), None
        for probability, audible in windows:
            begun = begun or (caller.now_ms if audible else None)
            caller.now_ms += WINDOW_MS
            if HoldReply in kinds(caller.tell(SpeechWindow(probability, WINDOW_MS, audible=audible))):
                return caller.now_ms - begun
        return None

    hiss, gap, vowel = (0.05, True), (0.02, False), (0.95, True)
    assert over_bot(*[vowel] * 6) == 160
    assert over_bot(*[hiss] * 3, gap, *[vowel] * 6) <= 256
    assert over_bot(*[hiss] * 60) is None
    assert over_bot(*[hiss] * 6, vowel, gap, gap) is None, "a click in noise"


def test_a_short_sound_over_the_bot_does_not_stop_it():
    caller = Caller().greeted().asked()
    assert caller.speak(128) == []
    assert caller.pause(500) == []
    assert caller.state.phase is Phase.SPEAKING


def test_an_uninterruptible_greeting_is_not_interrupted_but_who_still_speaks_at_its_end_is_heard():
    caller = Caller(TurnPolicy(greeting_interruptible=False))
    caller.tell(SoundStarted())
    assert caller.speak(1000) == []
    caller.heard()
    assert caller.speak(WINDOW_MS) == [OpenUtterance(1024)]
    caller = Caller()
    assert kinds(caller.speak(320)) == [HoldReply, OpenUtterance]


def test_a_protected_phrase_is_heard_to_its_end_and_who_speaks_over_it_is_heard_then():
    caller = Caller().greeted().asked()
    for _ in range(20):
        caller.now_ms += WINDOW_MS
        assert caller.tell(SpeechWindow(0.95, WINDOW_MS, protected=True)) == []
    assert caller.speak(WINDOW_MS) == [HoldReply(), OpenUtterance(21 * WINDOW_MS + 400)]


def test_a_caller_who_goes_on_before_the_first_sound_is_still_in_the_same_turn():
    caller = Caller().greeted()
    caller.said("сколько стоит пресс")
    caused = kinds(caller.speak(320))
    assert caused[0] is HoldReply
    assert OpenUtterance not in caused, "the sound so far is of the question"
    caller.pause(320)
    more = "сколько стоит пресс на сто килоньютонов"
    assert caller.tell(Recognised(caller.state.attempt, more))[0] == CancelReply(goes_on=True)
    assert Answer(more) in caller.pause(640)


def test_a_cough_before_the_first_sound_costs_no_answer():
    """However often: the agent is asked once, and the time it has runs on."""
    caller = Caller().greeted()
    caused = caller.said("сколько стоит пресс")
    taken = caller.now_ms
    for _ in range(4):
        caused += caller.speak(256)
        caused += caller.pause(256)
        caused += caller.tell(Recognised(caller.state.attempt, "Сколько стоит пресс? Угу."))
        caused += caller.pause(320)
        assert caller.state.phase is Phase.THINKING
    assert kinds(caused).count(Answer) == 1
    assert not any(isinstance(action, CancelReply) for action in caused)
    while caller.state.phase is Phase.THINKING:
        caused += caller.pause(WINDOW_MS)
    assert caused[-1] == SayLine(Line.UNANSWERED, end="unanswered")
    assert caller.now_ms - taken <= 21_500


def test_speech_without_words_gets_a_request_to_repeat_but_not_for_ever():
    caller = Caller(TurnPolicy(max_not_heard=2)).greeted()
    asked = 0
    for _ in range(5):
        actions = caller.said("")
        if SayLine(Line.NOT_HEARD) in actions:
            asked += 1
            caller.hear().heard()
        else:
            assert DropUtterance in kinds(actions)
    assert asked == 2


def test_a_short_noise_is_dropped_in_silence():
    caller = Caller().greeted()
    caller.speak(256)
    caller.pause(960)
    assert caller.tell(Recognised(caller.state.attempt, "")) == [DropUtterance()]
    assert caller.state.phase is Phase.LISTENING


def test_a_silent_caller_is_asked_twice_and_then_bidden_goodbye():
    caller = Caller().greeted()
    lines = []
    for _ in range(4):
        for action in caller.pause(8000):
            assert isinstance(action, SayLine)
            lines.append(action)
            caller.hear()
            if caller.heard(action.end) == [EndCall("silence")]:
                break
    assert [line.line for line in lines] == [Line.REPROMPT, Line.REPROMPT, Line.SILENCE_GOODBYE]
    assert caller.state.phase is Phase.ENDING


def test_a_peer_that_sends_nothing_when_silent_is_served_like_any_other():
    caller = Caller().greeted()
    caller.speak(1000)
    actions = caller.nothing_arrives(1500)
    assert kinds(actions) == [Recognise, TakeTurn, Fill]
    caller.tell(Recognised(caller.state.attempt, "адрес"))
    caller.hear().heard()
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
            caller.hear()
            ended = bool(caller.heard(line.end))
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
    assert caller.pause(25_000)[:2] == [CancelReply(), SayLine(Line.TOO_LONG_GOODBYE, end="too_long")]


def test_a_goodbye_can_still_be_interrupted_by_a_question():
    caller = Caller().greeted().asked("до свидания")
    assert kinds(caller.speak(320)) == [HoldReply, OpenUtterance]
    caller.pause(128)
    assert caller.tell(Recognised(caller.state.attempt, "ой, а сколько стоит")) == [CancelReply()]
    assert caller.state.phase is not Phase.ENDING


def test_who_waits_hears_something_every_dead_air_ms_and_at_last_the_truth():
    caller = Caller().greeted()
    caller.speak(1000)
    caused = []
    while caller.state.phase is not Phase.ENDING:
        caused += [(caller.now_ms, action) for action in caller.pause(WINDOW_MS)]
        if caused and isinstance(caused[-1][1], Fill) and caused[-1][0] == caller.now_ms:
            caller.tell(SoundStarted())
            caused += [(caller.now_ms, action) for action in caller.pause(800)]
            caller.tell(SoundEnded())
    fills = [at for at, action in caused if isinstance(action, Fill)]
    assert len(fills) >= 8
    assert fills[0] - 1000 <= 1200
    assert caller.state.longest_quiet_ms <= 1200
    assert caused[-1][1] == SayLine(Line.UNANSWERED, end="unanswered")
    assert 20_000 <= caused[-1][0] - 2000 <= 23_000


def test_an_answer_that_stalls_is_filled_in_for_too():
    caller = Caller().greeted().asked()
    caller.tell(SoundEnded())
    assert Fill() in caller.pause(1200)


def test_nothing_is_filled_in_while_the_caller_speaks_or_is_waited_for():
    caller = Caller().greeted()
    assert Fill() not in caller.pause(5000) + caller.speak(5000)


def test_recognition_that_fails_again_and_again_hands_the_caller_over_and_says_so():
    caller = Caller().greeted()
    caused = []
    for _ in range(2):
        caller.speak(1000)
        caller.pause(960)
        caused += caller.tell(Recognised(caller.state.attempt, "", failed=True))
        caller.hear().heard()
    assert SayLine(Line.NOT_HEARD) in caused
    assert SayLine(Line.DEAF, end="error") in caused


def test_who_asks_for_a_moment_gets_it():
    caller = Caller().greeted()
    assert SayLine(Line.WAITING, to="подождите минутку") in caller.said("подождите минутку")
    caller.hear().heard()
    assert caller.pause(25_000) == []
    assert SayLine(Line.REPROMPT) in caller.pause(8_000)


def test_key_0_calls_a_person_at_any_moment():
    for begun in (Caller(), Caller().greeted(), Caller().greeted().asked()):
        asked = SayLine(Line.OPERATOR, end="operator", to="0")
        assert begun.tell(Digit("0")) == [CancelReply(), TakeTurn(0, keyed=True), asked]
        assert begun.state.phase is Phase.ENDING


def test_digits_answer_a_question_for_a_number_and_mean_nothing_else():
    caller = Caller().greeted()
    assert [caller.tell(Digit(digit)) for digit in "57"] == [[], []]
    for digit in "4507":
        assert caller.tell(Digit(digit, expected=True)) == []
    assert Answer("4507") in caller.pause(3000)
    caller.hear().heard()
    for digit in "12":
        caller.tell(Digit(digit, expected=True))
    assert Answer("12") in caller.tell(Digit("#", expected=True)), "the pound key ends the number at once"


def test_staff_pass_the_caller_on_at_any_moment_once():
    for begun in (Caller(), Caller().greeted(), Caller().greeted().asked()):
        told = begun.tell(TransferAsked())
        assert told == [CancelReply(), SayLine(Line.OPERATOR, end="operator"), DropUtterance()]
        assert begun.tell(Recognised(begun.state.attempt - 1, "а сколько стоит")) == []
        assert begun.tell(TransferAsked()) == []
        assert begun.tell(ReplyEnded("operator")) == [EndCall("operator")]


def test_what_the_caller_was_saying_when_staff_pass_them_on_is_kept():
    line = SayLine(Line.OPERATOR, end="operator")
    speaking = Caller().greeted()
    speaking.speak(1000)
    assert kinds(speaking.tell(TransferAsked())) == [CancelReply, Recognise, TakeTurn, SayLine, DropUtterance]
    assert speaking.tell(Recognised(speaking.state.attempt, "сколько стоит")) == [KeepWords("сколько стоит")]
    assert speaking.tell(Recognised(speaking.state.attempt, "сколько стоит")) == []

    paused = Caller().greeted()
    paused.said("сколько стоит", silence_ms=320)
    assert paused.state.phase is Phase.ENDPOINTING
    told = paused.tell(TransferAsked())
    assert kinds(told) == [CancelReply, TakeTurn, SayLine, DropUtterance]
    assert told[2] == replace(line, to="сколько стоит")

    for pause_ms in (256, 960):  # being recognised in the pause; the turn taken already
        waiting = Caller().greeted()
        waiting.speak(1000)
        waiting.pause(pause_ms)
        assert line in waiting.tell(TransferAsked())
        assert waiting.tell(Recognised(waiting.state.attempt, "сколько стоит")) == [KeepWords("сколько стоит")]
        assert waiting.tell(ReplyEnded("operator")) == [EndCall("operator")]

    noise = Caller().greeted()
    noise.said("", silence_ms=320)
    assert line in noise.tell(TransferAsked())


def test_a_busy_operator_brings_the_caller_back_to_the_bot():
    caller = Caller().greeted()
    caller.tell(Digit("0"))
    assert caller.tell(ReplyEnded("operator")) == [EndCall("operator")]
    assert caller.tell(TransferFailed("busy")) == [SayLine(Line.OPERATOR_BUSY)]
    caller.hear().heard()
    assert Answer("а сколько стоит пресс") in caller.said("а сколько стоит пресс")


def test_a_lone_0_is_no_number_whatever_was_asked_for():
    caller = Caller().greeted()
    assert caller.tell(Digit("0", expected=True)) == []
    assert SayLine(Line.OPERATOR, end="operator", to="0") in caller.pause(3000)


def test_digits_that_the_caller_then_says_instead_are_forgotten():
    caller = Caller().greeted()
    for digit in "12":
        caller.tell(Digit(digit, expected=True))
    assert Answer("сорок пять") in caller.said("сорок пять")
    caller.hear().heard()
    assert not any(isinstance(action, Answer) for action in caller.pause(5000))
    assert caller.tell(Digit("0"))[-1] == SayLine(Line.OPERATOR, end="operator", to="0")


def test_an_answer_that_follows_a_filler_without_a_gap_is_not_taken_for_silence():
    """The caller hears the filler and then the answer: there is one beginning of sound for both."""
    caller = Caller().greeted().asked()
    caller.speak(640)
    caller.tell(SoundEnded())
    caller.pause(960)
    assert caller.state.phase is Phase.THINKING
    assert Fill() in caller.pause(320)
    caller.tell(SoundStarted())
    caller.tell(Recognised(caller.state.attempt, ""))
    assert caller.state.phase is Phase.SPEAKING
    assert caller.pause(60_000) == []


def test_faint_noise_cannot_keep_a_turn_open():
    caller = Caller().greeted()
    caller.speak(1000)
    caller.pause(128)
    caller.tell(Recognised(caller.state.attempt, "сколько стоит пресс"))
    caller.speak(WINDOW_MS)
    assert TakeTurn in kinds(caller.sound(0.42, 1500))


def test_sound_that_may_be_the_rest_of_the_sentence_is_given_a_moment():
    caller = Caller().greeted()
    caller.said("сколько стоит пресс", silence_ms=704)
    for _ in range(3):
        caller.now_ms += WINDOW_MS
        assert TakeTurn not in kinds(caller.tell(SpeechWindow(0.2, WINDOW_MS, audible=True)))
    assert caller.speak(320) == [CancelReply(goes_on=True)]


EVENTS = st.one_of(
    st.builds(SpeechWindow, st.floats(0, 1), st.just(float(WINDOW_MS)), st.booleans(), st.booleans()),
    st.builds(
        Recognised,
        st.integers(0, 9),
        st.sampled_from(["", "да", "угу", "сколько стоит", "подождите минутку"]),
        st.booleans(),
    ),
    st.builds(EndOfTurnHint, st.integers(0, 9), st.floats(0, 1)),
    st.builds(Digit, st.sampled_from("0159#*"), st.booleans()),
    st.just(SoundStarted()),
    st.just(SoundEnded()),
    st.builds(ReplyStarted, st.booleans()),
    st.builds(ReplyEnded, st.sampled_from([None, None, None, "goodbye", "operator"])),
    st.builds(TransferFailed, st.sampled_from(["busy", "no_answer", "failed"])),
    st.just(Tick()),
)
MEANT = st.lists(st.tuples(st.floats(0, 500), EVENTS), max_size=300)


@given(MEANT)
def test_whatever_happens_the_machine_stays_sane(history):
    """It never raises, never answers a void attempt, and never holds a reply that it has forgotten."""
    caller = Caller()
    for wait_ms, event in history:
        caller.now_ms += wait_ms
        before = caller.state
        actions = caller.tell(event)
        if any(isinstance(action, Answer) for action in actions) and isinstance(event, Recognised):
            assert event.attempt == before.attempt
        assert not any(isinstance(action, ResumeReply) for action in actions) or before.held
        if before.held and not caller.state.held:
            assert {ResumeReply, CancelReply} & set(kinds(actions)), (before, event, actions)
        if caller.state.phase in {Phase.LISTENING, Phase.ENDPOINTING}:
            assert math.isfinite(machine.deadline_ms(caller.state, caller.policy))
        attempts = [action.attempt for action in actions if isinstance(action, Recognise)]
        assert all(attempt == caller.state.attempt for attempt in attempts)


@given(MEANT)
def test_in_no_state_does_a_waiting_caller_hear_nothing_for_longer_than_the_ladder_allows(history):
    """Whatever has happened before: from then on only time passes, and fillers sound when they are asked for."""
    caller = Caller()
    for wait_ms, event in history:
        caller.now_ms += wait_ms
        caller.tell(event)
    caller.tell(SoundEnded())
    waited_since, limit_ms = caller.now_ms, caller.policy.dead_air_ms
    for _ in range(80):
        waits = caller.state.phase in {Phase.GREETING, Phase.THINKING, Phase.SPEAKING}
        if not waits:
            break
        due = machine.deadline_ms(caller.state, caller.policy)
        assert due - waited_since <= limit_ms, caller.state
        caller.now_ms = max(caller.now_ms, due)
        for action in caller.tell(Tick()):
            if isinstance(action, Fill):
                caller.tell(SoundStarted())
                caller.now_ms += 700
                caller.tell(SoundEnded())
                waited_since = caller.now_ms
    assert caller.state.phase not in {Phase.GREETING, Phase.THINKING, Phase.SPEAKING}, "passed on in the end"


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
    caller.said("оператора")
    caller.tell(ReplyStarted(final=True))
    caller.tell(SoundStarted())
    assert caller.speak(1000) == []
    assert caller.tell(ReplyEnded("operator")) == [EndCall("operator")]


def test_a_line_that_never_falls_silent_ends_at_the_longest_call_too():
    caller = Caller(TurnPolicy(max_call_ms=60_000)).greeted()
    for _ in range(40):
        caller.speak(1500)
        for action in caller.pause(960):
            if isinstance(action, Recognise):
                caller.tell(Recognised(action.attempt, "радио"))
        if caller.state.phase is Phase.ENDING:
            break
        caller.hear()
    assert SayLine(Line.TOO_LONG_GOODBYE, end="too_long") in caller.actions
    assert caller.now_ms < 65_000


@given(st.sampled_from(["greeting", "thinking", "speaking"]))
def test_a_call_whose_every_voice_hangs_ends_all_the_same(where):
    caller = Caller(TurnPolicy(max_call_ms=60_000))
    if where != "greeting":
        caller.greeted()
        caller.said("сколько стоит")
    if where == "speaking":
        caller.hear().tell(SoundEnded())
    actions = caller.nothing_arrives(120_000)
    said = [action for action in actions if not isinstance(action, Fill)]
    assert kinds(said) == [CancelReply, SayLine, EndCall]
    assert sum(isinstance(action, Fill) for action in actions) > 10


def test_who_speaks_after_keying_a_number_has_a_turn_of_their_own():
    caller = Caller().greeted()
    for digit in "123":
        caller.tell(Digit(digit, expected=True))
    assert Answer("123") in caller.pause(3000)
    assert kinds(caller.speak(320))[:2] == [HoldReply, OpenUtterance], "the number's answer may go on"
    caller.pause(128)
    assert ResumeReply(Rewind.SENTENCE) in caller.tell(Recognised(caller.state.attempt, ""))
    caller.speak(600)
    caller.pause(128)
    assert caller.tell(Recognised(caller.state.attempt, "какой срок поставки"))[0] == CancelReply(goes_on=False)
    assert Answer("какой срок поставки") in caller.pause(960)


def test_a_long_answer_that_followed_a_filler_is_no_sign_of_a_hanging_engine():
    caller = Caller().greeted().asked()
    caller.tell(SoundEnded())
    assert Fill() in caller.pause(1200)
    caller.tell(SoundStarted())
    assert caller.pause(25_000) == [], "the filler and, without a gap, the rest of the answer"
    caller.tell(SoundEnded())
    assert not any(isinstance(action, SayLine) for action in caller.pause(1000))
    assert caller.tell(ReplyEnded()) == []


def test_who_begins_to_speak_in_the_moment_in_which_the_bot_goes_on_is_heard():
    caller = Caller().greeted().asked()
    caller.speak(320)
    caller.pause(256)
    caller.speak(WINDOW_MS)
    caller.tell(Recognised(caller.state.attempt, "Угу."))
    assert caller.state.phase is Phase.SPEAKING
    assert HoldReply in kinds(caller.speak(256))


def test_words_over_the_bots_last_word_that_are_known_late_are_answered():
    caller = Caller().greeted().asked()
    caller.speak(320)
    caller.pause(864)
    assert caller.state.phase is Phase.SPEAKING
    caller.heard()
    assert Answer("а гарантия какая") in caller.tell(Recognised(caller.state.attempt, "а гарантия какая"))
