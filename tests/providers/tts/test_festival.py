"""What is particular to festival: a process that can die, and that must not outlive VoxBot."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest
import uvloop

from voxbot.domain.errors import ProviderError
from voxbot.providers.tts import festival
from voxbot.providers.tts.festival import FestivalTts
from voxbot.settings.loader import load_settings

pytestmark = pytest.mark.skipif(
    not festival.available(load_settings(None, {})), reason="festival with a Russian voice is not installed"
)


@pytest.fixture
async def tts():
    engine = FestivalTts()
    await engine.warm_up()
    yield engine
    await engine.close()


async def spoken(tts, text: str):
    async with aclosing(tts.synthesize(text)) as chunks:
        return [chunk async for chunk in chunks]


def processes() -> list[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in children if "festival" in Path(f"/proc/{pid}/cmdline").read_text()]


async def test_a_process_that_died_is_replaced_unnoticed(tts):
    (pid,) = processes()
    os.kill(pid, signal.SIGKILL)
    assert await spoken(tts, "Добрый день.")
    assert len(processes()) == 1
    assert processes() != [pid]


async def test_a_process_that_dies_in_mid_sentence_is_replaced_unnoticed(tts):
    (pid,) = processes()
    os.kill(pid, signal.SIGSTOP)
    talking = asyncio.create_task(spoken(tts, "Сколько стоит разрывная машина?"))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    assert await talking


async def test_every_text_that_gets_through_can_be_pronounced(tts):
    rng = random.Random(4)
    alphabet = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБЁЙ0123456789abcxyzQW .,!?-:;()«»%№°/\\\"'…—\n"
    for _ in range(60):
        await spoken(tts, "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 60))))


def test_it_works_on_uvloop():
    async def speak() -> float:
        engine = FestivalTts()
        try:
            return sum([chunk.duration_ms async for chunk in engine.synthesize("Добрый день.")])
        finally:
            await engine.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(speak()) > 300


def test_it_ends_when_voxbot_is_killed():
    program = (
        "import asyncio\n"
        "from voxbot.providers.tts.festival import FestivalTts\n"
        "async def main():\n"
        "    engine = FestivalTts()\n"
        "    await engine.warm_up()\n"
        "    print(engine._process._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as voxbot:
        assert voxbot.stdout is not None
        pid = int(voxbot.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        voxbot.kill()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        os.sched_yield()
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_the_users_festivalrc_is_not_read(tmp_path, monkeypatch):
    (tmp_path / ".festivalrc").write_text('(system "touch executed")')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    engine = FestivalTts()
    await engine.warm_up()
    await engine.close()
    assert not (tmp_path / "executed").exists()


async def test_what_it_refuses_is_an_error_of_that_text_only(tts):
    with pytest.raises(ProviderError, match="festival"):
        await tts._say("№")
    assert await spoken(tts, "Добрый день.")
