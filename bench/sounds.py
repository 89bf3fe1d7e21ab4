"""Sounds that reach a telephone bot and are not its caller, made from a seed: nothing is downloaded.

Every maker takes a random generator and a number of samples and returns 8 kHz sound as floats on the int16 scale.
Levels are RMS while the sound is on; clear speech of a caller is `SPEECH_RMS`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxbot.domain.audio import TELEPHONE_RATE_HZ as RATE_HZ
from voxbot.domain.audio import Samples
from voxbot.media.g711 import decode_alaw, encode_alaw
from voxbot.providers.tts.espeak_library import espeak_library
from voxbot.speech.resampler import resample
from voxbot.speech.wav import read_wav

if TYPE_CHECKING:
    from collections.abc import Callable

Sound: TypeAlias = NDArray[np.float64]

SPEECH_RMS = 2500.0
"""-22 dBFS, an ordinary telephone voice."""
TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = ("asterisk_lab/audio", "e2e/audio")
CALLER_TEXTS = (
    "Подождите, мне нужен совсем другой прибор.",
    "А сколько это стоит вместе с доставкой?",
    "Извините, перебью, у нас уже есть такая машина.",
    "Нет, не надо, соедините с менеджером.",
    "Какой у вас телефон в Новосибирске?",
    "Скажите лучше, когда вы работаете.",
)
BOT_RECORDINGS = ("warranty", "hours", "certificate", "noise_words")
"""The bot's too; a caller never says the very same recording, which would be an echo."""
BOT_TEXTS = (
    "Здравствуйте! Компания «Метротэст», голосовой помощник. Чем могу помочь?",
    "Разрывная машина на сто килоньютонов стоит от двух миллионов рублей, точная цена зависит от комплектации.",
    "Срок изготовления составляет от тридцати до шестидесяти рабочих дней, доставка по России за счёт заказчика.",
    "Мы находимся в городе Нефтекамске, работаем с понедельника по пятницу с восьми до семнадцати часов.",
    "Да, первичная поверка входит в стоимость, свидетельство передаётся вместе с машиной.",
)


def alaw(sound: Sound) -> Samples:
    """What comes out of a telephone line."""
    return decode_alaw(encode_alaw(np.clip(np.rint(sound), -32768, 32767).astype(np.int16)))


def at_rms(sound: Sound, rms: float) -> Sound:
    """Scale so that the parts within 25 dB of the loudest have this RMS."""
    blocks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = np.mean(blocks**2, axis=1)
    active = power[power > power.max() / 316]
    return sound * (rms / np.sqrt(active.mean()))


def decibels(value: float) -> float:
    """Amplitude factor of a level."""
    return 10 ** (value / 20)


# --- voices ----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def recorded_voices() -> dict[str, Sound]:
    """The festival utterances of the tests, by name."""
    files = sorted(path for folder in FOLDERS for path in (TESTS / folder).glob("*.wav") if path.stem != "moh")
    return {path.stem: at_rms(read_wav(path).astype(float), SPEECH_RMS) for path in files}


@lru_cache(maxsize=256)
def espeak_voice(text: str, voice: str = "ru", words_per_minute: int = 150) -> Sound:
    """Say a text with espeak-ng, without silence around it."""
    chunk = espeak_library().synthesize(text, voice, words_per_minute)
    sound = resample(chunk.samples, chunk.rate_hz, RATE_HZ).astype(float)
    loud = np.flatnonzero(np.abs(sound) > 150)
    return at_rms(sound[loud[0] : loud[-1] + 1], SPEECH_RMS)


def caller_voices() -> dict[str, Sound]:
    """Everything a caller says here, of both voices."""
    said = {f"festival {name}": sound for name, sound in recorded_voices().items() if name not in BOT_RECORDINGS}
    said |= {f"espeak {i}": espeak_voice(text, ("ru", "ru+f3")[i % 2]) for i, text in enumerate(CALLER_TEXTS)}
    return said


def bot_voice(rng: np.random.Generator, count: int) -> Sound:
    """The bot's answers one after another with its pauses of 150 ms."""
    pieces = [espeak_voice(text) for text in BOT_TEXTS]
    pieces += [recorded_voices()[name] for name in BOT_RECORDINGS]
    return fill(rng, count, pieces, pause_s=(0.1, 0.2))


def fill(rng: np.random.Generator, count: int, pieces: list[Sound], *, pause_s: tuple[float, float]) -> Sound:
    """Put pieces one after another in random order with pauses."""
    parts, length = [], 0
    while length < count:
        pause = np.zeros(int(rng.uniform(*pause_s) * RATE_HZ))
        parts += [pieces[rng.integers(len(pieces))], pause]
        length += len(parts[-1]) + len(parts[-2])
    return np.concatenate(parts)[:count]


def spread(rng: np.random.Generator, count: int, make: Callable[[], Sound], *, every_s: tuple[float, float]) -> Sound:
    """Strew short sounds over silence."""
    out, at = np.zeros(count), 0
    while True:
        at += int(rng.uniform(*every_s) * RATE_HZ)
        piece = make()
        if at + len(piece) >= count:
            return out
        out[at : at + len(piece)] += piece


# --- noises ----------------------------------------------------------------------------------


def coloured(rng: np.random.Generator, count: int, slope: float, low_hz: float = 0, high_hz: float = 4000) -> Sound:
    """Noise of RMS 1 whose power falls as frequency to the power `slope`, between two frequencies."""
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum[1:] /= hz[1:] ** (slope / 2)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, count)
    return sound / sound.std()


def resonant(sound: Sound, formants: tuple[tuple[float, float], ...]) -> Sound:
    """Give a sound the resonances (Hz, width in Hz) of a throat or a box."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    return np.fft.irfft(spectrum * sum(1 / (1 + ((hz - f) / w) ** 2) for f, w in formants), len(sound))


def decay(count: int, attack_ms: float, tau_ms: float) -> Sound:
    """An envelope that rises and dies away."""
    t = np.arange(count) * 1000 / RATE_HZ
    return np.minimum(1, t / attack_ms) * np.exp(-np.maximum(0, t - attack_ms) / tau_ms)


def hiss(rng: np.random.Generator, count: int) -> Sound:
    """A noisy line, its level changing by 6 dB in minutes."""
    swell = 1 + 0.5 * np.sin(np.arange(count) * 2 * np.pi / (40 * RATE_HZ))
    return coloured(rng, count, 0.5) * swell * 300


def hum(rng: np.random.Generator, count: int) -> Sound:
    """Mains hum with its harmonics."""
    t = np.arange(count) / RATE_HZ
    tones = [np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6)) / k for k in (1, 2, 3, 4, 6, 8, 12)]
    return at_rms(np.sum(tones, axis=0), 700) + coloured(rng, count, 0) * 20


def clicks(rng: np.random.Generator, count: int) -> Sound:
    """Crackle: clicks of 0.2-4 ms, alone and in volleys."""

    def click() -> Sound:
        n = rng.integers(1, 12)
        out = np.zeros(n * 400 + 100)
        for k in range(n):
            length = rng.integers(2, 32)
            at = k * 400 + rng.integers(0, 300)
            out[at : at + length] = rng.normal(0, rng.uniform(1000, 9000), length)
        return out

    return spread(rng, count, click, every_s=(0.1, 1.5)) + coloured(rng, count, 0) * 30


def holes(rng: np.random.Generator, count: int) -> Sound:
    """Background noise with lost packets: holes and repeated frames."""
    out = coloured(rng, count, 1) * 250
    for start in range(0, count - 320, 160):
        if rng.random() < 0.08:
            out[start : start + 160] = 0 if rng.random() < 0.6 else out[start + 160 : start + 320]
    return out


def coughs(rng: np.random.Generator, count: int) -> Sound:
    """Coughs: one to three bursts of shaped noise with a voiced end."""

    def cough() -> Sound:
        bursts = []
        for _ in range(rng.integers(1, 4)):
            n = int(rng.uniform(0.18, 0.38) * RATE_HZ)
            rate = rng.uniform(90, 220)
            voiced = np.sign(np.sin(2 * np.pi * np.cumsum(rate * np.linspace(1.1, 0.8, n)) / RATE_HZ)) * 0.5
            blend = np.clip(np.linspace(-0.6, 0.7, n), 0, 1) * rng.uniform(0, 1)
            source = rng.normal(0, 1, n) * (1 - blend) + voiced * blend
            shaped = resonant(source, ((rng.uniform(450, 700), 200), (rng.uniform(1300, 1700), 300), (2600, 500)))
            burst = at_rms(shaped * decay(n, 8, rng.uniform(50, 110)), 5000)
            bursts += [burst, np.zeros(int(rng.uniform(0.05, 0.3) * RATE_HZ))]
        return np.concatenate(bursts)

    return spread(rng, count, cough, every_s=(1.5, 6)) + coloured(rng, count, 1) * 40


def breathing(rng: np.random.Generator, count: int) -> Sound:
    """Breath into the microphone."""

    def breath() -> Sound:
        n = int(rng.uniform(0.6, 1.6) * RATE_HZ)
        shaped = resonant(rng.normal(0, 1, n), ((500, 300), (1500, 500), (2500, 700)))
        return at_rms(shaped * np.hanning(n), rng.uniform(300, 1500))

    return spread(rng, count, breath, every_s=(0.8, 2.5)) + coloured(rng, count, 1) * 30


def bangs(rng: np.random.Generator, count: int) -> Sound:
    """Doors and things put down on the desk."""

    def bang() -> Sound:
        n = int(rng.uniform(0.15, 0.6) * RATE_HZ)
        shaped = resonant(rng.normal(0, 1, n), ((rng.uniform(80, 300), 80), (rng.uniform(300, 1200), 200)))
        return at_rms(shaped * decay(n, 2, rng.uniform(20, 120)), rng.uniform(3000, 9000))

    return spread(rng, count, bang, every_s=(0.4, 4)) + coloured(rng, count, 1) * 40


def barks(rng: np.random.Generator, count: int) -> Sound:
    """A dog: harmonic bursts whose pitch falls, in series."""

    def series() -> Sound:
        parts, base = [], rng.uniform(350, 800)
        for _ in range(rng.integers(1, 5)):
            n = int(rng.uniform(0.12, 0.25) * RATE_HZ)
            phase = 2 * np.pi * np.cumsum(base * (1 + 0.3 * np.sin(np.linspace(0, np.pi, n)))) / RATE_HZ
            voice = sum(np.sin(k * phase) / k for k in (1, 2, 3, 4)) + rng.normal(0, 0.5, n)
            bark = at_rms(voice * np.hanning(n), rng.uniform(1000, 5000))
            parts += [bark, np.zeros(int(rng.uniform(0.2, 0.5) * RATE_HZ))]
        return np.concatenate(parts)

    return spread(rng, count, series, every_s=(1, 6)) + coloured(rng, count, 1) * 40


def dtmf(rng: np.random.Generator, count: int) -> Sound:
    """Keys pressed, heard in the sound (Q.23 frequencies)."""

    def key() -> Sound:
        n = int(rng.uniform(0.06, 0.5) * RATE_HZ)
        t = np.arange(n) / RATE_HZ
        row, column = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477, 1633])
        level, twist = rng.uniform(1000, 8000), decibels(rng.uniform(-4, 4))
        return level * (np.sin(2 * np.pi * row * t) + twist * np.sin(2 * np.pi * column * t)) / 1.4

    return spread(rng, count, key, every_s=(0.1, 1.2)) + coloured(rng, count, 1) * 40


def ringback(rng: np.random.Generator, count: int) -> Sound:
    """Call progress of a second line: 425 Hz, long, busy and howling steps."""
    t = np.arange(count) / RATE_HZ
    on = ((t % 5) < 1) & ((t // 30) % 2 == 0) | (((t % 0.7) < 0.35) & ((t // 30) % 2 == 1))
    return np.sin(2 * np.pi * 425 * t) * on * 2500 + coloured(rng, count, 1) * 40


# --- music and people ------------------------------------------------------------------------


def melody(rng: np.random.Generator, count: int) -> Sound:
    """Chords and a melody of harmonic tones, the hold music of many exchanges."""
    out, at = np.zeros(count), 0
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    while at < count:
        n = min(count - at, int(rng.choice([0.2, 0.4, 0.8]) * RATE_HZ))
        t = np.arange(n) / RATE_HZ
        for pitch in (*rng.choice(scale, 3), 12 + rng.choice(scale)):
            hz = 220 * 2 ** (pitch / 12)
            out[at : at + n] += sum(np.sin(2 * np.pi * hz * k * t) / k**1.5 for k in range(1, 7)) * decay(n, 10, 400)
        at += n
    return at_rms(out, 1500)


def drums(rng: np.random.Generator, count: int) -> Sound:
    """The melody over a beat."""
    out = melody(rng, count)
    for i, at in enumerate(range(0, count - 2000, RATE_HZ // 4)):
        n = 2000
        kick = np.sin(2 * np.pi * np.cumsum(np.linspace(160, 60, n)) / RATE_HZ) * decay(n, 2, 60) * 5000
        snare = rng.normal(0, 1, n) * decay(n, 1, 40) * 4000
        out[at : at + n] += (kick, rng.normal(0, 1, n) * decay(n, 1, 10) * 1500, snare, snare * 0.2)[i % 4]
    return at_rms(out, 1800)


def hold_music(rng: np.random.Generator, count: int) -> Sound:
    """The lab's own hold music."""
    moh = read_wav(TESTS / "asterisk_lab/audio/moh.wav").astype(float)
    return at_rms(np.tile(moh, count // len(moh) + 1)[:count], 1500) + coloured(rng, count, 1) * 20


def talkers(rng: np.random.Generator, count: int, voices: int) -> Sound:
    """Several people at once, each at their own pitch and distance."""
    pieces = list(caller_voices().values())
    out = np.zeros(count)
    for _ in range(voices):
        speed = rng.uniform(0.85, 1.2)
        line = fill(rng, int(count * speed) + 2, pieces, pause_s=(0.1, 1))
        voice = np.interp(np.arange(count) * speed, np.arange(len(line)), line)
        out += voice * decibels(rng.uniform(-6, 0))
    return out


def room(rng: np.random.Generator, sound: Sound, tau_ms: float) -> Sound:
    """Reverberation with a direct share of about a half."""
    n = int(tau_ms * 5 * RATE_HZ / 1000)
    response = rng.normal(0, 1, n) * np.exp(-np.arange(n) * 1000 / RATE_HZ / tau_ms)
    response /= np.sqrt(np.sum(response**2))
    response[0] += 1
    return convolve(sound, response) / np.sqrt(2)


def convolve(sound: Sound, response: Sound) -> Sound:
    """Causal convolution of the same length."""
    size = len(sound) + len(response)
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]


def cafe(level_db: float) -> Callable[[np.random.Generator, int], Sound]:
    """Give the maker of a café of ten people at a level below speech."""

    def make(rng: np.random.Generator, count: int) -> Sound:
        babble = room(rng, talkers(rng, count, 10), 60)
        return at_rms(babble, SPEECH_RMS * decibels(level_db)) + coloured(rng, count, 1) * 60

    return make


def television(rng: np.random.Generator, count: int) -> Sound:
    """One voice of a television across the room, over quiet music."""
    voice = room(rng, talkers(rng, count, 1), 80)
    return at_rms(voice, SPEECH_RMS * decibels(-20)) + melody(rng, count) * 0.08


# --- the bot's own voice ---------------------------------------------------------------------


def line_echo(rng: np.random.Generator, voice: Sound, gain_db: float) -> Sound:
    """What a hybrid sends back: a filter of 8 ms after 0-150 ms."""
    response = rng.normal(0, 1, 64) * np.exp(-np.arange(64) / 14)
    delayed = np.concatenate((np.zeros(rng.integers(0, 1200)), voice))[: len(voice)]
    echo = convolve(delayed, response / np.sqrt(np.sum(response**2)))
    return at_rms(echo, SPEECH_RMS * decibels(gain_db)) + coloured(rng, len(voice), 0) * 15


def speakerphone_echo(rng: np.random.Generator, voice: Sound, gain_db: float) -> Sound:
    """What a loudspeaker gives to its microphone: distortion, room, 60-350 ms, a buffer that slips now and then."""
    delay = rng.integers(480, 2800)
    driven = np.tanh(voice / 9000) * 9000
    heard = resonant(room(rng, driven, rng.uniform(40, 90)), ((700, 500), (1800, 900)))
    out = np.zeros(len(voice))
    for start in range(0, len(voice), 10 * RATE_HZ):
        shift = delay + int(rng.integers(-80, 81))
        stop = min(len(voice), start + 10 * RATE_HZ)
        source = np.arange(start, stop) - shift
        out[start:stop] = np.where(source >= 0, heard[np.maximum(source, 0)], 0)
    return at_rms(out, SPEECH_RMS * decibels(gain_db)) + coloured(rng, len(voice), 1) * 25


NOISES: dict[str, Callable[[np.random.Generator, int], Sound]] = {
    "line hiss": hiss,
    "mains hum": hum,
    "clicks": clicks,
    "lost packets": holes,
    "coughs": coughs,
    "breathing": breathing,
    "bangs": bangs,
    "dog": barks,
    "dtmf": dtmf,
    "ringback": ringback,
    "hold music": hold_music,
    "melody": melody,
    "drums": drums,
    "cafe -25 dB": cafe(-25),
    "cafe -18 dB": cafe(-18),
    "cafe -12 dB": cafe(-12),
    "television": television,
}
"""Sounds that come from the caller's side whatever the bot says."""

ECHOES: dict[str, Callable[[np.random.Generator, Sound], Sound]] = {
    "line echo -10 dB": lambda rng, voice: line_echo(rng, voice, -10),
    "line echo -20 dB": lambda rng, voice: line_echo(rng, voice, -20),
    "line echo -30 dB": lambda rng, voice: line_echo(rng, voice, -30),
    "speakerphone -8 dB": lambda rng, voice: speakerphone_echo(rng, voice, -8),
    "speakerphone -18 dB": lambda rng, voice: speakerphone_echo(rng, voice, -18),
}
"""The bot's own voice as it comes back."""
