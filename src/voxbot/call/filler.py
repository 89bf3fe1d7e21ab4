"""A few words to a caller who waits: their sound, and what of them was heard."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.call.reply import SpokenSegment
from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ, Samples
from voxbot.domain.errors import ProviderError
from voxbot.media.comfort import comfort_tone
from voxbot.speech.resampler import resample
from voxbot.speech.trim import trim_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.services import Services

_VOICE_S = 0.15
"""Fillers come from the cache; a voice that is asked for one and hangs must not make the silence longer."""


@dataclass(slots=True)
class Filler:
    """A filler, where it lies in the playout, and how it stands in its reply (`segment`), once it has one."""

    text: str
    start: int
    end: int
    segment: SpokenSegment | None = None

    def heard(self, position: int, verbalize: Callable[[str], str]) -> str:
        """Its words that the caller has heard when the playout stands at `position`."""
        return SpokenSegment(self.text, self.start, self.end, complete=True).heard(position, verbalize)


async def filler_sound(text: str, services: Services) -> tuple[Samples, bool]:
    """The filler's sound in whole frames and True, or a tone and False if the voice does not have it at once."""
    try:
        async with (
            asyncio.timeout(_VOICE_S),
            aclosing(services.tts.synthesize(services.verbalize(text))) as chunks,
        ):
            pieces = [resample(chunk.samples, chunk.rate_hz, TELEPHONE_RATE_HZ) async for chunk in chunks]
    except (TimeoutError, ProviderError):
        return comfort_tone(), False
    sound = trim_start(np.concatenate(pieces), TELEPHONE_RATE_HZ) if pieces else comfort_tone()
    return np.pad(sound, (0, -len(sound) % FRAME_SAMPLES)), bool(pieces)
