"""A scenario in virtual time: the real pipeline and turn machine on a scripted line, with scripted engines."""

import asyncio
from dataclasses import replace
from itertools import groupby

from fakes.engines import BookAsr, ScenarioAgent, StampedTts
from fakes.line import ScriptedLine
from fakes.sounds import SoundBook
from fakes.virtual_time import run_virtual
from fakes.voice import services
from scenarios.outcome import HOLD, HeardWord, Outcome

from voxbot.agent.phrases import canned_texts
from voxbot.call.pipeline import Pipeline
from voxbot.domain.audio import FRAME_MS
from voxbot.domain.errors import first_error
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.tts_cache import CachedTts
from voxbot.text.segmenter import split_segments

_LONGEST_CALL_S = 2400


def _as_they_are(asr, tts, agent):
    return FallbackAsr([asr]), tts, agent


def run(scenario, recogniser=BookAsr, *, wire=_as_they_are):
    """Hold the call; return its Outcome. `wire(asr, tts, agent)` puts something before the scripted engines.

    Recognisers never go without the wrapper that gives a stream its second chance.
    """
    return run_virtual(_call(scenario, recogniser, wire))


async def _call(scenario, recogniser, wire):
    book, voice, agent = SoundBook(), StampedTts(scenario.tts), ScenarioAgent(scenario.answers)
    sound = StampedTts(replace(scenario.tts, faults={}))  # what is spoken beforehand has no faults
    sound._stamps = voice._stamps
    prepared = CachedTts(sound)
    await prepared.prepare([*canned_texts(), *split_segments(scenario.greeting)])
    scripted = recogniser(book, scenario.asr)
    asr, prepared._tts, answerer = wire(scripted, voice, agent)
    told, pipelines = [], []

    class Published(list):
        def append(self, event):
            told.append((line.now_ms, event))

    line = ScriptedLine(
        scenario.caller,
        book,
        stamp_of=voice.stamp_of,
        phase=lambda: pipelines[0]._state.phase.value,
        press=lambda digit: pipelines[0].on_digit(digit),  # noqa: PLW0108 - it is made below
    )
    wired = services(asr, answerer, tts=prepared, published=Published(), environ=scenario.settings)
    wired = replace(wired, greeting=lambda: scenario.greeting, hold_sound=lambda: voice.sound(HOLD))
    pipelines.append(Pipeline("call", line, wired, transfer=_transfer(scenario.operator)))
    before = asyncio.all_tasks()
    try:
        async with asyncio.timeout(_LONGEST_CALL_S):
            end = await pipelines[0].run()
    except* Exception as group:  # noqa: BLE001 - how a call breaks is part of what is expected
        end = type(first_error(group)).__name__
    await asyncio.sleep(0)
    left = [task.get_name() for task in asyncio.all_tasks() - before]
    left += [f"stream {number}" for number, stream in enumerate(getattr(scripted, "streams", [])) if not stream.closed]
    return Outcome(
        end=end,
        length_ms=line.now_ms,
        words=list(_words(line.heard, voice)),
        spoken=line.spoken,
        flushed_ms=line.flushed_ms,
        told=told,
        asked=agent.asked,
        leftovers=left,
    )


def _transfer(operator):
    if operator is None:
        return None

    async def transfer(request):
        await asyncio.sleep(operator.after_ms / 1000)
        return operator.outcome

    return transfer


def _words(heard, voice):
    """Runs of frames with the same stamp, each a word or what of it was heard."""
    for number, frames in groupby(heard, key=lambda frame: frame.stamp):
        if number:
            run_of = list(frames)
            stamp = voice.stamp(number)
            yield HeardWord(run_of[0].at_ms, run_of[-1].at_ms + FRAME_MS, stamp.segment, stamp.index, stamp.word)
