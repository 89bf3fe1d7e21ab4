"""Ears for tests that listen to what was played."""

from __future__ import annotations

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.providers.asr.whisper import WhisperAsr
from voxbot.speech.asr import AsrHints
from voxbot.speech.resampler import Resampler

_RATE_HZ = 16_000


async def words_of(samples, models_dir):
    """Recognise a sound of TELEPHONE_RATE_HZ; the bot's own terms help as they do in a call."""
    heard = Resampler(TELEPHONE_RATE_HZ, _RATE_HZ).push(samples)
    asr = WhisperAsr(models_dir, threads=2, parallel=1)
    return (await asr.transcribe(AudioChunk(heard, _RATE_HZ), AsrHints("Адрес: Владимир, улица Испытателей."))).text
