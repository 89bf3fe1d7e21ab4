"""Whose voice it is: the caller's, the bot's own that comes back, or somebody's behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxbot.media.g711 import decode_alaw, encode_alaw
from voxbot.speech.foreground import Foreground
from voxbot.speech.wav import read_wav

TESTS = Path(__file__).parents[1]
RATE_HZ = 8000
FRAME, WINDOW = 160, 256


def said(folder: str, name: str):
    return read_wav(TESTS / folder / "audio" / f"{name}.wav").astype(float)


CALLER = said("asterisk_lab", "price")
BOT = np.concatenate([said("e2e", name) for name in ("warranty", "hours", "power", "hardness")])


def pad(sound, count: int):
    return np.concatenate((sound, np.zeros(max(0, count - len(sound)))))[:count]


def telephone(sound):
    return decode_alaw(encode_alaw(np.clip(np.rint(sound), -32768, 32767).astype(np.int16)))


def line_noise(count: int, rms: float = 12):
    return np.random.default_rng(3).normal(0, rms, count)


def hybrid_echo(sound, *, delay_ms: float, gain: float):
    response = np.random.default_rng(5).normal(0, 1, 48) * np.exp(-np.arange(48) / 12)
    response *= gain / np.sqrt(np.sum(response**2))
    return np.concatenate((np.zeros(int(delay_ms * 8)), np.convolve(sound, response)))[: len(sound)]


def room_echo(sound, *, delay_ms: float, gain: float):
    response = np.random.default_rng(6).normal(0, 1, 2400) * np.exp(-np.arange(2400) / 500)
    response *= gain / np.sqrt(2 * np.sum(response**2))
    response[0] = gain / np.sqrt(2)
    return np.concatenate((np.zeros(int(delay_ms * 8)), np.convolve(sound, response)))[: len(sound)]


def judgements(foreground: Foreground, caller, played, *, bot_speaking: bool = True, probability=1.0):
    """What becomes of a VAD that takes every window for speech (or of its given probabilities)."""
    heard, played = telephone(caller), telephone(played) * (np.abs(played) > 0)
    result, done = [], 0
    for start in range(0, len(heard) - FRAME + 1, FRAME):
        foreground.push(heard[start : start + FRAME], played[start : start + FRAME].astype(np.int16))
        while (done + 1) * WINDOW <= start + FRAME:
            given = probability[done] if isinstance(probability, np.ndarray) else probability
            result.append(foreground.judge(given, bot_speaking=bot_speaking))
            done += 1
    return np.array(result)


def loud(sound):
    """Windows within 15 dB of the loudest."""
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    level = np.sqrt(np.mean(windows**2, axis=1))
    return level > 0.18 * level.max()


def longest_run(result) -> int:
    best = run = 0
    for value in result:
        run = run + 1 if value >= 0.5 else 0
        best = max(best, run)
    return best


ECHOES = [
    pytest.param(hybrid_echo, 4, 0.3, id="line, at once, -10 dB"),
    pytest.param(hybrid_echo, 90, 0.1, id="line, 90 ms, -20 dB"),
    pytest.param(room_echo, 180, 0.25, id="speakerphone, 180 ms, -12 dB"),
    pytest.param(room_echo, 340, 0.12, id="speakerphone, 340 ms, -18 dB"),
]


@pytest.mark.parametrize(("make", "delay_ms", "gain"), ECHOES)
def test_the_bots_echo_does_not_interrupt_it(make, delay_ms, gain):
    echo = make(BOT, delay_ms=delay_ms, gain=gain) + line_noise(len(BOT))
    result = judgements(Foreground(), echo, BOT)
    assert longest_run(result) < 5


@pytest.mark.parametrize(("make", "delay_ms", "gain"), ECHOES)
def test_a_caller_is_heard_over_the_echo(make, delay_ms, gain):
    start = len(BOT) // 2 // WINDOW * WINDOW
    caller = pad(np.concatenate((np.zeros(start), CALLER)), len(BOT))
    echo = make(BOT, delay_ms=delay_ms, gain=gain) + line_noise(len(BOT))
    result = judgements(Foreground(), caller + echo, BOT)
    first = start // WINDOW
    voiced = loud(CALLER[:8000])
    assert np.mean(result[first : first + len(voiced)][voiced] == 1) > 0.7
    assert longest_run(result[first : first + 31]) >= 5


@pytest.mark.parametrize("gain", [1.0, 0.3, 0.1])
def test_a_caller_over_the_bot_is_heard_at_once_on_a_line_without_echo(gain):
    start = 3 * RATE_HZ // WINDOW * WINDOW
    caller = pad(np.concatenate((np.zeros(start), CALLER * gain)), len(BOT))
    result = judgements(Foreground(), caller + line_noise(len(BOT)), BOT)
    speech = result[start // WINDOW :][: len(CALLER) // WINDOW]
    assert np.all(speech[:12][loud(CALLER)[:12]] == 1)


@pytest.mark.parametrize("bot_speaking", [True, False])
def test_a_caller_with_the_bots_own_voice_is_no_echo(bot_speaking):
    """Unit selection puts the very same recorded sounds into different sentences."""
    start = RATE_HZ // WINDOW * WINDOW
    caller = np.concatenate((np.zeros(start), CALLER[: 2 * RATE_HZ]))
    bot = pad(np.concatenate((said("asterisk_lab", "delivery"), said("asterisk_lab", "operator"))), len(caller))
    result = judgements(Foreground(), caller, bot, bot_speaking=bot_speaking)[start // WINDOW :]
    assert np.mean(result[:15][loud(CALLER)[:15]] == 1) > 0.9
    assert np.mean(result[loud(CALLER[: 2 * RATE_HZ])[: len(result)]] == 1) > 0.85


@pytest.mark.parametrize("gain", [1.0, 0.03, 0.005])
def test_no_caller_is_too_soft_while_the_bot_is_silent(gain):
    result = judgements(Foreground(), CALLER * gain, np.zeros(len(CALLER)), bot_speaking=False, probability=0.7)
    assert np.mean(result[loud(CALLER)] == 0.7) > 0.95


def test_a_voice_far_behind_the_callers_does_not_interrupt():
    foreground = Foreground()
    judgements(foreground, CALLER, np.zeros(len(CALLER)), bot_speaking=False)
    television = said("e2e", "weather") * 0.08
    assert longest_run(judgements(foreground, television, np.zeros(len(television)))) == 0
    assert longest_run(judgements(foreground, CALLER, np.zeros(len(CALLER)))) >= 5


def test_background_voices_are_learned_and_the_caller_stands_out_of_them():
    foreground = Foreground()
    babble = np.sum([np.roll(np.resize(CALLER, 10 * RATE_HZ), 7919 * i) for i in range(8)], axis=0) * 0.08
    half_speech = np.where(np.arange(len(babble) // WINDOW) % 3 == 0, 0.2, 0.9)
    silence = np.zeros(len(babble))
    before = judgements(foreground, babble, silence, probability=half_speech)
    assert longest_run(before[62:]) < 5  # from the third second on
    caller = pad(CALLER, 2 * RATE_HZ) + babble[: 2 * RATE_HZ]
    assert longest_run(judgements(foreground, caller, silence[: 2 * RATE_HZ])) >= 5


def test_music_that_the_vad_knows_for_music_makes_no_caller_unheard():
    foreground = Foreground()
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    music = 2500 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 554 * t) + np.sin(2 * np.pi * 659 * t))
    judgements(foreground, music, np.zeros(len(music)), probability=0.02)
    caller = CALLER[: 2 * RATE_HZ] + music[: 2 * RATE_HZ]
    assert longest_run(judgements(foreground, caller, np.zeros(2 * RATE_HZ))) >= 5


def test_sound_that_was_no_words_becomes_background_but_never_the_caller():
    foreground = Foreground()
    judgements(foreground, CALLER, np.zeros(len(CALLER)), bot_speaking=False)
    noise = line_noise(RATE_HZ, rms=CALLER.std() * 0.5)
    assert longest_run(judgements(foreground, noise, np.zeros(RATE_HZ))) >= 5
    foreground.false_alarm()
    assert longest_run(judgements(foreground, noise, np.zeros(RATE_HZ))) == 0
    assert longest_run(judgements(foreground, CALLER, np.zeros(len(CALLER)))) >= 5


def tone(*tones_hz: float, seconds: float = 1.0, amplitude: float = 6000):
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return amplitude * np.sum([np.sin(2 * np.pi * hz * t) for hz in tones_hz], axis=0) / len(tones_hz)


@pytest.mark.parametrize("bot_speaking", [True, False])
@pytest.mark.parametrize("tones_hz", [(425,), (1000,), (697, 1209), (941, 1477), (770, 1633)])
def test_tones_are_no_speech(tones_hz, bot_speaking):
    sound = np.concatenate((line_noise(2 * RATE_HZ), tone(*tones_hz)))
    result = judgements(Foreground(), sound, np.zeros(len(sound)), bot_speaking=bot_speaking)
    assert longest_run(result[63:]) <= 1


@pytest.mark.parametrize("hum_hz", [110, 220, 330])
def test_a_hummed_note_is_a_voice(hum_hz):
    sound = np.concatenate((line_noise(2 * RATE_HZ), tone(hum_hz)))
    assert longest_run(judgements(Foreground(), sound, np.zeros(len(sound)))[63:]) >= 28


def test_a_click_is_no_speech():
    sound = line_noise(4 * RATE_HZ)
    for at in range(2 * RATE_HZ + 100, len(sound) - 40, WINDOW):
        sound[at : at + 20] += 9000
    assert longest_run(judgements(Foreground(), sound, np.zeros(len(sound)))[64:]) <= 1


def test_a_bang_that_rings_is_no_speech():
    foreground = Foreground()
    judgements(foreground, CALLER * 0.3, np.zeros(len(CALLER)), bot_speaking=False)
    bang = np.random.default_rng(4).normal(0, 9000, RATE_HZ) * np.exp(-np.arange(RATE_HZ) / 600)
    bang[:WINDOW] *= np.linspace(0, 1, WINDOW)
    sound = np.concatenate((line_noise(RATE_HZ // WINDOW * WINDOW), bang))
    heard_as_speech = np.where(np.arange(len(sound) // WINDOW) < 31 + 14, 0.8, 0.0)
    assert longest_run(judgements(foreground, sound, np.zeros(len(sound)), probability=heard_as_speech)[31:]) < 5


def test_what_the_vad_takes_for_silence_stays_so():
    result = judgements(Foreground(), CALLER, BOT[: len(CALLER)], probability=0.25)
    assert set(result) == {0.25}


def test_a_window_that_was_never_pushed_is_left_to_the_vad():
    assert Foreground().judge(0.8, bot_speaking=True) == 0.8
