"""How fast the page of a call is, with many days of calls on disk.

    python bench/notifier_details.py --days 14 --calls-a-day 100000 --folder /somewhere/with/6/GB

Fills an SQLite database as the notifier would have (an answered call: 6 events, 2 channels, 3 requests to Telegram),
or uses what a run before has left in the folder, then asks for the pages of random calls by signed links.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI

from voxbot.notifier import details_page
from voxbot.notifier.calls import CallRules
from voxbot.notifier.details import Details, DetailsPorts
from voxbot.notifier.details_links import DetailsLinks
from voxbot.store.notifier_database import open_notifier_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxbot.store.call_log import CallRecord

_DAY_S = 86_400
_AT_ONCE = 20_000
_ENTERPRISES = 77
_LINKS = DetailsLinks(b"bench" * 8, "http://bench", 14)
_TABLES = {
    "notifier_calls": "id, enterprise, main_id, closed, first_at, last_at",
    "notifier_links": "enterprise, kind, key, call_id",
    "notifier_events": "enterprise, token, path, unique_id, received_at, body, digest, folded, call_id",
    "notifier_operations": "at, enterprise, call_id, bot, chat_id, action, stage, message_id, result, text, delay_ms",
}
_TEXT = "✅Успешный входящий звонок 💰+375 (29) 000-10-01 ☎️151 📡Линия 1 ⏰Начало звонка 09:12 ⌛ Длительность: 00:34"


def enterprise(call: int) -> str:
    """Whose call it is."""
    return f"{call % _ENTERPRISES:04d}"


def channels(call: int) -> tuple[str, str]:
    """The unique ids of a call's two channels."""
    return f"{1_764_000_000 + call}.{2 * call}", f"{1_764_000_000 + call}.{2 * call + 1}"


def rows_of(call: int, began_at: float) -> Iterator[tuple[str, tuple[object, ...]]]:
    """All rows of one call."""
    whose, (main, other) = enterprise(call), channels(call)
    yield "notifier_calls", (call, whose, main, 1, began_at, began_at + 60)
    yield "notifier_links", (whose, "channel", main, call)
    yield "notifier_links", (whose, "channel", other, call)
    sides = {"Channel": "SIP/151-0000001e", "CallerIDNum": "151", "ConnectedLineNum": "375290001001"}
    times = {"StartTime": "2025-11-29 15:26:33", "EndTime": "2025-11-29 15:27:07"}
    parts = (
        ("start", main, {}),
        ("dial", main, {"Extensions": ["150", "151", "152"]}),
        ("bridge", other, {**sides, "BridgeUniqueid": f"b-{call}"}),
        ("bridge", main, {**sides, "BridgeUniqueid": f"b-{call}", "Exten": "0001101"}),
        ("bridge_leave", other, {**sides, "BridgeUniqueid": f"b-{call}", "BridgeNumChannels": "1"}),
        ("hangup", main, {"Extensions": [""], "CallStatus": "2", **times}),
    )
    for number, (path, unique_id, more) in enumerate(parts):
        common = {"Token": "375290000001", "UniqueId": unique_id, "Phone": "375290001001", "CallType": 0}
        body = json.dumps({**common, "Trunk": "0001101", **more})
        digest = f"{call:032x}{number:032x}"
        at = began_at + number * 9
        yield "notifier_events", (whose, "375290000001", path, unique_id, at, body, digest, 1, call)
    for number, stage in enumerate(("dial", "bridge", "hangup")):
        at = began_at + number * 20
        yield "notifier_operations", (at, whose, call, "1", 100001, "send", stage, call * 3, "ok", _TEXT, 120)


def fill(path: Path, calls: int, seconds_between: float) -> None:
    """Write the calls that are not there yet."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous=OFF")
        have = database.execute("SELECT coalesce(max(id), 0) FROM notifier_calls").fetchone()[0]
        began_at = time.time() - calls * seconds_between
        for first in range(have + 1, calls + 1, _AT_ONCE):
            batches: dict[str, list[tuple[object, ...]]] = {table: [] for table in _TABLES}
            for call in range(first, min(first + _AT_ONCE, calls + 1)):
                for table, row in rows_of(call, began_at + call * seconds_between):
                    batches[table].append(row)
            for table, rows in batches.items():
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(f"INSERT INTO {table} ({_TABLES[table]}) VALUES ({marks})", rows)
            database.commit()


async def no_bot(_ids: Sequence[str]) -> Sequence[CallRecord]:
    """No call was the bot's."""
    return []


async def measure(path: Path, calls: int, asked: int) -> dict[str, float]:
    """Ask for pages of random calls, one after another; milliseconds."""
    async with open_notifier_database(path) as database:
        app = FastAPI()
        details = Details(DetailsPorts(database=database, bot_calls=no_bot, rules=CallRules()))
        details_page.install(app, details_page.PagePorts(details, _LINKS, None))
        taken_ms: list[float] = []
        chosen = random.Random(7)  # the same calls in each run
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
            for _ in range(asked):
                call = chosen.randint(1, calls)
                url = _LINKS.url(enterprise(call), chosen.choice(channels(call)), time.time())
                begin = time.perf_counter()
                answer = await client.get(str(url))
                taken_ms.append((time.perf_counter() - begin) * 1000)
                assert answer.status_code == 200, answer.text
                assert answer.text.count('class="asterisk"') == 6
    ordered = sorted(taken_ms)
    return {
        name: round(ordered[int(share * (asked - 1))], 1) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1))
    }


async def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--calls-a-day", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="kept for the next run; default: one that is deleted")
    options = parser.parse_args()
    calls = options.days * options.calls_a_day
    with tempfile.TemporaryDirectory() as temporary:
        path = (options.folder or Path(temporary)) / "notifier.sqlite"
        async with open_notifier_database(path):
            pass
        begin = time.perf_counter()
        await asyncio.to_thread(fill, path, calls, _DAY_S / options.calls_a_day)
        filled_s = time.perf_counter() - begin
        figures = await measure(path, calls, options.pages)
        size_gb = path.stat().st_size / 1e9
    print(json.dumps({"calls": calls, "size_gb": round(size_gb, 2), "filled_s": round(filled_s), "page_ms": figures}))


if __name__ == "__main__":
    asyncio.run(main())
