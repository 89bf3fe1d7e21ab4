"""Latency at the caller's ear, through a real Asterisk.

    python bench/call.py [--stack all|doubles|cloud|local] [--json FILE] [--calls N]

`doubles`: the real bot whose engines take fixed times (recognition 200 ms, first token of the language model 300 ms
over the real OpenAI protocol, first sound of the voice 150 ms), as the peers were measured: what remains is ours.
`cloud`: the bot as it comes, on Yandex's recogniser and voice and an OpenAI model, whose doubles speak the real
protocols and take what the clouds take (final words after 150 ms, first token after 400, first sound after 150).
`local`: the bot as it comes, with its own recogniser, search and voice.

Everything is measured on the caller's phone: `response` from the end of the caller's speech to the bot's first sound
(a filler is no answer and is counted apart), `barge-in` from the caller's onset to silence, `dead air` the longest
silence while the caller waits. The path of the telephone itself is measured in the same run, with a bot that does
nothing else. False barge-ins on hours of noise are measured without a telephone by bench/noise.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from call_report import Figures, print_stack, read_calls
from call_scripts import Script, asking, interrupting, murmuring, pausing
from doubles import ASR_MS, TTS_MS, recorded_book, recorded_voice
from fakes.openai_server import Reply, openai_server
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_stt import SttDouble
from fakes.yandex_tts import Speech
from phone import LAB_DIR, Lab, Unit, caller_module, make_workspace, running_lab

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from voxbot.domain.audio import Samples

LLM_MS = 300
CLOUD_STT_MS, CLOUD_LLM_MS, CLOUD_TTS_MS = 150, 400, 150
CLOUD_TOKEN_MS = 20
WORDS_ASKED_MS = 96
"""Of silence, before a cloud's recogniser is asked for its final words (ADR 9)."""
FIRST_SEGMENT_TOKENS = 4
"""After the first: the first sentence of ANSWER, and the word that shows that it has ended."""
ANSWER = "Да, стоит {} тысяч. Срок один месяц."
"""What the language model's double says; the number differs, for the bot remembers the sound of a sentence."""


@dataclass
class Stack:
    """One kind of bot and the calls that it gets."""

    name: str
    title: str
    scripts: list[Script]
    at_once: int
    arguments: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    llm_ms: int = LLM_MS
    token_ms: int = 0
    engines_ms: int | None = None
    """What its engines take one after the other, from the end of the caller's speech; None: unknown."""


def stacks(calls: int) -> dict[str, Stack]:
    """The bots that can be measured."""
    doubles = Path(__file__).with_name("doubles.py")
    return {
        "doubles": Stack(
            "doubles",
            f"Doubles: recognition {ASR_MS} ms, first token {LLM_MS} ms, first sound {TTS_MS} ms",
            [
                *(asking(number, questions=4) for number in range(calls)),
                *(interrupting(number, times=4) for number in range(6)),
                *(pausing(number) for number in range(3)),
                *(murmuring(number) for number in range(2)),
            ],
            at_once=5,
            arguments=(str(doubles), "bot"),
            environ={"ASR_PROVIDER": "doubles", "TTS_PROVIDER": "doubles", "LLM_PROVIDER": "openai"},
            engines_ms=ASR_MS + LLM_MS + TTS_MS,
        ),
        "cloud": Stack(
            "cloud",
            f"Clouds: final words {CLOUD_STT_MS} ms, first token {CLOUD_LLM_MS} ms, first sound {CLOUD_TTS_MS} ms",
            [
                *(asking(number, questions=4) for number in range(calls)),
                *(interrupting(number, times=4) for number in range(4)),
                *(pausing(number) for number in range(2)),
            ],
            at_once=3,
            arguments=("-m", "voxbot", "bot"),
            environ={"ASR_PROVIDER": "yandex", "TTS_PROVIDER": "yandex", "LLM_PROVIDER": "openai"},
            llm_ms=CLOUD_LLM_MS,
            token_ms=CLOUD_TOKEN_MS,
            engines_ms=WORDS_ASKED_MS
            + CLOUD_STT_MS
            + CLOUD_LLM_MS
            + FIRST_SEGMENT_TOKENS * CLOUD_TOKEN_MS
            + CLOUD_TTS_MS,
        ),
        "local": Stack(
            "local",
            "Full local stack: own recognition, search and voice",
            [
                *(asking(number, questions=6, over_ms=1800) for number in range(max(1, calls // 4))),
                pausing(0, over_ms=1800),
            ],
            at_once=1,  # recognition takes every processor there is
            arguments=("-m", "voxbot", "bot"),
        ),
    }


async def measure(stack: Stack, lab: Lab, workspace: Path) -> Figures:
    """Hold the stack's calls and read what they show."""
    environ = {**lab.ari_environ, **stack.environ, "DB_PATH": str(workspace / f"{stack.name}.sqlite")}
    async with AsyncExitStack() as running:
        if "LLM_PROVIDER" in stack.environ:
            model = await running.enter_async_context(openai_server())
            for name in ("gpt-4o-mini", "gpt-4o"):
                texts = [ANSWER.format(number) for number in range(1000, 2000)]
                pace = {"latency_s": stack.llm_ms / 1000, "token_s": stack.token_ms / 1000}
                model.answer(name, *(Reply(text, **pace) for text in texts))
            environ |= {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "bench"}
        if stack.name == "cloud":
            environ |= await running.enter_async_context(yandex_doubles())
        await running.enter_async_context(running_bot(workspace, stack.arguments, environ))
        reports = await hold(stack.scripts, lab, at_once=stack.at_once)
        await asyncio.sleep(1)  # the last call's row
    return read_calls(stack.scripts, reports, Path(environ["DB_PATH"]))


@asynccontextmanager
async def yandex_doubles() -> AsyncGenerator[dict[str, str], None]:
    """Run Yandex's recogniser and voice; give the variables that point a bot there."""
    book, voice = recorded_book(), recorded_voice(delay_ms=0)

    async def speak(text: str) -> Samples:
        return np.concatenate([chunk.samples async for chunk in voice.synthesize(text)])

    stt = SttDouble(book.hear, final_ms=CLOUD_STT_MS)
    async with yandex_cloud(speak=speak, servicers=(stt.serve,)) as cloud:
        cloud.tts.answer(Speech(latency_s=CLOUD_TTS_MS / 1000))
        cloud.tts_http.answer(Speech(latency_s=CLOUD_TTS_MS / 1000))
        yield cloud.environment()


async def hold(scripts: Sequence[Script], lab: Lab, *, at_once: int) -> list[dict[str, Any]]:
    """Hold the calls, so many at a time, each from a number of its own."""
    gate = asyncio.Semaphore(at_once)
    done = 0

    async def one(number: int, script: Script) -> dict[str, Any]:
        nonlocal done
        async with gate:
            options = caller_module.Options(to="100", port=lab.sip_port, number=script.caller(number))
            call = caller_module.Call(options, script.steps, LAB_DIR / "audio")
            await call.run()
        done += 1
        report = call.report(None)
        outcome = "ok" if report["ok"] else report["error"]
        print(f"  call {done}/{len(scripts)} ({script.kind}): {outcome}", file=sys.stderr)
        return report

    return list(await asyncio.gather(*(one(number, script) for number, script in enumerate(scripts))))


@asynccontextmanager
async def running_bot(workspace: Path, arguments: Sequence[str], environ: dict[str, str]) -> AsyncGenerator[Unit, None]:
    """Run a bot in the workspace until the block is left."""
    log = workspace / "bot.log"
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments,
            cwd=workspace, env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    unit = Unit(process, log)
    try:
        await unit.ready()
        yield unit
    finally:
        await unit.stop()


async def path_ms(lab: Lab) -> list[float]:
    """Barge-in with a bot that falls silent at the first loud frame: what the telephone itself takes."""
    greeting = LAB_DIR / "audio" / "price.wav"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(LAB_DIR / "probe.py"), "--mode", "greet", "--greeting", str(greeting),
        "--http-port", str(lab.http_port), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    await process.stderr.readline()  # it serves
    steps = [{"do": "say_over", "wav": "operator.wav", "after_ms": 900}, {"do": "pause", "ms": 300}, {"do": "hangup"}]
    try:
        reports = await lab.call(steps, count=10, stagger_ms=130)
    finally:
        process.terminate()
        await process.wait()
    return [said["barge_in_ms"] for report in reports for said in report["utterances"] if said["barge_in_ms"]]


async def run(names: Sequence[str], calls: int) -> dict[str, Any]:
    """Measure the stacks; print as it goes; return everything as one document."""
    document: dict[str, Any] = {}
    first_port = int(os.environ.get("LAB_FIRST_PORT", "27060"))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(os.environ.get("LAB_NAME", "voxbot-bench"), first_port) as lab,
    ):
        workspace = make_workspace(Path(folder))
        print("building the index ...", file=sys.stderr)
        building = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voxbot", "kb", "build", cwd=workspace, stdout=asyncio.subprocess.DEVNULL
        )
        await building.wait()
        path = statistics.median(await path_ms(lab))
        document["path_ms"] = path
        print(f"The telephone itself: {path:.0f} ms from the caller's onset to silence at the ear")
        for name in names:
            stack = stacks(calls)[name]
            print(f"{name}: {len(stack.scripts)} calls ...", file=sys.stderr)
            figures = await measure(stack, lab, workspace)
            document[name] = print_stack(stack.name, stack.title, figures, path_ms=path, providers_ms=stack.engines_ms)
    return document


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stack", choices=["all", "doubles", "cloud", "local"], default="all")
    parser.add_argument("--calls", type=int, default=8, help="calls with questions on doubles; a quarter locally")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    names = ["doubles", "cloud", "local"] if options.stack == "all" else [options.stack]
    document = asyncio.run(run(names, options.calls))
    if options.json:
        options.json.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    sys.exit(1 if any(document[name]["failed"] for name in names) else 0)


if __name__ == "__main__":
    main()
