"""`/api/live`: the calls under way, as they change; and ending one or passing it on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from voxbot.admin.events import EVENT_STREAM, MEDIA_TYPE, event, event_stream
from voxbot.admin.live.bots import BotEvent, Bots
from voxbot.admin.live.schemas import BotState, Done, LiveCallView, LiveState
from voxbot.admin.parts import GivenParts
from voxbot.admin.problems import ApiError
from voxbot.admin.security import KeyRequired, ReadAllowed

router = APIRouter(tags=["live"], prefix="/api/live")

_QUEUE_EVENTS = 1000
GivenCall = Annotated[str, Path(max_length=200, description="id звонка", examples=["1772362800.42"])]

_REFUSALS = {
    "no_call": (HTTPStatus.NOT_FOUND, "Такого звонка сейчас нет: вероятно, он закончился."),
    "not_now": (
        HTTPStatus.CONFLICT,
        "Сейчас перевести нельзя: звонок только начинается, заканчивается или уже переводится.",
    ),
    "key": (HTTPStatus.CONFLICT, "Бот не принял ключ: у него и у панели должен быть один API_SECRET_KEY."),
    "unreachable": (
        HTTPStatus.CONFLICT,
        "Бот не отвечает. Запущен ли он, и верны ли BOT_HTTP_PORT и BOT_URLS?",
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
        return event_stream(_changes(parts.bots, parts.stopping))
    return await _now(parts.bots)


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


def _refuse(outcome: str) -> None:
    if refusal := _REFUSALS.get(outcome):
        status, detail = refusal
        raise ApiError(status, outcome, detail)


async def _now(bots: Bots) -> LiveState:
    addresses = bots.addresses
    told = await asyncio.gather(*(bots.snapshot(bot) for bot in addresses))
    return LiveState(
        calls=[LiveCallView.model_validate(call) for calls in told for call in calls or ()],
        bots=[
            BotState(bot=bot, ok=calls is not None, detail="" if calls is not None else "Бот не отвечает.")
            for bot, calls in zip(addresses, told, strict=True)
        ],
        now=time.time(),
    )


async def _changes(bots: Bots, stopping: asyncio.Event) -> AsyncGenerator[str, None]:
    """Merge what all bots tell. A client that does not read holds up only its own stream."""
    told: asyncio.Queue[BotEvent | None] = asyncio.Queue(_QUEUE_EVENTS)

    async def follow(bot: str) -> None:
        async with aclosing(bots.follow(bot)) as events:
            async for item in events:
                await told.put(item)

    async def end() -> None:
        await stopping.wait()
        await told.put(None)

    following = [asyncio.create_task(follow(bot)) for bot in bots.addresses]
    following.append(asyncio.create_task(end()))
    try:
        yield ": hello\n\n"
        while item := await told.get():
            yield event(item.kind, {"bot": item.bot, "now": time.time(), **item.document})
    finally:
        for task in following:
            task.cancel()
        await asyncio.wait(following)
