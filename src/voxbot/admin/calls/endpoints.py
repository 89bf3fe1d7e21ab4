"""`GET /logs`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from voxbot.admin.calls import service
from voxbot.admin.calls.schemas import CallRow
from voxbot.admin.parts import GivenParts
from voxbot.admin.security import ReadAllowed

router = APIRouter(tags=["calls"])

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
_MAX_OFFSET = 1_000_000_000
"""Far above any log, and what every database takes for a number."""


@router.get(
    "/logs",
    dependencies=[ReadAllowed],
    summary="Журнал звонков, новые сверху",
    description="Пустые и пропущенные параметры отбора не ограничивают.",
)
async def list_calls(
    parts: GivenParts,
    q: Annotated[str, Query(description="Часть номера или сказанного, либо id звонка", examples=["поверка"])] = "",
    date_from: Annotated[str, Query(description="Не раньше этой даты", examples=["2026-03-01"])] = "",
    date_to: Annotated[str, Query(description="Не позже этой даты включительно", examples=["2026-03-31"])] = "",
    status: Annotated[str, Query(description="Состояние звонка", examples=["Completed"])] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Сколько звонков вернуть")] = DEFAULT_LIMIT,
    offset: Annotated[int, Query(ge=0, le=_MAX_OFFSET, description="Сколько самых новых звонков пропустить")] = 0,
) -> list[CallRow]:
    """Read the call log; parameters that are empty or absent do not limit."""
    wanted = service.make_filter(q, date_from, date_to, status)
    return await service.list_calls(parts.calls, wanted, limit, offset)
