"""The agent: what the caller wants → the passages that answer → the answer, streamed."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

import structlog

from voxbot.agent import phrases
from voxbot.agent.extractive import extract
from voxbot.agent.followup import leans_on, self_contained
from voxbot.agent.intents import recognise
from voxbot.agent.known import tells_something
from voxbot.agent.llm import ChatRequest, ModelGuards, stream_with_fallback
from voxbot.agent.spoken import SpokenAnswer
from voxbot.agent.thoughts import WithoutThoughts
from voxbot.agent.tools import TOOLS
from voxbot.agent.understanding import rewritten, search_understood
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderError, VoxbotError
from voxbot.text.segmenter import split_sentences

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from voxbot.agent.intents import Act
    from voxbot.agent.llm import Llm
    from voxbot.agent.prompts import Prompts
    from voxbot.domain.dialogue import Intent, Utterance
    from voxbot.domain.ids import ChunkId
    from voxbot.knowledge.search import SearchResult
    from voxbot.settings.schema import LlmSettings
    from voxbot.speech.switches import Switches

log = structlog.get_logger(__name__)

EXTRACTIVE = "extractive"
"""What AnswerInfo.model says when no language model wrote the answer."""

_HISTORY_TURNS = 12
_FIXED: dict[Act, tuple[Sequence[str], Intent | None]] = {
    "operator": (phrases.OPERATOR, "operator"),
    "goodbye": (phrases.GOODBYE, "goodbye"),
    "robot": (phrases.ROBOT, None),
    "thanks": (phrases.THANKS, None),
    "hello": (phrases.HELLO, None),
    "declined": (phrases.DECLINED, None),
    "stop": (phrases.STOPPED, None),
    "wait": (phrases.WAIT, None),
    "go_on": (phrases.GO_ON, None),
}


class Answerer(Protocol):
    """Route → retrieve → answer."""

    def reply(self, question: str, history: Sequence[Utterance]) -> AsyncGenerator[str | AnswerInfo, None]:
        """Answer `question` (normalised text of the caller's turn) given what was said and heard before.

        Yields text in pieces of any size, `|` between segments, and AnswerInfo as soon as the sources are
        known and again at the end; the latest AnswerInfo holds. Never raises for a provider's failure: it says
        an honest sentence instead. Closing the generator stops the work.
        """
        ...


class Searcher(Protocol):
    """What the agent needs of the retriever."""

    async def search(
        self, question: str, *, kb: Literal["general", "tech", "auto"] = "auto", k: int | None = None
    ) -> SearchResult:
        """Find the passages that answer `question`. Raises ProviderError, KnowledgeError."""
        ...


class Agent:
    """The Answerer of a unit, shared by its calls; holds nothing of any one call.

    `models` in order of fallback; none: answers are quoted from the knowledge base. `prompts` and `settings` are
    asked at each turn, so that a reload reaches the next one; `threshold` likewise gives the score from which a
    passage counts as found.
    """

    def __init__(
        self,
        retriever: Searcher,
        *,
        prompts: Callable[[], Prompts],
        settings: Callable[[], LlmSettings],
        threshold: Callable[[], float],
        models: Sequence[Llm] = (),
        switches: Switches | None = None,
    ) -> None:
        self._retriever = retriever
        self._prompts = prompts
        self._settings = settings
        self._threshold = threshold
        self._models = tuple(map(WithoutThoughts, models))
        self._switches = switches
        self._guards = ModelGuards(switches)
        self._retired: tuple[Llm, ...] = ()

    async def reply(self, question: str, history: Sequence[Utterance]) -> AsyncGenerator[str | AnswerInfo, None]:
        """See Answerer.reply."""
        started = time.perf_counter()
        turn = sum(utterance.speaker == "bot" for utterance in history)
        act = recognise(question, history)
        if act is not None:
            for item in _converse(act, history, turn):
                yield item
            return
        try:
            whole, found = await self._find(question, history)
        except VoxbotError as error:
            log.error("Поиск в базе знаний не удался", error=str(error))
            yield AnswerInfo(known=False)
            yield phrases.variant(phrases.FAILED, turn)
            return
        async with aclosing(self._answer(question, whole, history, found, turn)) as answer:
            async for item in answer:
                yield item if isinstance(item, str) else _timed(item, found, started)

    async def warm_up(self) -> None:
        """Load the dictionary and the models' libraries, so that the first caller does not wait for them."""
        await asyncio.to_thread(recognise, "соедините с оператором")
        for llm in self._models:
            await llm.warm_up()

    async def use(self, models: Sequence[Llm]) -> None:
        """Answer with other models from the next question on; answers under way end with theirs.

        What was known of the former ones of the same names says nothing: they may have another key or address.
        """
        for llm in models:
            await llm.warm_up()
        self._retired += self._models
        self._models = tuple(map(WithoutThoughts, models))
        self._guards = ModelGuards(self._switches)

    async def close(self) -> None:
        """Free the models."""
        for llm in (*self._models, *self._retired):
            await llm.close()

    async def _find(self, question: str, history: Sequence[Utterance]) -> tuple[str, SearchResult]:
        """The question made to stand by itself, and what is found; one search and no model if it does already."""
        whole = self_contained(question, history)
        limit_s = self._settings().contextualize_s
        if not limit_s or not leans_on(question, history) or not self._guards.admits(self._models):
            return whole, await self._retriever.search(whole)
        rewrite = rewritten(
            question,
            history[-_HISTORY_TURNS:],
            system=self._prompts().contextualize_q_system_prompt,
            models=self._models,
            limit_s=limit_s,
            guards=self._guards,
        )
        return await search_understood(question, whole, search=self._retriever.search, rewrite=rewrite)

    async def _answer(
        self, question: str, whole: str, history: Sequence[Utterance], found: SearchResult, turn: int
    ) -> AsyncGenerator[str | AnswerInfo, None]:
        """With the models; by quoting without them, when all are known to be down or fail before the first word.

        `whole` is the question made to stand by itself: models see the dialogue and get the caller's own words.
        """
        info = _info(found, [hit.chunk_id for hit in found.hits])
        if self._models and not self._guards.admits(self._models):
            log.info("Языковые модели пока не спрашиваются: ответ цитирует базу знаний")
        elif self._models:
            begun = False
            try:
                async with aclosing(self._write(question, history, found, info, turn)) as written:
                    async for item in written:
                        if isinstance(item, str):
                            begun = True
                        else:
                            info = item
                        yield item
            except ProviderError as error:
                log.error("Ни одна модель не ответила", error=str(error), begun=begun)
                if begun:
                    yield phrases.CUT_SHORT
                    yield replace(info, known=False)
                    return
            else:
                return
        async with aclosing(self._quote(whole, found, turn)) as quoted:
            async for item in quoted:
                yield item

    async def _write(
        self, question: str, history: Sequence[Utterance], found: SearchResult, info: AnswerInfo, turn: int
    ) -> AsyncGenerator[str | AnswerInfo, None]:
        settings = self._settings()
        yield info
        started = time.perf_counter()
        ms = dict[str, float]()
        spoken = SpokenAnswer(settings.answer_max_chars)
        request = self._request(question, history, found, settings)
        pieces = stream_with_fallback(
            self._models,
            request,
            first_token_s=settings.first_token_s,
            rewind=spoken.rewind,
            guards=self._guards,
        )
        async with aclosing(pieces) as source:
            async for piece in source:
                ms.setdefault("first_token", (time.perf_counter() - started) * 1000)
                if piece.model != info.model:
                    info = replace(info, model=piece.model)
                    yield info
                for segment in spoken.take(piece.content):
                    yield segment + "|"
                if spoken.ended:
                    break
        if rest := "|".join(spoken.finish()):
            yield rest
        if tool := spoken.tool:
            yield AnswerInfo(intent=tool.intent, model=info.model, ms=ms)
            if not tool.said.search(spoken.text):
                yield phrases.variant(tool.lines, turn)
        elif spoken.text:
            yield replace(info, known=self._is_known(spoken.text, found), ms=ms)
        else:
            raise ProviderError(info.model, "the answer holds nothing that can be said")

    def _request(
        self, question: str, history: Sequence[Utterance], found: SearchResult, settings: LlmSettings
    ) -> ChatRequest:
        return ChatRequest(
            system=self._prompts().qa_system("\n\n".join(hit.whole for hit in found.hits)),
            history=tuple(history[-_HISTORY_TURNS:]),
            question=question,
            temperature=settings.temperature,
            tools=TOOLS,
            whole_s=settings.whole_answer_s,
        )

    async def _quote(self, question: str, found: SearchResult, turn: int) -> AsyncGenerator[str | AnswerInfo, None]:
        threshold = self._threshold()
        extracted = extract(question, found, threshold)
        if extracted is None or not extracted.complete:
            other = await self._other_base(question, found)
            second = extract(question, other, threshold) if other else None
            if other and second and (second.complete or extracted is None):
                extracted, found = second, other
        if extracted is None:
            yield AnswerInfo(kb=found.used, known=False, model=EXTRACTIVE)
            yield phrases.variant(phrases.UNKNOWN, turn)
        else:
            yield replace(_info(found, extracted.sources), model=EXTRACTIVE)
            yield extracted.text

    async def _other_base(self, question: str, found: SearchResult) -> SearchResult | None:
        """What the base holds that was not answered from; the question's vector is cached by now."""
        try:
            return await self._retriever.search(question, kb="tech" if found.used == "general" else "general")
        except VoxbotError as error:
            log.warning("Вторая база знаний не ответила", error=str(error))
            return None

    def _is_known(self, text: str, found: SearchResult) -> bool:
        """A model's answer counts as known when it tells something and something near the question was found."""
        best = found.hits[0].score if found.hits else 0.0
        return tells_something(text) and best >= self._threshold() / 2


def _info(found: SearchResult, sources: Sequence[ChunkId]) -> AnswerInfo:
    score = {hit.chunk_id: round(hit.score, 3) for hit in found.hits}
    scores = tuple(score.get(source, 0.0) for source in sources)
    return AnswerInfo(kb=found.used, sources=tuple(sources), scores=scores)


def _converse(act: Act, history: Sequence[Utterance], turn: int) -> list[str | AnswerInfo]:
    """The answer to a wish about the conversation itself."""
    if act == "louder":
        return [AnswerInfo(), f"{phrases.variant(phrases.LOUDER, turn)}|{_again(history, turn, in_parts=False)}"]
    if act in ("repeat", "slower"):
        return [AnswerInfo(), _again(history, turn, in_parts=act == "slower")]
    lines, intent = _FIXED[act]
    return [AnswerInfo(intent=intent), phrases.variant(lines, turn)]


def _again(history: Sequence[Utterance], turn: int, *, in_parts: bool) -> str:
    """What the bot said last; in parts, with a pause at every clause, for who asks to speak slower."""
    last = next((utterance.text for utterance in reversed(history) if utterance.speaker == "bot"), "")
    if not last:
        return phrases.variant(phrases.NOTHING_TO_REPEAT, turn)
    parts = split_sentences(last)
    if in_parts:
        parts = [clause for part in parts for clause in re.split(r"(?<=[,;:]) (?=\D)", part)]
    return "|".join(parts)


def _timed(info: AnswerInfo, found: SearchResult, started: float) -> AnswerInfo:
    total = (time.perf_counter() - started) * 1000
    ms = {"embed": found.ms.embed, "search": found.ms.search, **info.ms, "total": total}
    return replace(info, ms={stage: round(value, 1) for stage, value in ms.items()})
