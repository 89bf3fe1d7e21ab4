"""The call log: the older API's `/logs`, and `/api/calls`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, StreamingResponse

from voxbot.admin.calls import details, service
from voxbot.admin.calls.export import csv_of
from voxbot.admin.calls.schemas import CallDetails, CallPage, CallRow, Deleted, Peaks, Sort, Ticket, TraceLink
from voxbot.admin.pagination import DEFAULT_LIMIT as PAGE_LIMIT
from voxbot.admin.pagination import GivenCursor, GivenLimit
from voxbot.admin.parts import GivenParts
from voxbot.admin.security import DownloadAllowed, KeyRequired, ReadAllowed
from voxbot.admin.tickets import VALID_S

router = APIRouter(tags=["calls"])

MAX_LIMIT = 10_000
_MAX_OFFSET = 1_000_000_000
"""Far above any log, and what every database takes for a number."""

GivenQ = Annotated[
    str,
    Query(
        max_length=1000,
        description="Сказанные слова в любой форме, часть номера звонящего или id звонка",
        examples=["поверка"],
    ),
]
GivenFrom = Annotated[str, Query(description="Не раньше этой даты", examples=["2026-03-01"])]
GivenTo = Annotated[str, Query(description="Не позже этой даты включительно", examples=["2026-03-31"])]
GivenStatus = Annotated[str, Query(description="Состояние звонка", examples=["Completed"])]
GivenStatuses = Annotated[
    list[str] | None,
    Query(description="Состояния звонка, можно несколько", max_length=20, examples=[["Completed"]]),
]
GivenKb = Annotated[
    Literal["general", "tech", "none"] | None,
    Query(description="Звонки с ответом из этой базы; none: без ответов из баз", examples=["tech"]),
]
GivenUnanswered = Annotated[bool, Query(description="Только те, где бот чего-то не знал", examples=[False])]
# Ids are those of channels, which may hold a slash: the longer paths come before the one of the call itself.
GivenId = Annotated[str, Path(description="id звонка", examples=["1772362800.42"])]


@router.get(
    "/logs",
    dependencies=[ReadAllowed],
    summary="Журнал звонков, новые сверху",
    description="Пустые и пропущенные параметры отбора не ограничивают.",
    response_class=StreamingResponse,
    responses={200: {"model": list[CallRow], "description": "Звонки"}},
)
async def list_calls(
    parts: GivenParts,
    q: GivenQ = "",
    date_from: GivenFrom = "",
    date_to: GivenTo = "",
    status: GivenStatus = "",
    limit: Annotated[
        int | None, Query(ge=1, le=MAX_LIMIT, description="Сколько звонков вернуть; не указано: все", examples=[1000])
    ] = None,
    offset: Annotated[int, Query(ge=0, le=_MAX_OFFSET, description="Сколько самых новых звонков пропустить")] = 0,
) -> StreamingResponse:
    """Read the call log; parameters that are empty or absent do not limit.

    The whole log goes out in pieces: it may be longer than the memory.
    """
    wanted = service.make_filter(q, date_from, date_to, [status])
    pieces = service.rows_json(parts.calls, wanted, limit, offset)
    first = await anext(pieces)  # a database that refuses is still an error with a status
    return StreamingResponse(_after(first, pieces), media_type="application/json")


async def _after(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async with aclosing(rest):
        async for piece in rest:
            yield piece


@router.post(
    "/api/tickets",
    dependencies=[ReadAllowed],
    summary="Пропуск для ссылки на файл",
    description="Ссылка, по которой браузер сохраняет CSV или запись, не несёт заголовка с ключом: пропуск, годный "
    "один раз, передаётся в её параметре ticket.",
)
async def issue_ticket(parts: GivenParts) -> Ticket:
    """Let a link take the place of a request with the key."""
    return Ticket(ticket=parts.tickets.issue(), valid_s=VALID_S)


@router.get(
    "/logs/csv",
    dependencies=[DownloadAllowed],
    summary="Журнал звонков файлом CSV",
    description="Для Excel: UTF-8 с меткой, разделитель «;», все ячейки в кавычках; перед ячейкой, которая начинается "
    "с = + - @ или табуляции, стоит апостроф, чтобы таблица не приняла её за формулу.",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "Файл CSV"}},
)
async def export_calls(
    parts: GivenParts,
    q: GivenQ = "",
    date_from: GivenFrom = "",
    date_to: GivenTo = "",
    status: GivenStatuses = None,
    kb: GivenKb = None,
    unanswered: GivenUnanswered = False,  # noqa: FBT002
) -> StreamingResponse:
    """Stream the calls of the same filters as `/api/calls`."""
    wanted = service.make_filter(q, date_from, date_to, status or [], kb=kb, unanswered=unanswered)
    name = f"calls-{datetime.now().astimezone():%Y-%m-%d}.csv"
    return StreamingResponse(
        csv_of(parts.database, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.delete(
    "/logs",
    dependencies=[KeyRequired],
    summary="Удалить все звонки",
    description="Удаляет журнал целиком, без возможности вернуть. Записи разговоров остаются.",
)
async def delete_calls(parts: GivenParts) -> Deleted:
    """Delete every call."""
    return Deleted(deleted=await parts.calls.delete_all())


@router.get(
    "/api/calls",
    dependencies=[ReadAllowed],
    summary="Звонки постранично",
    description="Пустые и пропущенные параметры отбора не ограничивают. Продолжение: тот же запрос с cursor.",
)
async def page_of_calls(
    parts: GivenParts,
    q: GivenQ = "",
    date_from: GivenFrom = "",
    date_to: GivenTo = "",
    status: GivenStatuses = None,
    kb: GivenKb = None,
    caller: Annotated[str, Query(max_length=200, description="Номер целиком", examples=["+79161234567"])] = "",
    unanswered: GivenUnanswered = False,  # noqa: FBT002
    sort: Annotated[
        Sort, Query(description="Порядок; с минусом: от больших к меньшим", examples=["-start"])
    ] = "-start",
    limit: GivenLimit = PAGE_LIMIT,
    cursor: GivenCursor = "",
) -> CallPage:
    """Read one page of calls."""
    wanted = service.make_filter(q, date_from, date_to, status or [], kb=kb, caller=caller, unanswered=unanswered)
    return await service.page(parts.calls, wanted, sort, limit, cursor)


@router.get(
    "/api/calls/{call_id:path}/recording",
    dependencies=[DownloadAllowed],
    summary="Запись разговора",
    description="Стерео WAV: слева звонящий, справа бот. Понимает Range.",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}, "description": "Запись"},
        206: {
            "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
            "description": "Часть записи",
        },
    },
)
async def recording(parts: GivenParts, request: Request, call_id: GivenId) -> FileResponse:
    """Serve the sound of a call."""
    path = await details.recording_path(parts, call_id)
    await asyncio.to_thread(service.check_range, request.headers.get("range", ""), path)
    return FileResponse(path, media_type="audio/wav", filename=path.name, content_disposition_type="inline")


@router.get(
    "/api/calls/{call_id:path}/recording/peaks",
    dependencies=[ReadAllowed],
    summary="Огибающая записи",
    description="Для рисования: наибольшее отклонение каждой стороны на каждом из points отрезков.",
)
async def recording_peaks(
    parts: GivenParts,
    call_id: GivenId,
    points: Annotated[int, Query(ge=1, le=5000, description="Сколько точек", examples=[800])] = 800,
) -> Peaks:
    """Return what draws the sound of a call."""
    return await details.recording_peaks(parts, call_id, points)


@router.get(
    "/api/calls/{call_id:path}/trace",
    dependencies=[ReadAllowed],
    summary="Ход звонка через АТС",
    description="Ссылка на страницу «Детали звонка» процесса notifier, если он знает этот звонок.",
)
async def trace_link(parts: GivenParts, call_id: GivenId) -> TraceLink:
    """Say where the exchange's side of a call is told."""
    return TraceLink(url=await details.trace_link(parts, call_id))


@router.get(
    "/api/calls/{call_id:path}",
    dependencies=[ReadAllowed],
    summary="Звонок целиком",
    description="Реплики с временем этапов и источниками ответов; запись, если она есть.",
)
async def call_details(parts: GivenParts, call_id: GivenId) -> CallDetails:
    """Read one call."""
    return await details.details(parts, call_id)
