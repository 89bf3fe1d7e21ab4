"""What a live view is told of a call: where the conversation stands, words not final yet, what a reply waits for."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import PartialHeard, StageReached, TurnStateChanged
from voxbot.turns.events import Partial, Recognised

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from voxbot.domain.events import CallPhase, LiveEvent, Stage
    from voxbot.domain.ids import CallId
    from voxbot.turns.events import TurnEvent
    from voxbot.turns.state import TurnState


class Telling:
    """Tells `publish` of one call; a live event costs nothing when nothing has changed."""

    def __init__(self, call_id: CallId, publish: Callable[[LiveEvent], None]) -> None:
        self._call_id = call_id
        self._publish = publish
        self._told: tuple[CallPhase, bool, bool] | None = None
        self._words = ""

    def state(self, state: TurnState, event: TurnEvent | None = None) -> None:
        """Tell of what `event` has changed."""
        now: tuple[CallPhase, bool, bool] = (state.phase.value, state.in_utterance and state.run_ms > 0, state.sounding)
        if now != self._told:
            self._told = now
            self._publish(TurnStateChanged(self._call_id, time.time(), *now))
        match event:
            case Partial(text) | Recognised(_, text) if text and text != self._words:
                self._words = text
                self._publish(PartialHeard(self._call_id, time.time(), text))
            case _:
                pass

    def turn_taken(self) -> None:
        """The next words are of another turn."""
        self._words = ""

    def stage(self, stage: Stage, ms: float) -> None:
        """Tell what a stage took."""
        self._publish(StageReached(self._call_id, time.time(), stage, round(ms, 1)))

    async def answer(self, answer: AsyncGenerator[str | AnswerInfo, None]) -> AsyncGenerator[str | AnswerInfo, None]:
        """Give the answer as it comes, and tell of its first sources and its first words."""
        started_s = time.perf_counter()
        searched = written = False
        async with aclosing(answer) as source:
            async for item in source:
                passed_ms = (time.perf_counter() - started_s) * 1000
                if isinstance(item, AnswerInfo):
                    if not searched:
                        searched = True
                        self.stage("search", passed_ms)
                elif item and not written:
                    written = True
                    self.stage("answer", passed_ms)
                yield item
