"""How long the agent takes from a question to the first segment that can be spoken, and what a question costs.

    python bench/agent.py [--questions FILE] [--json]

The language model is a double on the loopback whose first token comes after 300 ms; it runs in this process, so that
its own work counts against the agent. Knowledge bases and embedder are those of the settings (.env and environment);
the index and everything else written goes to a temporary folder.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fakes.openai_server import OpenAiServer, Reply, openai_server

from voxbot.domain.dialogue import Utterance
from voxbot.main.agent import build_agent
from voxbot.main.context import run
from voxbot.main.knowledge import build_index, open_retriever
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.agent.agent import Agent, Searcher
    from voxbot.knowledge.search import SearchResult
    from voxbot.settings.schema import Settings

LLM_MS = 300
OWN_SHARE_MS = 30
ANSWER = "Да, такая машина есть. Она стоит **два миллиона** рублей, доставка отдельно. Рассказать подробнее?"
DIALOGUE = (
    Utterance("user", "сколько стоит разрывная машина на сто килоньютон"),
    Utterance("bot", "Машина РЭМ-100 стоит от 2 350 000 рублей."),
)
FOLLOW_UPS = ("а на двести", "а сколько она весит", "а на пятьдесят", "и какая у неё скорость")
REWRITTEN = "Сколько стоит разрывная машина РЭМ-200?"


class CountingSearch:
    """The retriever; counts the vectors that were computed for it."""

    def __init__(self, retriever: Searcher) -> None:
        self._retriever = retriever
        self.embeddings = 0

    async def search(
        self, question: str, *, kb: Literal["general", "tech", "auto"] = "auto", k: int | None = None
    ) -> SearchResult:
        """See Searcher.search."""
        found = await self._retriever.search(question, kb=kb, k=k)
        self.embeddings += found.embedding == "computed"
        return found


@dataclass
class Run:
    """What a series of questions has shown."""

    name: str
    ms: list[float] = field(default_factory=list[float])
    embed_ms: list[float] = field(default_factory=list[float])
    embeddings: list[int] = field(default_factory=list[int])
    requests: list[int] = field(default_factory=list[int])

    def figures(self) -> dict[str, Any]:
        """Milliseconds, and the most that one question cost."""
        return {
            "questions": len(self.ms),
            "p50_ms": round(statistics.median(self.ms), 1),
            "p95_ms": _p95(self.ms),
            "embedding_p50_ms": round(statistics.median(self.embed_ms), 1),
            "embedding_p95_ms": _p95(self.embed_ms),
            "embeddings_per_question": sorted(set(self.embeddings)),
            "llm_requests_per_question": sorted(set(self.requests)),
        }


def _p95(ms: Sequence[float]) -> float:
    return round(sorted(ms)[int(0.95 * (len(ms) - 1))], 1)


async def ask_all(
    name: str, agent: Agent, search: CountingSearch, model: OpenAiServer, questions: Sequence[str],
    history: Sequence[Utterance] = (),
) -> Run:  # fmt: skip
    """Ask each question once, one after the other."""
    series = Run(name)
    for question in questions:
        embeddings, requests = search.embeddings, len(model.requests)
        started = time.perf_counter()
        first = embed = 0.0
        async with aclosing(agent.reply(question, history)) as reply:
            async for item in reply:
                if isinstance(item, str):
                    first = first or (time.perf_counter() - started) * 1000
                else:
                    embed = item.ms.get("embed", embed)
        series.embed_ms.append(embed)
        series.ms.append(first)
        series.embeddings.append(search.embeddings - embeddings)
        series.requests.append(len(model.requests) - requests)
    return series


async def measure(settings: Settings, questions: Sequence[str]) -> list[Run]:
    """Build the index, then ask: whole questions, the same again, follow-ups."""
    await build_index(settings)
    search = CountingSearch(await open_retriever(settings))
    async with openai_server() as model:
        model.answer(settings.llm.model_primary, Reply(ANSWER, latency_s=LLM_MS / 1000))
        llm = settings.llm.model_copy(update={"base_url": model.base_url, "provider": "openai"})
        agent = build_agent(settings.model_copy(update={"llm": llm}), search)
        await agent.warm_up()
        try:
            await ask_all("warm-up", agent, search, model, questions[-2:])
            gc.collect()
            gc.freeze()  # as the bot does before its first call
            runs = [
                await ask_all("new question", agent, search, model, questions[:-2]),
                await ask_all("asked before", agent, search, model, questions[: len(questions) // 3]),
            ]
            model.answer(settings.llm.model_primary, *_rewriting_then_answering(len(FOLLOW_UPS)))
            runs.append(await ask_all("follow-up", agent, search, model, FOLLOW_UPS, DIALOGUE))
        finally:
            await agent.close()
    return runs


def _rewriting_then_answering(times: int) -> list[Reply]:
    return [Reply(text, latency_s=LLM_MS / 1000) for _ in range(times) for text in (REWRITTEN, ANSWER)]


def main() -> None:
    """Measure and print; exit status 1 if the agent's own share or a question's cost is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=Path(__file__).parent / "data" / "questions.jsonl")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["q"] for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        settings = load_settings()
        configure_logging(settings, "bench")
        runs = run(measure(settings, questions))
    figures = {series.name: series.figures() for series in runs}
    new = figures["new question"]
    costs_one = new["embeddings_per_question"] == new["llm_requests_per_question"] == [1]
    missed = new["p95_ms"] > LLM_MS + OWN_SHARE_MS or not costs_one
    if options.json:
        print(json.dumps({"llm_first_token_ms": LLM_MS, **figures, "missed": missed}))
    else:
        print(f"question → first segment, first token after {LLM_MS} ms (goal: p95 ≤ {LLM_MS + OWN_SHARE_MS} ms)")
        for name, line in figures.items():
            print(
                f"{name:14}{line['questions']:4} asked   p50 {line['p50_ms']:6.1f}   p95 {line['p95_ms']:6.1f} ms   "
                f"(of it embedding {line['embedding_p50_ms']:.1f} and {line['embedding_p95_ms']:.1f})   "
                f"embeddings {line['embeddings_per_question']}   model requests {line['llm_requests_per_question']}"
            )
        print("MISSED" if missed else "ok")
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
