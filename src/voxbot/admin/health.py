"""`GET /`: whether the unit and its database work. Open to everyone, for monitoring."""

from __future__ import annotations

from typing import Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from voxbot import __version__
from voxbot.store.database import Database

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The unit works."""

    model_config = ConfigDict(json_schema_extra={"description": "Сервис работает."})

    status: Literal["ok"] = "ok"
    unit: Literal["api"] = "api"
    version: str = Field(default=__version__, examples=["0.1.0"])


@router.get("/", summary="Проверка работы", description="Ответ ok, или 503, если база данных не отвечает.")
async def health(request: Request) -> Health:
    """Answer `ok`, or 503 when the database does not answer."""
    await cast("Database", request.app.state.database).ping()
    return Health()
