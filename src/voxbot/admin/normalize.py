"""`POST /api/normalize`: what the bot makes of a caller's words before it looks for the answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import Field

from voxbot.admin.parts import GivenParts
from voxbot.admin.security import ReadAllowed
from voxbot.admin.views import Payload, View

router = APIRouter(tags=["text"])


class Spoken(Payload, extra="ignore", title="Слова звонящего"):
    """What a caller said."""

    text: str = Field(max_length=10_000, examples=["разрывная машина на сто килоньютон"])


class Normalized(View, title="Они же с единицами в обычной записи"):
    """The same with canonical units."""

    raw: str = Field(examples=["разрывная машина на сто килоньютон"])
    normalized: str = Field(examples=["разрывная машина на сто кН"])


@router.post(
    "/api/normalize",
    dependencies=[ReadAllowed],
    summary="Нормализовать текст",
    description="Единицы и термины из распознанной речи в обычной записи.",
)
async def normalize(parts: GivenParts, spoken: Spoken) -> Normalized:
    """Write units and trade words canonically."""
    return Normalized(raw=spoken.text, normalized=await asyncio.to_thread(parts.normalize, spoken.text))
