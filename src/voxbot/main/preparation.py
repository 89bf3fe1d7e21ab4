"""What is said word for word has its sound before it is needed: when a unit starts, and when the words change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from voxbot.agent.phrases import canned_texts
from voxbot.domain.errors import ProviderError
from voxbot.speech.tts_cache import keep_prepared
from voxbot.text.segmenter import split_segments
from voxbot.text.verbalizer import verbalize

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.settings.schema import Settings
    from voxbot.speech.tts_cache import CachedTts

log = structlog.get_logger(__name__)

_AGAIN_S = 60.0


def opening_texts(settings: Settings, greeting: str) -> list[str]:
    """Give the segments that a call begins with."""
    notice = settings.recording.notice if settings.recording.enabled else ""
    return [*split_segments(notice), *split_segments(greeting)]


class Preparation:
    """Has the first voice say `opening()` and the bot's own lines beforehand, however long it is out of reach.

    `again_s` is how long it waits after a failure of that voice.
    """

    def __init__(self, tts: CachedTts, opening: Callable[[], list[str]], *, again_s: float = _AGAIN_S) -> None:
        self._tts = tts
        self._opening = opening
        self._again_s = again_s
        self._texts: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Prepare the opening now, the rest beside the calls. Never raises: without it words only come later."""
        try:
            await self._tts.prepare(map(verbalize, self._opening()))
        except ProviderError as error:
            log.warning("Приветствие не озвучено заранее", error=str(error))
        await self.follow()

    async def follow(self) -> None:
        """Begin again, beside the calls, if the opening is another one now."""
        texts = [*self._opening(), *canned_texts()]
        if texts == self._texts:
            return
        self._texts = texts
        await self.close()
        self._task = asyncio.create_task(
            keep_prepared(self._tts, lambda: map(verbalize, texts), again_s=self._again_s), name="preparation"
        )

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
