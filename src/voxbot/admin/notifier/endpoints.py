"""`/api/notifier/enterprises` and `/api/notifier/users`. All of it takes the key: invitation codes are secrets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from voxbot.admin.notifier.schemas import EnterpriseIn, EnterpriseOut, UserIn, UserOut
from voxbot.admin.notifier.service import Roster
from voxbot.admin.parts import GivenParts
from voxbot.admin.security import KeyRequired

Number = Annotated[str, Path(description="Номер предприятия", examples=["0367"])]
TgId = Annotated[int, Path(description="Id чата Telegram; у групп отрицательный", examples=[100001])]


def _roster(parts: GivenParts) -> Roster:
    return Roster(parts.started.notifier_database)


GivenRoster = Annotated[Roster, Depends(_roster)]

router = APIRouter(prefix="/api/notifier", tags=["notifier"], dependencies=[KeyRequired])


@router.get(
    "/enterprises",
    summary="Предприятия, звонки которых идут в Telegram",
    description="По номеру; токены ботов не показываются.",
)
async def list_enterprises(roster: GivenRoster) -> list[EnterpriseOut]:
    """List the enterprises by number."""
    return await roster.enterprises()


@router.post(
    "/enterprises",
    summary="Добавить предприятие или изменить",
    description="Что не указано, остаётся как было.",
)
async def save_enterprise(roster: GivenRoster, wanted: EnterpriseIn) -> EnterpriseOut:
    """Add an enterprise or change the one with this number."""
    return await roster.save_enterprise(wanted)


@router.delete(
    "/enterprises/{number}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Убрать предприятие и его подписчиков",
    description="Записанные звонки остаются.",
)
async def drop_enterprise(roster: GivenRoster, number: Number) -> None:
    """Remove an enterprise."""
    await roster.drop_enterprise(number)


@router.get("/users", summary="Кто получает звонки", description="Одного предприятия или всех.")
async def list_users(
    roster: GivenRoster,
    enterprise: Annotated[str, Query(description="Только этого предприятия", examples=["0367"])] = "",
) -> list[UserOut]:
    """List the chats that get calls."""
    return await roster.users(enterprise or None)


@router.post("/users", summary="Добавить чат", description="Он получит следующие звонки предприятия.")
async def save_user(roster: GivenRoster, wanted: UserIn) -> UserOut:
    """Add a chat, or change its name."""
    return await roster.save_user(wanted)


@router.delete(
    "/users/{enterprise}/{tg_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Убрать чат",
    description="Звонков предприятия он больше не получит.",
)
async def drop_user(roster: GivenRoster, enterprise: Number, tg_id: TgId) -> None:
    """Take a chat from an enterprise."""
    await roster.drop_user(enterprise, tg_id)
