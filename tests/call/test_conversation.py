"""What the pipeline does besides question and answer: hold music, transfers that come back, recording, keys."""

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from fakes.virtual_time import run_virtual
from fakes.voice import ScriptedAnswerer, ScriptedAsr, ToneTts, services, speech

from voxbot.call.pipeline import Pipeline
from voxbot.domain.audio import FRAME_SAMPLES, silence
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallerTurn
from voxbot.media.comfort import comfort_tone
from voxbot.media.simulated import SimulatedMedia

ANSWER = "Машина стоит два миллиона рублей. Срок поставки один месяц."
WORDS = {8000: "сколько стоит пресс", 9000: "оператора", 7000: "какой срок поставки"}
ANSWERS = {
    "сколько стоит пресс": (ANSWER, AnswerInfo(kb="general")),
    "какой срок поставки": ("Один месяц.", AnswerInfo(kb="general")),
    "оператора": ("Соединяю вас с оператором.", AnswerInfo(intent="operator")),
    "4507": ("Заказ отгружен.", AnswerInfo(kb="general")),
}


@dataclass
class Call:
    """A conversation to be held; afterwards, what came of it."""

    said: list = field(default_factory=list)
    media: SimulatedMedia | None = None
    answerer: ScriptedAnswerer = field(default_factory=lambda: ScriptedAnswerer(ANSWERS))
    environ: dict = field(default_factory=dict)
    transfer: object = None
    wiring: dict = field(default_factory=dict)
    events: list = field(default_factory=list)
    reason: str = ""

    def hold(self):
        async def run():
            self.media = self.media or SimulatedMedia(self.said)
            wired = services(
                ScriptedAsr(WORDS), self.answerer, tts=ToneTts(), published=self.events, environ=self.environ
            )
            self.pipeline = Pipeline("call", self.media, replace(wired, **self.wiring), transfer=self.transfer)
            self.media.pipeline = self.pipeline
            self.reason = await self.pipeline.run()

        run_virtual(run())
        return self

    @property
    def bot(self):
        return [event.text for event in self.events if isinstance(event, BotTurn)]

    @property
    def caller(self):
        return [event.text for event in self.events if isinstance(event, CallerTurn)]

    @property
    def heard(self):
        return np.concatenate(self.media.heard)


def occurrences(sound, within):
    """How often the first 300 ms of a sound occur."""
    piece = sound[: 300 * 8].astype(np.float64)
    piece = piece[np.argmax(piece != 0) :]
    scores = np.correlate(within.astype(np.float64), piece, "valid")
    return int(np.sum(np.diff((scores > 0.95 * (piece @ piece)).astype(int)) == 1))


def test_hold_music_plays_instead_of_fillers_and_the_answer_replaces_it_at_once():
    slow = ScriptedAnswerer(ANSWERS, delay_s=6)
    call = Call([speech(1500)], answerer=slow, environ={"CHANNEL_HOLD_DURING_AI": "true"}).hold()
    assert call.bot[-1] == ANSWER, "music is no words"
    assert occurrences(comfort_tone(), call.heard) >= 2
    question_end = next(span[2] for span in call.media.spans if span[0] == "caller")
    answer = [span for span in call.media.spans if span[0] == "bot"][-1]
    begun = int(np.argmax(np.abs(call.heard[int(question_end * 8) :]) == 5000)) / 8
    assert begun == pytest.approx(250 + 200 + 6000 + 100, abs=400)
    assert answer[2] - question_end - begun == pytest.approx(len(ANSWER) * 60, rel=0.05), "nothing of it was lost"


def test_fillers_are_in_the_transcript_because_they_were_heard():
    call = Call([speech(1500)], answerer=ScriptedAnswerer(ANSWERS, delay_s=3)).hold()
    assert call.bot[-1].endswith(ANSWER)
    fillers = call.bot[-1].removesuffix(ANSWER).strip()
    assert fillers
    assert not any(event.cut for event in call.events if isinstance(event, BotTurn))


@pytest.mark.parametrize(
    ("outcome", "word"), [("busy", "занят"), ("no_answer", "не отвечает"), ("failed", "не отвечает")]
)
def test_a_caller_whom_no_operator_takes_is_told_and_served_on(outcome, word):
    asked = []

    async def transfer(request):
        asked.append(request)
        await asyncio.sleep(5)
        return outcome

    call = Call([speech(1500, 8000), speech(1200, 9000), speech(1500, 7000)], transfer=transfer).hold()
    assert call.reason == "caller_hangup"
    assert [(request.reason, request.summary) for request in asked] == [("operator", "оператора. сколько стоит пресс")]
    assert word in call.bot[3]
    assert call.caller[-1] == "какой срок поставки"
    assert call.bot[-1] == "Один месяц."
    assert occurrences(comfort_tone(), call.heard) >= 2, "music while it rings"


def test_a_caller_who_was_joined_with_an_operator_ends_the_conversation():
    async def transfer(_request):
        await asyncio.sleep(1)
        return "joined"

    call = Call([speech(1200, 9000)], transfer=transfer).hold()
    assert call.reason == "operator"


class Pressing(SimulatedMedia):
    """Presses keys at given times."""

    keys = ()

    def _speak(self):
        for at_ms, digit in self.keys:
            if at_ms == self.now_ms:
                self.pipeline.on_digit(digit)
        return super()._speak()


def test_digits_are_the_answer_to_a_question_for_a_number():
    asks = {"сколько стоит пресс": ("Назовите номер вашего заказа.", AnswerInfo(kb="general"))}
    media = Pressing([speech(1500)])
    media.keys = tuple((8000 + 400 * i, digit) for i, digit in enumerate("4507"))
    media._hung_up = lambda: media.now_ms > 16_000
    call = Call(media=media, answerer=ScriptedAnswerer({**ANSWERS, **asks})).hold()
    assert call.caller == ["сколько стоит пресс", "4507"]
    assert call.bot[-1] == "Заказ отгружен."


def test_key_0_hands_the_caller_over_in_the_middle_of_an_answer():
    media = Pressing([speech(1500)])
    media.keys = ((7000, "0"),)
    call = Call(media=media).hold()
    assert call.reason == "operator"
    assert call.bot[-1] == "Соединяю вас с оператором."
    assert call.caller[-1] == "0"
    assert ANSWER.startswith(call.bot[-2])


@dataclass
class Tape:
    sides: list = field(default_factory=list)
    closed: bool = False

    def push(self, caller, bot):
        assert len(caller) == len(bot)
        self.sides.append((caller, bot))

    async def close(self):
        self.closed = True


def test_a_recording_holds_both_sides_in_time():
    tape = Tape()
    call = Call([speech(1500)], wiring={"open_recording": lambda _call_id: tape}).hold()
    caller = np.concatenate([side[0] for side in tape.sides])
    bot = np.concatenate([side[1] for side in tape.sides])
    assert tape.closed
    assert np.array_equal(caller, np.concatenate(call.media.said)[: len(caller)])
    recorded, heard = int(np.argmax(bot != 0)), int(np.argmax(call.heard != 0))
    assert abs(recorded - heard) <= 4 * FRAME_SAMPLES
    assert np.count_nonzero(bot) == pytest.approx(np.count_nonzero(call.heard), rel=0.02)


class Gapped(SimulatedMedia):
    """Sends no frames for the third to fifth second of the call: silence suppression."""

    async def receive(self, sink):
        silent = self

        class Sieve:
            def on_audio(self, samples):
                if not 2000 <= silent.now_ms < 5000:
                    sink.on_audio(samples)

            def on_mark(self, mark):
                sink.on_mark(mark)

        await super().receive(Sieve())


def test_a_recording_keeps_the_time_of_a_peer_that_sends_nothing_while_it_is_silent():
    tape = Tape()
    call = Call(media=Gapped([speech(1500)]), wiring={"open_recording": lambda _call_id: tape}).hold()
    assert sum(len(caller) for caller, _ in tape.sides) / 8 == pytest.approx(call.media.now_ms, abs=250)


class Deaf(SimulatedMedia):
    """Like an Asterisk that only records: tells when somebody talks, delivers the sound afterwards."""

    live = False

    async def receive(self, sink):
        line = self

        class Recorder:
            kept, talking = (), False

            def on_audio(self, samples):
                loud = bool(np.any(samples))
                if loud and not self.talking:
                    self.talking, self.quiet = True, 0
                    sink.on_talk(True)
                if self.talking:
                    self.kept = (*self.kept, samples)
                    self.quiet = 0 if loud else self.quiet + 1
                    if self.quiet == 25:
                        for frame in self.kept:
                            sink.on_audio(frame)
                        self.kept, self.talking = (), False
                        sink.on_talk(False)

            def on_mark(self, mark):
                sink.on_mark(mark)

        await SimulatedMedia.receive(line, Recorder())


def test_a_line_that_delivers_sound_late_is_served_too():
    call = Call(media=Deaf([speech(1500, 8000), speech(1200, 7000)])).hold()
    assert call.caller == ["сколько стоит пресс", "какой срок поставки"]
    assert call.bot[1:] == [ANSWER, "Один месяц."]


def test_the_longest_wait_is_known_and_within_the_ladder():
    call = Call([speech(1500)], answerer=ScriptedAnswerer(ANSWERS, delay_s=5)).hold()
    assert 900 <= call.pipeline.longest_dead_air_ms <= 1200
    assert Call([speech(1500)]).hold().pipeline.longest_dead_air_ms < 900


def test_hold_music_ends_when_the_sound_that_began_the_wait_held_no_words():
    cough = SimulatedMedia([speech(300, 6000), silence(4000)])
    slow = ScriptedAsr(WORDS, delay_s=2.5)
    Call(media=cough, environ={"CHANNEL_HOLD_DURING_AI": "true"}, wiring={"asr": slow}).hold()
    coughed = next(span[2] for span in cough.spans if span[0] == "caller")
    music = [span for span in cough.spans if span[0] == "bot" and coughed < span[1] < coughed + 7000]
    assert music, "the bot was waiting for the words"
    assert music[-1][2] - coughed < 96 + 2500 + 200


def test_a_turn_is_told_once_even_if_a_nod_falls_on_its_very_end():
    """The hold then lands in the moment in which the reply is over."""
    for offset_ms in range(700, 1100, 20):
        media = Nodding([speech(1500), speech(320, 6000)])
        media.after_ms = len(ANSWER) * 60 - offset_ms
        call = Call(media=media).hold()
        assert call.bot.count(ANSWER) == 1, (offset_ms, call.bot)


class Nodding(SimulatedMedia):
    """Says its second sound a while after the answer has begun."""

    after_ms = 0

    def _speak(self):
        asked = next((span[2] for span in self.spans if span[0] == "caller"), None)
        answer = next((span for span in self.spans if span[0] == "bot" and asked and span[1] > asked), None)
        if answer and self._to_say and self.now_ms - answer[1] >= self.after_ms:
            self._saying = self._to_say.popleft()
        return super()._speak()
