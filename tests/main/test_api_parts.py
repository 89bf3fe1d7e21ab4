"""The unit `api` as a process: it follows its files and the calls that others write."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import httpx
import pytest
from fakes.api import PROMPTS, ApiLab, running_api

from voxbot.main.api_parts import Knowledge

pytestmark = pytest.mark.enable_socket


async def until(ask, wanted):
    """Ask again until the answer is the wanted one; the test's own timeout ends a wait in vain."""
    while (answer := await ask()) != wanted:
        await asyncio.sleep(0.05)
    return answer


@pytest.fixture
async def unit(tmp_path):
    """A running unit with its client."""
    async with ApiLab(tmp_path):
        pass
    async with (
        running_api(tmp_path, PROMPTS_RELOAD_INTERVAL_SEC="0.2") as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        yield client


@pytest.mark.timeout(60)
async def test_edited_files_are_taken_over_and_broken_ones_are_an_alarm(unit, tmp_path):
    async def greeting():
        return (await unit.get("/api/prompts")).json()["greeting"]

    async def alarms():
        found = (await unit.get("/api/system")).json()["alarms"]
        return [alarm["code"] for alarm in found if alarm["code"] == "reload_failed"]

    async def top_k():
        return (await unit.get("/api/settings")).json()["kb_top_k"]

    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps({**PROMPTS, "greeting": "Новое"}))
    await until(greeting, "Новое")
    prompts.write_text("{")
    await until(alarms, ["reload_failed"])
    assert await greeting() == "Новое"
    prompts.write_text(json.dumps(PROMPTS))
    await until(alarms, [])
    (tmp_path / ".env").write_text("KB_TOP_K=7\n")
    await until(top_k, 7)


@pytest.mark.timeout(60)
async def test_chats_that_an_api_that_died_left_open_are_closed_and_calls_are_not(tmp_path):
    async with ApiLab(tmp_path) as lab:
        await lab.calls.start("chat-1", "7", 1.0e9)
        await lab.calls.start("1772362800.42", "7", 1.0e9)
        async with running_api(tmp_path):
            rows = await lab.logged(lambda rows: any(row.status == "Failed" for row in rows))
    assert {row.id: row.status for row in rows} == {"chat-1": "Failed", "1772362800.42": "Active"}


@pytest.mark.timeout(60)
async def test_a_call_that_another_program_writes_is_found(tmp_path):
    async with ApiLab(tmp_path):
        pass
    row = ("x", "+7900", "2026-03-02T10:00:00", None, "Completed", '[{"speaker": "user", "text": "поверка"}]')
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection, connection:
        connection.execute("INSERT INTO logs VALUES (?,?,?,?,?,?)", row)
    async with (
        running_api(tmp_path) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        assert [call["id"] for call in (await client.get("/logs?q=поверки")).json()] == ["x"]


async def test_a_model_saved_in_the_panel_answers_in_the_apis_own_chat(tmp_path):
    """The source is read anew by whoever saves: the file's follower then sees no difference, and must not need one."""
    used = []

    class Agent:
        async def warm_up(self):
            pass

        async def use(self, models):
            used.append([model.model for model in models])

        async def close(self):
            pass

    async def opened():
        return Agent()

    async with ApiLab(tmp_path) as lab:
        lab.env_file.write_text("OPENAI_API_KEY=sk-x\nLLM_MODEL_PRIMARY=old\nLLM_MODEL_FALLBACK=\n")
        parts = lab.parts()
        knowledge = Knowledge(parts.source, parts.prompts, open_agent=opened)
        await knowledge.answerer()
        saved = await lab.client(parts).post(
            "/api/model-settings", headers={"X-API-Key": "k"}, json={"llm_model_primary": "new"}
        )
        assert saved.status_code == 200
        await knowledge.answerer()
        await knowledge.settings_changed()
    assert used == [["new", "gpt-4o"]]
