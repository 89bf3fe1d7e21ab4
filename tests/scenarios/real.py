"""Scenarios as real calls: a SIP caller, a real Asterisk, the bot in this process with scripted engines and a real VAD.

The caller speaks the recordings that the scenario names; the recogniser reads their words out of a SoundBook, for
A-law frames arrive as they were sent. What the ear gives is when the bot spoke, not its words.
"""

import asyncio
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
from fakes.engines import BookAsr, RecordedTts, ScenarioAgent
from fakes.line import Spoken
from fakes.sounds import SoundBook, murmur
from fakes.voice import services
from phone import AUDIO, caller_module
from scenarios.language import Dtmf, Echo, Gap, HangsUp, Noise, Pauses, Says, Stays, Waits, Words
from scenarios.outcome import HeardWord, Outcome

from voxbot.agent.phrases import canned_texts
from voxbot.call.dispatcher import Dispatcher
from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, silence
from voxbot.domain.events import CallEnded
from voxbot.media.g711 import decode_alaw
from voxbot.providers.vad.silero import SileroVad
from voxbot.settings.loader import load_settings
from voxbot.speech.tts_cache import CachedTts
from voxbot.speech.wav import read_wav
from voxbot.telephony.ari import AriClient
from voxbot.text.segmenter import split_segments

RECORDINGS = Path(__file__).parent / "audio"
_MUSIC = AUDIO / "moh.wav"
_VOICE = RECORDINGS / "tell_about.wav"
_ALAW = caller_module.CODECS["alaw"]


class Exchange(Dispatcher):
    """A bot whose calls each have services of their own, by the caller's number."""

    def __init__(self, ari, by_number, on_ready):
        super().__init__(ari, next(iter(by_number.values())), on_ready)
        self._by_number = by_number

    def _start(self, channel, *arguments):
        self._services = self._by_number[channel.caller]
        super()._start(channel, *arguments)


async def hold_calls(lab, scenarios, folder, *, environ=None, at_once=4, recogniser=BookAsr):
    """Hold every scenario's call, so many at a time, with settings of the bot's; return their outcomes by id.

    `recogniser(book, engine)` makes what hears a call whose words are in `book`.
    """
    environ = {**lab.ari_environ, **(environ or {})}
    vad = SileroVad()
    vad.warm_up()
    calls = [_Call(scenario, folder / f"{number}", f"7000{number:04}") for number, scenario in enumerate(scenarios)]
    by_number = {call.number: await call.services(vad, environ, recogniser) for call in calls}
    ready, gate = asyncio.Event(), asyncio.Semaphore(at_once)
    async with AriClient(load_settings(environ=environ).ari) as ari:
        running = asyncio.create_task(Exchange(ari, by_number, ready.set).run())
        async with asyncio.timeout(10):
            await ready.wait()
        try:
            outcomes = await asyncio.gather(*(call.hold(lab, gate) for call in calls))
        finally:
            running.cancel()
            await asyncio.wait({running})
    return {call.scenario.id: outcome for call, outcome in zip(calls, outcomes, strict=True)}


class _Call:
    """One scenario on its way through the exchange."""

    def __init__(self, scenario, folder, number):
        folder.mkdir()
        self.scenario = scenario
        self.number = number
        self._folder = folder
        self._book = SoundBook()
        self._agent = ScenarioAgent(scenario.answers)
        self._told = []
        self._ended = asyncio.Event()
        self._texts = []
        self._script = [phone_step for step in scenario.caller for phone_step in self._translate(step)]
        if self._script[-1]["do"] != "expect_hangup":
            self._script.append({"do": "hangup"})

    async def services(self, vad, environ, recogniser):
        assert not self.scenario.tts.faults, f"{self.scenario.id}: a voice with faults is for virtual time"
        voice = CachedTts(RecordedTts(_VOICE, 0))
        await voice.prepare([*canned_texts(), *split_segments(self.scenario.greeting)])
        voice._tts = RecordedTts(_VOICE, self.scenario.tts.delay_ms)
        wired = services(
            recogniser(self._book, self.scenario.asr),
            self._agent,
            tts=voice,
            published=self,
            environ={**environ, **self.scenario.settings},
        )
        return replace(wired, vad=vad, greeting=lambda: self.scenario.greeting)

    def append(self, event):
        """Take an event of the call."""
        self._told.append((asyncio.get_running_loop().time(), event))
        if isinstance(event, CallEnded):
            self._ended.set()

    async def hold(self, lab, gate):
        options = caller_module.Options(to="100", port=lab.sip_port, number=self.number)
        call = caller_module.Call(options, self._script, self._folder)
        async with gate:
            await call.run()
            async with asyncio.timeout(10):
                await self._ended.wait()
        report = call.report(self._folder / "call.wav")
        t0_s = report["t0_monotonic_s"]
        return Outcome(
            end=self._told[-1][1].reason,
            length_ms=report["length_ms"],
            words=[HeardWord(span["start_ms"], span["end_ms"], "", 0, "") for span in report["remote"]],
            spoken=[
                Spoken(manner, text, said["speech_start_ms"], said["speech_end_ms"])
                for (manner, text), said in zip(self._texts, report["utterances"], strict=True)
            ],
            flushed_ms=[],
            told=[((at_s - t0_s) * 1000, event) for at_s, event in self._told],
            asked=self._agent.asked,
            leftovers=[] if report["ok"] else [f"the phone's script: {report['error']}"],
        )

    # --- steps of the scenario → steps of the phone ----------------------------------------------

    def _translate(self, step):
        after_ms = getattr(step, "after_ms", None)
        match step:
            case Says(manner):
                steps = self._say(manner, step.text, self._recorded(step), after_ms)
            case Noise(kind, ms, background=False):
                steps = self._say("noise", kind, _noise(kind, ms), after_ms)
            case Waits(silence_ms):
                steps = [{"do": "wait_for_speech", "timeout_ms": 15_000}, {"do": "wait_for_silence", "ms": silence_ms}]
            case Pauses(ms):
                steps = [{"do": "pause", "ms": ms}]
            case Echo(gain, delay_ms):
                steps = [{"do": "echo", "gain": gain, "delay_ms": delay_ms}]
            case Dtmf(digits):
                steps = [*_into_speech(after_ms), {"do": "dtmf", "digits": digits}]
            case HangsUp():
                steps = _into_speech(after_ms)
            case Stays() if self.scenario.limits.end == "operator":  # the dialplan goes on with the call
                steps = [{"do": "pause", "ms": 5000}]
            case Stays(ms):
                steps = [{"do": "expect_hangup", "timeout_ms": ms}]
            case _:
                raise ValueError(f"{self.scenario.id}: {step} has no real counterpart")
        return steps

    def _say(self, manner, text, sound, after_ms):
        self._texts.append((manner, text))
        wav = f"{len(self._texts)}.wav"
        with wave.open(str(self._folder / wav), "wb") as file:
            file.setparams((1, 2, TELEPHONE_RATE_HZ, 0, "NONE", ""))
            file.writeframes(sound.tobytes())
        if after_ms is None:
            return [{"do": "say", "wav": wav}]
        return [{"do": "say_over", "wav": wav, "after_ms": after_ms}]

    def _recorded(self, step):
        """The pieces' recordings in a row, each begun on a frame's edge and bound to its words."""
        sounds = []
        for piece in step.pieces:
            if isinstance(piece, Gap):
                sounds.append(silence(piece.ms))
                continue
            assert isinstance(piece, Words)
            assert piece.wav, f"{self.scenario.id}: «{piece.text}» names no recording"
            sound = read_wav(RECORDINGS / piece.wav)
            sound = np.pad(sound, (0, -len(sound) % FRAME_SAMPLES))
            self._book.bind_recording(decode_alaw(_ALAW.encode(sound)), piece.text)
            sounds.append(sound)
        return np.concatenate(sounds)


def _noise(kind, ms):
    if kind == "music":
        return np.resize(read_wav(_MUSIC), ms * TELEPHONE_RATE_HZ // 1000)
    return murmur(ms // 20, 1, {"line": 300}.get(kind, 6000))


def _into_speech(after_ms):
    return [] if after_ms is None else [{"do": "wait_for_speech"}, {"do": "pause", "ms": after_ms}]
