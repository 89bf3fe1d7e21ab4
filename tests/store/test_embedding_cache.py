"""The file of vectors: kept over restarts, shared by processes, and never worth a failure."""

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from structlog.testing import capture_logs

from voxbot.domain.errors import StoreError
from voxbot.store.embedding_cache import EmbeddingFile

VALUE = bytes(1544)
ANOTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from voxbot.store.embedding_cache import EmbeddingFile

async def work(path, name):
    file = EmbeddingFile(Path(path), 10_000)
    await file.open()
    for number in range(200):
        await file.put(f"{name}{number:015}".encode(), name.encode() * 1500)
        assert await file.get(f"{name}{number:015}".encode()) is not None
    await file.close()

asyncio.run(work(*sys.argv[1:]))
"""


def key(number):
    return number.to_bytes(16, "big")


def rows(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM embeddings_1").fetchone()[0]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "embeddings.sqlite"


@pytest.fixture
def powerless_folder():
    """Make a folder with a mode for a `with`, within which this process is not root, who writes anywhere."""

    @contextmanager
    def make(mode):
        user = os.geteuid()
        with TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(mode)
            if user == 0:
                os.seteuid(65534)
            try:
                yield folder
            finally:
                if user == 0:
                    os.seteuid(0)
                folder.chmod(0o700)

    return make


async def opened(path, max_entries=1000):
    file = EmbeddingFile(path, max_entries)
    await file.open()
    return file


async def fill(file, count):
    for number in range(count):
        await file.put(key(number), VALUE)


async def read_all(file, count):
    for number in range(count):
        await file.get(key(number))


async def test_what_was_kept_is_there_after_a_restart(path):
    first = await opened(path)
    await first.put(key(1), VALUE)
    await first.close()
    second = await opened(path)
    assert await second.get(key(1)) == VALUE
    assert await second.get(key(2)) is None
    await second.close()


async def test_the_least_recently_used_go_first_reading_counts_as_use(path):
    file = await opened(path, max_entries=16)
    await fill(file, 16)
    await file.get(key(0))
    for number in range(16, 28):
        await file.put(key(number), VALUE)
    assert await file.get(key(0)) == VALUE
    assert await file.get(key(1)) is None
    assert await file.get(key(27)) == VALUE
    assert rows(path) == 16
    await file.close()


def test_processes_that_start_at_once_share_a_new_file(path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", ANOTHER_PROCESS, str(path), name], env=environment) for name in "abcd"
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert rows(path) == 800


@pytest.mark.parametrize("garbage", [b"no database at all" * 500, b"SQLite format 3\0" + b"\xff" * 8000])
async def test_a_damaged_file_is_set_aside_with_one_warning_and_begun_anew(path, garbage):
    path.parent.mkdir()
    path.write_bytes(garbage)
    with capture_logs() as logs:
        file = await opened(path)
        await file.put(key(1), VALUE)
        assert await file.get(key(1)) == VALUE
        await file.close()
    assert [line["log_level"] for line in logs] == ["warning"]
    assert path.with_name("embeddings.sqlite.damaged").read_bytes() == garbage


async def test_damage_under_two_running_processes_is_repaired_once(path):
    first = await opened(path)
    await fill(first, 200)
    await first.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    first, second = await opened(path), await opened(path)
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (path.stat().st_size - 4096))
    for file in (first, second):
        with pytest.raises(StoreError, match="повреждён"):
            await read_all(file, 200)
    with capture_logs() as logs:
        await first.open()
        await first.put(key(1), VALUE)
        await second.open()
        assert await second.get(key(1)) == VALUE, "the second process keeps what the first one began"
    assert len(logs) == 1
    await first.close()
    await second.close()


async def test_a_folder_that_cannot_be_written_says_so(powerless_folder):
    with powerless_folder(0o555) as folder, pytest.raises(StoreError, match="записать"):
        await opened(folder / "embeddings.sqlite")


async def test_a_file_of_another_user_says_so_although_it_can_be_read(powerless_folder):
    with powerless_folder(0o777) as folder:
        path = folder / "embeddings.sqlite"
        await (await opened(path)).close()
        path.chmod(0o444)
        with pytest.raises(StoreError, match="только для чтения"):
            await opened(path)


async def test_a_folder_that_cannot_be_made_says_so(path):
    path.parent.write_text("a file stands in the way")
    with pytest.raises(StoreError, match="записать"):
        await opened(path)


async def test_a_full_disk_fails_to_write_and_goes_on_reading(path):
    file = await opened(path)
    await file.put(key(0), VALUE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("embeddings.sqlite-wal").stat().st_size, limits[1]))
    try:
        with pytest.raises(StoreError):
            await fill(file, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await file.get(key(0)) == VALUE
    await file.put(key(100), VALUE)
    assert await file.get(key(100)) == VALUE
    await file.close()


async def test_readers_do_not_wait_for_a_writer_of_another_process(path):
    file = await opened(path)
    await file.put(key(1), VALUE)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM embeddings_1")
        writing = asyncio.create_task(file.put(key(2), VALUE))
        async with asyncio.timeout(0.5):
            assert await file.get(key(1)) == VALUE
        writer.execute("ROLLBACK")
        await writing
    assert await file.get(key(2)) == VALUE
    await file.close()
