"""An utterance goes to a recogniser of streams while it is said; one that fails costs no words."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest
from fakes.scripted_engines import HANG, ScriptedAsr, ScriptedStreamingAsr
from fakes.virtual_time import run_virtual
from fakes.voice import ScriptedAnswerer, services, speech

from voxbot.call.pipeline import Pipeline
from voxbot.call.recognition import Recognition
from voxbot.domain.audio import AudioChunk, silence
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.domain.events import CallerTurn
from voxbot.media.simulated import SimulatedMedia
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrCapabilities, Transcript
from voxbot.speech.budget import asr_budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.turns.events import EndOfTurnHint, Partial, Recognised

WORDS = {8000: "сколько стоит", 7000: "а срок"}


@dataclass
class StreamingAsr:
    """Hears `WORDS` by the loudest sample, as ScriptedAsr; tells nothing until it is asked."""

    failing: bool = False
    delay_s: float = 0.15
    name: str = "streaming"
    capabilities: AsrCapabilities = field(default_factory=lambda: AsrCapabilities(streaming=True))
    streams: list = field(default_factory=list)
    whole: list = field(default_factory=list)

    def open(self, hints, listener):
        self.streams.append(Stream(self, listener))
        return self.streams[-1]

    async def transcribe(self, audio, hints):
        self.whole.append(audio)
        await asyncio.sleep(self.delay_s)
        return Transcript(hear(audio.samples), 0.9)

    async def warm_up(self):
        pass

    async def close(self):
        pass


@dataclass
class Stream:
    asr: StreamingAsr
    listener: object
    pieces: list = field(default_factory=list)
    closed: int = 0
    settled: int = 0

    @property
    def sound(self):
        return np.concatenate(self.pieces)

    def push(self, samples):
        assert not self.closed
        self.pieces.append(samples)

    async def settle(self):
        assert not self.closed
        self.settled += 1
        await asyncio.sleep(self.asr.delay_s)
        if self.asr.failing:
            raise ProviderUnavailableError("streaming", "scripted failure")
        return Transcript(hear(self.sound), 0.9)

    def close(self):
        self.closed += 1


def hear(samples):
    return WORDS.get(int(np.abs(samples).max()) if len(samples) else 0, "")


def converse(asr, utterances, transport=SimulatedMedia):
    """Hold a call; return what the caller has said by the transcript."""
    published = []
    answerer = ScriptedAnswerer({text: ("Два миллиона рублей.", AnswerInfo(kb="general")) for text in WORDS.values()})

    async def call():
        return await Pipeline("call", transport(utterances), services(asr, answerer, published=published)).run()

    assert run_virtual(call()) == "caller_hangup"
    return [event for event in published if isinstance(event, CallerTurn)]


def test_each_utterance_is_one_stream_with_all_of_its_sound_and_no_more():
    asr = StreamingAsr()
    turns = converse(asr, [speech(1500), speech(1200, 7000)])
    assert [turn.text for turn in turns] == ["сколько стоит", "а срок"]
    assert len(asr.streams) == 2
    assert not asr.whole
    for stream, said in zip(asr.streams, (speech(1500), speech(1200, 7000)), strict=True):
        assert np.count_nonzero(stream.sound) == np.count_nonzero(said), "from before the onset on, each frame once"
        assert stream.closed, "the bot's own turn is not sent"
        assert len(stream.sound) / 8 < len(said) / 8 + 2500
        assert stream.settled == 1


def test_the_words_are_known_when_the_turn_is_taken():
    (turn,) = converse(StreamingAsr(), [speech(1500)])
    assert turn.ms["asr_wait"] == 0
    assert turn.ms["asr"] == 150


def test_a_stream_that_fails_costs_no_words():
    asr = StreamingAsr(failing=True)
    turns = converse(FallbackAsr([asr]), [speech(1500)])
    assert [turn.text for turn in turns] == ["сколько стоит"]
    assert np.count_nonzero(asr.whole[0].samples) == np.count_nonzero(speech(1500))
    assert all(stream.closed for stream in asr.streams)


def test_a_call_that_breaks_off_in_mid_sentence_leaves_no_stream():
    class Leaving(SimulatedMedia):
        def _hung_up(self):
            said = [span for span in self.spans if span[0] == "caller"]
            return bool(said) and self.now_ms > said[0][1] + 700

    asr = StreamingAsr()
    converse(asr, [speech(1500)], Leaving)
    assert len(asr.streams) == 1
    assert asr.streams[0].closed


# --- alone -------------------------------------------------------------------------------------

AUDIO = AudioChunk(speech(500), 8000)


def alone(script, asr=None):
    """Run `script(recognition, asr)` on a recognition without a call; return what it told."""
    told, asr = [], asr or StreamingAsr()

    async def run():
        async with asyncio.TaskGroup() as tasks:
            await script(Recognition(services(asr, ScriptedAnswerer({})), tasks, told.append), asr)

    run_virtual(run())
    return told


def test_words_so_far_answer_at_once_in_the_middle_of_a_sentence_and_the_stream_goes_on():
    async def script(recognition, asr):
        recognition.open()
        recognition.hear(speech(300))
        asr.streams[0].listener.on_partial("а сколько")
        asr.streams[0].listener.on_partial("а сколько")
        recognition.start(1, AUDIO, speaking=True)
        await asyncio.sleep(0)
        assert not asr.streams[0].settled
        recognition.close()

    assert alone(script) == [Partial("а сколько"), Recognised(1, "а сколько")]


def test_without_words_so_far_the_sound_itself_is_looked_at():
    async def script(recognition, asr):
        recognition.open()
        recognition.start(1, AUDIO, speaking=True)
        await asyncio.sleep(1)
        assert not asr.streams[0].settled
        assert len(asr.whole) == 1
        recognition.close()

    assert alone(script) == [Recognised(1, "сколько стоит", confidence=0.9)]


def test_when_no_recogniser_answers_it_is_told_when_their_share_of_the_patience_is_over():
    streaming, whole = ScriptedStreamingAsr("first", HANG), ScriptedAsr("second", HANG, local=True)
    budget, took_s = asr_budget(load_settings(environ={})), []

    async def script(recognition, asr):
        recognition.open()
        recognition.hear(speech(500))
        recognition.start(1, AUDIO, speaking=False)
        await recognition._task
        took_s.append(asyncio.get_running_loop().time())
        recognition.close()

    told = alone(script, FallbackAsr([streaming, whole], budget=budget))
    assert told[-1] == Recognised(1, "", failed=True)
    assert took_s == [pytest.approx(budget.total_s)]
    assert (streaming.lengths, len(whole.lengths)) == ([], 1), "nobody is asked twice"


def test_an_attempt_outlives_its_utterance_and_then_the_stream_is_closed():
    async def script(recognition, asr):
        recognition.open()
        recognition.hear(speech(300))
        recognition.start(1, AUDIO, speaking=False)
        recognition.drop()
        recognition.hear(speech(300))  # nobody's
        await asyncio.sleep(0.1)
        assert not asr.streams[0].closed
        asr.streams[0].listener.on_partial("поздно")
        await asyncio.sleep(0.1)
        assert asr.streams[0].closed

    assert alone(script) == [Recognised(1, "сколько стоит", confidence=0.9)]


def test_an_attempt_given_up_before_it_began_leaves_no_stream_open():
    async def script(recognition, asr):
        recognition.open()
        recognition.start(1, AUDIO, speaking=False)
        recognition.close()
        await asyncio.sleep(1)
        assert asr.streams[0].closed

    assert alone(script) == []


def test_the_recognisers_own_verdict_is_a_hint_until_more_is_heard():
    async def script(recognition, asr):
        recognition.open()
        recognition.hear(speech(300))
        listener = asr.streams[0].listener
        listener.on_end_of_utterance()
        recognition.start(1, AUDIO, speaking=False)
        await asyncio.sleep(1)
        listener.on_partial("сколько стоит")
        recognition.start(2, AUDIO, speaking=False)
        await asyncio.sleep(1)
        recognition.hear(silence(20))
        listener.on_end_of_utterance()
        recognition.close()

    words = {"text": "сколько стоит", "confidence": 0.9}
    assert alone(script) == [
        EndOfTurnHint(0, 1.0),
        Recognised(1, **words),
        EndOfTurnHint(1, 1.0),
        Partial("сколько стоит"),
        Recognised(2, **words),
        EndOfTurnHint(2, 1.0),
    ]
