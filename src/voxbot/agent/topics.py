"""What callers ask about: the questions of the call log by meaning, answered or not."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxbot.agent.followup import self_contained
from voxbot.agent.gaps import NearestSection, is_failure, means_something
from voxbot.knowledge.cache import normalized
from voxbot.knowledge.grouping import EVERYDAY_QUESTIONS, Groups, Likeness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from voxbot.knowledge.retriever import Retriever
    from voxbot.store.unanswered import AskedTurn

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions of one meaning: `examples` are up to three ways to ask, the usual first; `last_at` is local text."""

    count: int
    unanswered: int
    last_at: str
    examples: tuple[str, ...]
    nearest: NearestSection | None


@dataclass(frozen=True, slots=True)
class TopicReport:
    """`top` by how often they were asked, `unanswered` by how often there was no answer, of all `groups`.

    `complete` is false when the time was up before all questions were read.
    """

    questions: int
    calls: int
    groups: int
    complete: bool
    top: tuple[Topic, ...]
    unanswered: tuple[Topic, ...]


@dataclass(slots=True)
class _Wording:
    """One way to ask, as often as it was asked."""

    text: str
    group: int
    count: int = 0
    unanswered: int = 0
    last_at: str = ""


@dataclass(slots=True)
class _Collection:
    wordings: dict[str, _Wording | None] = field(default_factory=dict[str, "_Wording | None"])
    groups: Groups = field(default_factory=Groups)
    calls: set[str] = field(default_factory=set[str])


async def find_topics(
    turns: AsyncGenerator[AskedTurn, None],
    retriever: Retriever,
    *,
    limit: int,
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> TopicReport:
    """Group questions by meaning; turns of a call come together. Raises StoreError, ProviderError.

    Stops reading after `budget_s`: a question that is new to the cache of embeddings costs 10 ms or money.
    """
    started = clock()
    everyday = np.stack([await retriever.embed(question) for question in EVERYDAY_QUESTIONS])
    likeness = Likeness(everyday, retriever.space.lexical.rarity)
    collected, complete = _Collection(), True
    async with aclosing(turns) as source:
        async for turn in source:
            if clock() - started > budget_s:
                complete = False
                break
            if not is_failure(turn.answer) and means_something(turn.question):
                await _collect(collected, turn, retriever, likeness)
    every = _by_group(collected)
    top = sorted(every, key=lambda group: (_count(group), _last(group)), reverse=True)[:limit]
    unknown = [group for group in every if _unanswered(group)]
    unknown = sorted(unknown, key=lambda group: (_unanswered(group), _last(group)), reverse=True)[:limit]
    return TopicReport(
        questions=sum(map(_count, every)),
        calls=len(collected.calls),
        groups=len(every),
        complete=complete,
        top=tuple([await _topic(group, retriever) for group in top]),
        unanswered=tuple([await _topic(group, retriever) for group in unknown]),
    )


async def _collect(collected: _Collection, turn: AskedTurn, retriever: Retriever, likeness: Likeness) -> None:
    whole = self_contained(turn.question, turn.before)
    name = normalized(whole)
    if name not in collected.wordings:
        point = likeness.point(whole, await retriever.embed(whole))
        collected.wordings[name] = None if point is None else _Wording(whole, collected.groups.add(point))
    wording = collected.wordings[name]
    if wording is None:
        return
    collected.calls.add(turn.call_id)
    wording.count += 1
    wording.unanswered += not turn.known
    wording.last_at = max(wording.last_at, turn.at)


def _by_group(collected: _Collection) -> Sequence[list[_Wording]]:
    numbers = collected.groups.merged()
    found: dict[int, list[_Wording]] = {}
    for wording in collected.wordings.values():
        if wording:
            found.setdefault(numbers[wording.group], []).append(wording)
    for wordings in found.values():
        wordings.sort(key=lambda wording: -wording.count)
    return list(found.values())


async def _topic(wordings: Sequence[_Wording], retriever: Retriever) -> Topic:
    found = await retriever.search(wordings[0].text)
    best = found.hits[0] if found.hits else None
    return Topic(
        count=_count(wordings),
        unanswered=_unanswered(wordings),
        last_at=_last(wordings),
        examples=tuple(wording.text for wording in wordings[:_EXAMPLES]),
        nearest=NearestSection(best.kb, best.title, best.score) if best else None,
    )


def _count(wordings: Iterable[_Wording]) -> int:
    return sum(wording.count for wording in wordings)


def _unanswered(wordings: Iterable[_Wording]) -> int:
    return sum(wording.unanswered for wording in wordings)


def _last(wordings: Iterable[_Wording]) -> str:
    return max(wording.last_at for wording in wordings)
