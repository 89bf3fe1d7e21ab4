"""A conversation by text: greeted, answered in a stream, logged as a call is."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from starlette.websockets import WebSocketDisconnect, WebSocketState

from voxbot.admin import sockets
from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.domain.errors import VoxbotError
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallStarted
from voxbot.domain.ids import CHAT_PREFIX, CallId

if TYPE_CHECKING:
    from fastapi import WebSocket

    from voxbot.admin.parts import Parts
    from voxbot.domain.events import CallStatus, EndReason

log = structlog.get_logger(__name__)

MAX_QUESTION_CHARS = 4000
_MAX_TURNS = 500
_IDLE_S = 1800.0
_WAITING_QUESTIONS = 8
_TOO_MANY = "Подождите, пожалуйста: я ещё отвечаю на предыдущие вопросы."
_TOO_LONG = f"Сообщение длиннее {MAX_QUESTION_CHARS} знаков: напишите, пожалуйста, короче."
_TEXT_ONLY = "Я понимаю только текст."
_UNAVAILABLE = "Извините, сейчас не получается ответить. Попробуйте позже."


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client has sent: a question, or what is wrong with it."""

    question: str = ""
    complaint: str = ""


class Chat:
    """One client's conversation; `as_json` sends objects instead of bare text.

    Its messages are always being read, also while an answer is long in coming: else the server would take a client
    whose pong it does not see for dead, and one that is gone would go on costing the model's time.
    """

    def __init__(self, socket: WebSocket, parts: Parts, caller: str, *, as_json: bool) -> None:
        self._socket = socket
        self._parts = parts
        self._caller = caller
        self._as_json = as_json
        self._call_id = CallId(f"{CHAT_PREFIX}{uuid4()}")
        self._history: list[Utterance] = []
        self._asked: asyncio.Queue[_Asked] = asyncio.Queue(_WAITING_QUESTIONS)

    async def hold(self) -> None:
        """Converse until the client goes. Whatever happens, the dialogue is in the log and its end with it."""
        self._parts.publish(CallStarted(self._call_id, time.time(), self._caller, "chat"))
        status: CallStatus = "Failed"
        reason: EndReason = "error"
        detail = ""
        try:
            await self._converse()
            status, reason = "Completed", "silence"
        except WebSocketDisconnect:
            status, reason = "Completed", "caller_hangup"
        except asyncio.CancelledError:
            reason = "stopped"
            raise
        except Exception as error:  # one chat's failure is not the others'
            detail = str(error) if isinstance(error, VoxbotError) else type(error).__name__
            log.exception("Сбой в чате", call_id=self._call_id)
        finally:
            self._parts.publish(CallEnded(self._call_id, time.time(), status, reason, detail))
        await sockets.close(self._socket)

    async def _converse(self) -> None:
        greeting = " ".join(self._parts.prompts.current.greeting.replace("|", " ").split())
        await self._send("greeting", greeting)
        self._keep_bot(greeting, greeting, None)
        ways = (asyncio.create_task(self._listen()), asyncio.create_task(self._answer_all()))
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        for way in ways:
            if not way.cancelled():
                way.result()

    async def _listen(self) -> None:
        """Take what the client sends, until it has long been silent. Raises WebSocketDisconnect when it is gone."""
        told_to_wait = False
        while (asked := await self._receive()) is not None:
            if not self._asked.full():
                self._asked.put_nowait(asked)
                told_to_wait = False
            elif not told_to_wait:
                told_to_wait = True
                await self._send("error", _TOO_MANY)
            await asyncio.sleep(0)  # `receive` does not wait for what is there already

    async def _answer_all(self) -> None:
        for _ in range(_MAX_TURNS):
            asked = await self._asked.get()
            if asked.complaint:
                await self._send("error", asked.complaint)
            elif asked.question:
                await self._answer(asked.question)

    async def _receive(self) -> _Asked | None:
        """Give what the client sends next; None when it has long been silent."""
        try:
            async with asyncio.timeout(_IDLE_S):
                message = await self._socket.receive()
        except TimeoutError:
            return None
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        if text is None:
            return _Asked(complaint=_TEXT_ONLY)
        if len(text) > MAX_QUESTION_CHARS:
            return _Asked(complaint=_TOO_LONG)
        return _Asked(text.strip())

    async def _answer(self, raw: str) -> None:
        question = self._parts.normalize(raw).strip() or raw
        self._parts.publish(CallerTurn(self._call_id, time.time(), question, raw))
        history = tuple(self._history)
        self._history.append(Utterance("user", question))
        sent, info = "", None
        started = time.perf_counter()
        try:
            answerer = await self._parts.answerer()
            async with aclosing(answerer.reply(question, history)) as reply:
                async for item in reply:
                    if isinstance(item, AnswerInfo):
                        info = item
                    elif item:
                        await self._send("text", item)
                        sent += item
        except VoxbotError as error:
            log.error("Чат остался без ответа", call_id=self._call_id, error=str(error))
            info = AnswerInfo(known=False)
            await self._send("text", _UNAVAILABLE)
            sent += _UNAVAILABLE
        finally:
            self._keep_bot(sent, sent, info)
        if self._as_json:
            ms = {**(info.ms if info else {}), "total": round((time.perf_counter() - started) * 1000, 1)}
            await self._tell(_answered(info, question, ms))

    def _keep_bot(self, text: str, planned: str, info: AnswerInfo | None) -> None:
        heard = " ".join(text.replace("|", " ").split())
        if heard:
            self._history.append(Utterance("bot", heard))
            said = " ".join(planned.replace("|", " ").split())
            ms = dict(info.ms) if info else {}
            self._parts.publish(BotTurn(self._call_id, time.time(), heard, said, cut=False, answer=info, ms=ms))

    async def _send(self, kind: str, text: str) -> None:
        if self._as_json:
            await self._tell({"type": kind, "text": text.replace("|", " ")})
        else:
            await self._put(text)

    async def _tell(self, document: dict[str, Any]) -> None:
        await self._put(json.dumps(document, ensure_ascii=False))

    async def _put(self, text: str) -> None:
        if self._socket.client_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect
        await sockets.send(self._socket, text)


def _answered(info: AnswerInfo | None, question: str, ms: dict[str, float]) -> dict[str, Any]:
    info = info or AnswerInfo()
    return {
        "type": "answered",
        "question": question,
        "kb": info.kb,
        "sources": list(info.sources),
        "known": info.known,
        "intent": info.intent,
        "model": info.model,
        "ms": ms,
    }
