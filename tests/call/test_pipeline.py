"""Whole conversations through the real pipeline and turn machine, in virtual time, with scripted engines."""

import asyncio
from itertools import pairwise

import pytest
from fakes.virtual_time import run_virtual
from fakes.voice import ScriptedAnswerer, ScriptedAsr, ToneTts, services, speech

from voxbot.call.pipeline import Pipeline
from voxbot.domain.audio import silence
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import MediaError, first_error
from voxbot.domain.events import BotTurn, CallerTurn
from voxbot.media.simulated import SimulatedMedia

PRICE = "Машина стоит два миллиона рублей. Срок поставки один месяц. Гарантия два года."
WORDS = {8000: "сколько стоит", 9000: "до свидания", 7000: "а срок"}
ANSWERS = {
    "сколько стоит": (PRICE, AnswerInfo(kb="general")),
    "до свидания": ("Всего доброго!", AnswerInfo(intent="goodbye")),
    "оператора": ("Соединяю вас с оператором.", AnswerInfo(intent="operator")),
    "а срок": ("Один месяц.", AnswerInfo(kb="general")),
}


def converse(utterances, *, asr=None, tts=None, media=None, environ=None, answerer=None):
    """Hold a call; return (end reason, published events, media, answerer)."""
    published = []
    answerer = answerer or ScriptedAnswerer(ANSWERS)

    async def call():
        line = media or SimulatedMedia(utterances)
        wired = services(asr or ScriptedAsr(WORDS), answerer, tts=tts, published=published, environ=environ)
        return await Pipeline("call", line, wired).run(), line

    reason, line = run_virtual(call())
    return reason, published, line, answerer


def dialogue(events):
    return [(type(event).__name__, event.text) for event in events]


def test_a_dialogue_is_held_and_told_in_order():
    reason, events, line, answerer = converse([speech(1500), speech(1200, 9000)])
    assert reason == "goodbye"
    assert dialogue(events) == [
        ("BotTurn", "Здравствуйте, слушаю вас."),
        ("CallerTurn", "сколько стоит"),
        ("BotTurn", PRICE),
        ("CallerTurn", "до свидания"),
        ("BotTurn", "Всего доброго!"),
    ]
    assert [u.text for u in answerer.asked[1][1]] == ["Здравствуйте, слушаю вас.", "сколько стоит", PRICE]
    end = next(span[2] for span in line.spans if span[0] == "caller")
    reply = next(span for span in line.spans if span[0] == "bot" and span[1] > end)
    assert reply[1] - end < 1200, "700 ms of silence, 50 ms of the agent, 100 ms of the voice"
    assert events[2].ms["response"] == pytest.approx(reply[1] - end, abs=120)


def test_the_bot_never_speaks_over_itself_and_says_all_of_it():
    _, _, line, _ = converse([speech(1500), speech(1200, 9000)])
    spoken_ms = sum(end - start for who, start, end in line.spans if who == "bot")
    text = "Здравствуйте, слушаю вас." + PRICE + "Всего доброго!"
    assert spoken_ms == pytest.approx(len(text) * 60, rel=0.05)
    assert all(a[2] <= b[1] for a, b in pairwise(s for s in line.spans if s[0] == "bot"))


class Interrupting(SimulatedMedia):
    """A caller who speaks over the bot's second turn after 1.5 s of it."""

    def _speak(self):
        bot = [span for span in self.spans if span[0] == "bot"]
        if len(bot) == 2 and self._to_say and self.now_ms - bot[1][1] >= 1500 and not len(self._saying):
            self._saying = self._to_say.popleft()
            self.barged_in_ms = self.now_ms
            self._bot_spoke = False
        return super()._speak()


def test_an_interrupted_answer_stops_at_once_and_only_its_heard_words_remain():
    media = Interrupting([speech(1500), speech(1200, 7000)], polite_silence_ms=700)
    _, events, line, answerer = converse([], media=media)
    cut = next(event for event in events if isinstance(event, BotTurn) and event.cut)
    stopped = [span for span in line.spans if span[0] == "bot"][1][2]
    assert stopped - media.barged_in_ms < 400
    assert PRICE.startswith(cut.text)
    heard_chars = (stopped - [span for span in line.spans if span[0] == "bot"][1][1]) / 60
    assert len(cut.text) == pytest.approx(heard_chars, abs=12), "to the word"
    assert answerer.asked[1][0] == "а срок"
    assert answerer.asked[1][1][-1].text == cut.text, "the agent remembers what was heard, not what was planned"


def test_a_silent_caller_is_asked_and_then_bidden_goodbye():
    reason, events, _, answerer = converse([], media=SimulatedMedia([silence(200_000)], patience_ms=100))
    assert reason == "silence"
    assert not answerer.asked
    assert [type(event) for event in events] == [BotTurn] * 4


def test_words_that_cannot_be_recognised_are_asked_for_again():
    _, events, _, _ = converse([speech(1500, 6000), speech(1500)])
    said = [event.text for event in events if isinstance(event, BotTurn)]
    assert said[2] == PRICE
    assert said[1] not in {PRICE, "Не знаю."}
    assert [event.text for event in events if isinstance(event, CallerTurn)] == ["сколько стоит"]


def test_a_broken_recogniser_does_not_break_the_call():
    reason, events, _, _ = converse([speech(1500)], asr=ScriptedAsr(WORDS, failing=True))
    assert reason == "caller_hangup"
    assert len(events) == 2


def test_without_any_voice_left_the_call_goes_to_a_person():
    reason, _, _, _ = converse([speech(1500)], tts=ToneTts(failing=True))
    assert reason == "error"


def test_an_agent_that_hangs_costs_no_silence_and_at_last_the_caller_gets_a_person():
    reason, events, line, _ = converse(
        [speech(1500)], answerer=ScriptedAnswerer(ANSWERS, delay_s=3600), environ={"AI_PROCESSING_TIMEOUT": "8"}
    )
    assert reason == "unanswered"
    assert [event.text for event in events if isinstance(event, CallerTurn)] == ["сколько стоит"]
    said = events[-1].text
    assert said.endswith("Соединяю вас с оператором."), said
    spans = [span for span in line.spans if span[1] >= next(span[2] for span in line.spans if span[0] == "caller")]
    asked = next(span[2] for span in line.spans if span[0] == "caller")
    gaps = [b[1] - a for a, b in zip([asked, *(span[2] for span in spans)], spans, strict=False)]
    assert max(gaps) <= 1250, gaps
    assert spans[-1][1] - asked > 8000


def test_the_caller_who_wants_a_person_gets_one():
    reason, _, _, _ = converse([speech(1500)], asr=ScriptedAsr({8000: "оператора"}))
    assert reason == "operator"


class Dropped(SimulatedMedia):
    async def send(self, samples):
        if self.now_ms > 3000:
            raise MediaError("scripted: the connection is gone")
        await super().send(samples)


def test_a_lost_audio_connection_is_reported_and_leaves_no_task():
    with pytest.raises(BaseExceptionGroup) as caught:
        converse([], media=Dropped([speech(1500)]))
    assert isinstance(first_error(caught.value), MediaError)


def test_a_caller_who_hangs_up_in_the_middle_of_an_answer_leaves_the_heard_half():
    class Leaving(SimulatedMedia):
        def _hung_up(self):
            return self.now_ms > 6500

    reason, events, _, _ = converse([], media=Leaving([speech(1500)]))
    assert reason == "caller_hangup"
    assert events[-1].cut
    assert PRICE.startswith(events[-1].text)
    assert 0 < len(events[-1].text) < len(PRICE)


class HungVoice(ToneTts):
    """Gives a first sound of every text and then nothing more."""

    async def synthesize(self, text):
        async for chunk in super().synthesize(text):
            yield chunk
        if "стоит" in text:
            await asyncio.sleep(36_000)


def test_a_voice_that_hangs_in_mid_sentence_is_given_up_and_the_call_goes_on():
    reason, events, _, answerer = converse([speech(1500), speech(1200, 7000)], tts=HungVoice())
    assert reason == "caller_hangup"
    assert [question for question, _ in answerer.asked] == ["сколько стоит", "а срок"]
    assert events[-1].text == "Один месяц."


def test_a_bot_that_has_gone_deaf_hands_the_caller_over():
    reason, _, _, _ = converse([speech(1500), speech(1500), speech(1500)], asr=ScriptedAsr(WORDS, failing=True))
    assert reason == "error"


def test_words_over_the_announced_transfer_do_not_cancel_it():
    media = Interrupting([speech(1500), speech(1200, 7000)])
    wordy = {
        "оператора": ("Соединяю вас с оператором, оставайтесь, пожалуйста, на линии.", AnswerInfo(intent="operator"))
    }
    reason, _, _, answerer = converse(
        [], media=media, asr=ScriptedAsr({8000: "оператора", 7000: "спасибо"}), answerer=ScriptedAnswerer(wordy)
    )
    assert reason == "operator"
    assert len(answerer.asked) == 1


def test_words_said_just_before_the_caller_hung_up_are_kept():
    class Leaving(SimulatedMedia):
        def _hung_up(self):
            said = [span for span in self.spans if span[0] == "caller"]
            return bool(said) and self.now_ms > said[0][2] + 560

    _, events, _, _ = converse([], media=Leaving([speech(1500)]))
    assert [(type(event), event.text) for event in events[1:]] == [(CallerTurn, "сколько стоит")]
