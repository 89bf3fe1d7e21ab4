"""`/api/live`: the calls under way, as they change; and ending one or passing it on."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from voxbot.admin.events import EVENT_STREAM, MEDIA_TYPE, event_stream
from voxbot.admin.live.bots import Controlled
from voxbot.admin.live.schemas import BotState, Done, LiveCallView, LiveState
from voxbot.admin.live.watching import Watch, changes
from voxbot.admin.parts import GivenParts
from voxbot.admin.problems import ApiError
from voxbot.admin.security import KeyRequired, ReadAllowed

router = APIRouter(tags=["live"], prefix="/api/live")

_FIRST_S = 4.0
"""How long the bots may take to tell their calls: a little more than until one counts as silent."""
GivenCall = Annotated[str, Path(max_length=200, description="id звонка", examples=["1772362800.42"])]

_REFUSALS = {
    "no_call": (HTTPStatus.NOT_FOUND, "Такого звонка сейчас нет: вероятно, он закончился."),
    "not_now": (
        HTTPStatus.CONFLICT,
        "Сейчас перевести нельзя: звонок только начинается, заканчивается или уже переводится.",
    ),
    "no_operator": (
        HTTPStatus.CONFLICT,
        "В диалплане Asterisk нет номера оператора, звонящий остался с ботом: OPERATOR_CONTEXT, OPERATOR_EXTENSION.",
    ),
}


@router.get(
    "",
    dependencies=[ReadAllowed],
    response_model=LiveState,
    summary="Идущие звонки",
    description=(
        "С заголовком `Accept: text/event-stream` (так спрашивает EventSource) — поток событий: `bot` (отвечает ли), "
        "`snapshot` (все звонки бота, замещают прежние), `call` (звонок целиком, новый или изменившийся), `ended`; "
        "в каждом bot и now. Без него — состояние на этот момент."
    ),
    responses={200: {"content": EVENT_STREAM["content"]}},
)
async def live(request: Request, parts: GivenParts) -> Any:
    """Show the calls under way, now or as they change."""
    if MEDIA_TYPE in request.headers.get("accept", ""):
        return event_stream(changes(parts.bots.watch, parts.stopping))
    return await _now(parts.bots.watch)


@router.post("/{call_id:path}/hangup", dependencies=[KeyRequired], summary="Завершить звонок")
async def hang_up(parts: GivenParts, call_id: GivenCall) -> Done:
    """End a call."""
    _refuse(await parts.bots.control(call_id, "hangup"))
    return Done(message="Звонок завершён.")


@router.post("/{call_id:path}/transfer", dependencies=[KeyRequired], summary="Перевести звонящего на оператора")
async def transfer(parts: GivenParts, call_id: GivenCall) -> Done:
    """Pass a caller on to a person."""
    _refuse(await parts.bots.control(call_id, "transfer"))
    return Done(message="Звонящего переводят на оператора.")


def _refuse(controlled: Controlled) -> None:
    status, detail = _REFUSALS.get(controlled.outcome, (HTTPStatus.CONFLICT, controlled.detail))
    if controlled.outcome != "done":
        raise ApiError(status, controlled.outcome, detail)


async def _now(watch: Watch) -> LiveState:
    with watch.watching() as viewer, suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_S):
            for bot in viewer.bots:
                await bot.known.wait()
    return LiveState(
        calls=[LiveCallView.model_validate(call) for bot in viewer.bots for call in bot.calls.values()],
        bots=[
            BotState(
                bot=bot.address, ok=bot.is_there, detail=bot.detail or ("" if bot.is_there else "Бот не отвечает.")
            )
            for bot in viewer.bots
        ],
        now=time.time(),
    )
