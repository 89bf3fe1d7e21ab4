"""Cases held as dialogues with the agent, and what was wrong with its answers."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.ops.agent_tests.matching import says
from voxbot.text.normalizer import normalize
from voxbot.text.segmenter import split_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.agent.agent import Answerer
    from voxbot.ops.agent_tests.cases import Case, Turn

Outcome: TypeAlias = Literal["passed", "failed", "xfailed", "xpassed"]
"""`xfailed`: failed as its `xfail` says; `xpassed`: it passes, so that its `xfail` can go."""


class Judge(Protocol):
    """A second opinion on an answer that passed the checks."""

    async def objection(self, turn: Turn, question: str, answer: str) -> str | None:
        """Say in one line what is wrong with the answer, None if nothing. Never raises for a provider's failure."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """One turn as it went; `failures` are Russian lines, empty when all is well."""

    q: str
    answer: str
    info: AnswerInfo
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One case as it went."""

    case: Case
    turns: tuple[Answered, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """All that was wrong, in order; in a dialogue each names its turn."""
        if len(self.turns) == 1:
            return self.turns[0].failures
        return tuple(f"«{turn.q}»: {failure}" for turn in self.turns for failure in turn.failures)

    @property
    def outcome(self) -> Outcome:
        """How the case went."""
        if self.case.xfail:
            return "xfailed" if self.failures else "xpassed"
        return "failed" if self.failures else "passed"


async def run_case(
    agent: Answerer, case: Case, judge: Judge | None = None, normalize: Callable[[str], str] = normalize
) -> Result:
    """Hold the case's dialogue: each question as a call would bring it, with all that was said before."""
    history: list[Utterance] = []
    turns: list[Answered] = []
    for turn in case.turns:
        question = normalize(turn.q)
        answer, info = await _ask(agent, question, tuple(history))
        failures = check(turn, answer, info)
        if judge and not failures and info.known and info.intent is None:
            objection = await judge.objection(turn, question, answer)
            failures = (f"судья: {objection}",) if objection else ()
        turns.append(Answered(turn.q, answer, info, failures))
        history += [Utterance("user", question), Utterance("bot", answer)]
    return Result(case, tuple(turns))


def check(turn: Turn, answer: str, info: AnswerInfo) -> tuple[str, ...]:
    """Return what is wrong with an answer."""
    if turn.known == "maybe" and not info.known:
        return ()
    failures = [f"не сказано «{phrase}»" for phrase in turn.contains if not says(answer, phrase)]
    if turn.contains_any and not any(says(answer, phrase) for phrase in turn.contains_any):
        failures.append("не сказано ничего из: " + ", ".join(f"«{phrase}»" for phrase in turn.contains_any))
    failures += [f"сказано «{phrase}»" for phrase in turn.lacks if says(answer, phrase)]
    if turn.known is True and not info.known:
        failures.append("не знает, а ответ в базе есть")
    if turn.known is False and info.known:
        failures.append("отвечает, а должен сказать, что не знает")
    if turn.base is not None and info.kb != turn.base:
        failures.append(f"ответ из базы {info.kb or 'никакой'}, нужна {turn.base}")
    if turn.intent is not None and (info.intent or "none") != turn.intent:
        failures.append(f"намерение {info.intent or 'none'}, нужно {turn.intent}")
    return tuple(failures)


async def _ask(agent: Answerer, question: str, history: Sequence[Utterance]) -> tuple[str, AnswerInfo]:
    text, info = "", AnswerInfo()
    async with aclosing(agent.reply(question, history)) as reply:
        async for item in reply:
            if isinstance(item, AnswerInfo):
                info = item
            else:
                text += item
    return " ".join(split_segments(text)), info
