"""One call with everything that is known of it."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from voxbot.admin.calls.schemas import CallDetails, Peaks, RecordingView, SourceView, TurnView
from voxbot.admin.calls.service import summary
from voxbot.admin.problems import ApiError
from voxbot.admin.text import readable
from voxbot.domain.dialogue import KB_NAMES
from voxbot.media.recording_files import duration_s, find_recording, peaks
from voxbot.store.times import parse_local
from voxbot.store.transcript import load_turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from voxbot.admin.parts import Parts
    from voxbot.knowledge.documents import Chunk
    from voxbot.store.call_lists import ListedCall

_INTENTS = ("operator", "goodbye")


async def details(parts: Parts, call_id: str) -> CallDetails:
    """Read one call. Raises ApiError (404)."""
    call = await _existing(parts, call_id)
    turns = [cast("dict[str, Any]", turn) for turn in load_turns(call.record.transcript_json)]
    ids = {source for turn in turns for source in _texts(turn.get("sources"))}
    chunks: Mapping[str, Chunk] = await parts.chunks(ids) if ids else {}
    start = parse_local(call.record.start_time)
    return CallDetails.model_validate(
        {
            **summary(call),
            "reason": call.reason,
            "detail": call.detail,
            "longest_dead_air_ms": call.longest_dead_air_ms,
            "turns": [turn_view(turn, start, chunks) for turn in turns],
            "recording": await asyncio.to_thread(_recording, parts, call),
        }
    )


async def recording_path(parts: Parts, call_id: str) -> Path:
    """Return the file of a call's recording. Raises ApiError (404)."""
    call = await _existing(parts, call_id)
    path = await asyncio.to_thread(_find, parts, call)
    if path is None:
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            "no_recording",
            "Записи этого разговора нет: он не записан, ещё идёт, или запись удалена.",
        )
    return path


async def recording_peaks(parts: Parts, call_id: str, points: int) -> Peaks:
    """Return what draws a call's recording. Raises ApiError (404)."""
    path = await recording_path(parts, call_id)
    try:
        found, length_s = await asyncio.to_thread(lambda: (peaks(path, points), duration_s(path)))
    except OSError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_recording", f"Запись не читается: {error.strerror}.") from error
    caller, bot = (cast("list[float]", side.tolist()) for side in found.astype(float).round(3).T)
    return Peaks(duration_s=length_s, caller=caller, bot=bot)


async def trace_link(parts: Parts, call_id: str) -> str | None:
    """Find the notifier's page of a call. Raises ApiError (404)."""
    call = await _existing(parts, call_id)
    return await parts.trace_link(call.record.id, call.record.caller_id)


async def _existing(parts: Parts, call_id: str) -> ListedCall:
    call = await parts.calls.lists.get(call_id)
    if call is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_call", "Такого звонка в журнале нет.")
    return call


def _find(parts: Parts, call: ListedCall) -> Path | None:
    start = parse_local(call.record.start_time)
    return find_recording(parts.started.paths.recordings_dir, call.record.id, start) if start else None


def _recording(parts: Parts, call: ListedCall) -> RecordingView | None:
    path = _find(parts, call)
    if path is None:
        return None
    url = f"/api/calls/{quote(call.record.id, safe='')}/recording"
    try:
        return RecordingView(url=url, peaks_url=f"{url}/peaks", duration_s=duration_s(path), bytes=path.stat().st_size)
    except OSError:  # deleted meanwhile
        return None


def turn_view(turn: Mapping[str, Any], start: datetime | None, chunks: Mapping[str, Chunk]) -> TurnView:
    """Read one turn, whatever an older bot left in it."""
    at = readable(turn.get("timestamp") or "")
    moment = parse_local(at)
    offset_s = (moment - start).total_seconds() if moment and start else None
    kb, intent, known = turn.get("kb"), turn.get("intent"), turn.get("known")
    return TurnView(
        speaker="user" if turn.get("speaker") == "user" else "bot",
        text=readable(turn.get("text") or ""),
        at=at,
        offset_s=offset_s,
        raw=_text(turn.get("raw")),
        planned=_text(turn.get("planned")),
        cut=turn.get("cut") is True,
        kb=kb if kb in KB_NAMES else None,
        known=known if isinstance(known, bool) else None,
        intent=intent if intent in _INTENTS else None,
        model=_text(turn.get("model")),
        sources=_sources(turn, chunks),
        ms=_times(turn.get("ms")),
    )


def _sources(turn: Mapping[str, Any], chunks: Mapping[str, Chunk]) -> list[SourceView]:
    given: object = turn.get("scores")
    scores = cast("list[Any]", given) if isinstance(given, list) else []
    found: list[SourceView] = []
    for place, source in enumerate(_texts(turn.get("sources"))):
        score = scores[place] if place < len(scores) and _is_number(scores[place]) else None
        chunk = chunks.get(source)
        found.append(
            SourceView(
                chunk_id=source,
                score=score,
                kb=chunk.kb if chunk else None,
                title=chunk.title if chunk else None,
                text=chunk.text if chunk else None,
            )
        )
    return found


def _text(value: object) -> str | None:
    return readable(value) if isinstance(value, str) else None


def _texts(value: object) -> Sequence[str]:
    return (
        [readable(item) for item in cast("list[Any]", value) if isinstance(item, str)]
        if isinstance(value, list)
        else []
    )


def _times(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {readable(stage): ms for stage, ms in cast("dict[Any, Any]", value).items() if _is_number(ms)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
