"""The same call on every transport: greeting, question, answer, barge-in, hangup, and nothing left behind."""

import asyncio
import json
import os
import wave

import numpy as np
import pytest
from fakes.voice import CHAR_MS, ScriptedAnswerer, ScriptedAsr, ToneTts, services
from phone import ASTERISK_ROOT, AUDIO

from voxbot.domain.audio import AudioChunk
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn
from voxbot.speech.wav import read_wav

SOUNDS = ASTERISK_ROOT / "usr/share/asterisk/sounds"
ANSWER = "Машина на сто килоньютонов стоит два миллиона рублей, срок поставки один месяц."
HEAR = [{"do": "wait_for_speech", "timeout_ms": 8000}, {"do": "wait_for_silence", "ms": 600}]
CALL = [
    *HEAR,
    {"do": "say", "wav": "delivery.wav"},
    *HEAR,
    {"do": "say", "wav": "delivery.wav"},
    {"do": "say_over", "wav": "certificate.wav", "after_ms": 1000, "timeout_ms": 10000},
    *HEAR,
    {"do": "hangup"},
]
LIMITS_MS = {
    "websocket": {"greeting": 600, "barge_in": 600},
    "audiosocket": {"greeting": 600, "barge_in": 600},
    "files": {"greeting": 900, "barge_in": 900},
}


class AnyWords(ScriptedAsr):
    """Hears the same words in everything that has sound in it."""

    async def transcribe(self, audio, hints):
        transcript = await super().transcribe(audio, hints)
        loud = len(audio.samples) and abs(audio.samples.astype(int)).max() > 1000
        return type(transcript)(self.words[0] if loud else "", 0.9)


def environ(transport, **more):
    return {"MEDIA_TRANSPORT": transport, "ASTERISK_SOUNDS_DIR": str(SOUNDS), "ASTERISK_LANG": "ru", **more}


def scripted(transport, published, **more):
    answerer = ScriptedAnswerer({"сколько стоит": (ANSWER, AnswerInfo(kb="general"))})
    return services(AnyWords({0: "сколько стоит"}), answerer, published=published, environ=environ(transport, **more))


def pretty(report):
    return json.dumps(report, ensure_ascii=False, indent=1, default=str)[:6000]


def files_left():
    """The bot's speech in Asterisk's sounds, and recordings of callers in its spool."""
    spool = ASTERISK_ROOT / "lab" / os.environ.get("LAB_NAME", "voxbot-tests") / "spool/recording"
    return [*SOUNDS.glob("ru/voxbot/*"), *spool.glob("*")]


async def ended(published):
    async with asyncio.timeout(10):
        while not any(isinstance(event, CallEnded) for event in published):
            await asyncio.sleep(0.02)
    return next(event for event in published if isinstance(event, CallEnded))


@pytest.mark.parametrize("transport", ["websocket", "audiosocket", "files"])
async def test_greeting_answer_barge_in_and_hangup(lab, bot_in_process, transport, record_property):
    published = []
    async with bot_in_process(scripted(transport, published)) as dispatcher:
        (report,) = await lab.call(CALL)
        end = await ended(published)
        assert dispatcher.live == 0
    figures = {
        "greeting_ms": round(report["remote"][0]["start_ms"] - report["answered_ms"]),
        "response_ms": [round(spoken["response_ms"] or 0) for spoken in report["utterances"]],
        "barge_in_ms": report["utterances"][2]["barge_in_ms"],
    }
    for name, value in figures.items():
        record_property(name, value)
    assert report["ok"], pretty(report)
    assert (end.status, end.reason) == ("Completed", "caller_hangup"), end
    assert figures["greeting_ms"] < LIMITS_MS[transport]["greeting"], pretty(report)
    assert figures["barge_in_ms"] < LIMITS_MS[transport]["barge_in"], pretty(report)
    assert sum(isinstance(event, CallerTurn) for event in published) == 3
    answers = [event for event in published if isinstance(event, BotTurn)][1:]
    assert [answer.cut for answer in answers] == [False, True, False]
    assert answers[0].text == ANSWER
    assert await lab.leftovers() == []
    assert files_left() == []


class SineTts(ToneTts):
    """440 Hz, 60 ms a character."""

    async def synthesize(self, text):
        time_s = np.arange(len(text) * CHAR_MS * 8) / 8000
        yield AudioChunk((np.sin(2 * np.pi * 440 * time_s) * 8000).astype(np.int16), 8000)


class KeepingAsr(AnyWords):
    """Keeps the longest sound that it was given."""

    longest = np.zeros(0, np.int16)

    async def transcribe(self, audio, hints):
        self.longest = max(self.longest, audio.samples, key=len)
        return await super().transcribe(audio, hints)


def likeness(one, other):
    """The greatest correlation of two sounds over all shifts."""
    size = len(one) + len(other)
    products = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)))
    return products.max() / (np.linalg.norm(one) * np.linalg.norm(other))


@pytest.mark.parametrize("transport", ["websocket", "audiosocket", "files"])
async def test_both_hear_what_the_other_has_said(lab, bot_in_process, transport, tmp_path):
    asr = KeepingAsr({0: "сколько стоит"})
    answerer = ScriptedAnswerer({"сколько стоит": (ANSWER, AnswerInfo(kb="general"))})
    wired = services(asr, answerer, tts=SineTts(), environ=environ(transport))
    async with bot_in_process(wired):
        (report,) = await lab.call(
            [*HEAR, {"do": "say", "wav": "delivery.wav"}, *HEAR, {"do": "hangup"}], out=tmp_path / "call.wav"
        )
    assert report["ok"], pretty(report)
    assert likeness(asr.longest.astype(float), read_wav(AUDIO / "delivery.wav").astype(float)) > 0.9
    with wave.open(str(tmp_path / "call.wav")) as wav:
        heard = np.frombuffer(wav.readframes(wav.getnframes()), np.int16).reshape(-1, 2)[:, 1].astype(float)
    answer = report["remote"][-1]
    assert answer["end_ms"] - answer["start_ms"] == pytest.approx(len(ANSWER) * CHAR_MS, rel=0.05), "without gaps"
    spoken = heard[int(answer["start_ms"] * 8) : int(answer["end_ms"] * 8)]
    power = np.abs(np.fft.rfft(spoken * np.hanning(len(spoken)))) ** 2
    pitch = np.fft.rfftfreq(len(spoken), 1 / 8000)
    assert power[np.abs(pitch - 440) < 20].sum() / power.sum() > 0.9


@pytest.mark.parametrize("transport", ["audiosocket", "files"])
@pytest.mark.parametrize("after_ms", [0, 30, 700])
async def test_a_hangup_at_any_moment_leaves_nothing(lab, bot_in_process, transport, after_ms):
    published = []
    async with bot_in_process(scripted(transport, published)) as dispatcher:
        await lab.call([{"do": "pause", "ms": after_ms}, {"do": "hangup"}], count=5, stagger_ms=40)
        async with asyncio.timeout(10):
            while dispatcher.live:
                await asyncio.sleep(0.02)
    assert {event.reason for event in published if isinstance(event, CallEnded)} <= {"caller_hangup"}
    assert await lab.leftovers() == []
    assert files_left() == []


async def test_auto_takes_the_websocket_here_and_says_so(lab, bot_in_process, capsys):
    async with bot_in_process(scripted("auto", [])):
        pass
    assert "Звук: websocket" in capsys.readouterr().out


async def test_a_transport_that_cannot_work_sends_the_caller_to_the_operator(lab, bot_in_process, tmp_path):
    """A sounds folder that Asterisk does not see: the playback fails, and the caller is not left in silence."""
    published = []
    wired = scripted("files", published, ASTERISK_SOUNDS_DIR=str(tmp_path), PLAYBACK_RETRY_COUNT="1")
    async with bot_in_process(wired):
        (report,) = await lab.call([{"do": "pause", "ms": 4000}, {"do": "hangup"}])
        end = await ended(published)
    assert end.reason == "error"
    beeps = [span for span in report["remote"] if 250 < span["end_ms"] - span["start_ms"] < 350]
    assert len(beeps) >= 2, pretty(report["remote"])
    assert await lab.leftovers() == []
