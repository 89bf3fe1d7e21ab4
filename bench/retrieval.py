"""How well questions find their sections: recall, routing, abstention and latency on a question set.

    python bench/retrieval.py [--questions FILE] [--kb FOLDER] [--misses] [--json]

Uses the knowledge bases and the embedder of the settings (.env and environment), and an index of its own in a
temporary folder unless --index names one; `--kb` takes general.md and tech.md of another firm. The format of the
question set is described in bench/data/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxbot.main.knowledge import build_index, open_retriever
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from voxbot.knowledge.search import Hit, SearchResult
    from voxbot.settings.schema import Settings

TARGETS = {
    "recall@1": (0.85, ">="),
    "recall@3": (0.95, ">="),
    "routing": (0.95, ">="),
    "refused unanswerable": (0.8, ">="),
    "refused answerable": (0.1, "<="),
    "p95_ms": (25.0, "<="),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the set; `kb` None: nothing answers it."""

    q: str
    kb: str | None
    sections: frozenset[str]
    must: tuple[str, ...]

    def answered_by(self, hit: Hit) -> bool:
        """Whether this passage holds the answer: it is of a right section, and has its facts."""
        if hit.kb != self.kb:
            return False
        headings = {match.strip() for match in re.findall(r"^#{1,6}[ \t]+(.*)$", hit.text, re.MULTILINE)}
        return bool(self.sections & (headings | {hit.title})) and all(fact in hit.text for fact in self.must)


def read_questions(path: Path) -> list[Question]:
    """Read a set of JSON lines."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Question(line["q"], line["kb"], frozenset(line.get("sections", ())), tuple(line.get("must", ())))
        for line in lines
        if "before" not in line  # a follow-up is made whole by the agent: bench/answers.py
    ]


def judge(questions: list[Question], results: list[SearchResult], threshold: float) -> dict[str, float]:
    """Compute the figures of TARGETS, and p50."""
    pairs = list(zip(questions, results, strict=True))
    answerable = [(question, result) for question, result in pairs if question.kb]
    scores = {bool(kb): [_best(r) for q, r in pairs if bool(q.kb) is kb] for kb in (True, False)}
    total_ms = sorted(result.ms.total for _, result in pairs)
    return {
        "recall@1": _share([any(map(q.answered_by, r.hits[:1])) for q, r in answerable]),
        "recall@3": _share([any(map(q.answered_by, r.hits[:3])) for q, r in answerable]),
        "routing": _share([r.used == q.kb for q, r in answerable]),
        "refused unanswerable": _share([score < threshold for score in scores[False]]),
        "refused answerable": _share([score < threshold for score in scores[True]]),
        "p50_ms": statistics.median(total_ms),
        "p95_ms": total_ms[int(0.95 * (len(total_ms) - 1))],
    }


def show_misses(questions: list[Question], results: list[SearchResult], threshold: float) -> None:
    """Print every question that was answered from a wrong section, or wrongly refused or not refused."""
    for question, result in zip(questions, results, strict=True):
        found = question.kb and any(map(question.answered_by, result.hits[:1]))
        refused = _best(result) < threshold
        if found != (not refused) or (question.kb and not found):
            wanted = " / ".join(sorted(question.sections)) or "nothing"
            got = " | ".join(hit.title for hit in result.hits)
            print(f"{_best(result):.2f} {question.q}\n     wanted: {wanted}\n     got:    {got}")


async def run(settings: Settings, questions: list[Question], *, build: bool) -> list[SearchResult]:
    """Ask every question once."""
    if build:
        await build_index(settings)
    retriever = await open_retriever(settings)
    try:
        return [await retriever.search(question.q, k=3) for question in questions]
    finally:
        await retriever.close()


def main() -> None:
    """Measure and print; exit status 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=Path(__file__).parent / "data" / "questions.jsonl")
    parser.add_argument("--index", type=Path, help="folder of an index to search; default: a new one is built")
    parser.add_argument("--kb", type=Path, help="folder with general.md and tech.md instead of the settings' bases")
    parser.add_argument("--env", type=Path, help="file of settings instead of ./.env")
    parser.add_argument("--misses", action="store_true", help="list the questions that went wrong")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    settings = load_settings(options.env)
    configure_logging(settings, "bench")
    questions = read_questions(options.questions)
    with tempfile.TemporaryDirectory() as folder:
        # A data folder of its own: no vectors cached by an earlier run.
        own = {"persist_directory": options.index or Path(folder) / "index", "data_dir": Path(folder)}
        if options.kb:
            own |= {"general_kb": options.kb / "general.md", "tech_kb": options.kb / "tech.md"}
        paths = settings.paths.model_copy(update=own)
        settings = settings.model_copy(update={"paths": paths})
        results = asyncio.run(run(settings, questions, build=options.index is None))
    threshold = settings.knowledge.fallback_threshold
    figures = judge(questions, results, threshold)
    missed = [
        name
        for name, (bound, sign) in TARGETS.items()
        if (figures[name] < bound if sign == ">=" else figures[name] > bound)
    ]
    if options.json:
        print(json.dumps({"questions": len(questions), "threshold": threshold, **figures, "missed": missed}))
    else:
        for name, value in figures.items():
            goal = f"  (goal {TARGETS[name][1]} {TARGETS[name][0]})" if name in TARGETS else ""
            print(f"{name:22}{value:8.3f}{goal}{'  MISSED' if name in missed else ''}")
    if options.misses:
        show_misses(questions, results, threshold)
    raise SystemExit(1 if missed else 0)


def _best(result: SearchResult) -> float:
    return result.hits[0].score if result.hits else 0.0


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


if __name__ == "__main__":
    main()
