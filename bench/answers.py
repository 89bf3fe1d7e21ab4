"""How well questions are answered without a language model: right, wrong, refused; on a question set.

    python bench/answers.py [--questions FILE ...] [--kb FOLDER] [--misses] [--json]

Every question is put to the agent as a call would put it, follow-ups after the questions before them, and the answer
is judged by what it says (`say`, else `must`, of the set; see bench/data/README.md). An index of its own is built in a
temporary folder. `--kb` takes general.md and tech.md of another firm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.main.agent import build_agent
from voxbot.main.context import run
from voxbot.main.knowledge import build_index, open_retriever
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.agent.agent import Agent
    from voxbot.settings.schema import Settings

_DATA = Path(__file__).parent / "data"
TARGETS = {"right": (0.8, ">="), "wrong": (0.1, "<="), "refused answerable": (0.1, "<="), "invented": (0.2, "<=")}


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a set; `say` None: nothing answers it; else one phrase of each group must be said."""

    q: str
    before: tuple[str, ...]
    say: tuple[tuple[str, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent said."""

    text: str
    known: bool


def read_questions(path: Path) -> list[Question]:
    """Read a set of JSON lines."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Question(line["q"], tuple(line.get("before", ())), _say(line)) for line in lines]


def _say(line: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
    if not line["kb"]:
        return None
    groups: list[list[str]] = line.get("say") or [[fact] for fact in line["must"]]
    return tuple(tuple(group) for group in groups)


def verdict(question: Question, told: Told) -> str:
    """Name what the answer was: right, wrong, refused; of an unanswerable question honest or invented."""
    if question.say is None:
        return "invented" if told.known else "honest"
    if not told.known:
        return "refused"
    said = _plain(told.text)
    return "right" if all(any(_plain(phrase) in said for phrase in group) for group in question.say) else "wrong"


def judge(verdicts: Sequence[str], told: Sequence[Told]) -> dict[str, float]:
    """Compute the figures of TARGETS, and how long answers are."""
    count = Counter(verdicts)
    answerable = count["right"] + count["wrong"] + count["refused"]
    lengths = [len(answer.text) for answer in told if answer.known]
    return {
        "right": count["right"] / max(answerable, 1),
        "wrong": count["wrong"] / max(answerable, 1),
        "refused answerable": count["refused"] / max(answerable, 1),
        "invented": count["invented"] / max(count["invented"] + count["honest"], 1),
        "median_chars": statistics.median(lengths) if lengths else 0.0,
    }


async def ask(agent: Agent, question: Question) -> Told:
    """Hold the conversation and return the last answer."""
    history: list[Utterance] = []
    told = Told("", known=False)
    for text in (*question.before, question.q):
        told = await _answer(agent, text, history)
        history += [Utterance("user", text), Utterance("bot", told.text)]
    return told


async def _answer(agent: Agent, text: str, history: Sequence[Utterance]) -> Told:
    said: list[str] = []
    info = AnswerInfo()
    async with aclosing(agent.reply(text, tuple(history))) as items:
        async for item in items:
            if isinstance(item, AnswerInfo):
                info = item
            else:
                said.append(item)
    return Told(" ".join("".join(said).replace("|", " ").split()), info.known)


async def ask_all(settings: Settings, questions: Sequence[Question]) -> list[Told]:
    """Build the index and ask every question once."""
    await build_index(settings)
    agent = build_agent(settings, await open_retriever(settings))
    try:
        return [await ask(agent, question) for question in questions]
    finally:
        await agent.close()


def main() -> None:
    """Ask, judge and print; exit status 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--questions", type=Path, nargs="+", default=[_DATA / "questions.jsonl", _DATA / "unseen.jsonl"]
    )
    parser.add_argument("--kb", type=Path, help="folder with general.md and tech.md instead of the settings' bases")
    parser.add_argument("--env", type=Path, help="file of settings instead of ./.env")
    parser.add_argument("--misses", action="store_true", help="list the answers that are not right")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    questions = [question for path in options.questions for question in read_questions(path)]
    settings = load_settings(options.env)
    configure_logging(settings, "bench")
    with tempfile.TemporaryDirectory() as folder:
        own = {"persist_directory": Path(folder) / "index", "data_dir": Path(folder)}
        if options.kb:
            own |= {"general_kb": options.kb / "general.md", "tech_kb": options.kb / "tech.md"}
        settings = settings.model_copy(
            update={
                "paths": settings.paths.model_copy(update=own),
                "llm": settings.llm.model_copy(update={"provider": "extractive"}),
            }
        )
        told = run(ask_all(settings, questions))
    verdicts = [verdict(question, answer) for question, answer in zip(questions, told, strict=True)]
    figures = judge(verdicts, told)
    missed = [
        name
        for name, (bound, sign) in TARGETS.items()
        if (figures[name] < bound if sign == ">=" else figures[name] > bound)
    ]
    if options.json:
        print(json.dumps({"questions": len(questions), **figures, "missed": missed}))
    else:
        for name, value in figures.items():
            goal = f"  (goal {TARGETS[name][1]} {TARGETS[name][0]})" if name in TARGETS else ""
            print(f"{name:22}{value:8.3f}{goal}{'  MISSED' if name in missed else ''}")
    if options.misses:
        for question, answer, kind in zip(questions, told, verdicts, strict=True):
            if kind not in ("right", "honest"):
                asked = " >> ".join((*question.before, question.q))
                print(f"{kind:8} {asked}\n     said:   {answer.text}\n     wanted: {question.say}")
    raise SystemExit(1 if missed else 0)


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е").replace("\u00a0", " ").replace("\u202f", " ")


if __name__ == "__main__":
    main()
