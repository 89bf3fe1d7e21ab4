"""What callers ask and the knowledge bases do not answer: the unanswered questions of the call log, by meaning."""

from __future__ import annotations

import re
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxbot.agent import phrases
from voxbot.agent.followup import self_contained
from voxbot.knowledge.cache import normalized
from voxbot.knowledge.grouping import EVERYDAY_QUESTIONS, Groups, Likeness
from voxbot.knowledge.words import tokenize
from voxbot.text.segmenter import split_segments

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.retriever import Retriever
    from voxbot.store.unanswered import UnansweredTurn

_EXAMPLES = 3
_HUM = re.compile(r"э+м*|а+х*|о+х*|у+|м+|[хг]+м+|кх+м+|у+г+у+|а+г+а+|м+г+м+|м+да+|ну+")
"""What is written of a caller who hums or hesitates: it stands in no list of words, stretched as it is."""
_BROKEN = (*split_segments(phrases.APOLOGY), split_segments(phrases.CUT_SHORT)[0])
"""Said when an engine failed: that is no gap in the knowledge."""


@dataclass(frozen=True, slots=True)
class NearestSection:
    """The section that comes nearest to a question; `score` 0–1, from KB_FALLBACK_THRESHOLD it counts as found."""

    kb: KbName
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions of one meaning: `examples` are up to three ways to ask, the usual first; `last_at` is local text."""

    count: int
    last_at: str
    examples: tuple[str, ...]
    nearest: NearestSection | None


@dataclass(frozen=True, slots=True)
class GapReport:
    """`gaps` are the most frequent of all `groups`. `unclear` questions held no word that means anything.

    `complete` is false when the budget was spent before all questions were read.
    """

    questions: int
    calls: int
    unclear: int
    groups: int
    gaps: tuple[Gap, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Budget:
    """What grouping may cost: a question that is new to the cache of embeddings takes 10 ms, or money.

    After `seconds` no more are read; where groups would belong is looked up for as long again.
    """

    seconds: float
    questions: int
    clock: Callable[[], float] = time.monotonic


class _Spent:
    """What of a budget is left."""

    def __init__(self, budget: Budget | None) -> None:
        self._budget = budget
        self._started = budget.clock() if budget else 0.0
        self.complete = True

    def allows(self, questions: int) -> bool:
        """Whether one more may be read after so many."""
        return self._is_left(1, questions)

    def allows_search(self) -> bool:
        """Whether one more group may be looked up."""
        return self._is_left(2, 0)

    def _is_left(self, times: int, questions: int) -> bool:
        budget = self._budget
        if budget and (budget.clock() - self._started > times * budget.seconds or questions >= budget.questions):
            self.complete = False
            return False
        return True


@dataclass(slots=True)
class _Wording:
    """One way to ask, as often as it was asked. `group` None: it means nothing."""

    text: str
    group: int | None
    count: int = 0
    last_at: str = ""


@dataclass(slots=True)
class _Collection:
    """What has been read: a question asked in the same words a thousand times is kept, and embedded, once."""

    wordings: dict[str, _Wording] = field(default_factory=dict[str, _Wording])
    groups: Groups = field(default_factory=Groups)
    calls: int = 0
    questions: int = 0
    last_call: str = ""

    def by_group(self) -> list[list[_Wording]]:
        """The wordings of each group, usual first; the most frequent and latest group first."""
        numbers = self.groups.merged()
        found: dict[int, list[_Wording]] = {}
        for wording in self.wordings.values():
            if wording.group is not None:
                found.setdefault(numbers[wording.group], []).append(wording)
        for wordings in found.values():
            wordings.sort(key=lambda wording: -wording.count)
        return sorted(found.values(), key=lambda group: (_count(group), _last(group)), reverse=True)


async def find_gaps(
    turns: AsyncGenerator[UnansweredTurn, None],
    retriever: Retriever,
    *,
    limit: int,
    progress: Callable[[int], None] | None = None,
    budget: Budget | None = None,
) -> GapReport:
    """Group unanswered questions by meaning and find where each would belong.

    Turns of a call come together. Follow-ups are made whole first. Of all groups the `limit` most frequent are
    told. `progress(questions)` counts those read; beyond `budget` none are. Raises StoreError, ProviderError.
    """
    spent = _Spent(budget)
    everyday = np.stack([await retriever.embed(question) for question in EVERYDAY_QUESTIONS])
    likeness = Likeness(everyday, retriever.space.lexical.rarity)
    collected = _Collection()
    async with aclosing(turns) as source:
        async for turn in source:
            if is_failure(turn.answer):
                continue
            if not spent.allows(collected.questions):
                break
            await _collect(collected, turn, retriever, likeness)
            if progress:
                progress(1)
    every = collected.by_group()
    told = [await _gap(wordings, retriever) for wordings in every[:limit] if spent.allows_search()]
    unclear = _count(wording for wording in collected.wordings.values() if wording.group is None)
    return GapReport(
        questions=collected.questions,
        calls=collected.calls,
        unclear=unclear,
        groups=len(every),
        gaps=tuple(told),
        complete=spent.complete,
    )


async def _collect(collected: _Collection, turn: UnansweredTurn, retriever: Retriever, likeness: Likeness) -> None:
    # A question of no words at all is noise: with the words of an earlier one it would pass for that one.
    clear = means_something(turn.question)
    whole = self_contained(turn.question, turn.before) if clear else turn.question
    wording = collected.wordings.get(normalized(whole))
    if wording is None:
        point = likeness.point(whole, await retriever.embed(whole)) if clear else None
        wording = _Wording(whole, None if point is None else collected.groups.add(point))
        collected.wordings[normalized(whole)] = wording
    wording.count += 1
    collected.questions += 1
    wording.last_at = max(wording.last_at, turn.at)
    if turn.call_id != collected.last_call:
        collected.calls += 1
        collected.last_call = turn.call_id


async def _gap(wordings: Sequence[_Wording], retriever: Retriever) -> Gap:
    found = await retriever.search(wordings[0].text)
    best = found.hits[0] if found.hits else None
    return Gap(
        count=_count(wordings),
        last_at=_last(wordings),
        examples=tuple(wording.text for wording in wordings[:_EXAMPLES]),
        nearest=NearestSection(best.kb, best.title, best.score) if best else None,
    )


def means_something(question: str) -> bool:
    """Whether there is a word in it; who only hums or hesitates has asked nothing."""
    return not all(_HUM.fullmatch(token.form) for token in tokenize(question))


def is_failure(answer: str) -> bool:
    """Whether an engine failed. A caller may have cut the apology short: its beginning is enough."""
    heard = answer.strip(" .…")
    return any(text in answer or (len(heard) > len("Извините, ") and text.startswith(heard)) for text in _BROKEN)


def _count(wordings: Iterable[_Wording]) -> int:
    return sum(wording.count for wording in wordings)


def _last(wordings: Iterable[_Wording]) -> str:
    return max(wording.last_at for wording in wordings)
