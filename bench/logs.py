"""The call log at a million calls: pages, search and CSV of a real `voxbot api` over HTTP.

    python bench/logs.py [--json] [--calls 1000000] [--dir FOLDER]

Calls of one year are made of the questions in bench/data and the sentences of kb/*.md, with other numbers, and written
to SQLite as an older bot would have left them; then what search needs is made, as a unit does it in the background.
With --dir the database stays there and is used again. Exit 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TARGETS = {"page_p95_ms": 50.0, "search_p95_ms": 100.0, "csv_rows_per_s": 20_000.0, "csv_rss_mb": 150.0}
_AT_LEAST = frozenset({"csv_rows_per_s"})

_FIRST_DAY = datetime(2025, 3, 1)  # noqa: DTZ001 - the log holds local time without a zone
_YEAR_S = 365 * 86400
_BATCH = 10_000
_STATUSES = ("Completed", "Transferred", "Failed")
_PAGES = (
    "limit=50",
    "limit=50&status=Failed",
    "limit=50&status=Transferred&date_from=2025-06-01&date_to=2025-06-30",
    "limit=50&date_from=2025-08-01&date_to=2025-08-01",
    "limit=50&date_to=2025-03-02",
)
_API_PAGES = (*_PAGES, "limit=50&sort=-duration", "limit=50&kb=tech&date_to=2025-10-10", "limit=50&unanswered=true")
_SEARCHES = (
    "машина",
    "машину",
    "сколько стоит",
    "поверка",
    "гарантия на пресс",
    "твердомер",
    "доставка в Казань",
    "маш",
    "соедините с оператором",
    "9161234",
    "777",
    "оранжерея",
    "калибровка датчика",
    "где вы находитесь",
    "100 кн",
    "не",
    "1018",
)
_ROUNDS = 8


def _sentences() -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE.parent / "kb").glob("*.md")))
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n", text) if 20 < len(part.strip()) < 200]


def _questions() -> list[str]:
    lines = (HERE / "data" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["q"] for line in lines]


def make_calls(count: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `logs`, the same ones each time."""
    chance = random.Random(7)
    questions, sentences = _questions(), _sentences()
    starts = sorted(chance.randrange(_YEAR_S) for _ in range(count))
    for number, second in enumerate(starts):
        start = _FIRST_DAY + timedelta(seconds=second)
        at = start
        turns: list[dict[str, Any]] = [{"speaker": "bot", "text": "Здравствуйте! Чем помочь?", "timestamp": _ms(at)}]
        for _ in range(chance.choice((1, 2, 2, 3, 4))):
            at += timedelta(seconds=chance.randrange(4, 15))
            said = re.sub(r"\d+", lambda _: str(chance.randrange(1, 999)), chance.choice(questions))
            turns.append({"speaker": "user", "text": said, "timestamp": _ms(at), "raw": said, "ms": {"asr": 210.0}})
            at += timedelta(seconds=chance.randrange(5, 20))
            answer = " ".join(chance.choice(sentences) for _ in range(2))
            turns.append(
                {
                    "speaker": "bot",
                    "text": re.sub(r"\d+", lambda _: str(chance.randrange(1, 999)), answer),
                    "timestamp": _ms(at),
                    "cut": chance.random() < 0.1,
                    "ms": {"embed": 9.0, "search": 1.0, "response": chance.randrange(300, 1500)},
                    "known": chance.random() < 0.9,
                    "sources": ["a1b2c3d4e5f6"],
                    "kb": chance.choice(("general", "tech")),
                }
            )
        yield (
            f"{1740787200 + second}.{number}",
            f"+79{chance.randrange(10**9):09}",
            start.isoformat(),
            at.isoformat(),
            chance.choices(_STATUSES, (90, 9, 1))[0],
            json.dumps(turns, ensure_ascii=False),
        )


def _ms(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def write_log(path: Path, count: int) -> float:
    """Write the calls; return the seconds it took."""
    started = time.perf_counter()
    prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        rows = make_calls(count)
        while batch := [row for row, _ in zip(rows, range(_BATCH), strict=False)]:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO logs VALUES (?,?,?,?,?,?)", batch)
            connection.execute("COMMIT")
    return time.perf_counter() - started


async def make_search(path: Path) -> float:
    """Make what search needs; return the seconds it took."""
    started = time.perf_counter()
    async with open_database(path) as database:
        calls = CallLogRepository(database)
        done = 0
        while made := await calls.follow_pending(1000):
            done += made
            if done % 50_000 == 0:
                print(f"  {done} calls can be searched, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return time.perf_counter() - started


@contextmanager
def api(path: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Run the unit; give its address and process id."""
    environment = os.environ | {
        "DB_PATH": str(path), "DATA_DIR": str(folder / "data"), "API_PORT": "0", "LOG_LEVEL": "WARNING"
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "voxbot", "api"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield line.split()[2], process.pid
    finally:
        process.terminate()
        process.wait()


def timed(client: httpx.Client, paths: list[str]) -> dict[str, list[float]]:
    """Ask each path some times over, in turn; return milliseconds by path."""
    spent: dict[str, list[float]] = {path: [] for path in paths}
    for turn in range(_ROUNDS + 1):
        for path in paths:
            started = time.perf_counter()
            client.get(path).raise_for_status()
            if turn:  # the first round fills SQLite's cache
                spent[path].append((time.perf_counter() - started) * 1000)
    return spent


def p95(values: list[float]) -> float:
    """Take the 95th percentile, the nearest rank."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def measure(path: Path, folder: Path) -> dict[str, Any]:
    """Measure a running unit."""
    with api(path, folder) as (address, pid), httpx.Client(base_url=address, timeout=600, trust_env=False) as client:
        pages = timed(client, [f"/logs?{page}" for page in _PAGES] + [f"/api/calls?{page}" for page in _API_PAGES])
        searches = timed(
            client,
            [
                f"{base}{httpx.QueryParams(q=q)}"
                for base in ("/logs?limit=50&", "/api/calls?limit=50&")
                for q in _SEARCHES
            ],
        )
    slowest = sorted(((p95(ms), path) for path, ms in (pages | searches).items()), reverse=True)[:8]
    # A unit of its own: the memory of an export, not what searches have left behind.
    with api(path, folder) as (address, pid), httpx.Client(base_url=address, timeout=600, trust_env=False) as client:
        started = time.perf_counter()
        lines = size = 0
        with client.stream("GET", "/logs/csv") as answer:
            for chunk in answer.iter_raw():
                lines += chunk.count(b"\r\n")
                size += len(chunk)
        csv_s = time.perf_counter() - started
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        peak_mb = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    return {
        "page_p95_ms": p95([value for values in pages.values() for value in values]),
        "search_p95_ms": p95([value for values in searches.values() for value in values]),
        "csv_rows_per_s": (lines - 1) / csv_s,
        "csv_mb": size / 1e6,
        "csv_rss_mb": peak_mb,
        "slowest": [[round(ms, 1), path] for ms, path in slowest],
    }


def main() -> int:
    """Run the bench; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.dir or Path(temporary)
        path = folder / f"calls-{options.calls}.sqlite"
        result: dict[str, Any] = {"calls": options.calls}
        if not path.exists():
            result["written_s"] = round(write_log(path, options.calls), 1)
        result["made_searchable_s"] = round(asyncio.run(make_search(path)), 1)
        result["database_mb"] = round(path.stat().st_size / 1e6)
        result |= measure(path, Path(temporary))
    missed = [name for name, bar in TARGETS.items() if (result[name] < bar) == (name in _AT_LEAST)]
    if options.json:
        print(json.dumps(result | {"missed": missed}, ensure_ascii=False))
    else:
        for name, value in result.items():
            bar = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
            print(f"{name:18} {value:.1f}{bar}" if isinstance(value, float) else f"{name:18} {value}{bar}")
        print(f"missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
