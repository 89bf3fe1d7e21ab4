"""Sounds that stand for words, and the book that tells which words a stretch of sound holds.

A frame of 20 ms is known by its samples, so a recogniser that reads the book hears exactly the words whose sound it
was given: half an utterance gives half its words. It works for made-up sounds and, as a telephone line carries A-law
frames unchanged, for recordings that have come through a real Asterisk.
"""

from dataclasses import dataclass

import numpy as np

from voxbot.domain.audio import FRAME_MS, FRAME_SAMPLES

LOUD = 6000
_SILENT_PEAK = 200


@dataclass(eq=False)
class Word:
    """A word that was said: the same text said twice is two of them."""

    text: str
    frames: int = 0


class SoundBook:
    """Frames and the words they belong to."""

    def __init__(self):
        self._words: dict[bytes, Word] = {}

    def bind(self, frame, word):
        """A frame of 160 samples belongs to `word`."""
        self._words[frame.tobytes()] = word

    def add(self, other):
        """Know what another book knows, too."""
        self._words |= other._words

    def bind_recording(self, samples, text):
        """Share the loud part of a recording among its words by their letters."""
        frames = [samples[i : i + FRAME_SAMPLES] for i in range(0, len(samples), FRAME_SAMPLES)]
        frames[-1] = np.pad(frames[-1], (0, FRAME_SAMPLES - len(frames[-1])))
        loud = [frame for frame in frames if np.abs(frame.astype(int)).max() >= _SILENT_PEAK]
        for frame, word in zip(loud, spread(text, len(loud)), strict=True):
            self.bind(frame, word)

    def hear(self, samples):
        """The words at least half of whose sound is in `samples`, in the order in which they begin."""
        found = self._matches(samples, len(samples) % FRAME_SAMPLES)  # recordings end with a whole frame
        loud = np.abs(samples.astype(np.int32)).max(initial=0) >= _SILENT_PEAK
        if not found and loud:
            found = max((self._matches(samples, shift) for shift in range(FRAME_SAMPLES)), key=len)
        counts = dict.fromkeys(found, 0)
        for word in found:
            counts[word] += 1
        return " ".join(word.text for word, frames in counts.items() if frames * 2 >= word.frames)

    def _matches(self, samples, shift):
        frames = (samples[i : i + FRAME_SAMPLES].tobytes() for i in range(shift, len(samples), FRAME_SAMPLES))
        return [word for word in map(self._words.get, frames) if word]


def spread(text, frames):
    """One word for each of so many frames."""
    words = [Word(word) for word in text.split()]
    letters = np.cumsum([len(word.text) + 1 for word in words])
    ends = np.round(letters / letters[-1] * frames).astype(int)
    owners = [words[int(np.searchsorted(ends, frame, side="right"))] for frame in range(frames)]
    for owner in owners:
        owner.frames += 1
    return owners


def murmur(frames, seed, level=LOUD):
    """Frames of noise at one level: no two are alike, and none is like the bot's voice."""
    signs = np.random.default_rng(seed).integers(0, 2, frames * FRAME_SAMPLES) * 2 - 1
    return (signs * level).astype(np.int16)


def frames_of(ms):
    """Frames that fill so many milliseconds."""
    return max(1, round(ms / FRAME_MS))
