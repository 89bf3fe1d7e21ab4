"""What changes in files reaches a running unit, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import resource
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from voxbot.agent.prompts import DEFAULT_PROMPTS, PromptsSource
from voxbot.main.reload import on_change, reload_settings
from voxbot.settings.loader import load_settings
from voxbot.settings.reloads import ReloadJournal
from voxbot.settings.snapshot import SettingsSource

_PATIENCE_S = 20


@asynccontextmanager
async def following(path, interval_s=0.2):
    """Count the changes of a file; gives what waits for the next one."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def changed() -> None:
        await seen.put(path.read_text() if path.exists() else "")

    task = asyncio.create_task(on_change({path: changed}, interval_s))
    await asyncio.sleep(0)  # it has looked at the file
    try:
        if path.exists():  # whatever happened to it before counts as its first change
            assert await asyncio.wait_for(seen.get(), _PATIENCE_S) == path.read_text()
        yield lambda: asyncio.wait_for(seen.get(), _PATIENCE_S)
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_each_way_of_writing_a_file_is_noticed(tmp_path):
    path = tmp_path / "prompts.json"
    async with following(path) as change:
        path.write_text("made")
        assert await change() == "made"
        path.write_text("written over")
        assert await change() == "written over"
        beside = tmp_path / "prompts.json.new"
        beside.write_text("put in its place")
        beside.replace(path)
        assert await change() == "put in its place"
        path.unlink()
        assert await change() == ""
        path.write_text("made again")
        assert await change() == "made again"


async def test_a_link_to_another_file_is_a_change(tmp_path):
    one, other, path = tmp_path / "one", tmp_path / "other", tmp_path / "current"
    one.write_text("one")
    other.write_text("other")
    path.symlink_to(one)
    async with following(path) as change:
        beside = tmp_path / "beside"
        beside.symlink_to(other)
        beside.replace(path)
        assert await change() == "other"


async def test_where_the_system_has_no_more_watches_files_are_looked_at_from_time_to_time(tmp_path):
    """RLIMIT_NOFILE refuses an inotify instance as fs.inotify.max_user_instances does, but to this process alone."""
    path, changes = tmp_path / "prompts.json", asyncio.Queue()

    async def changed() -> None:
        await changes.put(None)

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with path.open("w") as file, capture_logs() as logs:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        task = asyncio.create_task(on_change({path: changed}, 0.2))
        try:
            await asyncio.wait_for(changes.get(), _PATIENCE_S)
            for _ in range(2):
                file.write("more")
                file.flush()
                await asyncio.wait_for(changes.get(), _PATIENCE_S)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            task.cancel()
            await asyncio.wait({task})
    assert [entry["event"] for entry in logs] == ["Слежу за файлами по времени"]


async def test_a_file_that_breaks_its_reader_is_followed_on(tmp_path):
    path, read = tmp_path / "prompts.json", asyncio.Queue()
    path.write_text("bad")

    async def take() -> None:
        await read.put(text := path.read_text())
        if text == "bad":
            raise RecursionError

    task = asyncio.create_task(on_change({path: take}, 0.2))
    try:
        assert await asyncio.wait_for(read.get(), _PATIENCE_S) == "bad"
        path.write_text("good")
        assert await asyncio.wait_for(read.get(), _PATIENCE_S) == "good"
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_folder_that_is_not_there_yet_is_looked_at_from_time_to_time(tmp_path):
    path = tmp_path / "later" / "prompts.json"
    async with following(path) as change:
        path.parent.mkdir()
        path.write_text("here")
        assert await change() == "here"


@pytest.fixture
def env_file(tmp_path):
    path = tmp_path / ".env"
    path.write_text("KB_TOP_K=4\n")
    return path


@pytest.fixture
def source(env_file):
    return SettingsSource(lambda: load_settings(env_file, {}), env_file)


def test_settings_that_need_a_restart_are_named(env_file, source):
    env_file.write_text("KB_TOP_K=7\nAPI_PORT=9001\n")
    with capture_logs() as lines:
        assert reload_settings(source, ReloadJournal()) is not None
    assert source.current.knowledge.top_k == 7
    assert [line["variables"] for line in lines if "после перезапуска" in line["event"]] == ["API_PORT"]


def test_wrong_settings_change_nothing_and_are_reported(env_file, source):
    env_file.write_text("KB_TOP_K=7\nLLM_TEMPERATURE=9\n")
    with capture_logs() as lines:
        assert reload_settings(source, ReloadJournal()) is None
    assert source.current.knowledge.top_k == 4
    assert "LLM_TEMPERATURE" in lines[0]["reason"]


@pytest.mark.parametrize("text", ["", "\n", "# пусто\n", "KB_TOP_K=\n"])
def test_a_file_that_lost_all_it_held_changes_nothing_and_is_an_alarm(env_file, source, text):
    journal = ReloadJournal()
    env_file.write_text("KB_TOP_K=9\nLLM_TEMPERATURE=0.3\n")
    assert reload_settings(source, journal) is not None
    env_file.write_text(text)
    assert reload_settings(source, journal) is None
    assert source.current.knowledge.top_k == 9
    assert "пропали все переменные" in journal.failures[0].error
    env_file.write_text("KB_TOP_K=8\n")
    assert reload_settings(source, journal) is not None
    assert (source.current.knowledge.top_k, journal.failures) == (8, ())


def test_broken_prompts_keep_the_last_good_ones(tmp_path):
    path = tmp_path / "prompts.json"
    good = {
        "greeting": "Привет",
        "contextualize_q_system_prompt": "Перепиши",
        "qa_system_prompt": "Отвечай по справке {context}",
    }
    path.write_text(json.dumps(good))
    source = PromptsSource(path)
    path.write_text("{")
    assert not source.reload()
    assert source.current.greeting == "Привет" != DEFAULT_PROMPTS.greeting


async def test_a_file_that_breaks_its_reader_is_an_alarm_until_it_is_read(tmp_path):
    journal, path = ReloadJournal(), tmp_path / "prompts.json"
    path.write_text("broken")
    read = asyncio.Event()

    async def reading():
        if path.read_text() == "broken":
            raise RuntimeError("unforeseen")
        read.set()

    following = asyncio.create_task(on_change({path: reading}, 0.05, journal))
    try:
        while not journal.failures:
            await asyncio.sleep(0.01)
        assert "внутренняя ошибка" in journal.failures[0].error
        path.write_text("whole again")
        await asyncio.wait_for(read.wait(), 10)
        while journal.failures:
            await asyncio.sleep(0.01)
    finally:
        following.cancel()
        await asyncio.wait({following})
