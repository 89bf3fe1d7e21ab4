"""`GET /`: whether the unit and its database work. Open to everyone, for monitoring."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from voxbot import __version__
from voxbot.admin.parts import GivenParts
from voxbot.admin.views import View

router = APIRouter(tags=["health"])


class Health(View, title="Сервис работает"):
    """The unit works."""

    status: Literal["ok"] = "ok"
    unit: Literal["api"] = "api"
    version: str = Field(default=__version__, examples=["0.1.0"])


@router.get("/", summary="Проверка работы", description="Ответ ok, или 503, если база данных не отвечает.")
async def health(parts: GivenParts) -> Health:
    """Answer `ok`, or 503 when the database does not answer."""
    await parts.database.ping()
    return Health()
