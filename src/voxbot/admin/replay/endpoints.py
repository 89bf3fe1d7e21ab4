"""`POST /api/calls/{id}/replay`: what the bot would answer now."""

from __future__ import annotations

import asyncio
import difflib
from http import HTTPStatus
from typing import Annotated, Any, cast
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Path, Request
from pydantic import Field

from voxbot.admin.calls.details import turn_view
from voxbot.admin.calls.schemas import TurnView
from voxbot.admin.knowledge.publishing import whole_answer
from voxbot.admin.parts import GivenParts
from voxbot.admin.problems import ApiError
from voxbot.admin.security import KeyRequired
from voxbot.admin.views import Payload, View
from voxbot.domain.dialogue import AnswerInfo, Intent, KbName, Utterance
from voxbot.domain.errors import VoxbotError
from voxbot.store.transcript import load_turns

router = APIRouter(tags=["calls"])

MAX_QUESTIONS = 60
_ALIKE_FROM = 0.95
_AT_ONCE = 2
"""Each asks the language model up to MAX_QUESTIONS times, which callers need too."""
_under_way: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class ReplayOptions(Payload, title="Как повторить звонок"):
    """How to replay."""

    turns: list[int] | None = Field(
        default=None,
        max_length=MAX_QUESTIONS,
        description="Номера реплик звонящего (с 0), которые задать снова; null: все. Остальное берётся из звонка",
        examples=[None],
    )


class AnswerView(View, title="Ответ"):
    """An answer."""

    text: str = Field(examples=["Мы находимся в Москве."])
    kb: KbName | None = Field(examples=["general"])
    known: bool | None = Field(description="false: бот сказал, что не знает", examples=[True])
    sources: list[str] = Field(description="Фрагменты базы знаний", examples=[["9f2c51d0a7b3"]])
    intent: Intent | None = Field(default=None, description="Просьба, которую бот выполнил бы", examples=[None])
    model: str | None = Field(default=None, description="Чем составлен ответ", examples=["gpt-4o-mini"])
    ms: dict[str, float] = Field(examples=[{"embed": 9.1, "search": 0.8, "first_token": 310.0, "total": 900.0}])


class ReplayedTurn(View, title="Один вопрос звонка, заданный снова"):
    """A question asked anew."""

    index: int = Field(description="Номер реплики звонящего, с 0", examples=[0])
    question: str = Field(description="Как он нормализуется теперь", examples=["где вы находитесь"])
    raw: str = Field(description="Что было распознано", examples=["где вы находитесь"])
    before: AnswerView | None = Field(description="Что бот ответил тогда; null: ничего")
    after: AnswerView
    error: str = Field(default="", description="Почему ответа нет; пусто: он есть", examples=[""])
    changed: bool = Field(
        description="Слова ответа заметно другие, или изменилось, знает ли бот ответ", examples=[True]
    )


class Replay(View, title="Звонок, повторённый с нынешними промптами и базами знаний"):
    """A call replayed."""

    call_id: str = Field(examples=["1772362800.42"])
    questions: int = Field(description="Сколько реплик звонящего в звонке", examples=[4])
    left_out: int = Field(
        default=0, description=f"Сколько последних реплик не задано: за раз задаётся {MAX_QUESTIONS}", examples=[0]
    )
    changed: int = Field(description="Сколько ответов изменилось", examples=[1])
    turns: list[ReplayedTurn]


@router.post(
    "/api/calls/{call_id:path}/replay",
    dependencies=[KeyRequired],
    summary="Задать вопросы звонка снова: с нынешними промптами и базами знаний",
    description="Разговор складывается из новых ответов. Ответ приходит, когда отвечены все вопросы. "
    "429: столько звонков сразу не повторяется.",
)
async def replay(
    parts: GivenParts,
    request: Request,
    call_id: Annotated[str, Path(max_length=200, description="id звонка", examples=["1772362800.42"])],
    options: ReplayOptions | None = None,
) -> Replay:
    """Ask a past call's questions anew."""
    turn = _under_way.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    if turn.locked():
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "replays_busy", f"Уже повторяются {_AT_ONCE} звонка. Подождите их ответов."
        )
    async with turn:
        return await _replayed(parts, request, call_id, options)


async def _replayed(parts: GivenParts, request: Request, call_id: str, options: ReplayOptions | None) -> Replay:
    turns = await _turns(parts, call_id)
    asked = [turn for turn in turns if turn.speaker == "user"]
    if not asked:
        raise ApiError(
            HTTPStatus.CONFLICT, "no_questions", "В этом звонке звонящий ничего не сказал: повторять нечего."
        )
    wanted = set(options.turns) if options and options.turns is not None else set(range(MAX_QUESTIONS))
    agent = await parts.answerer()
    history: list[Utterance] = []
    replayed: list[ReplayedTurn] = []
    index, asked_anew = -1, False
    for place, turn in enumerate(turns):
        if turn.speaker != "user":
            if not asked_anew:  # else a new answer stands in its place
                history.append(Utterance("bot", turn.text))
            continue
        index += 1
        asked_anew = index in wanted
        raw = turn.raw or turn.text
        question = parts.normalize(raw).strip() or raw
        before = tuple(history)
        history.append(Utterance("user", question))
        if asked_anew:
            if await request.is_disconnected():
                break
            error = ""
            try:
                text, info = await whole_answer(agent, question, before)
            except VoxbotError as failure:
                text, info, error = "", AnswerInfo(), str(failure)
            old = _next_answer(turns, place)
            compared = _compared(index, question, raw, old, text, info)
            replayed.append(compared.model_copy(update={"error": error, "changed": False}) if error else compared)
            if error and old:
                text = old.text
            history.append(Utterance("bot", text))
    left_out = 0 if options and options.turns is not None else max(0, len(asked) - MAX_QUESTIONS)
    return Replay(
        call_id=call_id,
        questions=len(asked),
        left_out=left_out,
        changed=sum(turn.changed for turn in replayed),
        turns=replayed,
    )


async def _turns(parts: GivenParts, call_id: str) -> list[TurnView]:
    call = await parts.calls.lists.get(call_id)
    if call is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_call", "Такого звонка в журнале нет.")
    turns = load_turns(call.record.transcript_json)
    return [turn_view(cast("dict[str, Any]", turn), None, {}) for turn in turns]


def _next_answer(turns: list[TurnView], place: int) -> AnswerView | None:
    """Give what the bot said between this turn of the caller and the next."""
    said: list[TurnView] = []
    for turn in turns[place + 1 :]:
        if turn.speaker == "user":
            break
        said.append(turn)
    if not said:
        return None
    main = next((turn for turn in said if turn.kb or turn.known is not None), said[0])
    return AnswerView(
        text=" ".join((turn.planned or turn.text) for turn in said),
        kb=main.kb,
        known=main.known,
        sources=[source.chunk_id for source in main.sources],
        ms=main.ms,
    )


def _compared(
    index: int, question: str, raw: str, before: AnswerView | None, text: str, info: AnswerInfo
) -> ReplayedTurn:
    after = AnswerView(
        text=text,
        kb=info.kb,
        known=info.known,
        sources=list(info.sources),
        intent=info.intent,
        model=info.model or None,
        ms=dict(info.ms),
    )
    return ReplayedTurn(
        index=index, question=question, raw=raw, before=before, after=after, changed=_differ(before, after)
    )


def _differ(before: AnswerView | None, after: AnswerView) -> bool:
    if before is None:
        return bool(after.text)
    if before.known is not None and before.known != after.known:
        return True
    likeness = difflib.SequenceMatcher(None, before.text.lower().split(), after.text.lower().split()).ratio()
    return likeness < _ALIKE_FROM
