"""Reading the call log: from what a user types to what the repository understands."""

from __future__ import annotations

import re
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

from voxbot.admin.calls.schemas import CallPage, CallRow, CallSummary, Sort
from voxbot.admin.dates import first_moment, moment_after
from voxbot.admin.pagination import decode_cursor, encode_cursor
from voxbot.admin.problems import ApiError
from voxbot.admin.text import readable, shortened
from voxbot.store.call_log import CallFilter, CallLogRepository, CallOrder, ListedCall, Place
from voxbot.store.transcript import load_turns
from voxbot.store.words import matches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from voxbot.store.call_filter import SortColumn

_COUNT_UP_TO = 10_000
_COUNT_FOUND_UP_TO = 1000
_EXCERPT_CHARS = 160
_RANGE = re.compile(r"\d{1,15}-\d{0,15}|-\d{1,15}")
_ROWS = TypeAdapter(list[CallRow])
_COLUMNS: dict[str, SortColumn] = {"start": "key", "duration": "duration_s", "caller": "caller"}


def make_filter(
    q: str,
    date_from: str,
    date_to: str,
    status: Sequence[str],
    *,
    kb: Literal["general", "tech", "none"] | None = None,
    caller: str = "",
    unanswered: bool = False,
) -> CallFilter:
    """Understand the parameters of a list; empty ones do not limit. Dates: admin/dates.py. Raises ApiError (422)."""
    return CallFilter(
        q=q.strip() or None,
        start_from=first_moment("date_from", date_from),
        start_before=moment_after("date_to", date_to),
        statuses=tuple(filter(None, map(str.strip, status))),
        kb=kb,
        caller=caller.strip() or None,
        unanswered=unanswered,
    )


async def rows_json(
    calls: CallLogRepository, wanted: CallFilter, limit: int | None, offset: int
) -> AsyncGenerator[bytes, None]:
    """Write calls, newest first, as a JSON array in pieces; without a limit all of them. Raises StoreError."""
    if limit is not None:
        yield _ROWS.dump_json(
            [CallRow.model_validate(row) for row in await calls.list_calls(wanted, limit, offset)], by_alias=True
        )
        return
    begun = b"["
    async with aclosing(calls.lists.stream(wanted)) as pages:
        async for records in pages:
            rows, offset = records[offset:], max(0, offset - len(records))
            if rows:
                yield begun + _ROWS.dump_json([CallRow.model_validate(row) for row in rows], by_alias=True)[1:-1]
                begun = b","
    yield b"[]" if begun == b"[" else b"]"


def check_range(given: str, path: Path) -> None:
    """Refuse a Range that no part of the file answers to (RFC 9110, section 14.2). Blocking; raises ApiError (416)."""
    parts = [part.strip() for part in given.partition("=")[2].split(",")]
    size = path.stat().st_size
    whole = given == "" or (given.startswith("bytes=") and all(_RANGE.fullmatch(part) for part in parts))
    bounds = [part.partition("-") for part in parts] if given and whole else []
    if not whole or any(
        (first and int(first) >= size) or (first and last and int(first) > int(last)) for first, _, last in bounds
    ):
        raise ApiError(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "bad_range",
            f"Такой части у записи нет, в ней {size} байт. Напишите Range: bytes=0-{max(0, size - 1)}.",
        )


async def page(calls: CallLogRepository, wanted: CallFilter, sort: Sort, limit: int, cursor: str) -> CallPage:
    """Read one page in any order. Raises ApiError (422) for a cursor of another list."""
    order = CallOrder(_COLUMNS[sort.removeprefix("-")], descending=sort.startswith("-"))
    kinds: tuple[type, ...] = (str,) if order.column == "caller" else (int,)
    place = decode_cursor(cursor, (kinds, int, str))
    if place and place[2] != sort:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_cursor", "cursor: он от списка в другом порядке.")
    found = await calls.lists.page(wanted, order, limit + 1, Place(*place[:2]) if place else None)
    up_to = _COUNT_FOUND_UP_TO if wanted.q else _COUNT_UP_TO
    is_whole = place is None and len(found) <= limit
    total = len(found) if is_whole else await calls.lists.count(wanted, up_to + 1)
    shown = found[:limit]
    return CallPage(
        items=[CallSummary.model_validate(summary(call, wanted.q)) for call in shown],
        next_cursor=encode_cursor([_value(shown[-1], order), shown[-1].key, sort]) if len(found) > limit else None,
        total=min(total, up_to),
        total_is_exact=total <= up_to,
    )


def summary(call: ListedCall, q: str | None = None) -> dict[str, object]:
    """Return the fields of a CallSummary."""
    record = call.record
    return {
        "id": record.id,
        "caller": record.caller_id,
        "start_time": record.start_time,
        "end_time": record.end_time,
        "duration_s": call.duration_s,
        "status": record.status,
        "kb": call.kb,
        "questions": call.questions,
        "unanswered": call.unanswered,
        "barge_ins": call.barge_ins,
        "excerpt": _excerpt(record.transcript_json, q),
    }


def _value(call: ListedCall, order: CallOrder) -> int | str:
    match order.column:
        case "key":
            return call.key
        case "duration_s":
            return -1 if call.duration_s is None else int(call.duration_s)
        case "caller":
            return call.record.caller_id


def _excerpt(transcript_json: str, q: str | None) -> str:
    """Return what the search found, or else what the caller said first."""
    turns = [turn for turn in load_turns(transcript_json) if turn.get("text")]
    texts = [readable(turn["text"]) for turn in turns]
    found = next((text for text in texts if matches(q, text)), None) if q else None
    if found is None:
        asked = (text for turn, text in zip(turns, texts, strict=True) if turn.get("speaker") == "user")
        found = next(asked, "")
    return shortened(found, _EXCERPT_CHARS)
