"""Piper's input is made as its voices were trained."""

from __future__ import annotations

from contextlib import aclosing

import numpy as np
from fakes.piper_voice import RATE_HZ, SAMPLES_PER_ID, write_piper_voice

from voxbot.providers.tts.piper import PiperTts, _Voice, encode_phonemes

IDS = {"_": [0], "^": [1], "$": [2], "a": [3], "ɨ": [4], "\u0303": [5], ".": [6]}


def test_phonemes_stand_padded_between_begin_and_end():
    assert encode_phonemes("aɨ.", IDS) == [1, 0, 3, 0, 4, 0, 6, 0, 2]


def test_a_phoneme_with_a_mark_is_two_and_an_unknown_one_is_left_out():
    assert encode_phonemes("\u00e3x", IDS) == [1, 0, 3, 0, 5, 0, 2]
    assert encode_phonemes("ы", IDS) == [1, 0, 2]


def test_punctuation_stays_and_marks_of_foreign_words_go(tmp_path):
    phonemes = _Voice(write_piper_voice(tmp_path))._phonemes("Да, USB. Как?!")
    assert "," in phonemes
    assert phonemes.endswith("?")
    assert "(" not in phonemes


async def test_sound_is_as_long_as_the_phonemes_make_it(tmp_path):
    tts = PiperTts(write_piper_voice(tmp_path))
    async with aclosing(tts.synthesize("да")) as chunks:
        (chunk,) = [chunk async for chunk in chunks]
    await tts.close()
    assert chunk.rate_hz == RATE_HZ
    assert len(chunk.samples) % SAMPLES_PER_ID == 0
    assert 7 <= len(chunk.samples) // SAMPLES_PER_ID <= 15  # d, a and perhaps a stress, padded, between two ends
    assert np.abs(chunk.samples.astype(int)).max() > 10_000
