"""Reads the calls of bench/call.py, as the phone and the call log have them, and prints the figures."""

from __future__ import annotations

import json
import sqlite3
import statistics
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from call_scripts import Script

_FILLER_MS = 250
"""The ear hears an answer about 40 ms after it was sent; what comes so much earlier than the answer was a filler."""
_BAR_MS = 50
TARGETS: dict[str, dict[str, tuple[float, float]]] = {
    "doubles": {"response": (800, 950)},
    "cloud": {"response": (1000, 1200)},
    "local": {"response": (1000, 1600)},
}
"""(p50, p95) in milliseconds."""
BARGE_IN_P95_MS = 200
PEERS = {
    "response": "peers on the same doubles, p50: pipecat 1264, LiveKit agents 1415, asterisk-ai-voice-agent 1452",
    "barge-in": "peers, p50: LiveKit agents, pipecat and asterisk-ai-voice-agent between 252 and 364",
}


@dataclass
class Figures:
    """What a stack's calls have shown, in milliseconds."""

    response: list[float] = field(default_factory=list)
    filler: list[float] = field(default_factory=list)
    barge_in: list[float] = field(default_factory=list)
    barge_in_by: dict[str, list[float]] = field(default_factory=dict)
    """By recording: some onsets are hard to hear."""
    dead_air: list[float] = field(default_factory=list)
    greeting: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    sentences: int = 0
    cut_offs: int = 0
    murmurs: int = 0
    false_barge_ins: int = 0
    late_ms: float = 0.0
    failed: list[str] = field(default_factory=list)


def read_calls(scripts: Sequence[Script], reports: Sequence[dict[str, Any]], db: Path) -> Figures:
    """Take the figures out of the phones' reports and the call log."""
    with sqlite3.connect(db) as database:
        rows = dict(database.execute("SELECT callerId, transcript_json FROM logs").fetchall())
    figures = Figures()
    for number, (script, report) in enumerate(zip(scripts, reports, strict=True)):
        turns = json.loads(rows.get(script.caller(number)) or "[]")
        _read(figures, script.kind, report, turns)
    return figures


def _read(figures: Figures, kind: str, report: dict[str, Any], turns: list[dict[str, Any]]) -> None:
    if not report["ok"]:
        figures.failed.append(report["error"])
    figures.late_ms = max(figures.late_ms, report["rtp"]["send_late_max_ms"])
    if report["remote"]:
        figures.greeting.append(report["remote"][0]["start_ms"] - report["answered_ms"])
    for turn in turns:
        for stage, ms in turn.get("ms", {}).items():
            figures.stages.setdefault(stage, []).append(ms)
    said, users = report["utterances"], sum(turn["speaker"] == "user" for turn in turns)
    match kind:
        case "questions":
            _responses(figures, said, turns)
            _barge_ins(figures, said)
            figures.dead_air += _dead_air(report)
        case "interruptions":
            _barge_ins(figures, said)
            figures.dead_air += _dead_air(report)
        case "pauses":
            figures.sentences += len(said)
            onsets = [span["start_ms"] for span in report["remote"]]
            heard = sum(own["speech_start_ms"] < at < own["speech_end_ms"] for own in said for at in onsets)
            figures.cut_offs += max(heard, users - len(said), 0)
        case _:
            figures.murmurs += len(said) // 2
            figures.false_barge_ins += sum(bool(turn.get("cut")) for turn in turns)


def _responses(figures: Figures, said: list[dict[str, Any]], turns: list[dict[str, Any]]) -> None:
    """Times at the ear; where the bot's log says that the answer itself came later, a filler was heard first."""
    answers = [turn["ms"]["response"] for turn in turns if turn["speaker"] == "bot" and "response" in turn["ms"]]
    for index, own in enumerate(said):
        ear = own["response_ms"]
        if ear is None:
            continue
        sent = answers[index] if len(answers) == len(said) else ear
        if sent - ear > _FILLER_MS:
            figures.filler.append(ear)
            figures.response.append(sent)
        else:
            figures.response.append(ear)


def _barge_ins(figures: Figures, said: list[dict[str, Any]]) -> None:
    for own in said:
        if own["barge_in_ms"] is not None:
            figures.barge_in.append(own["barge_in_ms"])
            figures.barge_in_by.setdefault(own["wav"], []).append(own["barge_in_ms"])


def _dead_air(report: dict[str, Any]) -> list[float]:
    """The longest silence after each utterance, until the bot's last word before the next one."""
    found: list[float] = []
    for own, following in pairwise([*report["utterances"], None]):
        until = following["start_ms"] if following else report["length_ms"]
        heard = [span for span in report["remote"] if own["speech_end_ms"] <= span["start_ms"] < until]
        edges = [own["speech_end_ms"], *(edge for span in heard for edge in (span["start_ms"], span["end_ms"]))]
        if heard:
            found.append(max(edges[i + 1] - edges[i] for i in range(0, len(edges) - 1, 2)))
    return found


def print_stack(
    name: str, title: str, figures: Figures, *, path_ms: float, providers_ms: float | None
) -> dict[str, Any]:
    """Print one stack's figures beside their targets; return them as a document.

    `providers_ms` is from the end of the caller's speech to the engines' first sound, if they alone took time.
    """
    endpoint_ms = load_settings(environ={}).turns.end_silence_ms
    print(f"\n{title}\n  {'':34}    n     p50     p95     max")
    document: dict[str, Any] = {"failed": figures.failed, "send_late_max_ms": figures.late_ms}
    p50, p95 = TARGETS[name]["response"]
    document["response"] = _row("response at the ear", figures.response, p50, p95)
    _histogram(figures.response)
    if providers_ms is not None:
        if name == "doubles":
            print(f"    {PEERS['response']}")
        floor = max(endpoint_ms, providers_ms)
        document["our_share"] = _row("our share of it", [value - floor for value in figures.response])
        print(
            f"    beyond the longer of endpointing ({endpoint_ms} ms) and the engines in series ({providers_ms:g} ms),"
        )
        print("    which begin at the first pause; the telephone's own path is in it")
    document["fillers"] = _row("fillers heard before an answer", figures.filler)
    limit = BARGE_IN_P95_MS + path_ms
    document["barge_in"] = _row("barge-in at the ear", figures.barge_in, None, limit)
    document["barge_in_by"] = {wav: _row(f"· over it: {wav}", ms) for wav, ms in sorted(figures.barge_in_by.items())}
    print(f"    {PEERS['barge-in']}")
    document["dead_air"] = _row("dead air while the caller waits", figures.dead_air, None, 1200 + path_ms)
    document["greeting"] = _row("greeting after the answer", figures.greeting)
    document["stages"] = {stage: _row(f"· {stage}", values) for stage, values in sorted(figures.stages.items())}
    document["cut_offs"] = _count("cut-offs in pauses of 700 ms", figures.cut_offs, figures.sentences, "sentences")
    document["false_barge_ins"] = _count("stopped by a nod, cough, click", figures.false_barge_ins, figures.murmurs, "")
    for error in figures.failed:
        print(f"  FAILED: {error}")
    print(f"  the caller itself was late by up to {figures.late_ms:g} ms; over 20 ms the machine was too busy")
    return document


def _row(name: str, values: list[float], p50_at_most: float | None = None, p95_at_most: float | None = None) -> Any:
    if not values:
        print(f"  {name:34} {0:4}")
        return {"n": 0}
    row = {"n": len(values), "p50": round(statistics.median(values)), "p95": round(percentile(values, 0.95)),
           "max": round(max(values))}  # fmt: skip
    limits = [(key, limit) for key, limit in (("p50", p50_at_most), ("p95", p95_at_most)) if limit is not None]
    verdict = ", ".join(f"{key} ≤ {limit:.0f} {'ok' if row[key] <= limit else 'MISSED'}" for key, limit in limits)
    print(f"  {name:34} {row['n']:4} {row['p50']:7} {row['p95']:7} {row['max']:7}   {verdict}".rstrip())
    return row


def _count(name: str, found: int, of: int, what: str) -> dict[str, int]:
    print(f"  {name:34} {found:4} of {of} {what}   {'ok' if found == 0 else 'MISSED'}")
    return {"found": found, "of": of}


def _histogram(values: list[float]) -> None:
    """How the values lie, a line for every 50 ms in which there are any."""
    bins: dict[int, int] = {}
    for value in values:
        bins[int(value // _BAR_MS)] = bins.get(int(value // _BAR_MS), 0) + 1
    for place in sorted(bins):
        print(f"    {place * _BAR_MS:5} ms │{'█' * bins[place]}")


def percentile(values: list[float], share: float) -> float:
    """Nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
