"""Writes every call and its dialogue to the database as it goes: a crash loses at most the turn under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallEvent, CallStarted
from voxbot.store.times import local_text
from voxbot.store.transcript import TranscriptTurn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.store.call_log import CallLogRepository


class CallLog:
    """An observer that holds nothing itself: each event is one transaction."""

    name = "call log"

    def __init__(self, repository: CallLogRepository) -> None:
        self._repository = repository

    async def observe(self, event: CallEvent) -> None:
        """Write one event. Raises StoreError."""
        match event:
            case CallStarted():
                await self._repository.start(event.call_id, event.caller, event.at)
            case CallerTurn() | BotTurn() if not event.text.strip():
                pass  # cut off before a word was heard
            case CallerTurn():
                await self._repository.append_turn(event.call_id, _caller_turn(event))
            case BotTurn():
                await self._repository.append_turn(event.call_id, _bot_turn(event))
            case CallEnded():
                await self._repository.finish(
                    event.call_id,
                    event.status,
                    event.at,
                    reason=event.reason,
                    detail=event.detail,
                    longest_dead_air_ms=event.longest_dead_air_ms,
                )
            case _:
                assert_never(event)


def _caller_turn(event: CallerTurn) -> TranscriptTurn:
    return TranscriptTurn(
        speaker="user",
        text=event.text,
        timestamp=local_text(event.at, "milliseconds"),
        raw=event.raw,
        ms=_rounded(event.ms),
    )


def _bot_turn(event: BotTurn) -> TranscriptTurn:
    turn = TranscriptTurn(
        speaker="bot",
        text=event.text,
        timestamp=local_text(event.at, "milliseconds"),
        cut=event.cut,
        ms=_rounded(event.ms),
    )
    if event.planned != event.text:
        turn["planned"] = event.planned
    answer = event.answer
    if answer is not None:
        turn["known"] = answer.known
        turn["sources"] = list(answer.sources)
        turn["scores"] = list(answer.scores)
        if answer.model:
            turn["model"] = answer.model
        if answer.intent is not None:
            turn["intent"] = answer.intent
        turn["ms"] = _rounded({**answer.ms, **event.ms})
        if answer.kb is not None:
            turn["kb"] = answer.kb
    return turn


def _rounded(ms: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(spent, 1) for stage, spent in ms.items()}
