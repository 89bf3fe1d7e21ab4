"""A caller whose words SpeechKit's double reads out of a SoundBook, and who listens to a stream."""

import asyncio

from fakes.sounds import SoundBook, frames_of, murmur
from voxbot.domain.audio import FRAME_MS, FRAME_SAMPLES


class Listener:
    """An AsrListener that keeps what it was told."""

    def __init__(self):
        self.partials = []
        self.ends = 0

    def on_partial(self, text):
        self.partials.append(text)

    def on_end_of_utterance(self):
        self.ends += 1


class Caller:
    """Says words; a word takes 240 ms."""

    def __init__(self):
        self.book = SoundBook()
        self._seed = 0

    def say(self, text):
        self._seed += 1
        sound = murmur(frames_of(240 * len(text.split())), self._seed)
        self.book.bind_recording(sound, text)
        return sound


def push(stream, sound):
    """Give all of a sound at once, frame by frame."""
    for start in range(0, len(sound), FRAME_SAMPLES):
        stream.push(sound[start : start + FRAME_SAMPLES])


async def push_in_real_time(stream, sound):
    """Give a sound as a telephone does."""
    for start in range(0, len(sound), FRAME_SAMPLES):
        stream.push(sound[start : start + FRAME_SAMPLES])
        await asyncio.sleep(FRAME_MS / 1000)
