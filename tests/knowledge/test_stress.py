"""Searching while the index is rebuilt and its builder killed; a disk that is full."""

import asyncio
import random
import resource
import signal
import sys
from pathlib import Path

import pytest

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.index import build_index
from voxbot.knowledge.versions import VersionStore

BUILDS = 20
KILLS = 5
SECTIONS = 40


def write(sources, generation):
    """Write both bases so that each chunk names its generation: a mixed index would be seen."""
    for kb, path in sources.items():
        sections = [f"# Машина {kb}-{i}\nМашина {kb}-{i} выпуска {generation}." for i in range(SECTIONS)]
        new = path.with_suffix(".new")
        new.write_text("\n<<->>\n".join(sections), encoding="utf-8")
        new.replace(path)


async def start(root, sources):
    return await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("build_process.py")), str(root), *map(str, sources.values()),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )  # fmt: skip


def generations(space):
    return {chunk.text.rsplit("выпуска ", 1)[1] for chunk in space.records.chunks}


@pytest.mark.timeout(180)
async def test_search_goes_on_while_the_index_is_rebuilt_and_its_builder_killed(root, sources, embedder, open_over):
    for generation in range(2):  # the version in use and the one before
        write(sources, generation)
        await build_index(root, sources, embedder)
    retriever = await open_over(embedder)
    spaces, answers, killed, done = {}, 0, 0, False

    async def ask():
        nonlocal answers
        number = 0
        while not done:
            number = (number + 1) % SECTIONS
            result = await retriever.search(f"машина general {number}", kb="general", k=SECTIONS)
            assert len(result.hits) == SECTIONS
            assert len({hit.text.rsplit("выпуска ", 1)[1] for hit in result.hits}) == 1
            spaces[retriever.space.version] = retriever.space
            answers += 1
            await asyncio.sleep(0.005)  # a caller's pause

    dice = random.Random(4)
    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        for kill in range(KILLS):
            write(sources, f"убит{kill}")
            builder = await start(root, sources)
            await builder.stdout.readline()
            if kill % 2:  # while it writes
                while builder.returncode is None and len(list(root.glob("v-*"))) < 3:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(dice.uniform(0.0, 0.3 if kill % 2 else 1.5))
            if builder.returncode is None:
                builder.send_signal(signal.SIGKILL)
            await builder.communicate()
            killed += builder.returncode == -signal.SIGKILL
        for generation in range(1, BUILDS + 1):
            write(sources, generation)
            await build_index(root, sources, embedder)
        done = True
    await retriever.maybe_reload()
    await retriever.close()
    assert answers > BUILDS
    assert killed
    assert all(len(space.records.chunks) == 2 * SECTIONS for space in spaces.values())
    assert all(len(generations(space)) == 1 for space in spaces.values())
    assert generations(retriever.space) == {f"{BUILDS}."}
    assert len(list(root.glob("v-*"))) == 2


@pytest.mark.parametrize("limit_kb", [2, 300])
async def test_a_full_disk_is_one_clear_line_and_the_old_index_serves(root, sources, embedder, open_over, limit_kb):
    await build_index(root, sources, embedder)
    before = VersionStore(root).current()
    write(sources, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limits[1]))
    try:
        with pytest.raises(KnowledgeError, match=r"освободите место|проверьте место") as raised:
            await build_index(root, sources, embedder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert len(str(raised.value).splitlines()) == 1
    assert list(root.glob("v-*")) == [before]
    retriever = await open_over(embedder)
    assert "Владимир" in (await retriever.search("где вы находитесь")).hits[0].text
