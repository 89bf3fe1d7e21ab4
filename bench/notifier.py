"""How many call events the notifier takes, and how soon they are in Telegram.

    python bench/notifier.py [--rate 600] [--seconds 20] [--json]

The real unit on SQLite, as 77 hosts see it: each posts one event at a time. First `--rate` events a second for
`--seconds`, while the unit folds and delivers what it can; then, when all that is done, 20 events a second, each of
which changes a message. Telegram is a double in this process, and the hosts are a process of their own. Beside the
figures stands how busy the machine was: what others do on it counts against the unit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fakes.notifier import subscribe, until_delivered
from fakes.notifier_unit import NotifierUnit
from fakes.telegram_server import TelegramServer, telegram_server

from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_registry import Enterprise, put_enterprise

HOSTS = 77
CHAT = 100001
LATENCY_RATE = 20.0
LATENCY_S = 20.0
DRAIN_S = 900.0
SETTLE_S = 5.0
"""Until then the chats have used up their share of Telegram's limits."""
LINE = "0001101"
CALLS_OF_A_SERIES = 10_000
_CUSTOMER = re.compile(r"💰([^\n]*)")


@dataclass
class Posts:
    """What posting has shown: `ms` from request to answer, `sent` when (time.monotonic) each stage of a call was."""

    ms: list[float] = field(default_factory=list[float])
    failed: int = 0
    sent: dict[str, float] = field(default_factory=dict[str, float])
    began: float = 0.0
    ended: float = 0.0


class Host:
    """A host: calls one after another, each a start, a dial and a hangup."""

    def __init__(self, number: int, series: int, url: str, session: aiohttp.ClientSession) -> None:
        self._number = number
        self._url = url
        self._session = session
        self._calls = series * CALLS_OF_A_SERIES

    async def run(self, posts: Posts, gap_s: float, until: float) -> None:
        """Post an event every `gap_s`, later if the answer takes longer, until then (time.monotonic)."""
        next_at = time.monotonic() + gap_s * self._number / HOSTS
        while True:
            self._calls += 1
            for path, body in self._call():
                await asyncio.sleep(next_at - time.monotonic())
                if time.monotonic() >= until:
                    return
                next_at = max(next_at + gap_s, time.monotonic())
                await self._post(posts, path, body)

    def _call(self) -> list[tuple[str, dict[str, Any]]]:
        unique_id = f"{1_700_000_000 + self._calls * 100}.{self._number}"
        customer = f"37529{self._number:02}{self._calls:05}"
        common = {"Token": token(self._number), "UniqueId": unique_id, "Phone": customer, "CallType": 0, "Trunk": LINE}
        times = dict.fromkeys(("DateReceived", "StartTime", "EndTime"), "2026-11-16 09:12:56")
        return [
            ("start", common),
            ("dial", {**common, "Extensions": ["150", "151"], "ExtTrunk": "", "ExtPhone": customer}),
            ("hangup", {**common, "Extensions": [""], "CallStatus": "0", **times}),
        ]

    async def _post(self, posts: Posts, path: str, body: dict[str, Any]) -> None:
        begin = time.monotonic()
        posts.sent[f"{path} {body['Phone']}"] = begin
        async with self._session.post(f"{self._url}/{path}", json=body) as response:
            posts.failed += response.status != 200
            await response.read()
        posts.ended = time.monotonic()
        posts.ms.append((posts.ended - begin) * 1000)


def token(number: int) -> str:
    """The token of a host's events."""
    return f"3752900099{number:02}"


async def measure(rate: float, seconds: float) -> dict[str, Any]:
    """Run both series."""
    with tempfile.TemporaryDirectory() as folder:
        async with telegram_server() as telegram:
            unit = NotifierUnit(folder, telegram)
            async with open_notifier_database(unit.database_path) as database:
                for number in range(HOSTS):
                    bot_token = f"{2000000 + number}:AAAAAAAAAAAAAAAAAAAAAAAAA"
                    owner = Enterprise(number=f"{number:04}", token=token(number), bot_token=bot_token)
                    await database.write(lambda tx, new=owner: put_enterprise(tx, new))
                    await database.write(subscribe(bot_token, CHAT))
                await unit.start()
                try:
                    return await measure_unit(unit, telegram, database, rate, seconds)
                finally:
                    await unit.kill()


async def measure_unit(
    unit: NotifierUnit, telegram: TelegramServer, database: Any, rate: float, seconds: float
) -> dict[str, Any]:
    """Run both series on a unit that is up."""
    await post(unit.url, 0, LATENCY_RATE, 3.0)
    await until_delivered(database, DRAIN_S)
    before = machine()
    taken = await post(unit.url, 1, rate, seconds)
    busy = busy_share(before)
    begin = time.monotonic()
    await until_delivered(database, DRAIN_S)
    drained_s = time.monotonic() - begin
    await asyncio.sleep(SETTLE_S)
    first = len(telegram.requests)
    slow = await post(unit.url, 2, LATENCY_RATE, LATENCY_S)
    await until_delivered(database, DRAIN_S)
    delays = sorted(delays_ms(slow, telegram.requests[first:]))
    return {
        "accepted": {
            "events": len(taken.ms),
            "per_s": round(len(taken.ms) / (taken.ended - taken.began), 1),
            "failed": taken.failed,
            **percentiles(taken.ms),
            "drained_s": round(drained_s, 1),
            "machine_busy": round(busy, 2),
        },
        "event_to_telegram": {"requests": len(delays), **percentiles(delays)},
        "cores": os.cpu_count(),
    }


async def post(url: str, series: int, rate: float, seconds: float) -> Posts:
    """Have all hosts, in a process of their own, post so many events a second together."""
    command = (sys.executable, __file__, "--hosts", url, "--series", str(series))
    process = await asyncio.create_subprocess_exec(
        *command, "--rate", str(rate), "--seconds", str(seconds), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return Posts(**json.loads(said))


async def run_hosts(url: str, series: int, rate: float, seconds: float) -> Posts:
    """Be the hosts."""
    connector = aiohttp.TCPConnector(limit=HOSTS)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30), connector=connector) as session:
        posts = Posts(began=time.monotonic())
        hosts = [Host(number, series, url, session) for number in range(HOSTS)]
        await asyncio.gather(*(host.run(posts, HOSTS / rate, posts.began + seconds) for host in hosts))
    return posts


def machine() -> tuple[int, int]:
    """All processors' time so far, and how much of it they were idle (proc(5))."""
    spent = [int(ticks) for ticks in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
    return sum(spent), spent[3] + spent[4]


def busy_share(before: tuple[int, int]) -> float:
    """The share of time since then that the processors were busy, with this bench or anything else."""
    now = machine()
    return 1 - (now[1] - before[1]) / (now[0] - before[0])


def delays_ms(posts: Posts, requests: list[Any]) -> list[float]:
    """From an event's post to the first request to Telegram that shows it."""
    found: dict[str, float] = {}
    for request in requests:
        text = request.fields.get("text", "")
        if request.method != "deleteMessage" and (customer := _CUSTOMER.search(text)):
            stage = "hangup" if text.startswith("❌") else "dial" if "➡️" in text else "start"
            found.setdefault(f"{stage} {re.sub(r'[^0-9]', '', customer[1])}", request.at)
    return [(at - posts.sent[event]) * 1000 for event, at in found.items() if event in posts.sent]


def percentiles(ms: list[float]) -> dict[str, float]:
    """Median and tails in milliseconds."""
    cuts = statistics.quantiles(ms, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1), "max": round(max(ms), 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=600.0, help="events a second of the first series")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the first series")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--hosts", help=argparse.SUPPRESS)
    parser.add_argument("--series", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if arguments.hosts:
            hosts = run_hosts(arguments.hosts, arguments.series, arguments.rate, arguments.seconds)
            print(json.dumps(asdict(runner.run(hosts))))
            return
        figures = runner.run(measure(arguments.rate, arguments.seconds))
    if arguments.json:
        print(json.dumps(figures))
        return
    accepted, delay = figures["accepted"], figures["event_to_telegram"]
    print(f"Accepted on SQLite, {figures['cores']} cores: {accepted['per_s']} events/s, {accepted['failed']} failed")
    print(f"  machine busy           {accepted['machine_busy']:.0%}")
    print("  answer, ms:            p50 {p50}  p95 {p95}  p99 {p99}  max {max}".format(**accepted))
    print(f"  all shown in Telegram  {accepted['drained_s']} s later")
    print(f"Event to Telegram request at {LATENCY_RATE:.0f} events/s, {delay['requests']} requests")
    print("  ms:                    p50 {p50}  p95 {p95}  p99 {p99}  max {max}".format(**delay))


if __name__ == "__main__":
    main()
