"""`/api/analytics`: the call log in numbers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from voxbot.admin.analytics import service
from voxbot.admin.analytics.schemas import Analytics, Topics
from voxbot.admin.parts import GivenParts
from voxbot.admin.security import ReadAllowed

router = APIRouter(prefix="/api/analytics", tags=["analytics"])

GivenFrom = Annotated[str, Query(description="Первый день; пусто: за 30 дней до последнего", examples=["2026-02-01"])]
GivenTo = Annotated[str, Query(description="Последний день; пусто: сегодня", examples=["2026-03-01"])]


@router.get(
    "",
    dependencies=[ReadAllowed],
    summary="Звонки в числах",
    description="Звонки и минуты по дням и часам, длительности, ответы по базам, переводы, перебивания, время этапов, "
    "причины сбоев.",
)
async def analytics(parts: GivenParts, date_from: GivenFrom = "", date_to: GivenTo = "") -> Analytics:
    """Return the figures of a period."""
    return await service.analytics(parts, service.period(date_from, date_to, _today()))


@router.get(
    "/questions",
    dependencies=[ReadAllowed],
    summary="О чём спрашивают",
    description="Вопросы периода, собранные по смыслу: самые частые и те, на которые нет ответа. Первый запрос грузит "
    "модель эмбеддингов, это секунды.",
)
async def questions(
    parts: GivenParts,
    request: Request,
    date_from: GivenFrom = "",
    date_to: GivenTo = "",
    limit: Annotated[int, Query(ge=1, le=100, description="Сколько тем", examples=[20])] = 20,
) -> Topics:
    """Group the questions of a period."""
    asked = service.period(date_from, date_to, _today())
    await parts.retriever()  # not stopped half-way when the client goes: the next one needs it too
    return await parts.heavy.result(request, ("topics", asked, limit), lambda: service.topics(parts, asked, limit))


def _today() -> date:
    return datetime.now().astimezone().date()
