"""Latency at the caller's ear on the full local stack, through a real Asterisk.

    python bench/call.py [--calls N] [--json FILE]

Each call asks three questions. `response` is the time from the end of the caller's speech to the first sound of the
bot, both as the caller's phone saw them; the stages beneath it come from the call log. The machine's own lateness
(`send_late_max`) says how far the figures can be trusted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from phone import make_workspace, running_lab, running_unit

HEAR = [{"do": "wait_for_speech", "timeout_ms": 15000}, {"do": "wait_for_silence", "ms": 900, "timeout_ms": 60000}]
QUESTIONS = ("price.wav", "delivery.wav", "certificate.wav", "address.wav")


def script(first: int) -> list[dict]:
    """Greeting, three questions, hang up."""
    steps = list(HEAR)
    for i in range(3):
        steps += [{"do": "say", "wav": QUESTIONS[(first + i) % len(QUESTIONS)]}, *HEAR]
    return [*steps, {"do": "hangup"}]


def percentile(values: list[float], share: float) -> float:
    """Nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


async def measure(calls: int) -> dict:
    """Make the calls one after another; return the figures in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, running_lab("voxbot-bench", 27060) as lab:
        workspace = make_workspace(Path(folder))
        print("building the index, loading models ...", file=sys.stderr)
        building = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voxbot", "kb", "build", cwd=workspace, stdout=asyncio.subprocess.DEVNULL
        )
        await building.wait()
        reports = []
        async with running_unit(workspace, "bot", **lab.ari_environ):
            for i in range(calls):
                (report,) = await lab.call(script(i))
                reports.append(report)
                print(f"call {i + 1}/{calls}: {'ok' if report['ok'] else report['error']}", file=sys.stderr)
        rows = sqlite3.connect(workspace / "data/db/log_db.sqlite").execute("SELECT transcript_json FROM logs")
        turns = [turn for (transcript,) in rows for turn in json.loads(transcript)]
    response = [u["response_ms"] for r in reports for u in r["utterances"] if u["response_ms"] is not None]
    first = [r["remote"][0]["start_ms"] - r["answered_ms"] for r in reports if r["remote"]]
    stages: dict[str, list[float]] = {}
    for turn in turns:
        for stage, ms in turn.get("ms", {}).items():
            stages.setdefault(stage, []).append(ms)
    figures = {"response at the ear": response, "greeting after the answer": first, **stages}
    return {
        "calls": calls,
        "failed": [r["error"] for r in reports if not r["ok"]],
        "send_late_max_ms": max(r["rtp"]["send_late_max_ms"] for r in reports),
        "ms": {
            name: {"n": len(v), "p50": round(statistics.median(v)), "p95": round(percentile(v, 0.95))}
            for name, v in figures.items()
            if v
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    result = asyncio.run(measure(options.calls))
    print(f"{result['calls']} calls, {len(result['failed'])} failed; "
          f"the caller itself was late by up to {result['send_late_max_ms']} ms")  # fmt: skip
    for name, figure in result["ms"].items():
        print(f"  {name:28} p50 {figure['p50']:6} ms   p95 {figure['p95']:6} ms   n = {figure['n']}")
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1))
    sys.exit(1 if result["failed"] else 0)


if __name__ == "__main__":
    main()
