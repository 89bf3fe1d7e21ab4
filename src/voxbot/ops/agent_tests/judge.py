"""A language model's opinion on answers that passed the checks: true to the knowledge base, and to the point."""

from __future__ import annotations

import json
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from voxbot.agent.llm import ChatRequest
from voxbot.domain.errors import VoxbotError

if TYPE_CHECKING:
    from voxbot.agent.agent import Searcher
    from voxbot.agent.llm import Llm
    from voxbot.ops.agent_tests.cases import Turn

_SYSTEM = """Ты проверяешь ответы телефонного помощника. Тебе дают вопрос звонящего (распознанный на слух, \
возможны ошибки), ответ помощника и выдержки из базы знаний. Ответ плохой, если он не отвечает на вопрос, \
противоречит выдержкам или называет факты, которых в них нет. Краткость и разговорный стиль — не ошибка. \
Ответь только одним объектом JSON: {"ok": true} или {"ok": false, "why": "причина одной фразой"}."""
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class LlmJudge:
    """A running.Judge over a chat model; passages are searched anew for each answer (its vector is cached)."""

    def __init__(self, llm: Llm, searcher: Searcher) -> None:
        self._llm = llm
        self._searcher = searcher

    async def objection(self, turn: Turn, question: str, answer: str) -> str | None:
        """See running.Judge.objection. A judge that fails or speaks no JSON objects, so that it is not overlooked."""
        try:
            opinion = await self._opinion(turn, question, answer)
        except VoxbotError as error:
            return f"не ответил ({error})"
        ok = opinion.get("ok")
        if not isinstance(ok, bool):
            return "ответил не по форме"
        return None if ok else str(opinion.get("why") or "ответ плохой, причина не названа")

    async def _opinion(self, turn: Turn, question: str, answer: str) -> dict[str, Any]:
        passages = [
            hit.whole for kb in ("general", "tech") for hit in (await self._searcher.search(question, kb=kb)).hits
        ]
        wanted = "; ".join((*turn.contains, *turn.contains_any)) or "не названы"
        text = f"Вопрос: {question}\nОтвет: {answer}\nОжидаемые факты: {wanted}\nВыдержки:\n" + "\n\n".join(passages)
        said = ""
        request = ChatRequest(system=_SYSTEM, history=(), question=text, temperature=0.0)
        async with aclosing(self._llm.stream(request)) as pieces:
            async for piece in pieces:
                said += piece if isinstance(piece, str) else ""
        found = _OBJECT.search(said)
        try:
            opinion: object = json.loads(found[0]) if found else None
        except ValueError:
            return {}
        return cast("dict[str, Any]", opinion) if isinstance(opinion, dict) else {}
